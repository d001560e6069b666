package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/access"
	"github.com/swarmd/swarmd/pkg/app"
	"github.com/swarmd/swarmd/pkg/reconcile"
	"github.com/swarmd/swarmd/pkg/sim"
	specfile "github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/pkg/swarm"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

const withVariables = `version: 1
cluster: web
cloud: { digitalocean: { region: fra1, image: docker-20-04 } }
nodes:
  managers: { role: manager, count: 3, size: s-1vcpu-1gb }
variables_from: shop.env
services:
  app: { image: "nginx:%d", environment: { URL: "postgres://${DB_USER}:${DB_PASSWORD}@db/shop" }, deploy: { replicas: 2 } }
  other: { image: "nginx:%d" }
`

// variablesFile is the file with encrypted variables, as who hands it in sends it.
func variablesFile(t *testing.T, image int, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("../sealed/testdata/variables-" + name + ".env")
	if err != nil {
		t.Fatal(err)
	}
	return specfile.Bundle(fmt.Appendf(nil, withVariables, image, image), func(string) ([]byte, error) { return text, nil })
}

// butServices overhears everything but what services become.
type butServices struct{ heard }

func (b butServices) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.Contains(r.URL.Path, "/services/") {
		return b.next.RoundTrip(r)
	}
	return b.heard.RoundTrip(r)
}

// services are the URL that the app runs with, and the images of both, "" for one that is not there.
func servicesNow(t *testing.T, a *app.App) string {
	t.Helper()
	all, err := a.Swarm.Services(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, s := range all {
		out = append(out, s.Spec.Image+" "+s.Spec.Form()["TaskTemplate.ContainerSpec.Env[URL]"])
		if s.Spec.HasStandIn() {
			t.Error("the engine got what stands for a value")
		}
	}
	return strings.Join(out, ", ")
}

// heldFor waits for so long that every pass has come by, and expects the hold and nothing else.
func heldFor(t *testing.T, a *app.App, loop *reconcile.Loop, says, services string) {
	t.Helper()
	time.Sleep(3 * time.Minute)
	held := fmt.Sprintf("%+v", loop.Last().Holds)
	if !strings.Contains(held, "variables-file") || !strings.Contains(held, says) {
		t.Errorf("no hold says %s: %s", says, held)
	}
	if now := servicesNow(t, a); now != services {
		t.Errorf("held, and the services are %q, not %q", now, services)
	}
}

// TestEncryptedVariablesRotate: the values of an encrypted file are in the service and in nothing else that is said, logged or sent. What cannot be opened
// is held by name while the rest goes on, and follows when the identity is there, without a restart.
func TestEncryptedVariablesRotate(t *testing.T) {
	identity, err := os.ReadFile("../sealed/testdata/identity.txt")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		w, files := sim.New(sim.Options{Seed: 7}), beside{}
		wire := &overheard{}
		a, _, log := listened(t, w, files, func(o *app.Options) {
			o.Identity = func() ([]byte, error) { return files.read("identity") }
			from := w.TransportFrom(w.Cloud.Droplets()[0].Name)
			o.Engine = func(observe access.Observe) (*docker.Client, func(), error) {
				c, err := docker.New(docker.Options{HTTP: &http.Client{Transport: butServices{heard{wire, from}}}, Observe: observe})
				return c, func() { c.Close() }, err
			}
		})
		loop := a.Loop(app.Role{File: app.File{Initial: variablesFile(t, 1, "one")}})
		defer run(t, a, loop, app.Page{})()
		submit := func(image int, name string) {
			t.Helper()
			if _, err := loop.Submit(t.Context(), variablesFile(t, image, name), "test"); err != nil {
				t.Fatal(err)
			}
		}
		heldFor(t, a, loop, "not created by swarmd on web-managers-", "nginx:1 ")
		files.put("identity", string(identity))
		settles(t, loop, 1)
		if now := servicesNow(t, a); now != "nginx:1 postgres://shop:hunter-one@db/shop, nginx:1 " {
			t.Errorf("the services are %q", now)
		}
		submit(1, "two")
		settles(t, loop, 2)
		two := "nginx:1 postgres://shop:hunter-two@db/shop, "
		if now := servicesNow(t, a); now != two+"nginx:1 " {
			t.Errorf("after the edit the services are %q", now)
		}
		submit(2, "other")
		heldFor(t, a, loop, "encrypted to none of swarmd's recipients", two+"nginx:2 ")
		files.take("identity")
		submit(3, "one")
		heldFor(t, a, loop, "its variable DB_USER of shop.env has no value: no such file", two+"nginx:3 ")
		files.put("identity", string(identity))
		settles(t, loop, 4)
		if now := servicesNow(t, a); now != "nginx:3 postgres://shop:hunter-one@db/shop, nginx:3 " {
			t.Errorf("with the identity again the services are %q", now)
		}
		nobodyKnows(t, loop, "hunter-", log)
		said, err := json.Marshal(loop.Last())
		for _, text := range []string{string(said), log.String()} {
			if err != nil || strings.Contains(text, swarm.StandIn) || strings.Contains(text, "AGE-SECRET-KEY-1") {
				t.Errorf("a stand-in or the identity is told: %v", err)
			}
		}
		if sent := wire.String(); strings.Contains(sent, "hunter-") || strings.Contains(sent, swarm.StandIn) || !strings.Contains(sent, "swarmd.ledger.format") {
			t.Errorf("a value is sent elsewhere than in its service, or nothing was heard")
		}
	})
}
