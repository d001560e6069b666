package brake

import (
	"context"
	"errors"
	"testing"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// The lease can end while a brake looks: nothing is sent then.
func TestPermitIsAskedAfterTheLook(t *testing.T) {
	over := errors.New("the lease is not held")
	calls := map[string]func(context.Context, *Cloud, *Swarm) error{
		"delete":   func(ctx context.Context, c *Cloud, _ *Swarm) error { return c.DeleteDroplet(ctx, 7) },
		"shutdown": func(ctx context.Context, c *Cloud, _ *Swarm) error { _, err := c.Shutdown(ctx, 7); return err },
		"resize":   func(ctx context.Context, c *Cloud, _ *Swarm) error { _, err := c.Resize(ctx, 8, "large"); return err },
		"power on": func(ctx context.Context, c *Cloud, _ *Swarm) error { _, err := c.PowerOn(ctx, 7); return err },
		"cycle":    func(ctx context.Context, c *Cloud, _ *Swarm) error { _, err := c.PowerCycle(ctx, 7); return err },
		"remove":   func(ctx context.Context, _ *Cloud, s *Swarm) error { return s.RemoveNode(ctx, "n7") },
		"demote": func(ctx context.Context, _ *Cloud, s *Swarm) error {
			return s.UpdateNode(ctx, "n7", 9, swarm.NodeSpec{Role: swarm.Worker})
		},
	}
	for name, call := range calls {
		g := newGround()
		g.droplet(7)
		g.permit(1)
		g.begin(7)
		g.droplet(8)
		g.set(8, cloud.StatusOff)
		g.resizing(8, ledger.Resizing)
		c, s, _ := g.brakes(nil)
		looked := 0
		ctx := WithPermit(t.Context(), func() error { looked = g.reads; return over })
		if err := call(ctx, c, s); !errors.Is(err, over) || len(g.sent) > 0 || looked == 0 {
			t.Errorf("%s: %v after %d looks, sent %v", name, err, looked, g.sent)
		}
	}
}
