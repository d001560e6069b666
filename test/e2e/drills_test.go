//go:build linux

package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	engine "github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/client"

	"github.com/swarmd/swarmd/pkg/lab"
)

// TestDrills breaks things on purpose by swarmd's own commands, and has a person lead the swarm out of the loss of its managers' majority, as
// docs/recovery.md says. Each part begins and ends with the file true. It is for `make lab-drills`.
func TestDrills(t *testing.T) {
	r := newRepairs(t)
	r.eachWorkerRuns("elsewhere")
	for _, part := range []struct {
		name string
		run  func(*repairs)
	}{
		{"drill node", (*repairs).drillNode},
		{"drill task", (*repairs).drillTask},
		{"two of three managers are destroyed", (*repairs).majorityDestroyed},
		{"one manager is destroyed and one cut off", (*repairs).oneDestroyedOneCutOff},
	} {
		r.part(t, part.name, func(r *repairs) {
			part.run(r)
			r.nothingForeign()
		})
	}
}

// eachWorkerRuns is somebody's own global service with a task on each worker.
func (r *repairs) eachWorkerRuns(name string) {
	r.Helper()
	_, err := r.docker.ServiceCreate(r.Context(), engine.ServiceSpec{Annotations: engine.Annotations{Name: name}, Mode: engine.ServiceMode{Global: &engine.GlobalService{}},
		TaskTemplate: engine.TaskSpec{ContainerSpec: &engine.ContainerSpec{Image: webImage + ":1"}, Placement: &engine.Placement{Constraints: []string{"node.role==worker"}}}}, engine.ServiceCreateOptions{})
	if err != nil {
		r.Fatal(err)
	}
	r.until("a task on each worker", time.Minute, func() (bool, string) {
		n := len(r.running(r.docker, name))
		return n == r.want.workers, fmt.Sprint(n)
	})
}

// nothingForeign asserts that what is somebody's own is as it was.
func (r *repairs) nothingForeign() {
	r.Helper()
	r.foreignUntouched()
	s, err := r.see(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	r.witness.mu.Lock()
	defer r.witness.mu.Unlock()
	r.foreigners(s)
	for _, text := range r.findings[lostForeign] {
		r.Error(text)
	}
}

// typing is swarmd with what a person types.
func (r *repairs) typing(text, host string, args ...string) (string, int) {
	r.Helper()
	cmd, err := r.command(r.Context(), host, args...)
	if err != nil {
		r.Fatal(err)
	}
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(text+"\n"), &out, &out
	began := time.Now()
	err = cmd.Run()
	code := cmd.ProcessState.ExitCode()
	r.Logf("$ DOCKER_HOST=%s swarmd %s   (exit %d after %v)\n%s", host, strings.Join(args, " "), code, time.Since(began).Round(100*time.Millisecond), out.String())
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		r.Fatal(err)
	}
	return out.String(), code
}

func sshTo(d lab.Droplet) string { return "ssh://root@" + d.Public }

// drillNode cuts the power of a worker as a person does who tries it: first without its name, then with it.
func (r *repairs) drillNode() {
	before, began := r.machinesNow(), time.Now()
	worker := r.own("workers")[0]
	if out, code := r.typing("", r.anyHost(), "drill", "node", worker.Name); code != 1 || !strings.Contains(out, "nothing was changed") || r.bootedSince(worker, began) {
		r.Errorf("exit %d without a confirmation", code)
	}
	out, code := r.typing(worker.Name, r.anyHost(), "drill", "node", worker.Name)
	if code != 0 || !strings.Contains(out, "healed: ") {
		r.Errorf("exit %d", code)
	}
	took := r.whole("all is well after the drill")
	if after := r.machinesNow(); !maps.Equal(before, after) || !r.bootedSince(worker, began) {
		r.Errorf("machines %v before, %v after; switched on again: %v", before, after, r.bootedSince(worker, began))
	}
	r.Logf("report: drill node: a worker's power is cut: %s (looked at: whole %.0f s later)", healed(out), took.Seconds())
}

// drillTask kills a container of another machine than the one that is asked.
func (r *repairs) drillTask() {
	before := r.tasksOf("shop_queue")
	out, code := r.typing("shop_queue", r.anyHost(), "drill", "task", "queue")
	if code != 0 || !strings.Contains(out, "healed: ") {
		r.Errorf("exit %d", code)
	}
	r.whole("all is well after the drill")
	left := 0
	for id := range r.tasksOf("shop_queue") {
		left += toInt(before[id])
	}
	if left != len(before)-1 {
		r.Errorf("%d of %d tasks are the same, want all but one", left, len(before))
	}
	r.Logf("report: drill task: a container is killed: %s", healed(out))
}

// healed are the figures of a drill.
func healed(out string) string {
	_, text, _ := strings.Cut(out, "healed: ")
	return strings.TrimSpace(text)
}

func (r *repairs) tasksOf(service string) map[string]bool {
	out := map[string]bool{}
	for _, t := range r.running(r.docker, service) {
		out[t.ID] = true
	}
	return out
}

// onWorkers are the containers of all tasks on the workers by what their own engines say, whether there is a leader or not.
func (r *repairs) onWorkers() map[string]string {
	r.Helper()
	out := map[string]string{}
	for _, d := range r.own("workers") {
		e, err := r.engineAt(r.lab.EngineHost(d.ID))
		if err != nil {
			r.Fatal(err)
		}
		list, err := e.ContainerList(r.Context(), container.ListOptions{Filters: filters.NewArgs(filters.Arg("label", "com.docker.swarm.task.id"))})
		if err != nil {
			r.Fatal(err)
		}
		for _, c := range list {
			out[c.ID] = d.Name + " " + c.Labels["com.docker.swarm.service.name"]
		}
	}
	return out
}

// lossOf is a swarm that lost its managers' majority: what was before, and who is left.
type lossOf struct {
	left       lab.Droplet
	swarm      engine.Swarm
	machines   map[int]string
	containers map[string]string
	at         time.Time
}

// leaderless takes the two managers away that are not the first, and waits as docs/recovery.md has it.
func (r *repairs) leaderless(take func(others []lab.Droplet)) lossOf {
	r.Helper()
	l := lossOf{left: r.first, machines: r.machinesNow(), containers: r.onWorkers()}
	var err error
	if l.swarm, err = r.bench.engine(r.first.ID).SwarmInspect(r.Context()); err != nil {
		r.Fatal(err)
	}
	if out, code := r.typing("shop", sshTo(l.left), "recover", "-f", r.file()); code != 1 || !strings.Contains(out, "has a leader") {
		r.Errorf("recover is not refused while there is a leader: exit %d", code)
	}
	l.at = time.Now()
	take(slices.DeleteFunc(r.own("managers"), func(d lab.Droplet) bool { return d.ID == l.left.ID }))
	pause(r.Context(), 2*time.Minute)
	if now := r.onWorkers(); !maps.Equal(now, l.containers) {
		r.Errorf("containers on workers %v before, %v without a leader", l.containers, now)
	}
	if out, code := r.typing("", sshTo(l.left), "status"); code != 1 || !strings.Contains(out, "docs/recovery.md") {
		r.Errorf("exit %d: it does not say where the way out is", code)
	}
	page, err := r.lab.Exec(r.Context(), l.left.ID, "curl", "-fsS", "http://"+l.left.Private+":9810/status")
	if _, text, ok := strings.Cut(page, `"no_leader": `); err != nil || !ok {
		r.Errorf("/status has no no_leader: %v %.300s", err, page)
	} else {
		r.Logf("no_leader: %.600s", text)
	}
	return l
}

// recovered has the manager that is left go on alone, and waits until all is whole. It is the same swarm, and who runs on the workers goes on: but where
// a worker found the leader too late, which is plain Swarm's.
func (r *repairs) recovered(l lossOf, meanwhile func(), flags ...string) (out string) {
	r.Helper()
	began, down := time.Now(), map[string]bool{}
	stop := r.watchNodes([]*client.Client{r.bench.engine(l.left.ID)}, func(nodes []engine.Node) {
		for _, n := range nodes {
			if n.Status.State == engine.NodeStateDown && r.poolOf(n.Description.Hostname) == "workers" {
				down[n.Description.Hostname] = true
			}
		}
	})
	out, code := r.typing("shop", sshTo(l.left), append([]string{"recover", "-f", r.file()}, flags...)...)
	if code != 0 {
		r.Fatalf("exit %d", code)
	}
	recovered := time.Since(began)
	now, err := r.bench.engine(l.left.ID).SwarmInspect(r.Context())
	if err != nil || now.ID != l.swarm.ID || now.JoinTokens != l.swarm.JoinTokens {
		r.Errorf("the swarm %s was %s, the same tokens: %v; %v", now.ID, l.swarm.ID, now.JoinTokens == l.swarm.JoinTokens, err)
	}
	meanwhile()
	took := r.whole("three managers again")
	stop()
	after, same := r.onWorkers(), 0
	for id, what := range l.containers {
		worker, service, _ := strings.Cut(what, " ")
		if after[id] != "" {
			same++
		} else if len(down) == 0 || service == "elsewhere" && !down[worker] { // the tasks of a node that is down go to others, and perhaps back
			r.Errorf("the container of %s on %s is gone", service, worker)
		}
	}
	r.Logf("report: recover took %.0f s, and the file was true %.0f s later; %d of %d containers on workers are the same, for %d of %d workers found the leader too late",
		recovered.Seconds(), took.Seconds(), same, len(l.containers), len(down), r.want.workers)
	return out
}

// majorityDestroyed: a person finds a manager that lives, and goes on with it alone. swarmd makes the others anew.
func (r *repairs) majorityDestroyed() {
	var lost []lab.Droplet
	l := r.leaderless(func(others []lab.Droplet) {
		for lost = others; len(others) > 0; others = others[1:] {
			r.destroyed(others[0])
		}
	})
	out, code := r.typing("shop", sshTo(lost[0]), "recover", "-f", r.file())
	if code != 1 || strings.Count(out, "export DOCKER_HOST=") != 1 || !strings.Contains(out, "export DOCKER_HOST="+sshTo(l.left)) {
		r.Errorf("exit %d with a DOCKER_HOST that is no more: it does not name the one manager that is left", code)
	}
	if out, code = r.typing("shopp", sshTo(l.left), "recover", "-f", r.file()); code != 1 || !strings.Contains(out, "nothing was changed") {
		r.Errorf("exit %d with another name typed", code)
	}
	if out = r.recovered(l, func() {}); strings.Count(out, "does not exist any more") != 2 || strings.Count(out, "removed the node shop-managers-") != 2 {
		r.Errorf("it does not say that two managers are gone, and that their nodes were removed")
	}
	r.sameBut(l, lost)
}

// sameBut asserts that all machines but these are those that were before.
func (r *repairs) sameBut(l lossOf, lost []lab.Droplet) {
	r.Helper()
	after := r.machinesNow()
	for id, node := range l.machines {
		gone := slices.ContainsFunc(lost, func(d lab.Droplet) bool { return d.ID == id })
		if same := after[id] == node; same == gone {
			r.Errorf("droplet %d had the node %s before, and has %q after", id, node, after[id])
		}
	}
}

// oneDestroyedOneCutOff: a majority could come back, and a person knows better. When the one that was cut off is back it is a manager again, the same as
// before.
func (r *repairs) oneDestroyedOneCutOff() {
	var lost, cut lab.Droplet
	l := r.leaderless(func(others []lab.Droplet) {
		lost, cut = others[0], others[1]
		r.destroyed(lost)
		r.cut(others[1:])
	})
	if out, code := r.typing("shop", sshTo(l.left), "recover", "-f", r.file()); code != 1 || !strings.Contains(out, "--anyway") {
		r.Errorf("exit %d while a majority may come back", code)
	}
	r.recovered(l, func() {
		pause(r.Context(), 20*time.Second) // it is cut off still when swarmd goes on
		r.mend([]lab.Droplet{cut})
	}, "--anyway")
	r.sameBut(l, []lab.Droplet{lost})
}
