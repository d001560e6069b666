package reconcile

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
)

// repairs are those that are under way, by machine: from the first step on it until it is well again or its place is taken, however many steps that
// takes. It is a value: see makes the next one. It is a memory of this process while it acts: who takes over knows of none, and counts none twice.
type repairs map[string]repair

type repair struct {
	machine, pool, reason string
	did                   time.Time // the last step
	failed                bool      // that was told
}

// repairTime is how long a step has to show that it helped. A machine that is installed at its first boot takes a quarter of an hour.
const repairTime = 30 * time.Minute

// see returns what is under way after a pass of who acts, and what began and ended. A pass that did not see everything ends nothing.
func (r repairs) see(p report.Pass, now time.Time) (next repairs, told []report.Repair) {
	next = maps.Clone(r)
	if next == nil {
		next = repairs{}
	}
	if len(p.World.Gaps) == 0 {
		told = next.ended(p, now)
	}
	return next, append(told, next.begun(p, now)...)
}

// begun takes in the steps that were sent. A step on a machine that is under repair already is the next try of the same repair.
func (r repairs) begun(p report.Pass, now time.Time) (told []report.Repair) {
	for _, res := range p.Results {
		if res.Outcome != execute.Done && res.Outcome != execute.Unknown {
			continue
		}
		m, ok := machineOf(p.World, res.Step.Action.About().Object)
		if !ok {
			continue
		}
		reason := plan.Repairs(res.Step, m)
		if reason == "" {
			continue
		}
		key := keyOf(m)
		open, is := r[key]
		if !is {
			open = repair{machine: report.NameOf(m), pool: m.Pool, reason: reason}
			told = append(told, open.came(report.RepairBegun))
		}
		open.did = now
		r[key] = open
	}
	return told
}

// ended looks at what became of the machines.
func (r repairs) ended(p report.Pass, now time.Time) (told []report.Repair) {
	there, leaving := map[string]plan.Class{}, map[string]bool{}
	for i, m := range p.World.Machines {
		if i < len(p.Plan.Classes) {
			there[keyOf(m)] = p.Plan.Classes[i]
			leaving[keyOf(m)] = m.Op != nil
		}
	}
	for _, key := range slices.Sorted(maps.Keys(r)) {
		open := r[key]
		class, still := there[key]
		whole, wanted := wholePool(p.Plan.Pools, open.pool)
		switch {
		case !wanted: // an edit took the pool away
			delete(r, key)
		case still && class.Stands() && !leaving[key]:
			told = append(told, open.came(report.RepairHealed))
			delete(r, key)
		case (!still || class.Aside()) && whole:
			told = append(told, open.came(report.RepairReplaced))
			delete(r, key)
		case !open.failed && now.Sub(open.did) >= repairTime:
			told = append(told, open.came(report.RepairFailed))
			open.failed = true
			r[key] = open
		}
	}
	return told
}

func (r repair) came(outcome string) report.Repair {
	return report.Repair{Pool: r.pool, Machine: r.machine, Reason: r.reason, Outcome: outcome}
}

// wholePool reports whether a pool has as many ready machines as the file wants, and whether the file has the pool.
func wholePool(pools []plan.PoolCount, name string) (whole, wanted bool) {
	for _, p := range pools {
		if p.Pool == name {
			return p.Ready >= p.Desired, p.Role != ""
		}
	}
	return false, false
}

// machineOf finds what an action on a droplet was done to.
func machineOf(w world.World, object plan.Ref) (world.Machine, bool) {
	for _, m := range w.Machines {
		if key, ok := strings.CutPrefix(keyOf(m), "droplet/"); ok && object.Kind == "droplet" && key == object.Name {
			return m, true
		}
	}
	return world.Machine{}, false
}
