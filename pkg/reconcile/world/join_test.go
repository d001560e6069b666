package world_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

const opA, opB = "abcdeabcdeabcdea", "vwxyzvwxyzvwxyzv"

func droplet(id int, name, op string) cloud.Droplet {
	d := cloud.Droplet{ID: id, Name: name, Tags: []string{"swarmd:web"}, PrivateIPv4: "10.0.0." + strconv.Itoa(id), Status: cloud.StatusActive}
	if op != "" {
		d.Tags = append(d.Tags, "swarmd-op:"+op)
	}
	return d
}

func ownDroplet(id int) cloud.Droplet { return droplet(id, "web-workers-abcde", opA) }

// claimant is a node that joined and whose engine claims the droplet.
func claimant(id string, claim int, addr string) swarm.Node {
	return swarm.Node{ID: id, Hostname: id, Addr: addr, State: swarm.NodeReady, EngineLabels: map[string]string{swarm.LabelDroplet: strconv.Itoa(claim)}}
}

func boundNode(id string, to int) swarm.Node {
	n := claimant(id, to, "10.0.0."+strconv.Itoa(to))
	n.Spec.Labels = map[string]string{swarm.LabelDroplet: strconv.Itoa(to), swarm.LabelPool: "workers"}
	return n
}

func switchedOff(d cloud.Droplet) cloud.Droplet {
	d.Status = cloud.StatusOff
	return d
}

func isDown(n swarm.Node) swarm.Node {
	n.State = swarm.NodeDown
	return n
}

func drainedWorker(n swarm.Node) swarm.Node {
	n.Spec.Role, n.Spec.Availability = swarm.Worker, swarm.Drain
	return n
}

// said is a machine in one line: droplet/node binding pool flags why.
func said(ms []world.Machine) []string {
	var out []string
	for _, m := range ms {
		d, n := "-", "-"
		if m.Droplet != nil {
			d = strconv.Itoa(m.Droplet.ID)
		}
		if m.Node != nil {
			n = m.Node.ID
		}
		line := strings.Join([]string{d, n, string(m.Binding), m.Pool}, " ")
		if m.Owned {
			line += " owned"
		}
		if m.Adopted {
			line += " adopted"
		}
		if m.Missing {
			line += " missing"
		}
		if m.Op != nil {
			line += " " + string(m.Op.Kind) + ":" + m.Op.ID[:1]
		}
		if m.Why != "" {
			line += ": " + m.Why
		}
		out = append(out, line)
	}
	return out
}

// unshown is a droplet whose addresses the cloud does not show yet.
func unshown(d cloud.Droplet) cloud.Droplet {
	d.PrivateIPv4, d.PublicIPv4 = "", ""
	return d
}

func raftAt(n swarm.Node, addr string) swarm.Node {
	n.Manager = &swarm.ManagerStatus{Reachability: "reachable", Addr: addr}
	return n
}

type joinCase struct {
	name  string
	parts world.Answers
	want  []string
}

func joinCases() []joinCase {
	return []joinCase{
		{"a claim with the right address may be bound",
			world.Answers{Droplets: []cloud.Droplet{ownDroplet(5)}, Nodes: []swarm.Node{claimant("n5", 5, "10.0.0.5")}},
			[]string{"5 n5 claimed workers owned"}},
		{"a binding counts", world.Answers{Droplets: []cloud.Droplet{ownDroplet(5)}, Nodes: []swarm.Node{boundNode("n5", 5)}},
			[]string{"5 n5 bound workers owned"}},
		{"a claim from another address puts both in doubt",
			world.Answers{Droplets: []cloud.Droplet{ownDroplet(5)}, Nodes: []swarm.Node{claimant("x", 5, "10.0.0.99")}},
			[]string{"5 - contradicted workers: node x claims it from another address",
				"- x contradicted : claims droplet 5, but its address 10.0.0.99 is not the droplet's 10.0.0.5"}},
		{"a claim to a droplet whose address is not shown yet waits",
			world.Answers{Droplets: []cloud.Droplet{unshown(ownDroplet(5))}, Nodes: []swarm.Node{claimant("n5", 5, "10.0.0.5")}},
			[]string{"5 n5 unaddressed workers: waits until the cloud shows the address of droplet 5, which the node claims from 10.0.0.5"}},
		{"two such claims are in doubt",
			world.Answers{Droplets: []cloud.Droplet{unshown(ownDroplet(5))}, Nodes: []swarm.Node{claimant("a", 5, "10.0.0.5"), claimant("b", 5, "10.0.0.6")}},
			[]string{"5 - contradicted workers: node b claims it from another address",
				"- a contradicted : claims droplet 5, but its address 10.0.0.5 is not the droplet's, which is not shown",
				"- b contradicted : claims droplet 5, but its address 10.0.0.6 is not the droplet's, which is not shown"}},
		{"a manager that is seen at itself is where its Raft member is",
			world.Answers{Droplets: []cloud.Droplet{ownDroplet(5)}, Nodes: []swarm.Node{raftAt(claimant("n5", 5, "127.0.0.1"), "10.0.0.5:2377")}},
			[]string{"5 n5 claimed workers owned"}},
		{"a worker that is seen at itself is nowhere",
			world.Answers{Droplets: []cloud.Droplet{ownDroplet(5)}, Nodes: []swarm.Node{claimant("n5", 5, "127.0.0.1")}},
			[]string{"5 - contradicted workers: node n5 claims it from another address",
				"- n5 contradicted : claims droplet 5, but its address 127.0.0.1 is not the droplet's 10.0.0.5"}},
		{"a machine that left and joined again",
			world.Answers{Droplets: []cloud.Droplet{ownDroplet(5)}, Nodes: []swarm.Node{claimant("new", 5, "10.0.0.5"), isDown(boundNode("old", 5))}},
			[]string{"5 old bound workers owned", "- new contradicted workers: droplet 5 left the swarm and joined again as this node: docker node rm old is enough, then this one takes its place"}},
		{"a claim from elsewhere is no such machine",
			world.Answers{Droplets: []cloud.Droplet{ownDroplet(5)}, Nodes: []swarm.Node{claimant("new", 5, "10.0.0.9"), isDown(boundNode("old", 5))}},
			[]string{"5 old bound workers owned", "- new contradicted : claims droplet 5, to which another node is bound"}},
		{"nor is one while the node that is bound lives",
			world.Answers{Droplets: []cloud.Droplet{ownDroplet(5)}, Nodes: []swarm.Node{claimant("new", 5, "10.0.0.5"), boundNode("old", 5)}},
			[]string{"5 old bound workers owned", "- new contradicted : claims droplet 5, to which another node is bound"}},
		{"a living node elsewhere claims a droplet that is off: the droplet is not in doubt",
			world.Answers{Droplets: []cloud.Droplet{switchedOff(ownDroplet(5))}, Nodes: []swarm.Node{claimant("x", 5, "10.0.0.99")},
				Ledger: ledger.Ledger{Ops: []ledger.Op{{ID: opB, Kind: ledger.Delete, DropletID: 5, NodeID: "gone"}}}},
			[]string{"5 -  workers owned delete:v", "- x contradicted : claims droplet 5, which is off, from another address"}},
		{"a node that is down may have been on the droplet that is off",
			world.Answers{Droplets: []cloud.Droplet{switchedOff(ownDroplet(5))}, Nodes: []swarm.Node{isDown(claimant("x", 5, "10.0.0.99"))}},
			[]string{"5 - contradicted workers: node x claims it from another address",
				"- x contradicted : claims droplet 5, but its address 10.0.0.99 is not the droplet's 10.0.0.5"}},
		{"two claims to one droplet from its address",
			world.Answers{Droplets: []cloud.Droplet{ownDroplet(5)}, Nodes: []swarm.Node{claimant("a", 5, "10.0.0.5"), claimant("b", 5, "10.0.0.5")}},
			[]string{"5 - contradicted workers: 2 nodes claim it", "- a contradicted : 2 nodes claim droplet 5", "- b contradicted : 2 nodes claim droplet 5"}},
		{"a claim from elsewhere does not keep the droplet's own node out, whichever is looked at first",
			world.Answers{Droplets: []cloud.Droplet{ownDroplet(5)}, Nodes: []swarm.Node{claimant("a", 5, "10.0.0.9"), claimant("b", 5, "10.0.0.5"), claimant("c", 5, "10.0.0.9")}},
			[]string{"5 b claimed workers owned", "- a contradicted : claims droplet 5, but its address 10.0.0.9 is not the droplet's 10.0.0.5",
				"- c contradicted : claims droplet 5, but its address 10.0.0.9 is not the droplet's 10.0.0.5"}},
		{"a bound worker that forges the claim of a manager: the worker is held, the manager's binding stands",
			world.Answers{Droplets: []cloud.Droplet{ownDroplet(5), droplet(1, "web-managers-vwxyz", opB)},
				Nodes: []swarm.Node{boundNode("boss", 1), forge(boundNode("w", 5), 1)}},
			[]string{"1 boss bound managers owned", "5 w contradicted workers: bound to droplet 5, but its engine claims droplet 1"}},
		{"a new node that claims a bound droplet is held with the droplet it stands on",
			world.Answers{Droplets: []cloud.Droplet{ownDroplet(5), droplet(1, "web-managers-vwxyz", opB)},
				Nodes: []swarm.Node{boundNode("boss", 1), claimant("w", 1, "10.0.0.5")}},
			[]string{"1 boss bound managers owned", "5 w contradicted workers: claims droplet 1, to which another node is bound"}},
		{"a forger at a bound droplet's address does not take its place",
			world.Answers{Droplets: []cloud.Droplet{ownDroplet(5), droplet(1, "web-managers-vwxyz", opB)},
				Nodes: []swarm.Node{boundNode("boss", 1), claimant("a", 1, "10.0.0.5"), moved(boundNode("w", 5))}},
			[]string{"1 boss bound managers owned", "5 w bound workers owned", "- a contradicted : claims droplet 1, to which another node is bound"}},
		{"two nodes bound to one droplet: nobody is on it for sure",
			world.Answers{Droplets: []cloud.Droplet{ownDroplet(5)}, Nodes: []swarm.Node{boundNode("a", 5), boundNode("b", 5)}},
			[]string{"5 - contradicted workers: 2 nodes are bound to it", "- a contradicted workers: 2 nodes are bound to droplet 5",
				"- b contradicted workers: 2 nodes are bound to droplet 5"}},
		{"a claim to a droplet that is not ours",
			world.Answers{Droplets: []cloud.Droplet{droplet(7, "web-workers-other", opA)}, Nodes: []swarm.Node{claimant("x", 7, "10.0.0.7")}},
			[]string{"7 -  : has the cluster's tag, but name and operation tag are not those of a droplet that swarmd made",
				"- x contradicted : claims droplet 7, which is not the cluster's"}},
		{"a node that joined while its droplet was deleted leaves with it",
			world.Answers{Gone: []int{5}, Nodes: []swarm.Node{drainedWorker(claimant("n5", 5, "10.0.0.5"))},
				Ledger: ledger.Ledger{Ops: []ledger.Op{{ID: opA, Kind: ledger.Delete, DropletID: 5}}}},
			[]string{"- n5   delete:a: joined from droplet 5 while that was deleted"}},
		{"one that is in service is no such node, whatever it claims",
			world.Answers{Gone: []int{5}, Nodes: []swarm.Node{claimant("n5", 5, "10.0.0.5")},
				Ledger: ledger.Ledger{Ops: []ledger.Op{{ID: opA, Kind: ledger.Delete, DropletID: 5}}}},
			[]string{"- n5 contradicted : claims droplet 5, which is not the cluster's"}},
		{"nor while the droplet is there",
			world.Answers{Nodes: []swarm.Node{drainedWorker(claimant("n5", 5, "10.0.0.5"))},
				Ledger: ledger.Ledger{Ops: []ledger.Op{{ID: opA, Kind: ledger.Delete, DropletID: 5}}}},
			[]string{"- n5 contradicted : claims droplet 5, which is not the cluster's"}},
		{"a node of nobody", world.Answers{Droplets: []cloud.Droplet{ownDroplet(5)}, Nodes: []swarm.Node{{ID: "x", Hostname: "x", Addr: "10.0.0.9"}}},
			[]string{"5 - contradicted : " + nobodys, "- x  "}},
		{"the ghost of a failed join at a droplet's address is not its node",
			world.Answers{Adopt: map[int]string{5: "workers"}, Droplets: []cloud.Droplet{{ID: 5, PrivateIPv4: "10.0.0.5"}}, Nodes: []swarm.Node{{ID: "g", Addr: "10.0.0.5"}}},
			[]string{"5 -  workers adopted", "- g  "}},
		{"an adopted droplet is bound by address",
			world.Answers{Adopt: map[int]string{5: "managers"}, Droplets: []cloud.Droplet{{ID: 5, Name: "pet", PrivateIPv4: "10.0.0.5"}},
				Nodes: []swarm.Node{{ID: "pet", Hostname: "pet", Addr: "0.0.0.0", Manager: &swarm.ManagerStatus{Addr: "10.0.0.5:2377"}}}},
			[]string{"5 pet claimed managers adopted"}},
		{"an adopted droplet with two nodes at its address is not bound",
			world.Answers{Adopt: map[int]string{5: "workers"}, Droplets: []cloud.Droplet{{ID: 5, PrivateIPv4: "10.0.0.5"}},
				Nodes: []swarm.Node{{ID: "a", Hostname: "a", Addr: "10.0.0.5"}, {ID: "b", Hostname: "b", Addr: "10.0.0.5"}}},
			[]string{"5 -  workers adopted", "- a  ", "- b  "}},
		{"another cluster's droplet is not adopted",
			world.Answers{Adopt: map[int]string{5: "workers"}, Droplets: []cloud.Droplet{{ID: 5, Tags: []string{"swarmd:other"}}}},
			[]string{"5 - contradicted workers: the file adopts it, but it belongs to the cluster other"}},
		{"a bound droplet that lost its tags is disputed, and still in its pool",
			world.Answers{Droplets: []cloud.Droplet{{ID: 5, Name: "web-workers-abcde", PrivateIPv4: "10.0.0.5"}}, Nodes: []swarm.Node{boundNode("n5", 5)}},
			[]string{"5 n5 contradicted workers: has not the cluster's tag"}},
		{"a bound droplet that does not exist", world.Answers{Gone: []int{5}, Nodes: []swarm.Node{boundNode("n5", 5)}},
			[]string{"- n5 bound workers missing"}},
		{"without a cloud a binding stands and a claim says nothing",
			world.Answers{NoDroplets: true, Nodes: []swarm.Node{boundNode("n5", 5), claimant("n6", 6, "10.0.0.6")}},
			[]string{"- n5 bound workers", "- n6  "}},
		{"with a gap too", world.Answers{Gaps: []world.Gap{{What: "droplets"}}, Nodes: []swarm.Node{boundNode("n5", 5), claimant("n6", 6, "10.0.0.6")}},
			[]string{"- n5 bound workers", "- n6  "}},
		{"tags that come late: the recorded id makes it ours",
			world.Answers{Droplets: []cloud.Droplet{{ID: 5, Name: "web-workers-abcde"}},
				Ledger: ledger.Ledger{Ops: []ledger.Op{{ID: opA, Kind: ledger.Create, Pool: "workers", Name: "web-workers-abcde", DropletID: 5}}}},
			[]string{"5 -  workers owned create:a"}},
		{"a recorded id under another name makes nothing ours",
			world.Answers{Droplets: []cloud.Droplet{{ID: 5, Name: "pet"}},
				Ledger: ledger.Ledger{Ops: []ledger.Op{{ID: opA, Kind: ledger.Create, Pool: "workers", Name: "web-workers-abcde", DropletID: 5}}}},
			[]string{"5 -   create:a: has not the cluster's tag"}},
		{"a delete makes nothing ours",
			world.Answers{Droplets: []cloud.Droplet{{ID: 5, Name: "web-workers-abcde"}},
				Ledger: ledger.Ledger{Ops: []ledger.Op{{ID: opA, Kind: ledger.Delete, Pool: "workers", Name: "web-workers-abcde", DropletID: 5}}}},
			[]string{"5 -   delete:a: has not the cluster's tag"}},
		{"a create without an id is found by its tag; a delete counts more",
			world.Answers{Droplets: []cloud.Droplet{ownDroplet(5), droplet(6, "web-workers-vwxyz", opB)},
				Ledger: ledger.Ledger{Ops: []ledger.Op{{ID: opA, Kind: ledger.Create}, {ID: opB, Kind: ledger.Create},
					{ID: "zzzzz", Kind: ledger.Delete, DropletID: 6}}}},
			[]string{"5 -  workers owned create:a", "6 -  workers owned delete:z"}},
		{"the delete of a machine whose droplet is gone stays with its node",
			world.Answers{Gone: []int{5}, Nodes: []swarm.Node{boundNode("n5", 5)},
				Ledger: ledger.Ledger{Ops: []ledger.Op{{ID: "zzzzz", Kind: ledger.Delete, DropletID: 5, NodeID: "n5"}}}},
			[]string{"- n5 bound workers missing delete:z"}},
		{"a label that is no number", world.Answers{Nodes: []swarm.Node{{ID: "x", Spec: swarm.NodeSpec{Labels: map[string]string{swarm.LabelDroplet: "first"}}}}},
			[]string{"- x contradicted : its label swarmd.droplet is not a droplet id"}},
		{"a machine that is adopted no more is nobody's",
			world.Answers{Droplets: []cloud.Droplet{{ID: 5, PrivateIPv4: "10.0.0.5"}}, Nodes: []swarm.Node{adoptedNode("n5", 5)}},
			[]string{"5 n5  : was adopted, and the file does not name it any more"}},
	}
}

const nobodys = "nothing shows that it is this swarm's and not another's of the same name: let it join, or delete the droplet by hand if nothing runs on it"

const labelled = "bound to droplet 5, which is tagged as another swarm's, s2, and its engine does not claim it from the droplet's address"

// swarmCases are droplets that a swarmd made for a cluster of this name: for this swarm, which is s1, or for another.
func swarmCases() []joinCase {
	of := func(swarmID string) []cloud.Droplet {
		d := ownDroplet(5)
		d.Tags = append(d.Tags, cloud.SwarmTag(swarmID))
		return []cloud.Droplet{d}
	}
	down := boundNode("n5", 5)
	down.State = swarm.NodeDown
	return []joinCase{
		{"made for this swarm, and no node of it is known: it fills its place", world.Answers{Droplets: of("s1")},
			[]string{"5 - contradicted workers: was made for this swarm, and somebody took its node out while it lives: docker swarm leave --force and what docker swarm join-token worker prints on it bring it back; or delete its droplet by hand for a new one"}},
		{"made for another swarm", world.Answers{Droplets: of("s2")}, []string{"5 -  : was made for another swarm, s2"}},
		{"made for another swarm, and joined this one", world.Answers{Droplets: of("s2"), Nodes: []swarm.Node{claimant("n5", 5, "10.0.0.5")}},
			[]string{"5 n5 claimed workers owned"}},
		{"made for another swarm, and bound in this one", world.Answers{Droplets: of("s2"), Nodes: []swarm.Node{boundNode("n5", 5)}},
			[]string{"5 n5 bound workers owned"}},
		{"made for another swarm, and a node of this one is labelled with it by hand", world.Answers{Droplets: of("s2"), Nodes: []swarm.Node{forge(boundNode("n5", 5), 0)}},
			[]string{"5 -  : was made for another swarm, s2", "- n5 contradicted workers: " + labelled}},
		{"and claims it from elsewhere", world.Answers{Droplets: of("s2"), Nodes: []swarm.Node{moved(boundNode("n5", 5))}},
			[]string{"5 -  : was made for another swarm, s2", "- n5 contradicted workers: " + labelled}},
		{"the label alone does where no tag is against it", world.Answers{Droplets: of("s1"), Nodes: []swarm.Node{moved(forge(boundNode("n5", 5), 0))}},
			[]string{"5 n5 bound workers owned"}},
		{"a claim from another address is not credible", world.Answers{Droplets: of("s2"), Nodes: []swarm.Node{claimant("n5", 5, "10.0.0.9")}},
			[]string{"5 - contradicted workers: node n5 claims it from another address", "- n5 contradicted : claims droplet 5, but its address 10.0.0.9 is not the droplet's 10.0.0.5"}},
		{"made before there was the tag: nobody knows for which swarm", world.Answers{Droplets: []cloud.Droplet{ownDroplet(5)}},
			[]string{"5 - contradicted : " + nobodys}},
		{"the same, and a node is at its address that makes no claim yet",
			world.Answers{Droplets: []cloud.Droplet{ownDroplet(5)}, Nodes: []swarm.Node{{ID: "x", Hostname: "x", Addr: "10.0.0.5"}}},
			[]string{"5 - contradicted workers: " + nobodys, "- x  "}},
		{"the nodes could not be read: nobody knows, and nothing is advised", unread(of("s1"), world.GapNodes),
			[]string{"5 - contradicted workers: not known whose it is: nodes could not be read"}},
		{"nor the ledger, and it has no tag", unread([]cloud.Droplet{ownDroplet(5)}, world.GapLedger, world.GapNodes),
			[]string{"5 - contradicted workers: not known whose it is: nodes and ledger could not be read"}},
		{"nor the swarm's id: its own tag says nothing", unread(of("s1"), world.GapCluster),
			[]string{"5 - contradicted workers: not known whose it is: cluster could not be read"}},
		{"another's tag says enough", unread(of("s2"), world.GapNodes), []string{"5 -  : was made for another swarm, s2"}},
		{"a node that is down is a node", world.Answers{Droplets: []cloud.Droplet{ownDroplet(5)}, Nodes: []swarm.Node{down}}, []string{"5 n5 bound workers owned"}},
		{"its create is open", world.Answers{Droplets: []cloud.Droplet{ownDroplet(5)}, Ledger: ledger.Ledger{Ops: []ledger.Op{{ID: opA, Kind: ledger.Create, Pool: "workers"}}}},
			[]string{"5 -  workers owned create:a"}},
		{"another's create is open", world.Answers{Droplets: []cloud.Droplet{ownDroplet(5)}, Ledger: ledger.Ledger{Ops: []ledger.Op{{ID: opB, Kind: ledger.Create, Pool: "workers"}}}},
			[]string{"5 - contradicted : " + nobodys}},
		{"its delete is open, its node is out of the swarm",
			world.Answers{Droplets: []cloud.Droplet{ownDroplet(5)}, Ledger: ledger.Ledger{Ops: []ledger.Op{{ID: opB, Kind: ledger.Delete, DropletID: 5}}}},
			[]string{"5 -  workers owned delete:v"}},
	}
}

// unread are the parts of a look at the droplets with these gaps.
func unread(droplets []cloud.Droplet, gaps ...string) world.Answers {
	p := world.Answers{Droplets: droplets, Cluster: swarm.Cluster{ID: "s1"}}
	for _, what := range gaps {
		p.Gaps = append(p.Gaps, world.Gap{What: what})
		if what == world.GapCluster {
			p.Cluster.ID = ""
		}
	}
	return p
}

func forge(n swarm.Node, claim int) swarm.Node {
	n.EngineLabels = map[string]string{swarm.LabelDroplet: strconv.Itoa(claim)}
	return n
}

func moved(n swarm.Node) swarm.Node {
	n.Addr = "10.0.0.99"
	return n
}

func adoptedNode(id string, to int) swarm.Node {
	n := boundNode(id, to)
	n.EngineLabels = nil
	n.Spec.Labels[swarm.LabelAdopted] = "true"
	return n
}

func TestJoin(t *testing.T) {
	for _, c := range append(joinCases(), swarmCases()...) {
		t.Run(c.name, func(t *testing.T) {
			c.parts.Name = "web"
			if len(c.parts.Gaps) == 0 {
				c.parts.Cluster.ID = "s1"
			}
			if diff := cmp.Diff(c.want, said(world.Join(c.parts).Machines)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestJoinDoesNotDependOnOrder(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, c := range append(joinCases(), swarmCases()...) {
		c.parts.Name = "web"
		if len(c.parts.Gaps) == 0 {
			c.parts.Cluster.ID = "s1"
		}
		want := world.Join(c.parts)
		for range 20 {
			shuffle(rnd, c.parts.Droplets)
			shuffle(rnd, c.parts.Nodes)
			shuffle(rnd, c.parts.Ledger.Ops)
			if diff := cmp.Diff(want, world.Join(c.parts)); diff != "" {
				t.Fatalf("%s: -first +shuffled\n%s", c.name, diff)
			}
		}
	}
}

func shuffle[T any](rnd *rand.Rand, s []T) {
	rnd.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
}

func TestPoolIsTheNamesMiddle(t *testing.T) {
	for name, want := range map[string]string{
		"web-workers-abcde": "workers", "web-blue-workers-abcde": "blue-workers", "web-workers-abcdf": "", "web-abcde": "", "shop-workers-abcde": "",
		"web--abcde": "", "workers": "",
	} {
		w := world.Join(world.Answers{Name: "web", Droplets: []cloud.Droplet{droplet(5, name, opA)}, Nodes: []swarm.Node{claimant("n5", 5, "10.0.0.5")}})
		if got := w.Machines[0].Pool; got != want || w.Machines[0].Owned != (want != "") {
			t.Errorf("%s: pool %q, want %q", name, got, want)
		}
		if world.Owned("web", droplet(5, name, opA)) != (want != "") {
			t.Errorf("%s: owned by what it shows: %t", name, want == "")
		}
	}
}

func TestJoinSorts(t *testing.T) {
	w := world.Join(world.Answers{
		Services: []swarm.Service{{Spec: swarm.ServiceSpec{Name: "b"}}, {Spec: swarm.ServiceSpec{Name: "a"}}},
		Networks: []swarm.Network{{Spec: swarm.NetworkSpec{Name: "b"}}, {Spec: swarm.NetworkSpec{Name: "a"}}},
		Tasks:    []swarm.Task{{ServiceID: "s", Slot: 2}, {ServiceID: "s", Slot: 1, ID: "y"}, {ServiceID: "s", Slot: 1, ID: "x"}},
		Gaps:     []world.Gap{{What: "tasks"}, {What: "droplets"}},
		Gone:     []int{9, 3},
	})
	tasks := w.Tasks[0].ID + w.Tasks[1].ID
	if w.Services[0].Spec.Name != "a" || w.Networks[0].Spec.Name != "a" || tasks != "xy" || w.Gaps[0].What != "droplets" || !slices.IsSorted(w.Gone) {
		t.Errorf("not sorted: %+v", w)
	}
}
