//go:build linux

package e2e

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/client"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
)

// rolled gives all six machines another image, and then the workers another size, in place: no task of the queue is missing meanwhile, while one
// machine's plain drain costs some for seconds.
func (r *repairs) rolled() {
	r.imageRolled()
	r.sizeChanged()
	r.plainDrain()
}

func (r *repairs) imageRolled() {
	r.Helper()
	before := r.machinesNow()
	tasks, members := r.sample(6, queueRuns), r.sample(3, raftMembers)
	w := r.want
	w.image, w.workersImage = "ubuntu-22-04-x64", ""
	began := time.Now()
	r.edit(w)
	r.whole("six machines with another image")
	took, queue, raft := time.Since(began), tasks(), members()
	for id, node := range r.machinesNow() {
		if before[id] != "" {
			r.Errorf("droplet %d with the node %s is still the same", id, node)
		}
	}
	r.Logf("report: another image: six machines replaced in %.0f s, tasks %v; members of Raft %v", took.Seconds(), queue, raft)
	r.neverFewer("while six machines were replaced", queue)
	if raft.least < raft.want {
		r.Errorf("%d members of Raft while six machines were replaced, want never fewer than %d", raft.least, raft.want)
	}
}

// sizeChanged resizes the workers in place: each has the same droplet and node after that, and its engine sees what the new size has.
func (r *repairs) sizeChanged() {
	r.Helper()
	before := r.machinesNow()
	tasks := r.sample(6, queueRuns)
	w := r.want
	w.larger = true
	began := time.Now()
	r.edit(w)
	r.whole("three workers with another size")
	took, queue := time.Since(began), tasks()
	if after := r.machinesNow(); fmt.Sprint(after) != fmt.Sprint(before) {
		r.Errorf("machines %v before, %v after a resize in place", before, after)
	}
	r.resources(2, 4<<10)
	r.Logf("report: another size: three workers resized in place in %.0f s, 1 → 2 processors and 2048 → 4096 MB as Docker sees them, tasks %v", took.Seconds(), queue)
	r.neverFewer("while three workers were resized", queue)
}

// resources asserts what the workers' engines see: processors and MB of memory.
func (r *repairs) resources(cpus, mb int64) {
	r.Helper()
	s, err := r.see(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	for _, n := range s.nodes {
		if r.poolOf(n.Description.Hostname) != "workers" {
			continue
		}
		var own *client.Client
		if own, err = r.engineAt(r.lab.EngineHost(r.droplets(n.Description.Hostname)[0].ID)); err != nil {
			r.Fatal(err)
		}
		info, err := own.Info(r.Context())
		if seen := n.Description.Resources; err != nil || seen.NanoCPUs != cpus*1e9 || seen.MemoryBytes != mb<<20 || int64(info.NCPU) != cpus || info.MemTotal != mb<<20 {
			r.Errorf("%s: %+v, and its engine says %d processors and %d bytes, want %d and %d MB: %v", n.Description.Hostname, seen, info.NCPU, info.MemTotal, cpus, mb, err)
		}
	}
}

// plainDrain drains a worker with nothing but Docker, while swarmd is paused, for comparison: what it costs is a figure.
func (r *repairs) plainDrain() {
	r.Helper()
	r.must(r.anyHost(), "pause", "--for", "30m", "--why", "a drain with Docker alone")
	node, on := r.fullestWorker()
	tasks := r.sample(6, queueRuns)
	began := time.Now()
	r.availability(node, swarm.NodeAvailabilityDrain)
	r.until("six tasks run again after a plain drain", wholeIn, func() (bool, string) {
		n, err := queueRuns(r.Context(), r.docker)
		left := 0
		for _, t := range r.running(r.docker, "shop_queue") {
			left += toInt(t.NodeID == node)
		}
		return n == 6 && left == 0, fmt.Sprint(n, " of 6, ", left, " on the drained one ", err)
	})
	took, queue := time.Since(began), tasks()
	r.availability(node, swarm.NodeAvailabilityActive)
	r.must(r.anyHost(), "resume")
	r.whole("all is well after a plain drain")
	r.Logf("report: for comparison, a plain drain of a worker with %d of the tasks: %.1f s, tasks %v", on, took.Seconds(), queue)
	if queue.least >= 6 {
		r.Errorf("a plain drain cost no task: the samples see nothing")
	}
}

// anyHost is the DOCKER_HOST of a manager.
func (r *repairs) anyHost() string { return "ssh://root@" + r.own("managers")[0].Public }

// fullestWorker is the node with most of the queue's tasks.
func (r *repairs) fullestWorker() (node string, tasks int) {
	r.Helper()
	on := map[string]int{}
	for _, t := range r.running(r.docker, "shop_queue") {
		if on[t.NodeID]++; on[t.NodeID] > tasks {
			node, tasks = t.NodeID, on[t.NodeID]
		}
	}
	if tasks == 0 {
		r.Fatal("no task runs")
	}
	return node, tasks
}

func (r *repairs) availability(node string, a swarm.NodeAvailability) {
	r.Helper()
	err := r.byHand(r.Context(), func(engine *client.Client, s scene) error {
		for _, n := range s.nodes {
			if n.ID == node {
				n.Spec.Availability = a
				return engine.NodeUpdate(r.Context(), n.ID, n.Version, n.Spec)
			}
		}
		return fmt.Errorf("there is no node %s", node)
	})
	if err != nil {
		r.Fatal(err)
	}
}

// killedWhileResizing resizes the workers in place, and back, and kills the acting swarmd once in each phase, each time of another machine.
func (r *repairs) killedWhileResizing() {
	var all []string
	for _, p := range ledger.Phases() {
		all = append(all, string(p))
	}
	first := !r.want.larger
	r.killedInEach(all, func(ops []ledger.Op, _ string) (string, int) {
		for _, op := range ops {
			if op.Kind == ledger.Resize {
				return string(op.Phase), op.DropletID
			}
		}
		return "", 0
	}, func(n int) want {
		w := r.want
		w.inPlace, w.larger = true, first == (n%2 == 0)
		return w
	}, func(before, after map[int]string) {
		if fmt.Sprint(after) != fmt.Sprint(before) {
			r.Errorf("machines %v before, %v after a resize in place", before, after)
		}
		if r.want.larger {
			r.resources(2, 4<<10)
		} else {
			r.resources(1, 2<<10)
		}
	})
}

// counted is what samples came to.
type counted struct {
	least, most, samples int
	want                 int
	below                time.Duration // for how long there were fewer
}

func (c counted) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "between %d and %d in %d samples", c.least, c.most, c.samples)
	if c.below > 0 {
		fmt.Fprintf(&b, ", fewer than %d for %.1f s", c.want, c.below.Seconds())
	}
	return b.String()
}

func (r *repairs) neverFewer(when string, c counted) {
	r.Helper()
	if c.least < c.want {
		r.Errorf("%d of %d tasks ran %s", c.least, c.want, when)
	}
}

// sample counts ten times a second, asking a manager that answers. The returned function ends that, and tells what was counted.
func (r *repairs) sample(want int, count func(context.Context, *client.Client) (int, error)) func() counted {
	r.Helper()
	stop, c := make(chan struct{}), counted{least: 99, want: want}
	engine, ctx, last := r.docker, r.Context(), time.Now()
	var watch sync.WaitGroup
	watch.Go(func() {
		for {
			n, err := count(ctx, engine)
			if err == nil {
				c.least, c.most, c.samples = min(c.least, n), max(c.most, n), c.samples+1
				if n < want {
					c.below += time.Since(last)
				}
			} else if other, _, err := r.seeWith(ctx); err == nil {
				engine = other
			}
			last = time.Now()
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
	return func() counted { close(stop); watch.Wait(); return c }
}

// queueRuns is how many of the queue's tasks run and are to. One with a health check runs when that says so.
func queueRuns(ctx context.Context, engine *client.Client) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	list, err := engine.TaskList(ctx, swarm.TaskListOptions{Filters: filters.NewArgs(filters.Arg("service", "shop_queue"), filters.Arg("desired-state", "running"))})
	for _, t := range list {
		n += toInt(t.Status.State == swarm.TaskStateRunning)
	}
	return n, err
}

// raftMembers is how many managers the swarm has.
func raftMembers(ctx context.Context, engine *client.Client) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	list, err := engine.NodeList(ctx, swarm.NodeListOptions{})
	for _, node := range list {
		n += toInt(member(node))
	}
	return n, err
}
