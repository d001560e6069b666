package docker

import (
	"net/http"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	api "github.com/docker/docker/api/types/swarm"
)

const password = "canary-3c9d"

// guarded is a task that has the password wherever people keep one.
func guarded() api.TaskSpec {
	return api.TaskSpec{LogDriver: &api.Driver{Options: map[string]string{"token": password + "-log"}}, ContainerSpec: &api.ContainerSpec{Image: "a",
		Env: []string{"A=" + password, "B=" + password + "-longer", "C=on"}, Command: []string{"program", password + "-cmd"}, Args: []string{"--password=" + password + "-arg"},
		Labels: map[string]string{"users": password + "-label", "com.docker.stack.namespace": "shop"}, Healthcheck: &container.HealthConfig{Test: []string{"CMD", password + "-check"}},
		Mounts: []mount.Mount{{VolumeOptions: &mount.VolumeOptions{DriverConfig: &mount.Driver{Options: map[string]string{"o": password + "-volume"}}}}}}}
}

// TestWhatTheEngineRepeatsOfATaskIsHidden: its errors name arguments. The program, and words that are in any sentence, stay.
func TestWhatTheEngineRepeatsOfATaskIsHidden(t *testing.T) {
	f := newFake(t)
	c := f.client(Options{})
	text := `exec: "--password=canary-3c9d-arg" of shop on program: canary-3c9d canary-3c9d-longer canary-3c9d-cmd canary-3c9d-log canary-3c9d-label canary-3c9d-check canary-3c9d-volume`
	listing(f, []api.Task{{ID: "1", DesiredState: "running", Spec: guarded(), Status: api.TaskStatus{Err: text, Message: "starting " + password}}})
	tasks, err := c.Tasks(t.Context())
	if err != nil || len(tasks) != 1 {
		t.Fatal(tasks, err)
	}
	want := `exec: "(value not shown)" of shop on program:` + strings.Repeat(" (value not shown)", 7)
	if tasks[0].Err != want || tasks[0].Message != "starting (value not shown)" {
		t.Errorf("%q, %q", tasks[0].Err, tasks[0].Message)
	}
}

func TestARefusalDoesNotRepeatAPassword(t *testing.T) {
	f := newFake(t)
	c := f.client(Options{})
	refuse := func(*http.Request) (*http.Response, error) {
		return reply(400, `{"message":"invalid variable `+password+` and label `+password+`-deploy"}`), nil
	}
	f.on("POST /services/create", refuse)
	f.on("POST /services/1/update", refuse)
	f.on("GET /services/1", func(*http.Request) (*http.Response, error) {
		return reply(200, `{"ID":"1","Version":{"Index":5}}`), nil
	})
	spec, err := specOf(api.ServiceSpec{Annotations: api.Annotations{Name: "s", Labels: map[string]string{"users": password + "-deploy"}}, TaskTemplate: guarded()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, created := c.CreateService(t.Context(), spec)
	for what, err := range map[string]error{"create": created, "update": c.UpdateService(t.Context(), "1", 5, spec)} {
		if err == nil || strings.Contains(err.Error(), password) || !strings.Contains(err.Error(), "invalid variable (value not shown) and label (value not shown)") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
