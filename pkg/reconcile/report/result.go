package report

import (
	"slices"
	"strings"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// The results of a pass.
const (
	Starting  = "starting"  // no pass has ended yet
	Waiting   = "waiting"   // no revision was accepted yet
	Converged = "converged" // everything is as wanted
	Progress  = "progress"  // something was done, or is under way
	Held      = "held"      // something is not done because a guard says so
	Watching  = "watching"  // another swarmd acts
	Failed    = "failed"    // something could not be read, or a write was refused or is in doubt

	Unattended = "unattended" // nobody acts, so nothing is put right, whatever it is like
)

// Results are all results that a pass can have.
func Results() []string {
	return []string{Waiting, Converged, Progress, Held, Watching, Failed, Unattended}
}

// result names what the pass came to.
func (p Pass) result() string {
	switch {
	case p.Err != nil || len(p.World.Gaps) > 0 || broken(p.Results):
		return Failed
	case !p.Planned:
		return Waiting
	case p.Plan.Converged:
		return Converged
	case !p.Held:
		return Watching
	case blocked(p.Plan):
		return Held
	}
	return Progress
}

// broken reports whether a step ended in a way that the next look alone will not put right.
func broken(rs execute.Results) bool {
	for _, r := range rs {
		if r.Outcome == execute.Unknown || r.Outcome == execute.Refused && !r.Kind.Overtaken() && r.Kind != apierr.Busy {
			return true
		}
	}
	return false
}

// blocked reports whether nothing is planned because of a hold that a person has to end.
func blocked(p plan.Plan) bool {
	for _, h := range p.Holds {
		if h.Blocking {
			return len(p.Steps) == 0
		}
	}
	return false
}

// Lost returns a hold that keeps the revision from becoming true until a person does something, while nothing else is under way; nil if there is
// none. Removals that wait for a word are none: they are held, and all else may be true. A hold on a service or a network counts once all machines are there, because a task that finds no node may find one that is still to come.
func (r Report) Lost() *plan.Hold {
	machines := !slices.ContainsFunc(r.Pools, func(p plan.PoolCount) bool { return p.Ready != p.Desired })
	if len(r.Steps) > 0 || len(r.Gaps) > 0 {
		return nil
	}
	for i, h := range r.Holds {
		if r.goesBack(h) {
			return nil
		}
		if h.Final && h.Blocking && !plan.KeepsRemoved(h.Guard) && (machines || !strings.HasPrefix(h.Object, "service/") && !strings.HasPrefix(h.Object, "network/")) {
			return &r.Holds[i]
		}
	}
	return nil
}

// goesBack reports whether what failed is still being put back by this process: what is left to be done of the service, such as its replicas, follows that.
func (r Report) goesBack(h plan.Hold) bool {
	return r.Lease.Held && h.Guard == plan.GuardRolledBack && slices.ContainsFunc(r.Services, func(s plan.ServiceCount) bool {
		return "service/"+s.Service == h.Object && (s.Update == swarm.Updating || s.Update == swarm.RollbackStarted)
	})
}

// Heeds returns the report of a look as it is with the last report of the swarmd that acts: a step that this one holds it does not do, though the look
// would. What was refused, and when it is tried again, is in its memory alone, and so is what it could not read: its token may be another one.
func (r Report) Heeds(acting Report) Report {
	if !acting.Lease.Held || acting.Lease.Holder != r.Lease.Holder || acting.Lease.Epoch != r.Lease.Epoch {
		return r
	}
	r.ActingGaps = slices.DeleteFunc(slices.Clone(acting.Gaps), func(g world.Gap) bool {
		return slices.ContainsFunc(r.Gaps, func(own world.Gap) bool { return own.What == g.What })
	})
	if acting.Revision != r.Revision {
		return r
	}
	var held []plan.Hold
	r.Steps = slices.DeleteFunc(slices.Clone(r.Steps), func(s Step) bool {
		if s.Outcome != "" || slices.ContainsFunc(acting.Steps, func(own Step) bool { return own.Object == s.Object }) {
			return false
		}
		holds := false
		for _, h := range acting.Holds {
			if h.Object != s.Object || !h.Blocking || r.holds(h) {
				continue
			}
			if holds = true; !slices.ContainsFunc(held, sameAs(h)) { // of two machines that a pool lacks each is a step
				held = append(held, h)
			}
		}
		return holds
	})
	for _, h := range acting.Holds {
		if besideIt(h) && !r.holds(h) && !slices.ContainsFunc(held, sameAs(h)) {
			held, r.Converged = append(held, h), false
			r.HeldOnly = acting.HeldOnly && len(r.Steps) == 0
		}
	}
	r.Holds = slices.Concat(r.Holds, held)
	for i, s := range r.Steps { // what it has just tried in vain it holds from its next look on
		if at := slices.IndexFunc(acting.Steps, func(own Step) bool { return own.ID == s.ID && own.Error != "" }); at >= 0 && s.Outcome == "" {
			r.Steps[i].Outcome, r.Steps[i].Error = acting.Steps[at].Outcome, acting.Steps[at].Error
		}
	}
	return r
}

// besideIt reports whether a hold is of a value that lies beside the swarmd that acts: who looks from elsewhere cannot know whether that one can read it.
func besideIt(h plan.Hold) bool {
	return h.Blocking && (h.Guard == plan.GuardSecretFile || h.Guard == plan.GuardLoginFile)
}

// holds reports whether the guard holds the object already.
func (r Report) holds(h plan.Hold) bool {
	return slices.ContainsFunc(r.Holds, sameAs(h))
}

func sameAs(h plan.Hold) func(plan.Hold) bool {
	return func(other plan.Hold) bool { return other.Guard == h.Guard && other.Object == h.Object }
}

// WhyFailed returns the first thing that made the pass fail. It has no name and no text in it, because everybody may read it.
func (r Report) WhyFailed() string {
	if len(r.Gaps) > 0 {
		return r.Gaps[0].What + " could not be read"
	}
	for _, s := range r.Steps {
		if s.Error != "" {
			return s.Action + " ended " + string(s.Outcome)
		}
	}
	return "the log says why"
}
