package explore

import (
	"fmt"
	"slices"
	"strings"
	"time"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/sim/dockerd"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// Images whose roll-outs fail otherwise than brokenImage's: one dies when the engine has looked away, and one is not there.
const (
	lateImage    = "late:1"
	missingImage = "missing:1"
)

// outcomeWorkflows are those in which a roll-out fails and the engine does not take it back, and one whose file removes a lot.
func outcomeWorkflows() []Workflow {
	roll := ", update_config: { parallelism: 1, delay: 1s, monitor: 2s, order: start-first, failure_action: %s }, restart_policy: { delay: 1s }"
	with := func(image, more string) file {
		return file{managers: 1, services: rolled("app", image, 3, roll+more, "pause"), policies: ", progress_deadline: 1m", bake: "15s"}
	}
	one := with("nginx:1.27", "")
	many := func(names ...string) file {
		f := file{managers: 1}
		for _, name := range names {
			f.services += service(name, "nginx:1.27", 1, "")
		}
		return f
	}
	failed := []string{plan.GuardRolledBack}
	return []Workflow{
		{Name: "late-crash", Sparse: 4, About: "an image that dies when the engine has looked away: what ran before is put back", Start: one, Image: lateImage, Held: failed, Back: true,
			Play: edits(with(lateImage, ""))},
		{Name: "paused-for-good", Sparse: 4, About: "a roll-out that the engine pauses: what ran before is put back", Start: one, Image: brokenImage, Held: failed, Back: true,
			Play: edits(with(brokenImage, ""))},
		{Name: "no-node-fits", Sparse: 4, About: "a roll-out to no node: what ran before is put back after its progress deadline", Start: one, Image: "nginx:1.28", Held: failed, Back: true,
			Play: edits(with("nginx:1.28", `, placement: { constraints: ["node.labels.zone==nowhere"] }`))},
		{Name: "no-image", Sparse: 4, About: "an image that is not there: what ran before is put back", Start: one, Image: missingImage, Held: failed, Back: true,
			Play: edits(bestEffort(with(missingImage, "")))},
		{Name: "many-removed", Sparse: 2, About: "a file that loses most of its services, which a person then confirms", Start: many("a", "b", "c"),
			Play: func(r *run) {
				r.edit(many("a"))
				r.wait(20 * time.Second)
				r.confirm()
			}},
	}
}

// bestEffort is the file with services that are written without their images' digests where registries do not tell them.
func bestEffort(f file) file {
	f.services = strings.ReplaceAll(f.services, ", deploy:", ", x-swarmd: { resolve: best-effort }, deploy:")
	return f
}

// outcomeImages are images that do not run.
func (r *run) outcomeImages() {
	r.world.Swarm.SetImage(lateImage, dockerd.Image{CrashAfter: 6 * time.Second})
	r.world.Swarm.SetImage(missingImage, dockerd.Image{Missing: true})
}

// confirm has a person confirm the removals of the accepted revision, as soon as that is the last file that was handed in.
func (r *run) confirm() {
	for range 600 {
		s := r.observe()
		if r.broken || s.ledger.Confirmed == s.ledger.Revision && s.ledger.Revision > 0 {
			return
		}
		if s.files[s.ledger.Revision] == string(r.want.yaml(r.cluster)) {
			r.person().confirm(s.ledger.Revision)
		}
		r.wait(time.Second)
	}
}

// confirm writes the number into the ledger, as swarmd confirm does.
func (p *person) confirm(revision int) {
	for _, o := range p.list("/configs") {
		labels, _ := o.Spec["Labels"].(map[string]any)
		if o.Spec["Name"] == ledger.Name(p.run.cluster) && labels != nil {
			labels["swarmd.ledger.confirmed"] = fmt.Sprint(revision)
			p.update("configs", o)
		}
	}
}

// pruned: of the services that the cluster had under the last file, no more than a third are removed for a later one, and not all, unless a person has
// confirmed that revision.
func (c *checks) pruned(was, now *state) {
	ours, gone := 0, 0
	for _, v := range was.swarm.Services {
		if v.Spec.Labels[swarm.LabelCluster] != c.run.cluster || v.Spec.Labels[swarm.LabelComponent] != "" {
			continue
		}
		if ours++; !slices.ContainsFunc(now.swarm.Services, func(o api.Service) bool { return o.ID == v.ID }) {
			gone++
		}
	}
	if gone == 0 || was.ledger.Confirmed == was.ledger.Revision {
		return
	}
	c.losesStacks(was, now)
	if c.removed.revision != was.ledger.Revision {
		c.removed = removed{was.ledger.Revision, ours, 0}
	}
	c.removed.gone += gone
	if r := c.removed; r.gone >= 2 && 3*r.gone > r.had || r.gone == r.had {
		c.run.violate("prune", "revision %d: %d of %d services are removed, and nobody has confirmed that", r.revision, r.gone, r.had)
	}
}

// lastMeant: a machine of a pool of which the file wants none leaves when a person has said that this is meant, and not before.
func (c *checks) lastMeant(was, now *state, op ledger.Op) {
	if op.Repair || op.NodeID == "" || now.ledger.Confirmed == now.ledger.Revision || was.ledger.Revision != now.ledger.Revision {
		return
	}
	f, err := c.run.explorer.parse("cluster.yaml", []byte(now.files[now.ledger.Revision]))
	if err != nil {
		c.run.violate("harness", "revision %d: %v", now.ledger.Revision, err)
		return
	}
	if i := slices.IndexFunc(f.Pools, func(p spec.Pool) bool { return p.Name == op.Pool }); i >= 0 && f.Pools[i].Count == 0 {
		c.run.violate("prune", "revision %d: %s leaves, of pool %s the last go, and nobody has confirmed that", now.ledger.Revision, op.Name, op.Pool)
	}
}

// removed is what was removed for a revision.
type removed struct{ revision, had, gone int }

// wentBack: at the end of a roll-out that failed runs what ran before it, on the same platforms.
func (r *run) wentBack(s *state) string {
	if !r.workflow.Back || r.out.Injected[Human] > 0 || r.tookForDone() {
		return ""
	}
	for _, v := range s.swarm.Services {
		if v.Spec.Labels[swarm.LabelCluster] == r.cluster && runsImage(v, r.workflow.Image) {
			return "service " + v.Spec.Name + " has the image that failed"
		}
		pinned := strings.Contains(v.Spec.TaskTemplate.ContainerSpec.Image, "@") // without a digest the platforms are not known
		if on := v.Spec.TaskTemplate.Placement; pinned && v.Spec.Labels[swarm.LabelFailed] != "" && (on == nil || len(on.Platforms) == 0) {
			return "service " + v.Spec.Name + " was put back without its image's platforms"
		}
	}
	return ""
}

// outcomeMutants end failed roll-outs wrongly, and remove what is not confirmed.
func outcomeMutants() []Mutant {
	puttingBack := func(s plan.Step) (plan.UpdateService, bool) {
		a, ok := s.Action.(plan.UpdateService)
		return a, ok && s.Reason.Code == plan.WhyRolloutFailed
	}
	return []Mutant{
		planned("never-puts-back", "E1: a roll-out that fails when the engine has looked away stays", func(_ plan.Input, p *plan.Plan) {
			p.Steps = slices.DeleteFunc(p.Steps, func(s plan.Step) bool { _, ok := puttingBack(s); return ok })
		}),
		planned("back-without-platforms", "E1: what ran before is put back by its digest alone, and comes to machines of other platforms", func(_ plan.Input, p *plan.Plan) {
			for i, s := range p.Steps {
				if a, ok := puttingBack(s); ok {
					a.Spec = a.Spec.Pinned(swarm.Pin{Digest: a.Spec.Pin().Digest})
					p.Steps[i] = plan.NewStep(s.ID, a, s.Reason, s.After...)
				}
			}
		}),
		planned("forgets-what-failed", "E1: what failed is put back and not remembered, so that it is pushed again", func(_ plan.Input, p *plan.Plan) {
			p.Steps = slices.DeleteFunc(p.Steps, func(s plan.Step) bool {
				_, record := s.Action.(plan.RecordRollout)
				return record && s.Reason.Code == plan.WhyRolloutFailed
			})
			for i, s := range p.Steps {
				if _, ok := puttingBack(s); ok {
					p.Steps[i].After = nil
				}
			}
		}),
		planned("goes-forward", "engines-rollouts: the way back leads forward again, into what failed", func(in plan.Input, p *plan.Plan) {
			for i, s := range p.Steps {
				a, ok := puttingBack(s)
				for _, want := range in.Stack.Services {
					if ok && want.Name == a.Spec.Name {
						a.Spec = labelledAs(want, in.Revision)
						p.Steps[i].Action, p.Steps[i].After = a, nil
					}
				}
			}
		}),
		planner("one-failure-is-enough", "E1: a roll-out that is well is taken back", func(in *plan.Input) {
			for name := range in.Memory.Tries {
				in.Memory.Tries[name] = plan.Try{Failed: 1000, Fresh: true}
			}
		}),
		planner("removes-at-once", "a file that was cut short removes nearly all services", func(in *plan.Input) { in.World.Ledger.Confirmed = in.Revision }),
		planner("never-removes", "what a person has confirmed is held for ever", func(in *plan.Input) { in.World.Ledger.Confirmed = 0 }),
	}
}
