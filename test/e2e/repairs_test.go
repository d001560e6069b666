//go:build linux

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	engine "github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/client"

	"github.com/swarmd/swarmd/pkg/lab"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// repairs is a cluster of three managers and three workers whose machines are cut off, replaced and resized. It looks at them as the chaos does: by
// the lab's records and the engines, never by swarmd's word.
type repairs struct{ *chaos }

// wholeIn bounds what must end by itself. It is far above what it takes on a quiet machine: what is bounded is that it ends.
const wholeIn = 12 * time.Minute

// TestRepairs asserts what becomes of machines that are cut off, replaced and resized, while swarmd runs and while it is killed in the middle. Each
// part begins and ends with the file true, so `-run 'TestRepairs/PART'` plays one alone. Machines that are made larger in place keep their disks, and so get
// the size back; those that are made with that size do not. It is for `make lab-repairs`: CI plays parts of it in TestScenarios.
func TestRepairs(t *testing.T) {
	r := newRepairs(t)
	for _, part := range []struct {
		name string
		run  func(*repairs)
	}{
		{"half of the nodes are cut off", (*repairs).halfCutOff},
		{"killed in each phase of a replacement", (*repairs).killedWhileReplacing},
		{"six machines rolled, workers resized, and a plain drain", (*repairs).rolled},
		{"killed in each phase of a resize in place", (*repairs).killedWhileResizing},
	} {
		r.part(t, part.name, part.run)
	}
}

// newRepairs is the cluster, as the file wants it.
func newRepairs(t *testing.T) *repairs {
	t.Helper()
	begin := want{managers: 3, workers: 3, queue: "1", queueOn: "node.labels.zone==lab", healthy: true, workerRepair: "1m"}
	r := &repairs{&chaos{stage: &stage{bench: newBench(t), want: begin}, witness: newWitness("shop-workers-zzzzz"), harmed: map[int]int{}, engines: map[string]*client.Client{}}}
	r.begin()
	return r
}

// part plays one. Parts begin where the one before ended.
func (r *repairs) part(t *testing.T, name string, run func(*repairs)) {
	t.Helper()
	began := time.Now()
	t.Run(name, func(part *testing.T) {
		r.T = part
		defer func() { r.T = t }()
		run(r)
		r.complaints(began)
	})
	if t.Failed() {
		t.Fatal("the parts begin where the one before ended: stopped")
	}
	t.Logf("%s: %v", name, time.Since(began).Round(100*time.Millisecond))
}

// begin makes the cluster, with somebody's own things in it: the first manager by bootstrap, the others by the edit that follows.
func (r *repairs) begin() {
	r.Helper()
	w := r.want
	r.want = want{managers: 1, workerRepair: w.workerRepair}
	r.fromNothing()
	r.edit(w)
	r.whole("three managers, three workers and six tasks")
}

// edit hands a file in, and does not follow it: whoever follows is a client of a manager, which may be the one that leaves.
func (r *repairs) edit(w want) {
	r.Helper()
	if err := r.handIn(r.Context(), w); err != nil {
		r.Fatalf("%v\n%s", err, r.verdict())
	}
}

// whole waits until the file is true and nothing is left of the way there.
func (r *repairs) whole(what string) time.Duration {
	r.Helper()
	took := r.until(what, wholeIn, func() (bool, string) { note := r.unwhole(); return note == "", note })
	manager, _, err := r.seeWith(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	r.docker = manager
	return took
}

// unwhole says what is not as the file says, or what is left of the way there; "" for nothing.
func (r *repairs) unwhole() string {
	if note := r.untrue(); note != "" {
		return note
	}
	if note := r.ordersUntrue(); note != "" {
		return note
	}
	s, err := r.see(r.Context())
	if err != nil {
		return err.Error()
	}
	for _, v := range s.services {
		if over := v.Spec.Labels[swarm.LabelSurge]; over != "" {
			return v.Spec.Name + " has an override: " + over
		}
	}
	for _, n := range s.nodes {
		if n.Spec.Labels[swarm.LabelReplace] != "" || n.Spec.Labels[swarm.LabelUnresized] != "" {
			return fmt.Sprintf("left on %s: %v", n.Description.Hostname, n.Spec.Labels)
		}
	}
	return r.strayContainers()
}

// ordersUntrue says which machine has another image or size than the file says, "" for none.
func (r *repairs) ordersUntrue() string {
	for _, d := range r.clusters() {
		now, _ := r.lab.Cloud.Droplet(d.ID)
		if image, size := r.want.machine(r.poolOf(d.Name)); now.Image != image || now.Size != size {
			return fmt.Sprintf("%s is a %s with %s, want a %s with %s", d.Name, now.Size, now.Image, size, image)
		}
	}
	return ""
}

// strayContainers says which of the queue's containers run that are no task's; "" for none.
func (r *repairs) strayContainers() string {
	manager, _, err := r.seeWith(r.Context())
	if err != nil {
		return err.Error()
	}
	tasks := r.running(manager, "shop_queue")
	for _, d := range r.clusters() {
		e, err := r.engineAt(r.lab.EngineHost(d.ID))
		if err != nil {
			return err.Error()
		}
		list, err := e.ContainerList(r.Context(), container.ListOptions{})
		if err != nil {
			return d.Name + ": " + err.Error()
		}
		for _, c := range list {
			name := c.Labels["com.docker.swarm.service.name"]
			if id := c.Labels["com.docker.swarm.task.id"]; name == "shop_queue" && !slices.ContainsFunc(tasks, func(t engine.Task) bool { return t.ID == id }) {
				return fmt.Sprintf("%s runs a container of the task %s that is none any more", d.Name, id)
			}
		}
	}
	return ""
}

// machinesNow are the cluster's machines: droplet id → node id.
func (r *repairs) machinesNow() map[int]string {
	r.Helper()
	s, err := r.see(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	out := map[int]string{}
	for _, d := range r.clusters() {
		out[d.ID] = ""
		for _, n := range s.nodes {
			if n.Description.Hostname == d.Name {
				out[d.ID] = n.ID
			}
		}
	}
	return out
}

// clusters are the cluster's own droplets.
func (r *repairs) clusters() []lab.Droplet { return append(r.own("managers"), r.own("workers")...) }

// halfCutOff takes half of the machines off both networks for longer than the file lets a worker be down, the acting swarmd's machine among them, and
// then a majority of the managers. Nothing is deleted, and when they are back all is as it was.
func (r *repairs) halfCutOff() {
	for _, c := range []struct {
		name              string
		managers, workers int
	}{{"the acting manager and two workers", 1, 2}, {"two managers and a worker", 2, 1}} {
		before := r.machinesNow()
		acting, ok := r.acting(r.Context())
		if !ok {
			r.Fatal("nobody acts")
		}
		managers := r.own("managers")
		slices.SortStableFunc(managers, func(a, b lab.Droplet) int { return toInt(b.ID == acting.ID) - toInt(a.ID == acting.ID) })
		half := append(managers[:c.managers], r.own("workers")[:c.workers]...)
		began := time.Now()
		r.cut(half)
		r.nothingLeaves(before, 165*time.Second)
		r.mend(half)
		back := r.whole("all is as it was after " + c.name + " were cut off")
		if after := r.machinesNow(); fmt.Sprint(after) != fmt.Sprint(before) {
			r.Errorf("machines %v before, %v after", before, after)
		}
		for _, d := range half {
			if now, _ := r.lab.Cloud.Droplet(d.ID); now.Deleted.IsZero() && r.bootedSince(d, began) {
				r.Errorf("%s was switched off and on while it was cut off", d.Name)
			}
		}
		r.Logf("report: %s of six were cut off for %.0f s: nothing was deleted, all six were whole %.0f s after they were back", c.name,
			time.Since(began).Seconds()-back.Seconds(), back.Seconds())
	}
}

// toInt counts what is true.
func toInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (r *repairs) cut(half []lab.Droplet) {
	r.Helper()
	for _, d := range half {
		r.hurt.Lock()
		r.harmed[d.ID]++
		r.hurt.Unlock()
		if err := r.lab.CutLink(r.Context(), d.ID); err != nil {
			r.Fatal(err)
		}
		r.Logf("%s is cut off", d.Name)
	}
}

func (r *repairs) mend(half []lab.Droplet) {
	r.Helper()
	for _, d := range half {
		if err := r.lab.RestoreLink(r.Context(), d.ID); err != nil {
			r.Fatal(err)
		}
		r.healed(d.ID)
	}
}

// nothingLeaves watches for so long that the cluster has the same droplets.
func (r *repairs) nothingLeaves(before map[int]string, span time.Duration) {
	r.Helper()
	for end := time.Now().Add(span); time.Now().Before(end) && pause(r.Context(), time.Second); {
		now := map[int]string{}
		for _, d := range r.clusters() {
			now[d.ID] = d.Name
		}
		for id := range before {
			if now[id] == "" {
				r.Fatalf("droplet %d was deleted", id)
			}
		}
		if len(now) != len(before) {
			r.Fatalf("%d machines, want the %d that there were: %v", len(now), len(before), now)
		}
	}
}

// bootedSince reports whether the machine was switched on since then.
func (r *repairs) bootedSince(d lab.Droplet, since time.Time) bool {
	return slices.ContainsFunc(r.clusters(), func(now lab.Droplet) bool { return now.ID == d.ID && now.Since.After(since) })
}

// textOf are open operations, for people.
func textOf(ops []ledger.Op) string {
	var out []string
	for _, op := range ops {
		out = append(out, fmt.Sprintf("%s %s %s", op.Kind, op.Name, op.Phase))
	}
	return strings.Join(out, ", ")
}
