package brake

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

const opID = "abcdefghijklmnop"

// ground is the truth on both sides, with the adapters' methods. A demotion takes its effect when settle is called, as in the engine.
type ground struct {
	droplets map[int]cloud.Droplet
	nodes    []swarm.Node
	ledger   ledger.Ledger
	sent     []string // what reached the adapters, but for reads
	reads    int
	fail     map[string]error // by call

	config     string // id of the ledger's config
	peers      []swarm.Peer
	leaderless bool // the list of nodes is not the whole
	wanted     int  // managers, by every revision
	tasks      []swarm.Task
}

func newGround() *ground {
	return &ground{droplets: map[int]cloud.Droplet{}, fail: map[string]error{}, wanted: 1}
}

// accepted is a file that wants so many managers.
func (g *ground) accepted() []byte {
	return fmt.Appendf(nil, "version: 1\ncluster: web\ncloud: { digitalocean: { region: fra1, image: docker-20-04 } }\n"+
		"nodes:\n  m: { role: manager, count: %d, size: s-1vcpu-1gb }\n", g.wanted)
}

// brakes puts the brakes in front of the ground, and collects the names of those that held.
func (g *ground) brakes(change func(*Options)) (*Cloud, *Swarm, *[]string) {
	var held []string
	o := Options{
		Cluster: "web", Cloud: fakeCloud{g}, Engine: fakeEngine{g: g}, Refused: func(b string) { held = append(held, b) },
		Ledger: func(context.Context) (ledger.Ledger, error) { return g.ledger, g.fail["ledger"] },
	}
	if change != nil {
		change(&o)
	}
	c, s := New(o)
	return c, s, &held
}

// droplet adds one of the cluster's.
func (g *ground) droplet(id int) {
	g.droplets[id] = cloud.Droplet{
		ID: id, Name: "web-workers-abcde", Tags: []string{"swarmd-op:" + opID, "swarmd:web"}, PrivateIPv4: fmt.Sprintf("10.0.0.%d", id), Status: cloud.StatusActive,
	}
}

// tag tags a droplet as one of the swarm.
func (g *ground) tag(id int, swarmID string) {
	d := g.droplets[id]
	d.Tags = append(d.Tags, cloud.SwarmTag(swarmID))
	g.droplets[id] = d
}

// node adds a machine with a node on it.
func (g *ground) node(id int, role swarm.Role) {
	g.droplet(id)
	n := swarm.Node{
		ID: fmt.Sprintf("n%d", id), Version: 1, State: swarm.NodeReady, Addr: fmt.Sprintf("10.0.0.%d", id),
		Spec: swarm.NodeSpec{Role: role, Availability: swarm.Active, Labels: map[string]string{swarm.LabelDroplet: fmt.Sprint(id)}},
	}
	if role == swarm.Manager {
		n.Manager = &swarm.ManagerStatus{Reachability: "reachable", Addr: n.Addr + ":2377"}
	}
	g.nodes = append(g.nodes, n)
}

func (g *ground) at(id string) *swarm.Node {
	for i := range g.nodes {
		if g.nodes[i].ID == id {
			return &g.nodes[i]
		}
	}
	return nil
}

// settle lets each wished role become the membership.
func (g *ground) settle() {
	for i := range g.nodes {
		n := &g.nodes[i]
		switch {
		case n.Spec.Role == swarm.Worker:
			n.Manager = nil
		case n.Manager == nil:
			n.Manager = &swarm.ManagerStatus{Reachability: "reachable"}
		}
	}
}

// notice lets the leader see which machines are off.
func (g *ground) notice() {
	for i := range g.nodes {
		n := &g.nodes[i]
		id := n.Spec.Labels[swarm.LabelDroplet]
		if slices.Contains(g.sent, "off "+id) || slices.Contains(g.sent, "shutdown "+id) {
			n.State = swarm.NodeDown
		}
	}
}

// beginDelete opens an operation to delete the droplet.
func (g *ground) beginDelete(id int, budgeted bool) {
	g.ledger.Ops = append(g.ledger.Ops, ledger.Op{ID: fmt.Sprintf("delete%d", id), Kind: ledger.Delete, DropletID: id, Budgeted: budgeted})
	if !budgeted {
		g.ledger.FreeDeletes = append(g.ledger.FreeDeletes, time.Now())
	}
}

// permit is an accepted edit that permits n deletes.
func (g *ground) permit(n int) {
	g.ledger.Revision++
	g.ledger.DeleteBudget += n
}

// begin opens a permitted delete as the executor does.
func (g *ground) begin(id int) {
	g.ledger.DeleteBudget--
	g.beginDelete(id, true)
}

func (g *ground) did(what string, args ...any) error {
	g.sent = append(g.sent, fmt.Sprintf(what, args...))
	return g.fail[fmt.Sprintf(what, args...)]
}

func (g *ground) read(what string) error {
	g.reads++
	return g.fail[what]
}

type fakeCloud struct{ *ground }

func (g fakeCloud) Droplets(_ context.Context, tag string) ([]cloud.Droplet, error) {
	var all []cloud.Droplet
	for _, d := range g.droplets {
		if d.HasTag(tag) {
			all = append(all, d)
		}
	}
	return all, g.read("droplets")
}

func (g fakeCloud) Droplet(_ context.Context, id int) (cloud.Droplet, error) {
	if err := g.read("droplet"); err != nil {
		return cloud.Droplet{}, err
	}
	d, ok := g.droplets[id]
	if !ok {
		return d, &apierr.Error{Kind: apierr.NotFound, Err: errors.New("no such droplet")}
	}
	return d, nil
}

func (g fakeCloud) CreateDroplet(_ context.Context, r cloud.CreateDroplet) (cloud.Droplet, error) {
	d := cloud.Droplet{ID: 100 + len(g.sent), Name: r.Name} // its tags come late
	g.droplets[d.ID] = d
	return d, g.did("create %s", r.Name)
}

func (g fakeCloud) TagDroplet(_ context.Context, id int, tag string) error {
	return g.did("tag %d %s", id, tag)
}

func (g fakeCloud) DeleteDroplet(_ context.Context, id int) error {
	delete(g.droplets, id)
	return g.did("delete %d", id)
}

func (g fakeCloud) Shutdown(_ context.Context, id int) (cloud.Action, error) {
	return cloud.Action{ID: 1}, g.did("shutdown %d", id)
}

func (g fakeCloud) PowerOff(_ context.Context, id int) (cloud.Action, error) {
	return cloud.Action{ID: 1}, g.did("off %d", id)
}

func (g fakeCloud) PowerOn(_ context.Context, id int) (cloud.Action, error) {
	return cloud.Action{ID: 1}, g.did("on %d", id)
}

func (g fakeCloud) PowerCycle(_ context.Context, id int) (cloud.Action, error) {
	return cloud.Action{ID: 1}, g.did("cycle %d", id)
}

func (g fakeCloud) Resize(_ context.Context, id int, size string) (cloud.Action, error) {
	return cloud.Action{ID: 1}, g.did("resize %d to %s", id, size)
}

func (g fakeCloud) Action(context.Context, int, int) (cloud.Action, error) {
	return cloud.Action{ID: 1}, g.read("action")
}
func (g fakeCloud) Sizes(context.Context) ([]cloud.Size, error) { return nil, g.read("sizes") }
func (g fakeCloud) Account(context.Context) (cloud.Account, error) {
	return cloud.Account{}, g.read("account")
}
func (g fakeCloud) VPCs(context.Context) ([]cloud.VPC, error) { return nil, g.read("vpcs") }

// fakeEngine has the methods that the brakes use; another call is a nil pointer.
type fakeEngine struct {
	Engine
	g *ground
}

// Nodes lists the nodes; the first member leads, or else a manager that no test is about.
func (e fakeEngine) Nodes(context.Context) ([]swarm.Node, error) {
	nodes := slices.Clone(e.g.nodes)
	i := slices.IndexFunc(nodes, func(n swarm.Node) bool { return n.Manager != nil })
	switch {
	case e.g.leaderless:
	case i >= 0:
		leads := *nodes[i].Manager
		leads.Leader = true
		nodes[i].Manager = &leads
	default:
		nodes = append(nodes, swarm.Node{ID: "leader", State: swarm.NodeReady, Addr: "10.0.0.250", Spec: swarm.NodeSpec{Role: swarm.Manager},
			Manager: &swarm.ManagerStatus{Leader: true, Reachability: "reachable"}})
	}
	return nodes, e.g.read("nodes")
}

// Info is of the machine on droplet 5.
func (e fakeEngine) Info(context.Context) (swarm.Info, error) {
	return swarm.Info{NodeAddr: "10.0.0.5"}, e.g.read("info")
}

func (e fakeEngine) Peers(context.Context) ([]swarm.Peer, error) { return e.g.peers, e.g.read("peers") }

func (e fakeEngine) Cluster(context.Context) (swarm.Cluster, error) {
	return swarm.Cluster{ID: "s1", Version: 7, Spec: []byte(`{"Name":"default","Seen":7}`)}, e.g.read("cluster")
}

func (e fakeEngine) UpdateNode(_ context.Context, id string, version uint64, spec swarm.NodeSpec) error {
	n := e.g.at(id)
	if n == nil || n.Version != version {
		return &apierr.Error{Kind: apierr.Conflict, Err: errors.New("update out of sequence")}
	}
	n.Version++
	n.Spec = spec
	return e.g.did("update %s %s", id, spec.Role)
}

func (e fakeEngine) TasksOn(_ context.Context, nodes []string) ([]swarm.Task, error) {
	return slices.DeleteFunc(slices.Clone(e.g.tasks), func(t swarm.Task) bool { return !slices.Contains(nodes, t.NodeID) }), e.g.read("tasks on")
}

func (e fakeEngine) RemoveNode(_ context.Context, id string) error {
	e.g.nodes = slices.DeleteFunc(e.g.nodes, func(n swarm.Node) bool { return n.ID == id })
	return e.g.did("remove %s", id)
}

func (e fakeEngine) Configs(context.Context, string) ([]swarm.Config, error) {
	labels, err := ledger.Encode(e.g.ledger, nil)
	return []swarm.Config{{Name: "swarmd.web.lease"}, {ID: e.g.config, Name: "swarmd.web", Labels: labels},
		{Name: fmt.Sprintf("swarmd.web.spec.%d", e.g.ledger.Revision), Data: e.g.accepted()}}, errors.Join(err, e.g.read("configs"))
}

func (e fakeEngine) UpdateConfig(_ context.Context, id string, _ uint64, labels map[string]string) error {
	l, _, err := ledger.Decode(labels)
	if err == nil {
		e.g.ledger = l
	}
	return e.g.did("config %s", id)
}

func (e fakeEngine) RemoveConfig(_ context.Context, id string) error {
	return e.g.did("remove config %s", id)
}

// wantBraked checks that the call was refused by the brake, with nothing sent.
func wantBraked(t *testing.T, g *ground, held *[]string, brake string, err error) {
	t.Helper()
	if apierr.KindOf(err) != apierr.Braked || !slices.Contains(*held, brake) {
		t.Errorf("want it held by %s, was held by %v: %v", brake, *held, err)
	}
	if len(g.sent) != 0 {
		t.Errorf("sent %v", g.sent)
	}
}
