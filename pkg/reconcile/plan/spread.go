package plan

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// Swarm moves no task to a node that comes later. A service gets as many tasks more as the emptier nodes lack of their fair share, which the scheduler
// puts there; when all run it gets back to what its file says, and Swarm takes those away that share a node with most others. So exactly as many tasks
// move, and never fewer run (seen on 26.1.5 and 28.5.2: 6/6/0 with 4 more and 4 less is 4/4/4, with 2 it is 5/5/2; a forced update restarts all).

// How often a service is spread: not again so soon, and where the nodes that are emptier were there the last time, too, only this seldom: what keeps
// the tasks from them does so still.
const (
	spreadPause  = 10 * time.Minute
	spreadSeldom = time.Hour
	spreadAtMost = 5 * time.Minute // until all tasks have to run; then it is ended as soon as that stops none that runs
)

// share is one node's part of a service's tasks.
type share struct {
	machine *machine
	tasks   int
}

// lacking is how many tasks the nodes have less than their fair share, and those nodes, of all that may have any. It is 0 where tasks are on other
// nodes, or a node lacks some that is not the cluster's.
func (v *view) lacking(s service) (k int, nodes, all []share) {
	want, total := s.base.Pinned(s.live.Spec.Pin()), int(s.base.Replicas())
	for i := range v.machines {
		if m := &v.machines[i]; takesTasks(*m) && want.Fits(*m.Node) {
			all = append(all, share{machine: m})
		}
		if len(all) > total { // a share is less than one task: thousands of nodes need not be looked at
			return 0, nil, nil
		}
	}
	seen, on := 0, perNode(v.runningTasks(*s.live))
	for i, n := range all {
		all[i].tasks = on[n.machine.Node.ID]
		seen += all[i].tasks
	}
	if len(all) < 2 || seen != total {
		return 0, nil, all
	}
	for _, n := range all {
		fair := total / len(all)
		switch {
		case n.tasks >= fair:
		case n.machine.class != ready: // what comes would go there
			return 0, nil, all
		default:
			k, nodes = k+fair-n.tasks, append(nodes, n)
		}
	}
	return k, nodes, all
}

// proposeSpread proposes to spread the services whose tasks are unevenly on the nodes.
func proposeSpread(v *view) []wish {
	var wishes []wish
	for _, s := range v.services {
		if s.live != nil && s.isJob() && !s.edited() {
			continue // it is left as it is
		}
		if s.live == nil || len(s.diff) > 0 || !v.spreadable(s) {
			continue
		}
		if k, nodes, all := v.lacking(s); k > 0 {
			wishes = append(wishes, wish{kind: spread, object: s.object(), n: k, service: s, text: saySpread(k, nodes, all)})
		}
	}
	return wishes
}

// spreadable reports whether the file lets the service be spread, and its tasks can move without loss.
func (v *view) spreadable(s service) bool {
	return !v.in.Spec.NoRebalance[s.want.Name] && s.base.Anchored() == "" && s.live.Spec.Anchored() == "" && !s.base.Preferred() && v.denied(s) == nil
}

func saySpread(k int, nodes, all []share) string {
	var names, has []string
	for _, n := range nodes {
		names = append(names, n.machine.name())
	}
	for _, n := range all {
		has = append(has, fmt.Sprint(n.tasks))
	}
	return fmt.Sprintf("%d more until they run, then as many less: %s of %d nodes has less than its share (%s)", k, strings.Join(names, ", "), len(all), strings.Join(has, "/"))
}

// spreads reports whether the service keeps the tasks that it has more while it is spread: until all run. When that takes too long, Swarm must not take
// one that runs instead of one that does not: those that no node takes it takes first.
func (v *view) spreads(s service, surge swarm.Surge) bool {
	waiting := v.tasksOf(*s.live, func(t swarm.Task) bool { return t.NodeID == "" && t.DesiredState == "running" && !ended(t) })
	return !v.allRun(s, surge, "") && (v.sinceSpread(*s.live) < spreadAtMost || v.gap(world.GapTasks) || uint64(len(waiting)) < surge.Tasks)
}

// sinceSpread is how long ago the service was spread last; very long if it never was. A time in the future was written by a clock that was ahead.
func (v *view) sinceSpread(live swarm.Service) time.Duration {
	label := live.Spec.Labels[swarm.LabelSpread]
	if label == "" {
		return math.MaxInt64
	}
	at, err := time.Parse(time.RFC3339, label)
	if err != nil {
		return math.MaxInt64
	}
	return v.in.Now.Sub(at).Abs()
}

// allQuiet has a service spread only when that is all: no operation is open, every machine is as it should be, all tasks run, no roll-out is under way.
func allQuiet(v *view, s spent, w wish) *refusal {
	if len(v.in.World.Ledger.Ops) > 0 || len(s.granted) > 0 || !v.complete() || v.outdated() || v.anyMoving() || !v.machinesWell() || !v.servicesWhole() {
		return &refusal{}
	}
	return nil
}

// machinesWell reports whether each pool has the machines that it wants, all of them as it wants them.
func (v *view) machinesWell() bool {
	for _, c := range v.poolCounts() {
		if c.Have != c.Desired || c.Ready != c.Desired {
			return false
		}
	}
	return true
}

// servicesWhole reports whether all tasks of all services run, and none has more for a while.
func (v *view) servicesWhole() bool {
	for _, s := range v.services {
		if s.live == nil || len(s.diff) > 0 || s.live.Spec.Labels[swarm.LabelSurge] != "" || !settled(*s.live) {
			return false
		}
		if c := v.tally(s.base, *s.live); c.Running != c.Desired {
			return false
		}
	}
	return true
}

// notLately keeps a service from being spread again soon.
func notLately(v *view, _ spent, w wish) *refusal {
	live := *w.service.live
	since, pause := v.sinceSpread(live), spreadSeldom
	_, emptier, _ := v.lacking(w.service)
	for _, n := range emptier {
		if v.in.Now.Sub(n.machine.Node.Created) < since {
			pause = spreadPause
		}
	}
	if since >= pause {
		return nil
	}
	return &refusal{requeue: pause - since}
}
