//go:build linux

package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/swarm"
	"gopkg.in/yaml.v3"

	"github.com/swarmd/swarmd/pkg/lab"
)

// jobFile is the file of a cluster with so many workers and a job that runs swarmd's own binary with that argument.
func jobFile(t *testing.T, key string, workers int, argument string) string {
	t.Helper()
	var file map[string]any
	if err := yaml.Unmarshal([]byte(want{managers: 1, workers: workers}.yaml(key)), &file); err != nil {
		t.Fatal(err)
	}
	file["services"] = map[string]any{"migrate": map[string]any{"image": lab.RegistryAddr + "/swarmd:1", "command": []string{argument},
		"deploy": map[string]any{"mode": "replicated-job", "replicas": 3, "restart_policy": map[string]any{"condition": "on-failure", "delay": "1s", "max_attempts": 1}}}}
	text, err := yaml.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// iterationOf is how often the job was run before, and how many of its present tasks are complete.
func (s *stage) iterationOf(job string) (iteration uint64, complete int) {
	s.Helper()
	service := s.service(job)
	iteration = service.JobStatus.JobIteration.Index
	tasks, err := s.docker.TaskList(s.Context(), swarm.TaskListOptions{})
	if err != nil {
		s.Fatal(err)
	}
	for _, k := range tasks {
		if k.ServiceID == service.ID && k.JobIteration != nil && k.JobIteration.Index == iteration && k.Status.State == swarm.TaskStateComplete {
			complete++
		}
	}
	return iteration, complete
}

// TestJobs: a job runs once for each edit of its specification, whatever else happens to the cluster; one that fails is named and left.
func TestJobs(t *testing.T) {
	s := &stage{bench: newBench(t)}
	apply := func(workers int, argument string) (string, int) {
		return s.swarmd(s.host, "apply", "-f", s.write("shop.yaml", jobFile(t, s.state.SSHKeyID, workers, argument)), "--timeout", "3m")
	}
	ran := func(when string, iteration uint64, complete int) {
		t.Helper()
		if i, c := s.iterationOf("shop_migrate"); i != iteration || c != complete {
			t.Errorf("%s: run %d, %d complete, want %d and %d", when, i, c, iteration, complete)
		}
	}
	s.must("", "bootstrap", "-f", s.write("shop.yaml", want{managers: 1}.yaml(s.state.SSHKeyID)))
	s.first = s.droplets("shop-managers-")[0]
	s.host, s.docker = "ssh://root@"+s.first.Public, s.engine(s.first.ID)
	if out, _ := s.swarmd(s.host, "plan", "-f", s.write("shop.yaml", jobFile(t, s.state.SSHKeyID, 0, "version"))); !strings.Contains(out, "runs job migrate: 3 completions") {
		t.Error("the plan does not say that it runs")
	}
	if out, code := apply(0, "version"); code != 0 || !strings.Contains(out, "3 of 3 completed") {
		t.Errorf("apply: exit %d", code)
	}
	ran("new", 0, 3)
	if out := s.must(s.host, "status"); !strings.Contains(out, "completed 3 of 3") {
		t.Error("status does not say that it is complete")
	}
	if _, code := apply(1, "version"); code != 0 {
		t.Errorf("a machine more: exit %d", code)
	}
	s.must(s.host, "drain", s.droplets("shop-workers-")[0].Name)
	time.Sleep(25 * time.Second) // two looks of everything
	ran("a machine came and is drained", 0, 3)
	out, code := apply(1, "no-such-command")
	if code == 0 || !strings.Contains(out, "non-zero exit") {
		t.Errorf("apply of one that fails: exit %d", code)
	}
	time.Sleep(25 * time.Second)
	ran("failed", 1, 0)
	if out, code := apply(1, "version"); code != 0 || !strings.Contains(out, "3 of 3 completed") {
		t.Errorf("apply of a good one: exit %d", code)
	}
	ran("mended", 2, 3)
	service := s.service("shop_migrate")
	service.Spec.TaskTemplate.ContainerSpec.Hostname = "bent"
	if _, err := s.docker.ServiceUpdate(t.Context(), service.ID, service.Version, service.Spec, swarm.ServiceUpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(25 * time.Second)
	ran("changed by hand", 3, 3)
	if out := s.must(s.host, "status"); !strings.Contains(out, "somebody has changed it") {
		t.Error("status does not say that a hand has changed it")
	}
}
