package plan_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// How long things take in the model.
const (
	bootTime   = 10 * time.Second // create → active
	joinTime   = 20 * time.Second // create → in the swarm
	roleTime   = 3 * time.Second  // role written → membership
	stopTime   = 4 * time.Second  // shutdown → off
	downTime   = 12 * time.Second // off → Down
	taskTime   = 2 * time.Second  // assigned → running, or told to stop → stopped
	updateTime = 9 * time.Second  // of a roll-out
)

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// model is a small cloud and swarm that obeys like the real ones: it refuses what they refuse.
type model struct {
	t        testing.TB
	now      time.Time
	spec     *spec.Spec
	revision int
	accepted time.Time
	stack    swarm.Stack
	holder   string
	droplets map[int]*machine
	services map[string]*swarm.Service
	networks map[string]*swarm.Network
	tasks    []swarm.Task
	nodes    map[string]*machine // nodes that are no droplet of the model
	ledger   ledger.Ledger
	seq      int
	used     int // operation ids that plans took
	log      strings.Builder
	said     map[string]bool
	gaps     []world.Gap
	badHash  string // a specification whose roll-out fails and is rolled back
	old      map[string]swarm.ServiceSpec
	memory   plan.Memory
	vpcs     []cloud.VPC
	deny     bool                        // services that would be root on the machines
	hook     func(plan.Input, plan.Plan) // looks at every plan before it is done
	resized  func(*machine) apierr.Kind  // how the cloud answers a resize; nil: it does it
}

type machine struct {
	droplet *cloud.Droplet
	node    *swarm.Node
	created time.Time
	roleAt  time.Time
	stopAt  time.Time // when a shutdown was asked for
	offAt   time.Time
	deaf    bool // does not follow a shutdown
	neverUp bool // never joins
	stuck   bool // does not start when it is powered on
	onAt    time.Time
}

func newModel(t testing.TB, pools ...spec.Pool) *model {
	m := &model{
		t: t, now: epoch, revision: 1, accepted: epoch, holder: "", droplets: map[int]*machine{}, services: map[string]*swarm.Service{}, networks: map[string]*swarm.Network{},
		nodes: map[string]*machine{}, ledger: ledger.Ledger{Revision: 1, ClusterID: "swarm1"}, said: map[string]bool{}, old: map[string]swarm.ServiceSpec{},
	}
	m.spec = newSpec(pools...)
	m.stack.Namespace = m.spec.Cluster
	return m
}

func newSpec(pools ...spec.Pool) *spec.Spec {
	slices.SortFunc(pools, func(a, b spec.Pool) int { return strings.Compare(a.Name, b.Name) })
	return &spec.Spec{
		Version: 1, Cluster: "web", Pools: pools,
		Cloud: spec.DigitalOcean{Region: "fra1", Image: "docker-20-04", SSHKeys: []string{"aa:bb"}},
		Policies: spec.Policies{CreateVisible: 5 * time.Minute, ActiveTimeout: 5 * time.Minute, LaunchTimeout: 10 * time.Minute, DrainTimeout: 5 * time.Minute,
			ShutdownTimeout: 2 * time.Minute, ServicesWait: 5 * time.Minute, MaxCreates: 10, Resync: 30 * time.Second,
			Repair: spec.Repair{LaunchTries: 3, Worker: 5 * time.Minute, Manager: 10 * time.Minute, PowerOn: []time.Duration{0, time.Minute, 5 * time.Minute}, Gone: time.Minute}},
	}
}

func pool(name, role string, count int) spec.Pool {
	return spec.Pool{Name: name, Role: role, Count: count, Size: "s-1vcpu-1gb", Image: "docker-20-04", Region: "fra1", Availability: "active"}
}

// firstManager is what bootstrap leaves behind.
func (m *model) firstManager() {
	m.seq++
	id, op := 100+m.seq, "firstxxxxxxxxxxx"
	d := m.makeDroplet(id, "web-managers-"+op[:5], op)
	d.created = m.now.Add(-time.Hour)
	d.droplet.Created = d.created
	m.step(0)
	d.node.Spec.Role, d.node.Spec.Availability = swarm.Manager, swarm.Active
	d.node.Manager = &swarm.ManagerStatus{Leader: true, Reachability: "reachable"}
	m.holder = d.node.ID
}

// opID makes a different id of every number: five letters of it, then padding.
func (m *model) opID(n int) string {
	out := []byte(strings.Repeat("x", 16))
	for i := 4; i >= 0; i-- {
		out[i] = byte('a' + n%26)
		n /= 26
	}
	return string(out)
}

func (m *model) opIDs() []string {
	var ids []string
	for i := range 30 {
		ids = append(ids, m.opID(m.used+i))
	}
	return ids
}

func (m *model) makeDroplet(id int, name, op string) *machine {
	d := &machine{created: m.now, droplet: &cloud.Droplet{
		ID: id, Name: name, Tags: []string{cloud.OpTag(op), cloud.SwarmTag("swarm1"), cloud.ClusterTag("web")}, Region: "fra1", Size: "s-1vcpu-1gb", DiskGB: 25, Image: "docker-20-04",
		Status: cloud.StatusNew, PrivateIPv4: fmt.Sprintf("10.0.0.%d", id%250), Created: m.now,
	}}
	m.droplets[id] = d
	return d
}

// parts is what Observe would have read.
func (m *model) parts() world.Answers {
	p := world.Answers{At: m.now, Name: "web", Adopt: map[int]string{}, Cluster: swarm.Cluster{ID: "swarm1"}, Ledger: m.ledger, Gaps: m.gaps}
	for _, pl := range m.spec.Pools {
		for _, id := range pl.Adopt {
			p.Adopt[id] = pl.Name
		}
	}
	for _, d := range m.machines() {
		if d.droplet != nil {
			p.Droplets = append(p.Droplets, *d.droplet)
		}
		if d.node != nil {
			n := *d.node
			n.Spec.Labels = maps.Clone(n.Spec.Labels)
			p.Nodes = append(p.Nodes, n)
		}
	}
	p.Gone = m.gone(p)
	for _, s := range m.services {
		p.Services = append(p.Services, *s)
	}
	for _, n := range m.networks {
		p.Networks = append(p.Networks, *n)
	}
	p.Tasks = slices.Clone(m.tasks)
	return p
}

func (m *model) gone(p world.Answers) []int {
	named := map[int]bool{}
	for _, k := range p.Ledger.Kept {
		named[k.DropletID] = true
	}
	for _, op := range p.Ledger.Ops {
		named[op.DropletID] = true
	}
	for _, n := range p.Nodes {
		id, _ := strconv.Atoi(n.Spec.Labels[swarm.LabelDroplet])
		named[id] = true
	}
	for id := range p.Adopt {
		named[id] = true
	}
	delete(named, 0)
	for _, d := range p.Droplets {
		delete(named, d.ID)
	}
	return slices.Sorted(maps.Keys(named))
}

func (m *model) machines() []*machine {
	var out []*machine
	for _, id := range slices.Sorted(maps.Keys(m.droplets)) {
		out = append(out, m.droplets[id])
	}
	for _, id := range slices.Sorted(maps.Keys(m.nodes)) {
		out = append(out, m.nodes[id])
	}
	return out
}

func (m *model) input() plan.Input {
	return plan.Input{Now: m.now, Spec: m.spec, Revision: m.revision, Accepted: m.accepted, Stack: m.stack, World: world.Join(m.parts()), Epoch: 1, Holder: m.holder, OpIDs: m.opIDs(), Sizes: sizesOf("fra1"), VPCs: m.vpcs, DenyHostAccess: m.deny, Memory: m.memory}
}

// pass is one look, one plan, all its steps.
func (m *model) pass() plan.Plan {
	in := m.input()
	p := plan.Compute(in)
	if m.hook != nil {
		m.hook(in, p)
	}
	for _, s := range p.Steps {
		m.write("%-28s %s", s.ID, s.Reason.Text)
		m.apply(s.Action)
	}
	for _, h := range p.Holds {
		if line := h.Guard + " " + h.Object + ": " + h.Text; !m.said[line] {
			m.said[line] = true
			m.write("hold %s", line)
		}
	}
	return p
}

func (m *model) write(format string, args ...any) {
	fmt.Fprintf(&m.log, "%6.1fs %s\n", m.now.Sub(epoch).Seconds(), fmt.Sprintf(format, args...))
}

// settle passes until converged. It fails after the limit.
func (m *model) settle(limit time.Duration) {
	m.t.Helper()
	for end := m.now.Add(limit); m.now.Before(end); {
		p := m.pass()
		m.step(0)
		if p.Converged {
			m.write("converged")
			return
		}
		m.step(max(p.RequeueAfter, 500*time.Millisecond))
	}
	p := m.pass()
	m.t.Fatalf("not converged within %s: steps %v holds %v\n%s", limit, p.Steps, p.Holds, m.log.String())
}

// edit accepts a new revision as the store does: lowered counts permit deletes.
func (m *model) edit(pools ...spec.Pool) {
	next := newSpec(pools...)
	m.ledger.DeleteBudget += ledger.BudgetOf([]*spec.Spec{m.spec}, next).More
	m.revision++
	m.accepted = m.now
	m.spec, m.ledger.Revision = next, m.revision
	m.write("edit: revision %d", m.revision)
}
