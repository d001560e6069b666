package reconcile

import (
	"fmt"
	"slices"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// grace is since when this swarmd's looks may be believed about who ails: after a leader change all nodes are unknown for up to 50 seconds, and of what
// happened while nobody looked, or while a person worked, nothing is known. It is a value, and a memory of this process.
type grace struct {
	since   time.Time // of the last event after which nobody is judged for a while
	why     string    // what it was; "%s" stands for since
	last    time.Time // look of the acting swarmd
	leader  string    // node id, "" if nobody led, or no engine said so
	unknown bool      // most nodes were unknown
	paused  []string
}

// see returns the grace after a look.
func (g grace) see(w world.World, acting bool, paused []string, now time.Time) grace {
	if !acting {
		return grace{}
	}
	next := grace{g.since, g.why, now, "", g.unknown, paused}
	if known(w, world.GapNodes) {
		next.leader, next.unknown = leaderOf(w), mostUnknown(w)
	}
	switch {
	case g.last.IsZero():
		next.why = "this swarmd acts since %s"
	case now.Sub(g.last) > lookBreak:
		next.why = "there was no look until %s"
	case slices.ContainsFunc(g.paused, func(object string) bool { return !slices.Contains(paused, object) }):
		next.why = "a pause ended at %s"
	case next.leader == "" || g.leader == "":
		next.why = "no leader was seen until %s"
	case next.leader != g.leader:
		next.why = "the swarm has another leader since %s"
	case next.unknown && !g.unknown:
		next.why = "the leader does not know most nodes since %s"
	default:
		return next
	}
	next.since = now
	return next
}

// begins reports whether the last look began it: what was seen before counts for nothing.
func (g grace) begins() bool { return !g.last.IsZero() && g.since.Equal(g.last) }

// seen is what the planner is told, by a clock that is so far ahead of this process's own.
func (g grace) seen(ahead time.Duration) plan.Grace {
	if g.since.IsZero() {
		return plan.Grace{}
	}
	since := g.since.Add(ahead)
	return plan.Grace{Until: since.Add(plan.VerdictGrace), Why: fmt.Sprintf(g.why, since.UTC().Format(time.TimeOnly)+" UTC")}
}

func leaderOf(w world.World) string {
	for _, m := range w.Machines {
		if m.Node != nil && m.Node.Leads() {
			return m.Node.ID
		}
	}
	return ""
}

// mostUnknown reports whether more than half of the cluster's nodes are unknown, as after each election, also of the same leader.
func mostUnknown(w world.World) bool {
	unknown, all := 0, 0
	for _, m := range w.Machines {
		if m.Node == nil || m.Binding != world.Bound {
			continue
		}
		if all++; m.Node.State == swarm.NodeUnknown {
			unknown++
		}
	}
	return unknown > all/2
}

// pausedIn are the objects that are paused in a look; where its ledger or nodes were not seen, those of the one before.
func (g grace) pausedIn(w world.World, wall time.Time) []string {
	if !known(w, world.GapLedger) || !known(w, world.GapNodes) {
		return g.paused
	}
	var objects []string
	for _, off := range plan.HandsOffIn(w, wall) {
		if off.Guard == plan.GuardPaused {
			objects = append(objects, off.Object)
		}
	}
	return objects
}
