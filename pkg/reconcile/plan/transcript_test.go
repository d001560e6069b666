package plan_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

var update = flag.Bool("update", false, "write the golden transcripts")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-golden +got; -update writes it):\n%s", path, diff)
	}
}

// BenchmarkConvergedPass is the decision for 5 nodes and 200 services with two tasks each, where nothing is to be done.
func BenchmarkConvergedPass(b *testing.B) {
	m := grown(b, 3, 2)
	var services []swarm.ServiceSpec
	for i := range 200 {
		services = append(services, service(fmt.Sprintf("app%03d", i), "app:1", 2))
	}
	m.stack = stack(services...)
	m.settle(time.Hour)
	in := m.input()
	for b.Loop() {
		if p := plan.Compute(in); !p.Converged {
			b.Fatal("not converged")
		}
	}
}

func service(name, image string, replicas uint64) swarm.ServiceSpec {
	s := swarm.ServiceSpec{Name: "web_" + name, Image: image, Mode: swarm.Replicated, Networks: []string{"web_default"}}
	return formed(s, swarm.Form{"TaskTemplate.ContainerSpec.Image": image, "Mode.Replicated.Replicas": fmt.Sprint(replicas)})
}

// formed is a service of the file that has this form.
func formed(s swarm.ServiceSpec, form swarm.Form) swarm.ServiceSpec {
	s.Base = swarm.NewBase(form, nil, s.Pin())
	s.Labels = map[string]string{swarm.LabelCluster: "web", swarm.LabelHash: form.Hash()}
	return s
}

// stored is a specification as an engine that has it says it, with an image pinned so.
func stored(s swarm.ServiceSpec, p swarm.Pin) swarm.ServiceSpec {
	s.Base, s.Override = swarm.NewBase(s.Form(), nil, p), swarm.Override{}
	return s
}

// rollsBack lets the engine take a failed roll-out of the service back.
func rollsBack(s swarm.ServiceSpec) swarm.ServiceSpec {
	s.RollsBack = true
	return s
}

func stack(services ...swarm.ServiceSpec) swarm.Stack {
	form := swarm.Form{"Driver": "overlay"}
	st := swarm.Stack{Namespace: "web", Services: services}
	if len(services) > 0 {
		st.Networks = []swarm.NetworkSpec{{Name: "web_default", Labels: map[string]string{swarm.LabelCluster: "web"}, Form: form}}
	}
	return st
}

func TestOneManagerBecomesThreeAndThreeWorkers(t *testing.T) {
	workers := pool("workers", "worker", 3)
	workers.Labels = map[string]string{"zone": "frankfurt"}
	m := newModel(t, pool("managers", "manager", 3), workers)
	m.firstManager()
	m.stack = stack(service("app", "app:1", 4))
	m.settle(5 * time.Minute)
	golden(t, "grow", m.log.String())
}

func grown(t testing.TB, managers, workers int) *model {
	m := newModel(t, pool("managers", "manager", managers), pool("workers", "worker", workers))
	m.firstManager()
	m.settle(5 * time.Minute)
	m.stack = stack(service("app", "app:1", 4))
	m.settle(5 * time.Minute)
	m.log.Reset()
	return m
}

func TestThreeManagersBecomeOne(t *testing.T) {
	m := grown(t, 3, 1)
	m.edit(pool("managers", "manager", 1), pool("workers", "worker", 1))
	m.settle(10 * time.Minute)
	golden(t, "managers-3-1", m.log.String())
}

func TestThreeWorkersBecomeOne(t *testing.T) {
	m := grown(t, 1, 3)
	m.edit(pool("managers", "manager", 1), pool("workers", "worker", 1))
	m.settle(10 * time.Minute)
	golden(t, "workers-3-1", m.log.String())
}

func TestServiceRollsFailsAndGoes(t *testing.T) {
	m := grown(t, 1, 2)
	next := func(st swarm.Stack) {
		m.stack = st
		m.edit(m.spec.Pools...)
	}
	next(stack(service("app", "app:1", 6)))
	m.settle(time.Minute)
	next(stack(service("app", "app:2", 6), service("job", "job:1", 1)))
	m.settle(time.Minute)
	m.badHash = service("app", "app:bad", 6).Labels[swarm.LabelHash]
	next(stack(rollsBack(service("app", "app:bad", 6)), service("job", "job:1", 1)))
	for range 30 {
		m.pass()
		m.step(time.Second)
	}
	next(stack(service("app", "app:3", 6)))
	m.settle(time.Minute)
	next(stack())
	m.ledger.Confirmed = m.revision
	m.settle(time.Minute)
	golden(t, "service-roll", m.log.String())
}
