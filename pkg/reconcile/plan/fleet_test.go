package plan_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/swarmd/swarmd/internal/cost"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// A fleet is a cluster of the size of Swarm3K, the largest swarm that was ever shown: 4,700 nodes, 100,000 tasks.
const (
	fleetPools    = 10
	fleetPool     = 470
	fleetServices = 1000
	fleetReplicas = 100
)

// fleet is one part in so many of such a cluster, in which everything is as wanted.
func fleet(t testing.TB, part int) plan.Input {
	pools := []spec.Pool{pool("managers", "manager", 3)}
	for i := range fleetPools {
		pools = append(pools, pool(fmt.Sprintf("workers%d", i), "worker", fleetPool/part))
	}
	m := newModel(t, pools...)
	parts := m.parts()
	for _, p := range m.spec.Pools {
		for i := range p.Count {
			d, n := fleetMachine(m, len(parts.Nodes), p, i)
			parts.Droplets, parts.Nodes = append(parts.Droplets, d), append(parts.Nodes, n)
		}
	}
	var services []swarm.ServiceSpec
	for i := range fleetServices / part {
		s := service(fmt.Sprintf("app%03d", i), "app:1", fleetReplicas)
		var env []string
		for j := range 40 { // what a form has besides
			env = append(env, fmt.Sprintf("TaskTemplate.ContainerSpec.Env[KEY%d]", j), "value")
		}
		services = append(services, with(s, env...))
	}
	m.stack = stack(services...)
	for i, n := range m.stack.Networks {
		parts.Networks = append(parts.Networks, swarm.Network{ID: fmt.Sprintf("net%d", i), Spec: n})
	}
	for i, s := range m.stack.Services {
		live := swarm.Service{ID: fmt.Sprintf("service%04d", i), Version: 7, Spec: s, Created: epoch.Add(-time.Hour), Updated: epoch.Add(-time.Hour)}
		live.Spec = stored(s, swarm.Pin{Digest: "sha256:" + s.Image})
		parts.Services = append(parts.Services, live)
		for slot := range fleetReplicas {
			node := parts.Nodes[(i*fleetReplicas+slot)%len(parts.Nodes)].ID
			parts.Tasks = append(parts.Tasks, swarm.Task{ID: fmt.Sprintf("task%07d", i*fleetReplicas+slot), ServiceID: live.ID, NodeID: node, Slot: slot + 1,
				State: "running", DesiredState: "running", Created: epoch.Add(-time.Hour), Updated: epoch.Add(-time.Hour)})
		}
	}
	in := m.input()
	in.World, in.Holder = world.Join(parts), parts.Nodes[0].ID
	return in
}

func fleetMachine(m *model, i int, p spec.Pool, inPool int) (cloud.Droplet, swarm.Node) {
	op, addr := m.opID(i), fmt.Sprintf("10.%d.%d.%d", i/62500, i/250%250, i%250+1)
	d := cloud.Droplet{ID: 1000 + i, Name: cloud.DropletName("web", p.Name, op), Tags: []string{cloud.ClusterTag("web"), cloud.OpTag(op), cloud.SwarmTag("swarm1")}, Region: p.Region,
		Size: p.Size, Image: p.Image, Status: cloud.StatusActive, PrivateIPv4: addr, Created: epoch.Add(-time.Hour)}
	n := swarm.Node{ID: fmt.Sprintf("node%05d", i), Version: 9, Hostname: d.Name, State: swarm.NodeReady, Addr: addr, Created: epoch.Add(-time.Hour),
		EngineLabels: map[string]string{swarm.LabelDroplet: fmt.Sprint(d.ID)}, CPUs: 1, MemoryBytes: 1 << 30}
	n.Spec = swarm.NodeSpec{Role: swarm.Role(p.Role), Availability: swarm.Active,
		Labels: map[string]string{swarm.LabelPool: p.Name, swarm.LabelCluster: "web", swarm.LabelDroplet: fmt.Sprint(d.ID)}}
	if p.Role == "manager" {
		n.Manager = &swarm.ManagerStatus{Leader: inPool == 0, Reachability: "reachable"}
	}
	return d, n
}

// TestAPlanGrowsAsTheClusterDoes: with ten times as many nodes, services and tasks it takes ten times as long, not a hundred times. Processor time is
// compared: on a busy machine what takes long is interrupted, and what is short is not.
func TestAPlanGrowsAsTheClusterDoes(t *testing.T) {
	each := func(in plan.Input, times int) float64 {
		return cost.Of(func() {
			for range times {
				if p := plan.Compute(in); !p.Converged {
					t.Fatalf("%d steps, %d holds", len(p.Steps), len(p.Holds))
				}
			}
		}).Time.Seconds() / float64(times)
	}
	small, large := fleet(t, 40), fleet(t, 4)
	var ratio float64
	for range 5 { // what is large fits no cache, and is collected while it is counted
		if ratio = each(large, 4) / each(small, 40); ratio < 50 {
			return
		}
	}
	t.Errorf("a plan takes %.0f times as long for a cluster that is ten times as large", ratio)
}

// TestAPlanTakesMemoryAsTheClusterGrows: with ten times as many nodes and services it allocates ten times as much; what is made for each service of
// each node would be a hundred times as much.
func TestAPlanTakesMemoryAsTheClusterGrows(t *testing.T) {
	allocated := func(in plan.Input) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		plan.Compute(in)
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	small, large := allocated(fleet(t, 40)), allocated(fleet(t, 4))
	if large > 20*small {
		t.Errorf("a plan allocates %d kB, and %d kB for a cluster that is ten times as large", small>>10, large>>10)
	}
}

// BenchmarkFleet is a plan for a fleet: of one in which nothing is to be done, of one in which every image changes, and of one that lost a machine in ten.
func BenchmarkFleet(b *testing.B) {
	quiet := fleet(b, 1)
	if p := plan.Compute(quiet); !p.Converged || len(p.Steps) > 0 {
		b.Fatalf("%d steps, %d holds, first %v", len(p.Steps), len(p.Holds), p.Holds[:min(len(p.Holds), 3)])
	}
	edited := fleet(b, 1)
	for i, s := range edited.Stack.Services {
		s.Image = "app:2"
		edited.Stack.Services[i] = with(s, "TaskTemplate.ContainerSpec.Image", "app:2")
	}
	lost := fleet(b, 1)
	for i := range lost.World.Machines {
		if i%10 == 9 {
			n := *lost.World.Machines[i].Node
			n.State = swarm.NodeDown
			lost.World.Machines[i].Node = &n
		}
	}
	for _, c := range []struct {
		name string
		in   plan.Input
		bad  func(plan.Plan) bool
	}{
		{"quiet", quiet, func(p plan.Plan) bool { return !p.Converged }},
		{"edited", edited, func(p plan.Plan) bool { return len(p.Steps) == 0 && len(p.Holds) == 0 }},
		{"lost", lost, func(p plan.Plan) bool { return len(p.Holds) < 400 }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			spent := cost.Of(func() {
				for b.Loop() {
					if p := plan.Compute(c.in); c.bad(p) {
						b.Fatalf("%d steps, %d holds", len(p.Steps), len(p.Holds))
					}
				}
			})
			b.ReportMetric(float64(spent.Time.Microseconds())/1000/float64(b.N), "processor-ms/op")
		})
	}
}
