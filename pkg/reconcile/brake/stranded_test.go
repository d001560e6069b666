package brake

import (
	"errors"
	"slices"
	"testing"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
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
	wantBraked(t, g, held, Ownership, err) // the engine knows no peers
	g, c, held = begun(true)
	g.fail["nodes"] = &apierr.Error{Kind: apierr.Unavailable, Err: errors.New("no answer")}
	_, err = c.PowerOn(t.Context(), 6)
	wantBraked(t, g, held, View, err)
}

// TestWithoutALeaderNorAMemoryTheEngineSaysWhoIsAManager, and the machine's own droplet which swarm that is.
func TestWithoutALeaderNorAMemoryTheEngineSaysWhoIsAManager(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*ground)
		ok     bool
	}{
		"a manager":             {func(*ground) {}, true},
		"no peer":               {func(g *ground) { g.peers = g.peers[:1] }, false},
		"another swarm's":       {func(g *ground) { g.droplets[6] = untagged(g.droplets[6]); g.tag(6, "another") }, false},
		"of no swarm":           {func(g *ground) { g.droplets[6] = untagged(g.droplets[6]) }, false},
		"of another network":    {func(g *ground) { d := g.droplets[6]; d.VPC = "other"; g.droplets[6] = d }, false},
		"its own is not known":  {func(g *ground) { delete(g.droplets, 5) }, false},
		"the peers are unknown": {func(g *ground) { g.fail["peers"] = errors.New("no answer") }, false},
	} {
		g := newGround()
		g.droplet(5)
		g.droplet(6)
		g.tag(5, "s1")
		g.tag(6, "s1")
		g.peers = []swarm.Peer{{Addr: "10.0.0.5:2377"}, {Addr: "10.0.0.6:2377"}}
		unreadable := &apierr.Error{Kind: apierr.NoLeader, Err: errors.New("the swarm does not have a leader")}
		g.fail["nodes"], g.fail["ledger"], g.fail["cluster"] = unreadable, unreadable, unreadable
		c.change(g)
		b, _, _ := g.brakes(nil)
		if _, err := b.PowerOn(t.Context(), 6); (err == nil) != c.ok || (len(g.sent) == 1) != c.ok {
			t.Errorf("%s: sent %v, %v", name, g.sent, err)
		}
	}
}

// untagged is the droplet without a swarm's tag.
func untagged(d cloud.Droplet) cloud.Droplet {
	d.Tags = slices.DeleteFunc(slices.Clone(d.Tags), func(tag string) bool { return len(cloud.Droplet{Tags: []string{tag}}.SwarmIDs()) > 0 })
	return d
}
