package brake

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// TestWhatAPersonKeepsIsNotTaken: whatever was planned before, the last look counts. To power it on is never refused.
func TestWhatAPersonKeepsIsNotTaken(t *testing.T) {
	takes := map[string]func(context.Context, *Cloud, *Swarm) error{
		"delete":      func(ctx context.Context, c *Cloud, _ *Swarm) error { return c.DeleteDroplet(ctx, 7) },
		"shutdown":    func(ctx context.Context, c *Cloud, _ *Swarm) error { _, err := c.Shutdown(ctx, 7); return err },
		"power off":   func(ctx context.Context, c *Cloud, _ *Swarm) error { _, err := c.PowerOff(ctx, 7); return err },
		"power cycle": func(ctx context.Context, c *Cloud, _ *Swarm) error { _, err := c.PowerCycle(ctx, 7); return err },
		"remove node": func(ctx context.Context, _ *Cloud, s *Swarm) error { return s.RemoveNode(ctx, "n7") },
	}
	label := func(key string, value swarm.HandsOff) func(*ground) {
		return func(g *ground) { g.at("n7").Spec.Labels[key] = value.String() }
	}
	pause := func(object string, length time.Duration) func(*ground) {
		return func(g *ground) {
			g.ledger.Pauses = map[string]swarm.HandsOff{object: {By: "ana", Until: time.Now().Add(length)}}
		}
	}
	for name, c := range map[string]struct {
		keep func(*ground)
		held bool
		node bool // also when its node is removed
	}{
		"nobody":         {func(*ground) {}, false, false},
		"protected":      {label(swarm.LabelProtected, swarm.HandsOff{By: "ana"}), true, true},
		"paused":         {label(swarm.LabelPaused, swarm.HandsOff{By: "ana"}), true, true},
		"paused once":    {label(swarm.LabelPaused, swarm.HandsOff{By: "ana", Until: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)}), false, false},
		"its pool":       {pause("pool/workers", time.Hour), true, false},
		"the cluster":    {pause("cluster", time.Hour), true, false},
		"another pool":   {pause("pool/managers", time.Hour), false, false},
		"its pool, once": {pause("pool/workers", 0), false, false},
	} {
		for what, take := range takes {
			synctest.Test(t, func(t *testing.T) {
				g := newGround()
				g.node(1, swarm.Manager)
				g.node(7, swarm.Worker)
				g.at("n7").State = swarm.NodeDown
				g.permit(1)
				g.ledger.Ops = []ledger.Op{{ID: opID, Kind: ledger.Delete, DropletID: 7}}
				c.keep(g)
				cloud, engine, _ := g.brakes(nil)
				for range 2 {
					if _, err := engine.Configs(t.Context(), "swarmd.web"); err != nil {
						t.Fatal(err)
					}
				}
				err := take(t.Context(), cloud, engine)
				held := c.held && (what != "remove node" || c.node)
				if (apierr.KindOf(err) == apierr.Braked) != held || !held && err != nil {
					t.Errorf("%s: %s: %v", name, what, err)
				}
				if _, err := cloud.PowerOn(t.Context(), 7); what != "delete" && err != nil {
					t.Errorf("%s: power on: %v", name, err)
				}
			})
		}
	}
}

// TestAProtectedServiceIsNotRemoved: as it was listed last, until a destroy has fenced the cluster.
func TestAProtectedServiceIsNotRemoved(t *testing.T) {
	for name, c := range map[string]struct {
		label  string
		halted bool
		held   bool
	}{
		"nobody protects it":   {"", false, false},
		"the file does":        {swarm.ProtectedByFile, false, true},
		"a person does":        {"yes", false, true},
		"and all is destroyed": {swarm.ProtectedByFile, true, false},
	} {
		g := newGround()
		on := serving{fakeEngine{g: g}, []swarm.Service{{ID: "s1", Spec: swarm.ServiceSpec{Name: "web_db", Labels: map[string]string{swarm.LabelCluster: "web"}}}}}
		if c.label != "" {
			on.services[0].Spec.Labels[swarm.LabelProtected] = c.label
		}
		if c.halted {
			g.ledger.Epoch = 1 << 62
		}
		_, engine, _ := g.brakes(func(o *Options) { o.Engine = on })
		if _, err := engine.Configs(t.Context(), "swarmd.web"); err != nil {
			t.Fatal(err)
		}
		if _, err := engine.Services(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := engine.RemoveService(t.Context(), "s1"); (apierr.KindOf(err) == apierr.Braked) != c.held || !c.held && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := engine.RemoveService(t.Context(), "s2"); err != nil {
			t.Errorf("%s: another one: %v", name, err)
		}
	}
}

// serving is an engine with services.
type serving struct {
	fakeEngine
	services []swarm.Service
}

func (e serving) Services(context.Context) ([]swarm.Service, error) { return e.services, nil }

func (e serving) RemoveService(_ context.Context, id string) error {
	return e.g.did("remove service %s", id)
}
