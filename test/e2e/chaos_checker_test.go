//go:build linux

package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/sim/docean"
)

// play is a witness in a story that is told to it: the checker, checked without machines.
type play struct {
	*witness
	now   time.Time
	nodes map[string]swarm.Node
	scene scene
}

// newPlay is a cluster of three managers and two workers as the file wants it, with somebody's own things in it.
func newPlay() *play {
	p := &play{witness: newWitness("shop-workers-zzzzz"), now: time.Now(), nodes: map[string]swarm.Node{}}
	p.event(docean.Event{Kind: docean.Created, Droplet: docean.Droplet{ID: 99, Name: p.stranger}})
	p.edited(want{managers: 3, workers: 2})
	for i, name := range []string{"shop-managers-aaaaa", "shop-managers-bbbbb", "shop-managers-ccccc", "shop-workers-ddddd", "shop-workers-eeeee"} {
		p.boots(i+1, name)
	}
	p.scene.services = []swarm.Service{{Spec: swarm.ServiceSpec{Annotations: swarm.Annotations{Name: "foreign"}}}}
	p.scene.configs = []swarm.Config{{Spec: swarm.ConfigSpec{Annotations: swarm.Annotations{Name: "shop.spec.1"}}}}
	p.marks = &marks{service: p.scene.services[0].Spec, config: p.scene.configs[0].Spec, node: "shop-managers-aaaaa", key: "somebody.else", value: "wrote this"}
	p.change("shop-managers-aaaaa", func(n *swarm.Node) { n.Spec.Labels = map[string]string{"somebody.else": "wrote this"} })
	p.passes()
	return p
}

// boots makes a droplet and its node.
func (p *play) boots(id int, name string) {
	p.event(docean.Event{Kind: docean.Created, Droplet: docean.Droplet{ID: id, Name: name}})
	n := swarm.Node{ID: name, Description: swarm.NodeDescription{Hostname: name}, Spec: swarm.NodeSpec{Role: swarm.NodeRoleWorker}}
	if p.poolOf(name) == "managers" {
		n.Spec.Role, n.ManagerStatus = swarm.NodeRoleManager, &swarm.ManagerStatus{Reachability: swarm.ReachabilityReachable}
	}
	p.nodes[name] = n
}

func (p *play) change(name string, how func(*swarm.Node)) {
	n := p.nodes[name]
	how(&n)
	p.nodes[name] = n
}

// deletes deletes a droplet; its node stays, if it has one.
func (p *play) deletes(id int, name string) {
	p.event(docean.Event{Kind: docean.Deleted, Droplet: docean.Droplet{ID: id, Name: name}})
}

// leaves takes a machine away in the right order.
func (p *play) leaves(id int, name string) {
	p.demotes(name)
	delete(p.nodes, name)
	p.passes()
	p.deletes(id, name)
	p.passes()
}

func (p *play) demotes(name string) {
	p.change(name, func(n *swarm.Node) { n.Spec.Role = swarm.NodeRoleWorker })
	p.passes()
}

// passes lets a second pass, and the witness look.
func (p *play) passes() {
	p.now = p.now.Add(time.Second)
	p.scene.at, p.scene.nodes = p.now, nil
	for _, n := range p.nodes {
		p.scene.nodes = append(p.scene.nodes, n)
	}
	p.look(p.scene)
}

// TestChaosWitness tells stories with one crime each, and asserts that it is found as what it is; and stories without one.
func TestChaosWitness(t *testing.T) {
	const worker, manager = "shop-workers-eeeee", "shop-managers-ccccc"
	for _, c := range []struct {
		name  string
		story func(*play)
		want  loss // "" for none
		says  string
	}{
		{"nothing happens", func(*play) {}, "", ""},
		{"a worker leaves", func(p *play) { p.edited(want{managers: 3, workers: 1}); p.leaves(5, worker) }, "", ""},
		{"a worker leaves while another comes", func(p *play) {
			p.edited(want{managers: 3, workers: 1})
			p.edited(want{managers: 3, workers: 2})
			p.boots(6, "shop-workers-fffff")
			p.leaves(5, worker)
		}, "", ""},
		{"two managers leave", func(p *play) {
			p.edited(want{managers: 1, workers: 2})
			p.leaves(3, manager)
			p.leaves(2, "shop-managers-bbbbb")
		}, "", ""},
		{"the foreign droplet is deleted", func(p *play) { p.edited(want{managers: 3}); p.deletes(99, p.stranger) }, lostForeign, "zzzzz was deleted"},
		{"an unknown droplet is deleted", func(p *play) { p.deletes(7, "blog") }, lostForeign, "blog was deleted"},
		{"the foreign service is scaled", func(p *play) { p.scene.services[0].Spec.Labels = map[string]string{"a": "b"}; p.passes() }, lostForeign, "was changed"},
		{"the foreign service is gone", func(p *play) { p.scene.services = nil; p.passes() }, lostForeign, "service foreign is gone"},
		{"the foreign config is gone", func(p *play) { p.scene.configs = nil; p.passes() }, lostForeign, "config"},
		{"the foreign label is gone", func(p *play) {
			p.change("shop-managers-aaaaa", func(n *swarm.Node) { n.Spec.Labels = nil })
			p.passes()
		}, lostForeign, "label somebody.else"},
		{"a worker is deleted without an edit", func(p *play) { p.leaves(5, worker) }, lostDelete, "no edit lets one of pool workers go"},
		{"one worker more is deleted than an edit let go", func(p *play) {
			p.edited(want{managers: 3, workers: 1})
			p.leaves(5, worker)
			p.leaves(4, "shop-workers-ddddd")
		}, lostDelete, "ddddd"},
		{"a delete long after the edit came true", func(p *play) {
			p.edited(want{managers: 3, workers: 1})
			p.edited(want{managers: 3, workers: 2})
			p.rested()
			p.leaves(5, worker)
		}, lostDelete, "eeeee"},
		{"a worker too many", func(p *play) { p.boots(6, "shop-workers-fffff") }, lostSurge, "number 3 of pool workers"},
		{"deleted while in the swarm", func(p *play) {
			p.edited(want{managers: 3, workers: 1})
			p.deletes(5, worker)
			p.now = time.Now()
			p.passes()
		}, lostOrder, "its node is in the swarm"},
		{"a manager demoted without an edit", func(p *play) { p.demotes(manager) }, lostDelete, "no edit lets one go"},
		{"a manager demoted while another is unreachable", func(p *play) {
			p.edited(want{managers: 1, workers: 2})
			p.change("shop-managers-bbbbb", func(n *swarm.Node) {
				n.ManagerStatus = &swarm.ManagerStatus{Reachability: swarm.ReachabilityUnreachable}
			})
			p.passes()
			p.demotes(manager)
		}, lostQuorum, "of the other 2 only 1 were reachable"},
		{"a token in a log", func(p *play) {
			p.read(map[string][]byte{"a log": []byte("all is well"), "another": []byte(`{"error":"GET /?t=dop_v1_00"}`)}, map[string]string{"the token": "dop_v1_00"})
		}, lostSecret, "the token is in another"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlay()
			c.story(p)
			got := p.findings[c.want]
			if n := p.lost(); c.want == "" && n > 0 || c.want != "" && (n != 1 || len(got) != 1 || !strings.Contains(got[0], c.says)) {
				t.Errorf("want one finding %q that says %q, found\n%s", c.want, c.says, p.verdict())
			}
		})
	}
}
