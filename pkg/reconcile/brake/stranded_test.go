package brake

import (
	"errors"
	"testing"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// TestWithoutALeaderAManagerMayBeStarted, if it was seen to be one, and nothing else: not what is no manager, not another swarm's, and nothing is stopped.
func TestWithoutALeaderAManagerMayBeStarted(t *testing.T) {
	unreadable := &apierr.Error{Kind: apierr.NoLeader, Err: errors.New("the swarm does not have a leader")}
	begun := func(looks bool) (*ground, *Cloud, *[]string) {
		g := newGround()
		g.node(5, swarm.Manager)
		g.node(6, swarm.Manager)
		g.node(7, swarm.Worker)
		g.node(9, swarm.Manager)
		g.droplet(8)
		c, s, held := g.brakes(nil)
		if looks {
			if _, err := s.Nodes(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Cluster(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		g.tag(9, "another")
		g.nodes[3].Spec.Labels = map[string]string{}
		g.fail["nodes"], g.fail["ledger"], g.fail["cluster"] = unreadable, unreadable, unreadable
		return g, c, held
	}
	g, c, _ := begun(true)
	if _, err := c.PowerOn(t.Context(), 6); err != nil || len(g.sent) != 1 || g.sent[0] != "on 6" {
		t.Errorf("a manager: sent %v, %v", g.sent, err)
	}
	for name, call := range map[string]func(*Cloud) error{
		"a worker":                  func(c *Cloud) error { _, err := c.PowerOn(t.Context(), 7); return err },
		"one without a node":        func(c *Cloud) error { _, err := c.PowerOn(t.Context(), 8); return err },
		"another swarm's":           func(c *Cloud) error { _, err := c.PowerOn(t.Context(), 9); return err },
		"the power of one is cut":   func(c *Cloud) error { _, err := c.PowerOff(t.Context(), 6); return err },
		"one is asked to shut down": func(c *Cloud) error { _, err := c.Shutdown(t.Context(), 6); return err },
		"one is cycled":             func(c *Cloud) error { _, err := c.PowerCycle(t.Context(), 7); return err },
	} {
		g, c, held := begun(true)
		err := call(c)
		if t.Run(name, func(t *testing.T) { wantBraked(t, g, held, View, err) }); t.Failed() {
			return
		}
	}
	g, c, held := begun(false)
	_, err := c.PowerOn(t.Context(), 6)
	wantBraked(t, g, held, View, err)
	g, c, held = begun(true)
	g.fail["nodes"] = &apierr.Error{Kind: apierr.Unavailable, Err: errors.New("no answer")}
	_, err = c.PowerOn(t.Context(), 6)
	wantBraked(t, g, held, View, err)
}
