package reconcile

import (
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// booting is a world in which droplet 7 is made, and how it looks.
func bootingWorld(status cloud.Status, address string, node *swarm.Node) world.World {
	return world.World{
		Machines: []world.Machine{{Droplet: &cloud.Droplet{ID: 7, Status: status, PrivateIPv4: address}, Node: node}},
		Ledger:   ledger.Ledger{Ops: []ledger.Op{{ID: "a", Kind: ledger.Create, DropletID: 7}}},
	}
}

// TestWhatIsRememberedOfALaunch: since when a machine was seen not to have joined, and when its droplet became active, by looks that count.
func TestWhatIsRememberedOfALaunch(t *testing.T) {
	start := time.Now()
	at := func(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }
	isNew, active := bootingWorld(cloud.StatusNew, "10.0.0.7", nil), bootingWorld(cloud.StatusActive, "10.0.0.7", nil)
	addressless, off := bootingWorld(cloud.StatusActive, "", nil), bootingWorld(cloud.StatusOff, "10.0.0.7", nil)
	joined, gone := bootingWorld(cloud.StatusActive, "10.0.0.7", &swarm.Node{ID: "n7"}), active
	gone.Machines = nil
	type look struct {
		w      world.World
		counts bool
	}
	for name, c := range map[string]struct {
		looks []look // one a minute
		want  plan.Launching
	}{
		"new":                     {[]look{{isNew, true}, {isNew, true}}, plan.Launching{Seen: at(0), Inactive: at(1)}},
		"without an address":      {[]look{{addressless, true}}, plan.Launching{Seen: at(0), Inactive: at(0)}},
		"active":                  {[]look{{isNew, true}, {active, true}, {active, true}}, plan.Launching{Seen: at(0), Inactive: at(0), Active: at(1)}},
		"off since":               {[]look{{active, true}, {off, true}}, plan.Launching{Seen: at(0), Active: at(0)}},
		"off from the first look": {[]look{{off, true}}, plan.Launching{Seen: at(0)}},
		"a look that counts not":  {[]look{{isNew, true}, {active, false}, {active, true}}, plan.Launching{Seen: at(2), Inactive: at(0), Active: at(1)}},
		"no look for three":       {[]look{{active, true}, {}, {}, {active, true}}, plan.Launching{Seen: at(3), Active: at(0)}},
		"taken back by the cloud": {[]look{{isNew, true}, {gone, true}}, plan.Launching{Seen: at(0), Inactive: at(0)}},
		"joined: it is remembered while its create is open, and means nothing": {[]look{{active, true}, {joined, true}}, plan.Launching{Seen: at(0), Active: at(0)}},
	} {
		var a launching
		for i, l := range c.looks {
			if l.w.Ledger.Ops != nil {
				a = a.see(l.w, l.counts, at(i))
			}
		}
		if got := a.of[7]; got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
		if shown := a.seen(time.Hour)[7]; !shown.Seen.Equal(c.want.Seen.Add(time.Hour)) && !c.want.Seen.IsZero() || c.want.Active.IsZero() != shown.Active.IsZero() {
			t.Errorf("%s: an hour ahead %+v", name, shown)
		}
	}
	closed := joined
	closed.Ledger = ledger.Ledger{}
	a := launching{}.see(active, true, at(0)).see(closed, true, at(1))
	if len(a.of) != 0 {
		t.Errorf("one that has joined is remembered for ever: %v", a.of)
	}
}
