package reconcile

import (
	"time"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
)

// launching are the machines that have not joined, by droplet id, with what was seen of them. It is a value, and a memory of this process, as ailing is:
// who acts anew judges nobody too early.
type launching struct {
	of   map[int]plan.Launching // by this process's own clock
	last time.Time              // look
}

// see returns what is remembered after a look. One that does not count ends since when a machine was seen not to have joined, and not what its droplet was.
func (a launching) see(w world.World, counts bool, now time.Time) launching {
	next := launching{map[int]plan.Launching{}, now}
	anew := !counts || now.Sub(a.last) > lookBreak
	for _, op := range w.Ledger.Ops { // one that the cloud took back is not listed any more
		if h, known := a.of[op.DropletID]; known && op.Kind == ledger.Create {
			next.of[op.DropletID] = h
		}
	}
	for _, m := range w.Machines {
		if m.Droplet == nil || m.Node != nil {
			continue
		}
		h := a.of[m.Droplet.ID]
		switch {
		case !counts:
			h.Seen = time.Time{}
		case anew || h.Seen.IsZero():
			h.Seen = now
		}
		switch {
		case plan.LaunchActive(*m.Droplet) && h.Active.IsZero():
			h.Active = now
		case m.Droplet.Status == cloud.StatusNew || m.Droplet.PrivateIPv4 == "":
			h.Inactive, h.Active = now, time.Time{}
		}
		next.of[m.Droplet.ID] = h
	}
	return next
}

// seen is what the planner is told, by a clock that is so far ahead of this process's own.
func (a launching) seen(ahead time.Duration) map[int]plan.Launching {
	out := map[int]plan.Launching{}
	for id, h := range a.of {
		for _, t := range []*time.Time{&h.Seen, &h.Inactive, &h.Active} {
			if !t.IsZero() {
				*t = t.Add(ahead)
			}
		}
		out[id] = h
	}
	return out
}
