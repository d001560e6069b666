package plan_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
	"pgregory.net/rapid"
)

// chance is true once in 2^k: rapid's integers are biased to their ends, its booleans are fair.
func chance(t *rapid.T, label string, k int) bool {
	hit := true
	for range k {
		hit = rapid.Bool().Draw(t, label) && hit
	}
	return hit
}

// scene is any cluster: not only those that the planner itself would lead to.
func scene(t *rapid.T) (plan.Input, world.Answers) {
	s := newSpec(anyPool(t, "managers", "manager"), anyPool(t, "workers", "worker"))
	s.Policies.MaxCreates = rapid.IntRange(1, 4).Draw(t, "max creates")
	p := world.Answers{At: epoch, Name: "web", Cluster: swarm.Cluster{ID: "swarm1"}, Ledger: ledger.Ledger{ClusterID: "swarm1",
		DeleteBudget: rapid.IntRange(0, 3).Draw(t, "credit")}}
	for i := range rapid.IntRange(2, 9).Draw(t, "machines") {
		anyMachine(t, &p, i+1)
	}
	for i := range rapid.IntRange(0, 4).Draw(t, "lost creates") {
		anyCreate(t, &p, i)
	}
	if rapid.Bool().Draw(t, "allowance used") {
		p.Ledger.FreeDeletes = []time.Time{epoch.Add(-time.Minute)}
	}
	if chance(t, "gap", 3) {
		p.Gaps = []world.Gap{{What: rapid.SampledFrom([]string{"droplets", "info", "cluster", "nodes", "services", "tasks", "networks", "ledger", "revision"}).Draw(t, "which"), Err: "broken"}}
	}
	if rapid.Bool().Draw(t, "calm") {
		calm(t, s, &p)
	}
	anyStack(t, &p)
	in := plan.Input{Now: epoch, Spec: s, Revision: 2, Stack: stack(service("app", "app:1", 2)), World: world.Join(p), Epoch: 1}
	in.Holder = rapid.SampledFrom([]string{"", "n1", "n2"}).Draw(t, "holder")
	for i := range 40 {
		in.OpIDs = append(in.OpIDs, (&model{}).opID(5000+i))
	}
	return in, p
}

// calm makes all machines sound, whatever their roles, and now and then one manager unreachable: without it, hardly a scene permits a change of membership.
func calm(t *rapid.T, s *spec.Spec, p *world.Answers) {
	p.Gaps = nil
	for i := range s.Pools {
		s.Pools[i].Labels = nil
	}
	for i := range p.Nodes {
		n := &p.Nodes[i]
		n.State, n.EngineLabels, n.Spec.Availability = swarm.NodeReady, nil, swarm.Active
		if n.Manager = nil; n.ID == "n1" || n.Spec.Role == swarm.Manager {
			n.Spec.Role, n.Manager = swarm.Manager, &swarm.ManagerStatus{Leader: n.ID == "n1", Reachability: "reachable"}
			if n.ID != "n1" && chance(t, "cut off "+n.ID, 3) {
				n.Manager.Reachability = "unreachable"
			}
		}
	}
}

func anyPool(t *rapid.T, name, role string) spec.Pool {
	p := pool(name, role, rapid.IntRange(0, 5).Draw(t, name))
	if rapid.Bool().Draw(t, name+" labelled") {
		p.Labels = map[string]string{"zone": "a"}
	}
	return p
}

// anyMachine adds a droplet, a node or both, in any state, and perhaps an operation on it.
func anyMachine(t *rapid.T, p *world.Answers, id int) {
	once := func(what string, k int) bool { return chance(t, fmt.Sprint(what, id), k) }
	op := (&model{}).opID(id)
	poolName := rapid.SampledFrom([]string{"managers", "workers", "workers", "old"}).Draw(t, fmt.Sprint("pool", id))
	d := cloud.Droplet{ID: id, Name: "web-" + poolName + "-" + op[:5], Tags: []string{"swarmd-op:" + op, "swarmd:web"}, Region: "fra1", Size: "s-1vcpu-1gb",
		Image: "docker-20-04", PrivateIPv4: fmt.Sprint("10.0.0.", id), Created: epoch.Add(-time.Duration(rapid.IntRange(0, 20).Draw(t, fmt.Sprint("age", id))) * time.Minute), Locked: once("locked", 3),
		Status: rapid.SampledFrom([]cloud.Status{cloud.StatusActive, cloud.StatusActive, cloud.StatusOff, cloud.StatusNew}).Draw(t, fmt.Sprint("status", id))}
	if once("foreign", 3) {
		d.Name, d.Tags = "pet", []string{"swarmd:web"}
	}
	if !once("gone", 3) {
		p.Droplets = append(p.Droplets, d)
	} else {
		p.Gone = append(p.Gone, id)
	}
	if id == 1 || !once("not joined", 2) {
		p.Nodes = append(p.Nodes, anyNode(t, id, poolName))
	}
	if once("op", 2) {
		anyOp(t, p, d, poolName)
	}
}

func anyNode(t *rapid.T, id int, poolName string) swarm.Node {
	once := func(what string, k int) bool { return chance(t, fmt.Sprint("node ", what, id), k) }
	n := swarm.Node{ID: fmt.Sprint("n", id), Version: uint64(id), Hostname: fmt.Sprint("h", id), Addr: fmt.Sprint("10.0.0.", id), Created: epoch,
		State:        rapid.SampledFrom([]swarm.NodeState{swarm.NodeReady, swarm.NodeReady, swarm.NodeReady, swarm.NodeDown, swarm.NodeUnknown}).Draw(t, fmt.Sprint("state", id)),
		EngineLabels: map[string]string{swarm.LabelDroplet: fmt.Sprint(id)},
		Spec:         swarm.NodeSpec{Role: swarm.Worker, Availability: swarm.Active, Labels: map[string]string{"theirs": "kept"}}}
	if once("drained", 2) {
		n.Spec.Availability = swarm.Drain
	}
	if !once("unbound", 3) {
		n.Spec.Labels[swarm.LabelDroplet], n.Spec.Labels[swarm.LabelPool] = fmt.Sprint(id), poolName
	}
	if once("forged", 4) {
		n.EngineLabels[swarm.LabelDroplet] = "1"
	}
	if poolName == "managers" || once("wish", 2) {
		n.Spec.Role = rapid.SampledFrom([]swarm.Role{swarm.Manager, swarm.Manager, swarm.Worker}).Draw(t, fmt.Sprint("role", id))
	}
	if id == 1 || (n.Spec.Role == swarm.Manager) != once("deferred", 4) {
		reach := rapid.SampledFrom([]string{"reachable", "reachable", "reachable", "unreachable"}).Draw(t, fmt.Sprint("reach", id))
		n.Manager = &swarm.ManagerStatus{Leader: id == 1, Reachability: reach}
	}
	return n
}

func anyOp(t *rapid.T, p *world.Answers, d cloud.Droplet, poolName string) {
	kind := rapid.SampledFrom([]ledger.OpKind{ledger.Create, ledger.Delete, ledger.Replace}).Draw(t, fmt.Sprint("kind", d.ID))
	op := ledger.Op{ID: (&model{}).opID(900 + d.ID), Kind: kind, Pool: poolName, Name: d.Name, DropletID: d.ID, Started: epoch.Add(-time.Minute), Deadline: epoch.Add(time.Minute)}
	if rapid.Bool().Draw(t, fmt.Sprint("asked", d.ID)) {
		op.Shutdown = epoch.Add(-3 * time.Minute)
	}
	p.Ledger.Ops = append(p.Ledger.Ops, op)
}

func anyCreate(t *rapid.T, p *world.Answers, i int) {
	age := time.Duration(rapid.IntRange(0, 10).Draw(t, fmt.Sprint("create age", i))) * time.Minute
	p.Ledger.Ops = append(p.Ledger.Ops, ledger.Op{ID: (&model{}).opID(700 + i), Kind: ledger.Create, Pool: "workers", Name: "web-workers-" + (&model{}).opID(700 + i)[:5],
		Started: epoch.Add(-age), Deadline: epoch.Add(5*time.Minute - age)})
}

func anyStack(t *rapid.T, p *world.Answers) {
	for i, name := range []string{"app", "old", "theirs"} {
		if !rapid.Bool().Draw(t, name) {
			continue
		}
		s := service(name, rapid.SampledFrom([]string{"app:1", "app:2"}).Draw(t, name+" image"), 2)
		if name == "theirs" {
			s.Labels = nil
		}
		p.Services = append(p.Services, swarm.Service{ID: fmt.Sprint("s", i), Version: 1, Spec: s, Updated: epoch.Add(-time.Hour),
			Update: rapid.SampledFrom([]swarm.UpdateState{"", swarm.Updating, swarm.Paused, swarm.RollbackCompleted}).Draw(t, name+" state")})
	}
	for i := range rapid.IntRange(0, 6).Draw(t, "tasks") {
		p.Tasks = append(p.Tasks, swarm.Task{ID: fmt.Sprint("t", i), ServiceID: "s0", NodeID: fmt.Sprint("n", i+1), Slot: i,
			State: rapid.SampledFrom([]string{"running", "shutdown"}).Draw(t, fmt.Sprint("task", i)), DesiredState: "running"})
	}
}

func TestNeverMoreCreatesUnderWayThanPermitted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, _ := scene(t)
		n, begun := 0, 0
		for _, op := range in.World.Ledger.Ops {
			if op.Kind == ledger.Create {
				n++
			}
		}
		for _, s := range plan.Compute(in).Steps {
			if _, ok := s.Action.(plan.CreateDroplet); ok {
				begun++
			}
		}
		if begun > 0 && n+begun > in.Spec.Policies.MaxCreates {
			t.Fatalf("%d under way and %d begun, %d permitted", n, begun, in.Spec.Policies.MaxCreates)
		}
	})
}

func TestNeverAnActionOnADropletWithoutAnOpenDelete(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, _ := scene(t)
		open := map[int]bool{}
		for _, op := range in.World.Ledger.Ops {
			open[op.DropletID] = open[op.DropletID] || op.Kind == ledger.Delete
		}
		for _, s := range plan.Compute(in).Steps {
			if id := droplet(s.Action); id != 0 && !open[id] {
				t.Fatalf("%s without an operation", s.ID)
			}
		}
	})
}

// droplet returns the droplet that an action stops or deletes, 0 if it does neither.
func droplet(a plan.Action) int {
	switch a := a.(type) {
	case plan.ShutdownDroplet:
		return a.DropletID
	case plan.PowerOffDroplet:
		return a.DropletID
	case plan.DeleteDroplet:
		return a.DropletID
	}
	return 0
}

func TestNeverTwoChangesOfMembershipNorOneWithoutQuorum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, _ := scene(t)
		nodes, n, up := map[string]*swarm.Node{}, 0, 0
		for _, m := range in.World.Machines {
			if m.Node == nil {
				continue
			}
			nodes[m.Node.ID] = m.Node
			if m.Node.Manager != nil {
				n++
				if m.Node.Manager.Reachability == "reachable" && m.Node.State != swarm.NodeDown {
					up++
				}
			}
		}
		changes := 0
		for _, s := range plan.Compute(in).Steps {
			a, ok := s.Action.(plan.UpdateNode)
			if !ok || a.Spec.Role == nodes[a.NodeID].Spec.Role {
				continue
			}
			changes++
			checkMembership(t, nodes[a.NodeID], a.Spec.Role, n, up)
			if a.NodeID == in.Holder && a.Spec.Role == swarm.Worker {
				t.Fatal("the holder demotes itself")
			}
		}
		if changes > 1 {
			t.Fatalf("%d changes of membership at once", changes)
		}
	})
}

func checkMembership(t *rapid.T, node *swarm.Node, role swarm.Role, n, up int) {
	member := node.Manager != nil
	switch {
	case !member && role == swarm.Worker:
		return // a wish taken back
	case up < n/2+1:
		t.Fatalf("%s without quorum: %d of %d", role, up, n)
	case role == swarm.Manager && up < n:
		t.Fatalf("a promotion while %d of %d are reachable", up, n)
	case role == swarm.Worker:
		if node.Manager.Reachability == "reachable" && node.State != swarm.NodeDown {
			up--
		}
		if n--; n == 0 || up < n {
			t.Fatalf("a demotion that leaves %d of %d", up, n)
		}
	}
}

func TestForeignAndDisputedAreInNoStep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, _ := scene(t)
		off := map[string]bool{}
		for _, m := range in.World.Machines {
			if m.Droplet == nil && m.Op != nil { // it joined from a droplet while that was deleted, and goes with it: see world
				continue
			}
			if m.Binding == world.Contradicted || !m.Owned && !m.Adopted && m.Binding != world.Bound {
				if m.Droplet != nil {
					off[fmt.Sprint(m.Droplet.ID)] = true
				}
				if m.Node != nil {
					off[m.Node.ID] = true
				}
			}
		}
		for _, s := range plan.Compute(in).Steps {
			if off[touched(s.Action)] {
				t.Fatalf("%s touches %s", s.ID, touched(s.Action))
			}
		}
	})
}

// touched returns the machine that a step changes: a droplet id, or a node id.
func touched(a plan.Action) string {
	switch a := a.(type) {
	case plan.OpenDelete:
		return fmt.Sprint(a.DropletID)
	case plan.UpdateNode:
		return a.NodeID
	case plan.RemoveNode:
		return a.NodeID
	}
	return fmt.Sprint(droplet(a))
}

func TestForeignLabelsAreKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, _ := scene(t)
		for _, s := range plan.Compute(in).Steps {
			if a, ok := s.Action.(plan.UpdateNode); ok && a.Spec.Labels["theirs"] != "kept" {
				t.Fatalf("%s: %v", s.ID, a.Spec.Labels)
			}
		}
	})
}

func TestSameInputSameBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, parts := scene(t)
		want := bytesOf(plan.Compute(in))
		rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		for _, swap := range []func(){
			func() { shuffle(rnd, parts.Droplets) }, func() { shuffle(rnd, parts.Nodes) }, func() { shuffle(rnd, parts.Ledger.Ops) },
			func() { shuffle(rnd, parts.Services) }, func() { shuffle(rnd, parts.Tasks) }, func() { shuffle(rnd, parts.Gone) },
		} {
			swap()
			in.World = world.Join(parts)
			if diff := cmp.Diff(want, bytesOf(plan.Compute(in))); diff != "" {
				t.Fatalf("-first +shuffled\n%s", diff)
			}
		}
	})
}

func shuffle[T any](rnd *rand.Rand, s []T) {
	rnd.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
}

func bytesOf(p plan.Plan) string {
	out := fmt.Sprintf("%#v\n", p.Holds)
	for _, s := range p.Steps {
		b, err := json.Marshal(s)
		if err != nil {
			return err.Error()
		}
		out += fmt.Sprintf("%T %s\n", s.Action, b)
	}
	return out + fmt.Sprintf("%#v %#v %s %t", p.Pools, p.Services, p.RequeueAfter, p.Converged)
}

func TestConvergedHasNothingToDo(t *testing.T) {
	changes := map[string]func(*model){
		"more": to(1, 3), "fewer": to(1, 1), "leaves": begun(103, 0), "down": kill(103), "gone": erase(102), "gap": gap("tasks"), "by hand": byHand("Mode.Replicated.Replicas", "9"),
		"paused": state(swarm.Paused), "rolls": state(swarm.Updating), "removed": wants(), "old": func(m *model) { m.step(time.Minute) },
		"pool": func(m *model) { m.edit(pool("managers", "manager", 1)) }, "task": func(m *model) { m.tasks[0].State = "failed" },
	}
	var converged int
	rapid.Check(t, func(rt *rapid.T) {
		m := grown(t, 1, 2)
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(slices.Sorted(maps.Keys(changes))), 0, 2, rapid.ID).Draw(rt, "changes") {
			changes[name](m)
		}
		in := m.input()
		p := plan.Compute(in)
		if !p.Converged {
			return
		}
		converged++
		blocked := slices.ContainsFunc(p.Holds, func(h plan.Hold) bool { return h.Blocking })
		if blocked || len(p.Steps)+len(in.World.Ledger.Ops)+len(in.World.Gaps) > 0 {
			rt.Fatalf("converged: %v %v", ids(p), p.Holds)
		}
	})
	if converged == 0 {
		t.Error("no scene was converged: nothing was seen")
	}
}

func TestStepsAreWellFormed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, _ := scene(t)
		seen, written := map[string]bool{}, map[plan.Ref]bool{}
		for _, s := range plan.Compute(in).Steps {
			for _, a := range s.After {
				if !seen[a] {
					t.Fatalf("%s is after %s, which does not come before it", s.ID, a)
				}
			}
			about := s.Action.About()
			if seen[s.ID] || written[about.Object] || s.Reason.Code == "" || s.Reason.Text == "" {
				t.Fatalf("twice, a second write to an object, or without a reason: %+v", s)
			}
			seen[s.ID], written[about.Object] = true, written[about.Object] || about.Effect > plan.Creates // a pool can get several droplets in one pass
		}
	})
}
