package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// quarantined is the model whose file has strangers drained, an hour after the ledger began, and a node that nobody made and that has been seen for
// so long.
func quarantined(t *testing.T, seen time.Duration, change func(*model, *swarm.Node)) plan.Plan {
	t.Helper()
	m := grown(t, 1, 1)
	m.spec.Policies.ForeignNodes = spec.DrainNew
	m.ledger.Begun = m.now.Add(-time.Hour)
	n := &swarm.Node{ID: "rogue", Version: 4, Hostname: "theirs", State: swarm.NodeReady, Addr: "203.0.113.9", Created: m.now.Add(-30 * time.Minute),
		Spec: swarm.NodeSpec{Role: swarm.Worker, Availability: swarm.Active}}
	change(m, n)
	m.nodes[n.ID] = &machine{node: n}
	in := m.input()
	in.Memory.Strangers = map[string]time.Duration{"rogue": seen}
	return plan.Compute(in)
}

func asItIs(*model, *swarm.Node) {}

// homeOf gives the cluster a droplet at the stranger's address.
func homeOf(m *model, name string) *machine {
	d := m.makeDroplet(300, name, "abcdeabcdeabcdea")
	d.neverUp = true
	d.droplet.PrivateIPv4, d.droplet.Status = "203.0.113.9", cloud.StatusActive
	return d
}

func TestAStrangerIsDrainedOnce(t *testing.T) {
	p := quarantined(t, 2*time.Minute, asItIs)
	if len(p.Steps) != 1 || p.Steps[0].ID != "quarantine/rogue" {
		t.Fatalf("steps %v", ids(p))
	}
	a := p.Steps[0].Action.(plan.UpdateNode)
	if a.Version != 4 || a.Spec.Availability != swarm.Drain || a.Spec.Labels[swarm.LabelDrained] == "" || a.Spec.Role != swarm.Worker {
		t.Errorf("%+v", a)
	}
	nameless := func(_ *model, n *swarm.Node) { n.Hostname, n.State = "", swarm.NodeDown }
	if p := quarantined(t, 2*time.Minute, nameless); !slices.Contains(ids(p), "quarantine/rogue") {
		t.Errorf("one that gives no host name and goes down from time to time: %v", ids(p))
	}
	for name, tc := range map[string]struct {
		seen   time.Duration
		change func(*model, *swarm.Node)
		says   string // in its note
	}{
		"not before it was seen for two minutes": {2*time.Minute - 1, asItIs, "drains it when it has been so for 2m0s"},
		"not where the file keeps them":          {time.Hour, func(m *model, _ *swarm.Node) { m.spec.Policies.ForeignNodes = spec.Keep }, "left alone"},
		"not one that was there before swarmd":   {time.Hour, func(m *model, n *swarm.Node) { n.Created = m.ledger.Begun }, "left alone"},
		"not one that is drained":                {time.Hour, func(_ *model, n *swarm.Node) { n.Spec.Availability = swarm.Drain }, "docker node rm --force rogue"},
		"not a second time": {time.Hour, func(_ *model, n *swarm.Node) {
			n.Spec.Labels = map[string]string{swarm.LabelDrained: "2026-01-01T00:00:00Z"}
		},
			"activated it again"},
		"and it says so": {time.Hour, func(_ *model, n *swarm.Node) {
			n.Spec.Availability, n.Spec.Labels = swarm.Drain, map[string]string{swarm.LabelDrained: "2026-01-01T00:00:00Z"}
		}, "drained it at 2026-01-01T00:00:00Z"},
		"not a manager":                         {time.Hour, func(_ *model, n *swarm.Node) { n.Spec.Role = swarm.Manager }, "is a manager"},
		"not on a view with a gap":              {time.Hour, func(m *model, _ *swarm.Node) { gap("droplets")(m) }, ""},
		"not where it may be a droplet of ours": {time.Hour, func(m *model, _ *swarm.Node) { homeOf(m, "web-workers-abcde") }, ""},
		"not while a machine boots that shows no address": {time.Hour, func(m *model, _ *swarm.Node) {
			homeOf(m, "web-workers-abcde").droplet.PrivateIPv4 = ""
			create300(m)
		}, ""},
		"not while a create has shown no droplet": {time.Hour, func(m *model, _ *swarm.Node) {
			m.ledger.Ops = append(m.ledger.Ops, ledger.Op{ID: "abcdeabcdeabcdea", Kind: ledger.Create, Pool: "workers", Started: m.now, Deadline: m.now.Add(time.Minute)})
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := quarantined(t, tc.seen, tc.change)
			for _, s := range p.Steps {
				if strings.HasPrefix(s.ID, "quarantine/") {
					t.Errorf("drained: %s", s.Reason.Text)
				}
			}
			said := ""
			for _, h := range p.Holds {
				if h.Object == "node/theirs" {
					said += h.Text
				}
			}
			if !strings.Contains(said, tc.says) {
				t.Errorf("says %q, want %q in it", said, tc.says)
			}
		})
	}
}

// What an engine claims, or that it is on a machine whose own node lives, saves no stranger.
func TestNoClaimSavesAStranger(t *testing.T) {
	for name, change := range map[string]func(*model, *swarm.Node){
		"a droplet of ours":   func(_ *model, n *swarm.Node) { n.EngineLabels = map[string]string{swarm.LabelDroplet: "102"} },
		"a droplet of nobody": func(_ *model, n *swarm.Node) { n.EngineLabels = map[string]string{swarm.LabelDroplet: "9"} },
		"a second engine on a worker of ours": func(_ *model, n *swarm.Node) {
			n.EngineLabels, n.Addr = map[string]string{swarm.LabelDroplet: "102"}, "10.0.0.102"
		},
		"a droplet that boots, from elsewhere": func(m *model, n *swarm.Node) {
			homeOf(m, "web-workers-abcde").droplet.PrivateIPv4 = "10.0.0.44"
			create300(m)
			n.EngineLabels = map[string]string{swarm.LabelDroplet: "300"}
		},
		"somebody's droplet with our tag": func(m *model, _ *swarm.Node) { homeOf(m, "theirs") },
	} {
		t.Run(name, func(t *testing.T) {
			p := quarantined(t, time.Hour, change)
			if !slices.Contains(ids(p), "quarantine/rogue") || !slices.Contains(holds(p), "~foreign-node node/theirs") {
				t.Errorf("steps %v, holds %v", ids(p), p.Holds)
			}
		})
	}
}

// A worker of ours that left and joined again claims its droplet from there, while its old node is down.
func TestAWorkerThatJoinedAgainIsNoStranger(t *testing.T) {
	p := quarantined(t, time.Hour, func(m *model, n *swarm.Node) {
		m.droplets[102].node.State = swarm.NodeDown
		n.EngineLabels, n.Addr = map[string]string{swarm.LabelDroplet: "102"}, "10.0.0.102"
	})
	if len(p.Steps) > 0 {
		t.Errorf("steps %v", ids(p))
	}
}

func TestThousandsOfStrangersAreDrainedAFewAtATime(t *testing.T) {
	m := grown(t, 1, 1)
	m.spec.Policies.ForeignNodes = spec.DrainNew
	m.ledger.Begun = m.now.Add(-time.Hour)
	seen := map[string]time.Duration{}
	for i := range 2000 {
		n := &swarm.Node{ID: fmt.Sprintf("rogue%04d", i), Version: 1, Hostname: "theirs", State: swarm.NodeReady, Addr: "203.0.113.9", Created: m.now.Add(-time.Minute),
			Spec: swarm.NodeSpec{Role: swarm.Worker, Availability: swarm.Active}}
		m.nodes[n.ID], seen[n.ID] = &machine{node: n}, time.Hour
	}
	size := m.ledger.Size()
	for pass := 1; pass <= 20; pass++ {
		in := m.input()
		in.Memory.Strangers = seen
		p := plan.Compute(in)
		if len(p.Steps) != 100 || p.Converged {
			t.Fatalf("pass %d: %d steps, converged %t", pass, len(p.Steps), p.Converged)
		}
		for _, s := range p.Steps {
			m.apply(s.Action)
		}
	}
	if p := plan.Compute(m.input()); len(p.Steps) > 0 || !p.Converged || m.ledger.Size() != size {
		t.Errorf("%d steps are left, converged %t, ledger %d bytes, was %d", len(p.Steps), p.Converged, m.ledger.Size(), size)
	}
}
