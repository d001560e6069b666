package app_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/swarmd/swarmd/pkg/access"
	"github.com/swarmd/swarmd/pkg/app"
	"github.com/swarmd/swarmd/pkg/reconcile"
	"github.com/swarmd/swarmd/pkg/sim"
	"github.com/swarmd/swarmd/pkg/swarm"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

const withObjects = `version: 1
cluster: web
cloud: { digitalocean: { region: fra1, image: docker-20-04 } }
nodes:
  managers: { role: manager, count: 3, size: s-1vcpu-1gb }
services:
  app:
    image: "nginx:1.27"
    configs: [{ source: site, target: /etc/nginx/site.conf, mode: 0440 }%s]
    secrets: [token]
    deploy: { replicas: 2 }
configs:
  site: { content: "%s" }
  theirs: { external: true }
secrets:
  token: { file: /etc/swarmd/secrets/token }
`

// beside is the files beside a swarmd.
type beside map[string]string

// besideMu is for a test that writes what swarmds read.
var besideMu sync.Mutex

func (b beside) put(path, value string) {
	besideMu.Lock()
	defer besideMu.Unlock()
	b[path] = value
}

func (b beside) take(path string) {
	besideMu.Lock()
	defer besideMu.Unlock()
	delete(b, path)
}

func (b beside) read(path string) ([]byte, error) {
	besideMu.Lock()
	defer besideMu.Unlock()
	value, ok := b[path]
	if !ok {
		return nil, errors.New("no such file or directory")
	}
	return []byte(value), nil
}

// settles waits until the loop has converged, and fails if it does not.
func settles(t *testing.T, loop *reconcile.Loop, revision int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	if _, err := loop.Await(ctx, revision, nil); err != nil {
		t.Fatalf("%v; %+v", err, loop.Last())
	}
}

// versions are the names of what the stack has made, configs and secrets.
func versions(t *testing.T, a *app.App) (configs, secrets []string) {
	t.Helper()
	all, err := a.Swarm.AllConfigs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		if c.Labels[swarm.LabelVersionOf] != "" {
			configs = append(configs, c.Name)
		}
	}
	sealed, err := a.Swarm.AllSecrets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sealed {
		secrets = append(secrets, s.Name)
	}
	return configs, secrets
}

// used are the names that the service refers to.
func used(t *testing.T, a *app.App) []string {
	t.Helper()
	services, err := a.Swarm.Services(t.Context())
	if err != nil || len(services) != 1 {
		t.Fatal(services, err)
	}
	return slices.Concat(services[0].Spec.Configs, services[0].Spec.Secrets)
}

// TestConfigsAndSecretsRotate: a new content is a new object, the service follows in one update, and of the old ones the last stay.
func TestConfigsAndSecretsRotate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, files := sim.New(sim.Options{Seed: 7}), beside{"/etc/swarmd/secrets/token": "hunter-0"}
		a, wire, log := listened(t, w, files)
		loop := a.Loop(app.Role{File: app.File{Initial: fmt.Appendf(nil, withObjects, "", "content 0")}})
		defer run(t, a, loop, app.Page{})()
		settles(t, loop, 1)
		for i := 1; i <= 5; i++ {
			before := used(t, a)
			if _, err := loop.Submit(t.Context(), fmt.Appendf(nil, withObjects, "", fmt.Sprint("content ", i)), "test"); err != nil {
				t.Fatal(err)
			}
			settles(t, loop, i+1)
			want := swarm.HashedConfig("web_site", fmt.Append(nil, "content ", i))
			if now := used(t, a); now[0] != want || now[1] != before[1] {
				t.Errorf("after edit %d the service refers to %q, before to %q", i, now, before)
			}
		}
		for i := 1; i <= 4; i++ {
			before := used(t, a)
			files.put("/etc/swarmd/secrets/token", fmt.Sprint("hunter-", i))
			for range 300 {
				if time.Sleep(time.Second); used(t, a)[1] != before[1] {
					break
				}
			}
			settles(t, loop, 6)
			if now := used(t, a); now[0] != before[0] || now[1] == before[1] {
				t.Errorf("after rotation %d the service refers to %q, before to %q", i, now, before)
			}
		}
		time.Sleep(time.Minute)
		configs, secrets := versions(t, a)
		if now := used(t, a); len(configs) != 3 || len(secrets) != 3 || !slices.Contains(configs, now[0]) || !slices.Contains(secrets, now[1]) {
			t.Errorf("%q and %q are left; the service refers to %q", configs, secrets, now)
		}
		nobodyKnows(t, loop, "hunter-", wire, log)
		updates := 0
		for _, c := range w.Trace() {
			if strings.HasPrefix(c.Path, "/services/") && strings.HasSuffix(c.Path, "/update") {
				updates++
			}
		}
		if updates != 9 {
			t.Errorf("%d updates of the service for 9 changes", updates)
		}
	})
}

// overheard is what was written or sent, but for the bodies of what makes a secret.
type overheard struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *overheard) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *overheard) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func (o *overheard) Sync() error { return nil }

func (o *overheard) beside(next http.RoundTripper) http.RoundTripper { return heard{o, next} }

type heard struct {
	*overheard
	next http.RoundTripper
}

func (h heard) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil && !strings.HasSuffix(r.URL.Path, "/secrets/create") {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if _, err := h.Write(body); err != nil {
			return nil, err
		}
	}
	return h.next.RoundTrip(r)
}

// listened is a swarmd of which everything is overheard but what it shows registries.
func listened(t *testing.T, w *sim.World, files beside, also ...func(*app.Options)) (a *app.App, wire, log *overheard) {
	wire, log = &overheard{}, &overheard{}
	return swarmd(t, w, func(o *app.Options) {
		o.ReadSecret = files.read
		o.Log = zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zapcore.EncoderConfig{MessageKey: "m"}), log, zap.DebugLevel))
		from := w.TransportFrom(w.Cloud.Droplets()[0].Name)
		o.Engine = func(observe access.Observe) (*docker.Client, func(), error) {
			c, err := docker.New(docker.Options{HTTP: &http.Client{Transport: wire.beside(from)}, Observe: observe})
			return c, func() { c.Close() }, err
		}
		for _, set := range also {
			set(o)
		}
	}), wire, log
}

// nobodyKnows holds that a secret's value is in nothing that is reported, logged or sent, but where the secret is made.
func nobodyKnows(t *testing.T, loop *reconcile.Loop, value string, places ...*overheard) {
	t.Helper()
	said, err := json.Marshal(loop.Last())
	if err != nil || strings.Contains(string(said), value) {
		t.Errorf("the report has it, or cannot be written: %v", err)
	}
	coded := base64.StdEncoding.EncodeToString([]byte(value + "0"))
	for i, p := range places {
		text := p.String()
		if !strings.Contains(text, "web_app") {
			t.Errorf("place %d was not listened to: %.200s", i, text)
		}
		if strings.Contains(text, value) || strings.Contains(text, coded[:len(coded)-4]) {
			t.Errorf("place %d has it", i)
		}
	}
}

// TestWhatIsNotThereIsHeldByName: an external config, and a secret's file.
func TestWhatIsNotThereIsHeldByName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, files := sim.New(sim.Options{Seed: 7}), beside{}
		a := swarmd(t, w, func(o *app.Options) { o.ReadSecret = files.read })
		loop := a.Loop(app.Role{File: app.File{Initial: fmt.Appendf(nil, withObjects, ", theirs", "x")}})
		defer run(t, a, loop, app.Page{})()
		time.Sleep(2 * time.Minute)
		held := func() string { return fmt.Sprintf("%+v", loop.Last().Holds) }
		for _, says := range []string{"docker config create theirs FILE", "secret/web_token", "/etc/swarmd/secrets/token cannot be read on web-managers-"} {
			if !strings.Contains(held(), says) {
				t.Errorf("no hold says %s: %s", says, held())
			}
		}
		if services, err := a.Swarm.Services(t.Context()); err != nil || len(services) != 0 {
			t.Errorf("written all the same: %v, %v", services, err)
		}
		if _, err := a.Swarm.CreateConfig(t.Context(), "theirs", nil, []byte("y")); err != nil {
			t.Fatal(err)
		}
		files.put("/etc/swarmd/secrets/token", "hunter-0")
		settles(t, loop, 1)
		if now := used(t, a); !slices.Contains(now, "theirs") {
			t.Errorf("the service refers to %q", now)
		}
	})
}
