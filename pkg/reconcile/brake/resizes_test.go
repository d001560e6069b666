package brake

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// resizing has a resize of the droplet open, in that phase; its node is drained.
func (g *ground) resizing(id int, p ledger.Phase) {
	g.ledger.Ops = append(g.ledger.Ops, ledger.Op{ID: fmt.Sprintf("resize%d", id), Kind: ledger.Resize, DropletID: id, NodeID: fmt.Sprintf("n%d", id), From: "small", To: "large", Phase: p})
	if n := g.at(fmt.Sprintf("n%d", id)); n != nil {
		n.Spec.Availability = swarm.Drain
	}
}

func (g *ground) set(id int, s cloud.Status) {
	d := g.droplets[id]
	d.Status = s
	g.droplets[id] = d
}

// TestAStopForAResize: as many managers are wanted as there are, and one of them may be away for a while. All it rests on is looked at.
func TestAStopForAResize(t *testing.T) {
	for name, tc := range map[string]struct {
		managers, id int
		set          func(*ground)
		held         string
	}{
		"a worker":                          {managers: 1, id: 2},
		"a worker that takes tasks":         {managers: 1, id: 2, held: Joined, set: func(g *ground) { g.at("n2").Spec.Availability = swarm.Active }},
		"one that is down and takes tasks":  {managers: 1, id: 2, set: func(g *ground) { g.at("n2").Spec.Availability, g.at("n2").State = swarm.Active, swarm.NodeDown }},
		"a worker on which a task runs":     {managers: 1, id: 2, held: Joined, set: func(g *ground) { g.tasks = []swarm.Task{{ID: "t", NodeID: "n2", State: "running"}} }},
		"one on which a task has ended":     {managers: 1, id: 2, set: func(g *ground) { g.tasks = []swarm.Task{{ID: "t", NodeID: "n2", State: "shutdown"}} }},
		"a task elsewhere":                  {managers: 1, id: 2, set: func(g *ground) { g.tasks = []swarm.Task{{ID: "t", NodeID: "n1", State: "running"}} }},
		"the tasks can't be read":           {managers: 1, id: 2, held: View, set: func(g *ground) { g.fail["tasks on"] = errors.New("no") }},
		"the ledger can't be read":          {managers: 1, id: 2, held: View, set: func(g *ground) { g.fail["ledger"] = errors.New("no") }},
		"one of three managers":             {managers: 3, id: 1},
		"the only manager":                  {managers: 1, id: 1, held: Quorum},
		"one of two managers":               {managers: 2, id: 1, held: Quorum},
		"one of three, another is away":     {managers: 3, id: 1, held: Quorum, set: func(g *ground) { g.at("n2").Manager.Reachability = "unreachable" }},
		"one of five, another is away":      {managers: 5, id: 1, held: Quorum, set: func(g *ground) { g.at("n2").Manager.Reachability = "unreachable" }},
		"a manager that takes tasks":        {managers: 3, id: 1, held: Joined, set: func(g *ground) { g.at("n1").Spec.Availability = swarm.Active }},
		"a manager, and the resize is over": {managers: 3, id: 1, held: Quorum, set: func(g *ground) { g.ledger.Ops = nil }},
		"a manager that is to leave as well": {managers: 3, id: 1, held: Quorum, set: func(g *ground) {
			g.beginDelete(1, true)
			slices.Reverse(g.ledger.Ops)
		}},
		"another cluster's": {managers: 1, id: 2, held: Ownership, set: func(g *ground) { d := g.droplets[2]; d.Tags = []string{"swarmd:shop"}; g.droplets[2] = d }},
	} {
		t.Run(name, func(t *testing.T) {
			for word, stop := range map[string]func(*Cloud) error{
				"shutdown": func(c *Cloud) error { _, err := c.Shutdown(t.Context(), tc.id); return err },
				"off":      func(c *Cloud) error { _, err := c.PowerOff(t.Context(), tc.id); return err },
			} {
				g := managers(tc.managers)
				g.nodes[0].Manager.Leader, g.wanted = true, tc.managers
				g.resizing(tc.id, ledger.Stopping)
				if tc.set != nil {
					tc.set(g)
				}
				c, _, held := g.brakes(nil)
				err := stop(c)
				if want := []string{fmt.Sprintf("%s %d", word, tc.id)}; tc.held == "" && (err != nil || !slices.Equal(g.sent, want)) {
					t.Errorf("%s: %v, sent %v", word, err, g.sent)
				}
				if tc.held != "" && (apierr.KindOf(err) != apierr.Braked || len(g.sent) > 0 || !slices.Equal(*held, []string{tc.held})) {
					t.Errorf("%s: %v, sent %v, held by %v", word, err, g.sent, *held)
				}
			}
		})
	}
}

// TestOnlyWhatTheLedgerSaysIsResized: to that size, of a machine that is off, in the phase that was written before.
func TestOnlyWhatTheLedgerSaysIsResized(t *testing.T) {
	for name, tc := range map[string]struct {
		set  func(*ground)
		size string
		held string
	}{
		"as it ought to be":       {},
		"it runs":                 {held: Joined, set: func(g *ground) { g.set(2, cloud.StatusActive) }},
		"another size":            {held: Ownership, size: "huge"},
		"the phase is not begun":  {held: Ownership, set: func(g *ground) { g.ledger.Ops[0].Phase = ledger.Stopping }},
		"no resize is open":       {held: Ownership, set: func(g *ground) { g.ledger.Ops = nil }},
		"it is to leave":          {held: Ownership, set: func(g *ground) { g.ledger.Ops = nil; g.beginDelete(2, true) }},
		"another cluster's":       {held: Ownership, set: func(g *ground) { d := g.droplets[2]; d.Name = "pet"; g.droplets[2] = d }},
		"the droplet can't be":    {held: View, set: func(g *ground) { g.fail["droplet"] = errors.New("no") }},
		"the ledger can't be":     {held: View, set: func(g *ground) { g.fail["ledger"] = errors.New("no") }},
		"its node is gone by now": {set: func(g *ground) { g.nodes = g.nodes[:1] }},
	} {
		t.Run(name, func(t *testing.T) {
			g := managers(1)
			g.nodes[0].Manager.Leader = true
			g.set(2, cloud.StatusOff)
			g.resizing(2, ledger.Resizing)
			if tc.set != nil {
				tc.set(g)
			}
			if tc.size == "" {
				tc.size = "large"
			}
			c, _, held := g.brakes(nil)
			_, err := c.Resize(t.Context(), 2, tc.size)
			if tc.held == "" && (err != nil || !slices.Equal(g.sent, []string{"resize 2 to large"})) {
				t.Errorf("%v, sent %v", err, g.sent)
			}
			if tc.held != "" && (apierr.KindOf(err) != apierr.Braked || len(g.sent) > 0 || !slices.Equal(*held, []string{tc.held})) {
				t.Errorf("%v, sent %v, held by %v", err, g.sent, *held)
			}
		})
	}
}

// TestNoResizeOfAnothersMachineIsWritten: a machine of which nothing shows that it is this swarm's is not even noted to be resized.
func TestNoResizeOfAnothersMachineIsWritten(t *testing.T) {
	for id, held := range map[int]bool{2: false, 9: true} {
		g := managers(1)
		g.nodes[0].Manager.Leader = true
		g.droplet(9)
		_, s, _ := g.brakes(nil)
		labels, err := ledger.Encode(ledger.Ledger{Ops: []ledger.Op{{ID: "r", Kind: ledger.Resize, DropletID: id, From: "small", To: "large", Phase: ledger.Draining}}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = s.UpdateConfig(context.Background(), "c", 1, labels)
		if held != (apierr.KindOf(err) == apierr.Braked) {
			t.Errorf("%d: %v", id, err)
		}
	}
}
