package swarm

import (
	"strings"
	"testing"
)

// TestVeiledShowsHarmlessValuesOnly: whatever a field is called, its value shows only if the field is known to be harmless.
func TestVeiledShowsHarmlessValuesOnly(t *testing.T) {
	for path, shown := range map[string]bool{
		"Mode.Replicated.Replicas": true, "TaskTemplate.ContainerSpec.Image": true, "UpdateConfig.Parallelism": true,
		"EndpointSpec.Ports[80:80/tcp ingress].TargetPort": true, "TaskTemplate.Placement.Constraints[node.role==manager]": true,
		"TaskTemplate.ContainerSpec.Env[PASSWORD]": false, "TaskTemplate.ContainerSpec.Args[0]": false, "TaskTemplate.ContainerSpec.Command[0]": false,
		"Labels.traefik.http.middlewares.auth.basicauth.users": false, "TaskTemplate.ContainerSpec.Labels.x": false,
		"TaskTemplate.ContainerSpec.Healthcheck.Test[1]": false, "TaskTemplate.LogDriver.Options.splunk-token": false,
		"TaskTemplate.ContainerSpec.Imaginary": false, "Modes": false, "Options.secret": false, "": false,
	} {
		got := strings.Join(Veiled([]string{path + ": hunter1 → hunter2"}), "")
		if strings.Contains(got, "hunter") == !shown || !strings.HasPrefix(got, path) {
			t.Errorf("%q: %s", path, got)
		}
	}
	// A key may hold what separates path and value.
	if got := Veiled([]string{"Labels.a: b: hunter1 → hunter2"}); got[0] != "Labels.a changes" {
		t.Errorf("got %q", got)
	}
}

func TestSummaryHasABound(t *testing.T) {
	diff := make([]string, 60_000)
	for i := range diff {
		diff[i] = "Mode.X: " + strings.Repeat("é", 30_000) + " → "
	}
	got := Summary(diff)
	if len(got) > (mostChanges+1)*(mostValue+8) || !strings.HasSuffix(got, " and 59980 more changes") || !strings.Contains(got, "é…, ") {
		t.Errorf("%d bytes: %.300s", len(got), got)
	}
	if diff[0] == "Mode.X changes" {
		t.Error("the diff itself was changed")
	}
}
