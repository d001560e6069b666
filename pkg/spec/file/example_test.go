package file

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/spec"
)

// TestExampleSpec reads the example of the design and compares the whole own part.
func TestExampleSpec(t *testing.T) {
	got, _, err := Parse("minitwit.yaml", read(t, "../../../deploy/examples/minitwit.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	want := &spec.Spec{
		Version: 1,
		Cluster: "minitwit",
		Cloud: spec.DigitalOcean{Region: "fra1", Image: "docker-20-04",
			SSHKeys: []string{"01:97:fe:0a:01:e3:a9:68:99:60:b5:e9:74:30:8f:71"}},
		Pools: []spec.Pool{
			{Name: "managers", Role: "manager", Count: 3, Size: "s-1vcpu-1gb", Image: "docker-20-04", Region: "fra1",
				Labels: map[string]string{}, Availability: "active"},
			{Name: "workers", Role: "worker", Count: 4, Size: "s-2vcpu-2gb", Image: "docker-20-04", Region: "fra1",
				Labels: map[string]string{"zone": "frankfurt"}, Availability: "active"},
		},
		Swarmd: spec.Swarmd{Image: "registry.example/swarmd:1.0", Memory: spec.DefaultMemory},
		Policies: spec.Policies{CreateVisible: 5 * time.Minute, ActiveTimeout: 5 * time.Minute, DrainTimeout: 5 * time.Minute,
			ShutdownTimeout: 2 * time.Minute, ServicesWait: 5 * time.Minute, MaxCreates: 10, Resync: 30 * time.Second, Repair: spec.Repair{Worker: 5 * time.Minute, Manager: 10 * time.Minute, PowerOn: []time.Duration{0, time.Minute, 5 * time.Minute}, Gone: time.Minute, LaunchTries: 3}, ProgressDeadline: 10 * time.Minute, Bake: 30 * time.Second, ForeignNodes: spec.DrainNew, RotateWorkerToken: true},
	}
	if diff := cmp.Diff(want, &got.Spec); diff != "" {
		t.Error(diff)
	}
	service := got.Stack.Services[0]
	if service.Name != "appserver" || *service.Deploy.Replicas != 5 || service.Ports[0].Published != 8080 {
		t.Errorf("stack: %+v", service)
	}
}
