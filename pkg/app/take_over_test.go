package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	api "github.com/docker/docker/api/types/swarm"
	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/access"
	"github.com/swarmd/swarmd/pkg/app"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/sim"
	specfile "github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/pkg/swarm"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

// asked counts what is sent to an engine, reads and writes, without those that renew the lease.
type asked struct {
	next http.RoundTripper
	mu   sync.Mutex
	sent []string
}

func (a *asked) RoundTrip(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	a.sent = append(a.sent, r.Method+" "+r.URL.Path)
	a.mu.Unlock()
	return a.next.RoundTrip(r)
}

// writes are those since then.
func (a *asked) writes(since int) (out []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range a.sent[since:] {
		if !strings.HasPrefix(s, "GET ") && !strings.HasPrefix(s, "HEAD ") && !strings.Contains(s, "/configs/") {
			out = append(out, s)
		}
	}
	return out
}

func (a *asked) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.sent)
}

// deployed makes the stack of the file withObjects as `docker stack deploy` does: without a label of swarmd's, and names without a hash.
func deployed(t *testing.T, w *sim.World, content, value string) {
	t.Helper()
	d, _, err := specfile.Parse("web.yaml", fmt.Appendf(nil, withObjects, "", content))
	if err != nil {
		t.Fatal(err)
	}
	stack, err := docker.Convert("web", d.Stack)
	if err != nil {
		t.Fatal(err)
	}
	create := func(path string, body any) string {
		var made struct{ ID string }
		if err := w.Ask(http.MethodPost, path, body, &made); err != nil {
			t.Fatal(err)
		}
		return made.ID
	}
	ns := map[string]string{swarm.LabelNamespace: "web"}
	create("/networks/create", map[string]any{"Name": "web_default", "Driver": "overlay", "Labels": ns})
	config := create("/configs/create", api.ConfigSpec{Annotations: api.Annotations{Name: "web_site", Labels: ns}, Data: []byte(content)})
	secret := create("/secrets/create", api.SecretSpec{Annotations: api.Annotations{Name: "web_token", Labels: ns}, Data: []byte(value)})
	var spec api.ServiceSpec
	if err := json.Unmarshal(stack.Services[0].Base.Raw(), &spec); err != nil {
		t.Fatal(err)
	}
	spec.Labels = map[string]string{swarm.LabelNamespace: "web", swarm.LabelImage: "nginx:1.27"}
	box := spec.TaskTemplate.ContainerSpec
	box.Image += "@sha256:" + strings.Repeat("ab", 32)
	box.Configs[0].ConfigID, box.Configs[0].ConfigName, box.Secrets[0].SecretID = config, "web_site", secret
	create("/services/create", spec)
}

// TestAStackIsTakenOverWithoutARestart: services, config and secret become the cluster's as they are, nothing is made, no task is replaced, and later looks
// write nothing. An edit then follows like any other; a later deploy past swarmd costs the labels, which come back.
func TestAStackIsTakenOverWithoutARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, files := sim.New(sim.Options{Seed: 7}), beside{"/etc/swarmd/secrets/token": "hunter-0"}
		var wire *asked
		a := swarmd(t, w, func(o *app.Options) {
			o.ReadSecret = files.read
			o.Convert = func(d *specfile.Document) (swarm.Stack, error) {
				s, err := docker.Convert(d.Cluster, d.Stack)
				s.Adopt = []string{"web"}
				return s, err
			}
			wire = &asked{next: w.TransportFrom(w.Cloud.Droplets()[0].Name)}
			o.Engine = func(observe access.Observe) (*docker.Client, func(), error) {
				c, err := docker.New(docker.Options{HTTP: &http.Client{Transport: wire}, Observe: observe})
				return c, func() { c.Close() }, err
			}
		})
		deployed(t, w, "content 0", "hunter-0")
		time.Sleep(time.Minute)
		before, truth := running(t, w), func() []api.Service { s, _ := w.Swarm.Glance(); return s.Services }
		was := truth()[0].Spec
		if len(before) != 2 {
			t.Fatalf("%d tasks run", len(before))
		}
		loop := a.Loop(app.Role{File: app.File{Initial: fmt.Appendf(nil, withObjects, "", "content 0")}})
		defer run(t, a, loop, app.Page{})()
		asItWas := func(what string) {
			t.Helper()
			now := truth()[0].Spec
			if now.Labels[swarm.LabelCluster] != "web" {
				t.Errorf("%s: it is not the cluster's: %v", what, now.Labels)
			}
			now.Labels = was.Labels
			if !reflect.DeepEqual(now, was) || !slices.Equal(running(t, w), before) {
				t.Errorf("%s: tasks %v, before %v; %+v", what, running(t, w), before, now)
			}
			if configs, secrets := versions(t, a); !slices.Equal(configs, []string{"web_site"}) || !slices.Equal(secrets, []string{"web_token"}) {
				t.Errorf("%s: there are %v and %v", what, configs, secrets)
			}
		}
		settles(t, loop, 1)
		asItWas("taken over")
		since := wire.count()
		time.Sleep(5 * time.Minute)
		if wrote := wire.writes(since); len(wrote) > 0 {
			t.Errorf("at rest it writes %v", wrote)
		}

		strip(t, w)
		time.Sleep(2 * time.Minute)
		settles(t, loop, 1)
		asItWas("deployed once more")

		if _, err := loop.Submit(t.Context(), fmt.Appendf(nil, withObjects, "", "content 1"), "test"); err != nil {
			t.Fatal(err)
		}
		settles(t, loop, 2)
		if now := used(t, a); !slices.Contains(now, "web_token") || slices.Contains(now, "web_site") {
			t.Errorf("the service refers to %v", now)
		}
	})
}

// strip takes swarmd's labels off everything of the stack, as a later deploy does.
func strip(t *testing.T, w *sim.World) {
	t.Helper()
	for _, kind := range []string{"services", "configs", "secrets"} {
		var all []struct {
			ID      string
			Version struct{ Index uint64 }
			Spec    map[string]any
		}
		if err := w.Ask(http.MethodGet, "/"+kind, nil, &all); err != nil {
			t.Fatal(err)
		}
		for _, o := range all {
			labels, _ := o.Spec["Labels"].(map[string]any)
			if labels[swarm.LabelNamespace] != "web" {
				continue
			}
			for k := range labels {
				if strings.HasPrefix(k, "swarmd.") {
					delete(labels, k)
				}
			}
			delete(o.Spec, "Data")
			if err := w.Ask(http.MethodPost, fmt.Sprintf("/%s/%s/update?version=%d", kind, o.ID, o.Version.Index), o.Spec, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestAPreviewSaysWhichSecretsWillBeReplaced: it compares the value that is beside it with the one that nobody can read back, says so where there is none,
// and writes nothing.
func TestAPreviewSaysWhichSecretsWillBeReplaced(t *testing.T) {
	for name, c := range map[string]struct {
		files   beside
		differ  []plan.SecretDiffers
		changes []string
	}{
		"the same":  {files: beside{"/etc/swarmd/secrets/token": "hunter-0"}},
		"another":   {files: beside{"/etc/swarmd/secrets/token": "hunter-1"}, differ: []plan.SecretDiffers{{Secret: "token", Tasks: 2}}, changes: []string{"secrets[token].source"}},
		"not here":  {files: beside{}, differ: []plan.SecretDiffers{{Secret: "token", Tasks: 2, Unknown: "/etc/swarmd/secrets/token: no such file or directory"}}},
		"one empty": {files: beside{"/etc/swarmd/secrets/token": ""}, differ: []plan.SecretDiffers{{Secret: "token", Tasks: 2, Unknown: "/etc/swarmd/secrets/token: it is empty"}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := sim.New(sim.Options{Seed: 7})
				a := swarmd(t, w, func(o *app.Options) {
					o.ReadSecret = c.files.read
					o.Convert = func(d *specfile.Document) (swarm.Stack, error) {
						s, err := docker.Convert(d.Cluster, d.Stack)
						s.Adopt = []string{"web"}
						return s, err
					}
				})
				defer a.Close()
				deployed(t, w, "content 0", "hunter-0")
				time.Sleep(time.Minute)
				secrets := func() string { s, _ := w.Swarm.Glance(); return fmt.Sprintf("%+v", s.Secrets) }
				before := secrets()
				d, _, err := specfile.Parse("web.yaml", fmt.Appendf(nil, withObjects, "", "content 0"))
				if err != nil {
					t.Fatal(err)
				}
				_, whole, _, err := a.Loop(app.Role{OneShot: true}).Preview(t.Context(), d, nil)
				if err != nil || len(whole.TakenOver) != 1 {
					t.Fatalf("%v, %+v", err, whole)
				}
				if diff := cmp.Diff(c.differ, whole.TakenOver[0].Differ); diff != "" {
					t.Error(diff)
				}
				var changes []string
				for _, s := range whole.Services {
					if s.Tasks.Restart != 2 {
						t.Errorf("%d tasks restart", s.Tasks.Restart)
					}
					for _, e := range s.Edits {
						changes = append(changes, e.Key)
					}
				}
				if !slices.Equal(changes, c.changes) || secrets() != before {
					t.Errorf("changes %v, secrets %s, before %s", changes, secrets(), before)
				}
			})
		})
	}
}
