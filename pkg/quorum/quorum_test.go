package quorum_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/quorum"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// ground is a swarm of three managers, m1 to m3 on the droplets 1 to 3, as the engine of m1 sees it.
type ground struct {
	leader   bool
	worker   bool            // m1 is none of the managers
	statuses []cloud.Status  // of the droplets; "" is none
	forced   string          // the address
	force    error           // what it answers
	removed  []string        // nodes
	downAt   time.Time       // when the other nodes are seen to be down
	back     map[string]bool // nodes that are managers again
}

func (g *ground) Info(context.Context) (swarm.Info, error) {
	return swarm.Info{NodeID: "m1", NodeAddr: "10.0.0.1", ControlAvail: !g.worker}, nil
}

func (g *ground) Peers(context.Context) (out []swarm.Peer, err error) {
	for i := range 3 {
		out = append(out, swarm.Peer{NodeID: fmt.Sprintf("m%d", i+1), Addr: fmt.Sprintf("10.0.0.%d:2377", i+1)})
	}
	return out, nil
}

func (g *ground) Nodes(context.Context) (out []swarm.Node, err error) {
	if !g.leader {
		return nil, &apierr.Error{Kind: apierr.NoLeader, Err: errors.New("no leader")}
	}
	for i := range 3 {
		n := swarm.Node{ID: fmt.Sprintf("m%d", i+1), Hostname: fmt.Sprintf("host%d", i+1), State: swarm.NodeUnknown,
			Spec: swarm.NodeSpec{Role: swarm.Manager, Labels: map[string]string{swarm.LabelDroplet: fmt.Sprint(i + 1)}}}
		switch {
		case i == 0:
			n.State, n.Manager = swarm.NodeReady, &swarm.ManagerStatus{Leader: true}
		case g.back[n.ID]:
			n.State, n.Manager = swarm.NodeReady, &swarm.ManagerStatus{}
		case !time.Now().Before(g.downAt):
			n.State = swarm.NodeDown
		}
		out = append(out, n)
	}
	for _, id := range g.removed {
		for i, n := range out {
			if n.ID == id {
				out = append(out[:i:i], out[i+1:]...)
				break
			}
		}
	}
	return out, nil
}

func (g *ground) ForceNewCluster(_ context.Context, addr string) error {
	if g.forced = addr; apierr.KindOf(g.force) != apierr.Forbidden {
		g.leader, g.downAt = true, time.Now().Add(10*time.Second)
	}
	return g.force
}

func (g *ground) RemoveNode(_ context.Context, id string) error {
	g.removed = append(g.removed, id)
	return nil
}

func (g *ground) Droplets(context.Context, string) (out []cloud.Droplet, err error) {
	for i, s := range g.statuses {
		if s != "" {
			out = append(out, cloud.Droplet{ID: i + 1, Name: fmt.Sprintf("host%d", i+1), Status: s, PrivateIPv4: fmt.Sprintf("10.0.0.%d", i+1), PublicIPv4: fmt.Sprintf("198.51.100.%d", i+1)})
		}
	}
	return out, nil
}

func (g *ground) recovery() *quorum.Recovery {
	return &quorum.Recovery{Cluster: "web", Engine: g, Cloud: g, Pace: time.Second, Say: func(string, ...any) {},
		Ask: func(_ context.Context, address string) (bool, error) {
			return address == "198.51.100.3" && g.force != nil, nil
		}}
}

// TestNothingIsForcedWhileAMajorityMayBe: each row is what keeps a person from it.
func TestNothingIsForcedWhileAMajorityMayBe(t *testing.T) {
	const on, off = cloud.StatusActive, cloud.StatusOff
	for name, c := range map[string]struct {
		g    *ground
		want string
	}{
		"there is a leader":                 {&ground{leader: true}, "the swarm has a leader"},
		"it is a worker":                    {&ground{worker: true}, "no manager"},
		"another one has a leader":          {&ground{statuses: []cloud.Status{on, "", on}, force: errors.New("")}, "host3 says that the swarm has a leader: the machine that is asked is cut off"},
		"two are off":                       {&ground{statuses: []cloud.Status{on, off, off}}, "3 of 3 managers exist, and a majority of them may come back with all that it knows; off: host2, host3"},
		"one is gone and one does not work": {&ground{statuses: []cloud.Status{on, "", on}}, "2 of 3 managers exist, and a majority of them may come back with all that it knows; to be looked at: host3"},
		"two are gone":                      {&ground{statuses: []cloud.Status{on, "", ""}}, ""},
	} {
		managers, err := c.g.recovery().Survey(t.Context())
		said := quorum.MayReturn(managers)
		if err != nil {
			if said = err.Error(); !errors.Is(err, quorum.ErrRefused) {
				t.Errorf("%s: %v is no refusal", name, err)
			}
		}
		if (c.want == "") != (said == "") || !strings.Contains(said, c.want) {
			t.Errorf("%s: %q, want %q", name, said, c.want)
		}
	}
}

// TestOneGoesOnAlone, whether or not the answer came, and only those are forgotten whose machines do not exist.
func TestOneGoesOnAlone(t *testing.T) {
	for name, answer := range map[string]error{"answered": nil, "the answer was lost": &apierr.Error{Kind: apierr.Unknown, Err: errors.New("cut")}} {
		synctest.Test(t, func(t *testing.T) {
			g := &ground{statuses: []cloud.Status{cloud.StatusActive, "", cloud.StatusOff}, force: answer}
			r := g.recovery()
			r.Ask = nil
			managers, err := r.Survey(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := r.Force(ctx); err != nil || g.forced != "10.0.0.1" {
				t.Fatalf("%s: forced at %q: %v", name, g.forced, err)
			}
			if err := r.Forget(ctx, managers); err != nil || strings.Join(g.removed, " ") != "m2" {
				t.Errorf("%s: removed %v: %v", name, g.removed, err)
			}
		})
	}
}

// TestWhatDoesNotComeTrueIsSaid: a refusal, and a node that never goes down.
func TestWhatDoesNotComeTrueIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &ground{statuses: []cloud.Status{cloud.StatusActive, "", ""}, force: &apierr.Error{Kind: apierr.Forbidden, Err: errors.New("no")}}
		r := g.recovery()
		if err := r.Force(t.Context()); apierr.KindOf(err) != apierr.Forbidden {
			t.Errorf("a refusal: %v", err)
		}
		g.force, g.back = nil, map[string]bool{"m2": true}
		managers, err := r.Survey(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := r.Force(ctx); err != nil {
			t.Fatal(err)
		}
		err = r.Forget(ctx, managers)
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "docker node rm m2") || len(g.removed) > 1 {
			t.Errorf("removed %v: %v", g.removed, err)
		}
	})
}
