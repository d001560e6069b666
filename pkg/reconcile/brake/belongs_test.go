package brake

import (
	"errors"
	"slices"
	"testing"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// A droplet with the cluster's name and tags of which no node and no operation is known may be another swarm's: it is neither stopped, nor is
// its delete opened.
func TestMachinesOfAnotherSwarm(t *testing.T) {
	claims := func(address string) func(*ground) {
		return func(g *ground) {
			g.nodes = append(g.nodes, swarm.Node{ID: "n", State: swarm.NodeReady, Addr: address, EngineLabels: map[string]string{swarm.LabelDroplet: "7"}})
		}
	}
	open := func(op ledger.Op) func(*ground) {
		return func(g *ground) { g.ledger.Ops = append(g.ledger.Ops, op) }
	}
	for name, tc := range map[string]struct {
		set  func(*ground)
		ours bool
	}{
		"nothing is known of it":             {set: func(*ground) {}},
		"a node is bound to it":              {set: func(g *ground) { g.node(7, swarm.Worker) }, ours: true},
		"a node that is down is bound to it": {set: func(g *ground) { g.node(7, swarm.Worker); g.at("n7").State = swarm.NodeDown }, ours: true},
		"a node claims it":                   {set: claims("10.0.0.7"), ours: true},
		"a node claims it from elsewhere":    {set: claims("10.0.0.8")},
		"a node is at its address, bound to another": {set: func(g *ground) {
			claims("10.0.0.7")(g)
			g.at("n").Spec.Labels = map[string]string{swarm.LabelDroplet: "8"}
		}},
		"it is tagged as another swarm's, and a node is labelled with it": {set: func(g *ground) {
			g.node(7, swarm.Worker)
			g.tag(7, "s2")
		}},
		"the same, and the node's engine claims it": {set: func(g *ground) {
			g.node(7, swarm.Worker)
			g.at("n7").EngineLabels = map[string]string{swarm.LabelDroplet: "7"}
			g.tag(7, "s2")
		}, ours: true},
		"the same from elsewhere": {set: func(g *ground) {
			g.node(7, swarm.Worker)
			g.at("n7").EngineLabels, g.at("n7").Addr = map[string]string{swarm.LabelDroplet: "7"}, "10.0.0.8"
			g.tag(7, "s2")
		}},
		"it is tagged as this swarm's, and a node is labelled with it": {set: func(g *ground) {
			g.node(7, swarm.Worker)
			g.tag(7, "s1")
		}, ours: true},
		"its create is open":             {set: open(ledger.Op{ID: opID, Kind: ledger.Create}), ours: true},
		"its create is open, by its id":  {set: open(ledger.Op{ID: "x", Kind: ledger.Create, DropletID: 7}), ours: true},
		"another one's create is open":   {set: open(ledger.Op{ID: "x", Kind: ledger.Create, DropletID: 8})},
		"the nodes cannot be looked at":  {set: func(g *ground) { g.node(7, swarm.Worker); g.fail["nodes"] = errors.New("no") }},
		"the droplet cannot be found":    {set: func(g *ground) { delete(g.droplets, 7) }},
		"a foreign one is said to be it": {set: func(g *ground) { g.droplets[7] = cloud.Droplet{ID: 7, Name: "theirs"}; claims("")(g) }},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGround()
			g.droplet(7)
			g.permit(1)
			tc.set(g)
			c, s, _ := g.brakes(nil)
			_, _ = s.Configs(t.Context(), "swarmd.web") // a failure shows below
			if _, err := c.Shutdown(t.Context(), 7); (err == nil) != tc.ours {
				t.Errorf("shutdown: %v", err)
			}
			c, s, _ = g.brakes(nil)
			_, _ = s.Configs(t.Context(), "swarmd.web")  // likewise
			_, _ = c.Droplets(t.Context(), "swarmd:web") // as each pass does
			to := g.ledger.Clone()
			to.DeleteBudget, to.Ops = 0, append(to.Ops, ledger.Op{ID: "delete7", Kind: ledger.Delete, DropletID: 7, Budgeted: true})
			labels, err := ledger.Encode(to, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.UpdateConfig(t.Context(), "c1", 1, labels); (err == nil) != tc.ours || tc.ours != slices.Contains(g.sent, "config c1") {
				t.Errorf("open its delete: %v, sent %v", err, g.sent)
			}
		})
	}
}

// TestAnOperationNamesTheNodeOnItsMachine: what was planned on an answer that lied is not opened, because nobody could end it.
func TestAnOperationNamesTheNodeOnItsMachine(t *testing.T) {
	for node, opened := range map[string]bool{"n7": true, "n8": false, "": true, "gone": true} {
		g := newGround()
		g.node(7, swarm.Worker)
		g.node(8, swarm.Worker)
		g.permit(1)
		_, s, _ := g.brakes(nil)
		if _, err := s.Configs(t.Context(), "swarmd.web"); err != nil {
			t.Fatal(err)
		}
		to := g.ledger.Clone()
		to.DeleteBudget, to.Ops = 0, append(to.Ops, ledger.Op{ID: "delete7", Kind: ledger.Delete, DropletID: 7, NodeID: node, Budgeted: true})
		labels, err := ledger.Encode(to, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.UpdateConfig(t.Context(), "c1", 1, labels); (err == nil) != opened {
			t.Errorf("node %q: %v", node, err)
		}
	}
}

// A delete that was opened while the droplet was this swarm's goes on when the node is gone.
func TestAnOpenDeleteGoesOn(t *testing.T) {
	g := newGround()
	g.droplet(7)
	g.permit(1)
	g.begin(7)
	c, s, _ := g.brakes(nil)
	if _, err := s.Configs(t.Context(), "swarmd.web"); err != nil {
		t.Fatal(err)
	}
	labels, err := ledger.Encode(g.ledger, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.UpdateConfig(t.Context(), "c1", 1, labels); err != nil {
		t.Errorf("written once more: %v", err)
	}
	if _, err := c.PowerOff(t.Context(), 7); err != nil {
		t.Error(err)
	}
	if err := c.DeleteDroplet(t.Context(), 7); err != nil {
		t.Error(err)
	}
}

// A droplet of the cluster is tagged with a swarm once, and with nothing else.
func TestTags(t *testing.T) {
	for name, tc := range map[string]struct {
		has  string // tag
		tag  string
		id   int
		sent bool
	}{
		"the first manager":       {tag: "swarmd-swarm:s1", id: 7, sent: true},
		"the same again":          {has: "swarmd-swarm:s1", tag: "swarmd-swarm:s1", id: 7, sent: true},
		"another swarm's":         {has: "swarmd-swarm:s2", tag: "swarmd-swarm:s1", id: 7},
		"any other tag":           {tag: "swarmd:db", id: 7},
		"somebody else's droplet": {tag: "swarmd-swarm:s1", id: 8},
		"none":                    {tag: "swarmd-swarm:s1", id: 9},
	} {
		g := newGround()
		g.droplet(7)
		g.droplets[8] = cloud.Droplet{ID: 8, Name: "theirs", Tags: []string{"swarmd:web"}}
		if d := g.droplets[7]; tc.has != "" {
			d.Tags = append(d.Tags, tc.has)
			g.droplets[7] = d
		}
		c, _, _ := g.brakes(func(o *Options) { o.Engine, o.Ledger = nil, nil })
		if err := c.TagDroplet(t.Context(), tc.id, tc.tag); (err == nil) != tc.sent || (len(g.sent) == 1) != tc.sent {
			t.Errorf("%s: %v, sent %v", name, err, g.sent)
		}
	}
}

// From within a swarm, nothing is tagged as another's.
func TestTagsOfThisSwarmOnly(t *testing.T) {
	for tag, sent := range map[string]bool{"swarmd-swarm:s1": true, "swarmd-swarm:s2": false} {
		g := newGround()
		g.droplet(7)
		c, _, _ := g.brakes(nil)
		if err := c.TagDroplet(t.Context(), 7, tag); (err == nil) != sent || (len(g.sent) == 1) != sent {
			t.Errorf("%s: %v, sent %v", tag, err, g.sent)
		}
	}
}
