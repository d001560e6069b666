package docker

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	api "github.com/docker/docker/api/types/swarm"
	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// asAnOldClientMadeIt is a service whose networks are where old clients put them, with an image in its long name and a field that no client of today knows.
var asAnOldClientMadeIt = strings.Replace(strings.Replace(asTheEngineHasIt, `"Mode":`, `"Networks":[{"Target":"n1"}],"UpdateConfig":{"Parallelism":2,"New":true},"Mode":`, 1), "sha256:aaaa", digestA, 1)

// TestWhatReplacesNoTaskIsTheEnginesOwnText: a write of labels, of a login, of replicas or of how updates go leaves the rest as the engine wrote it.
func TestWhatReplacesNoTaskIsTheEnginesOwnText(t *testing.T) {
	five := uint64(5)
	as := func(f func(*api.ServiceSpec)) func(*swarm.ServiceSpec) {
		return func(s *swarm.ServiceSpec) { s.Base = swarm.NewBase(nil, edited(*s, f).Base.Raw(), s.Pin()) }
	}
	for name, c := range map[string]struct {
		edit    func(*swarm.ServiceSpec)
		changed []string // fields of the specification; nil: all, by Docker's own client
	}{
		"nothing": {func(*swarm.ServiceSpec) {}, []string{"Labels"}},
		"a login": {func(s *swarm.ServiceSpec) {
			*s = s.LoggedInAs(swarm.NewLogin("docker.io", "ci", "opensesame"), "mark")
		}, []string{"Labels"}},
		"replicas":         {func(s *swarm.ServiceSpec) { s.Override.Replicas = &five }, []string{"Labels", "Mode"}},
		"the same counter": {func(s *swarm.ServiceSpec) { s.Override.Restored = true }, []string{"Labels"}},
		"pace":             {as(func(a *api.ServiceSpec) { a.UpdateConfig = &api.UpdateConfig{Parallelism: 3} }), []string{"Labels", "UpdateConfig"}},
		"the way back":     {as(func(a *api.ServiceSpec) { a.RollbackConfig = &api.UpdateConfig{Parallelism: 3} }), []string{"Labels", "RollbackConfig"}},
		"an image":         {func(s *swarm.ServiceSpec) { s.Image = "nginx:2" }, nil},
		"a digest": {func(s *swarm.ServiceSpec) {
			s.Base = swarm.NewBase(s.Form(), s.Base.Raw(), swarm.Pin{Digest: strings.ReplaceAll(digestA, "a", "b")})
		}, nil},
		"platforms": {func(s *swarm.ServiceSpec) {
			*s = s.Pinned(swarm.Pin{Platforms: []swarm.Platform{{OS: "linux", Architecture: "arm64"}}})
		}, nil},
		"a counter": {func(s *swarm.ServiceSpec) {
			as(func(a *api.ServiceSpec) { a.TaskTemplate.ForceUpdate = 1 })(s)
			s.Override.Restored = true
		}, nil},
		"a port": {as(func(a *api.ServiceSpec) {
			a.EndpointSpec = &api.EndpointSpec{Ports: []api.PortConfig{{TargetPort: 80}}}
		}), nil},
	} {
		t.Run(name, func(t *testing.T) {
			f, login, versioned := newFake(t), "", false
			f.on("GET /services", func(*http.Request) (*http.Response, error) { return reply(200, "["+asAnOldClientMadeIt+"]"), nil })
			f.on("GET /networks", func(*http.Request) (*http.Response, error) {
				return reply(200, `[{"Id":"n1","Name":"front","Scope":"swarm","Driver":"overlay"}]`), nil
			})
			f.on("GET /services/s1", func(*http.Request) (*http.Response, error) { return reply(200, asAnOldClientMadeIt), nil })
			f.on("POST /services/s1/update", func(r *http.Request) (*http.Response, error) {
				login, versioned = r.Header.Get("X-Registry-Auth"), strings.HasPrefix(r.URL.Path, "/v1.41/")
				return reply(200, `{}`), nil
			})
			client := f.client(Options{})
			live, err := client.Services(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			want := live[0].Spec
			c.edit(&want)
			if err := client.UpdateService(t.Context(), "s1", 7, want); err != nil {
				t.Fatal(err)
			}
			if login != want.Login.Header() || versioned != (c.changed == nil) {
				t.Errorf("login %q, by a version of the API: %v", login, versioned)
			}
			if c.changed != nil {
				heldTo(t, f.bodies["POST /services/s1/update"], c.changed, want.Labels)
			}
		})
	}
}

// heldTo holds what was sent to the engine's text, but for these fields.
func heldTo(t *testing.T, sent string, changed []string, labels map[string]string) {
	t.Helper()
	var now map[string]json.RawMessage
	var was struct{ Spec map[string]json.RawMessage }
	if err := json.Unmarshal([]byte(sent), &now); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(asAnOldClientMadeIt), &was); err != nil {
		t.Fatal(err)
	}
	all := maps.Clone(was.Spec)
	maps.Copy(all, now)
	for field := range all {
		if is := len(was.Spec[field]) == 0 || compact(t, was.Spec[field]) != string(now[field]); is != slices.Contains(changed, field) && field != "Labels" {
			t.Errorf("%s: %s → %s", field, was.Spec[field], now[field])
		}
	}
	var written map[string]string
	if err := json.Unmarshal(now["Labels"], &written); err != nil || !maps.Equal(written, labels) {
		t.Errorf("%s: %v", cmp.Diff(labels, written), err)
	}
}
