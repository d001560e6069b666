package app_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/app"
	"github.com/swarmd/swarmd/pkg/reconcile"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/sim"
)

const withOthersSecret = `version: 1
cluster: web
cloud: { digitalocean: { region: fra1, image: docker-20-04 } }
nodes: { managers: { role: manager, count: 3, size: s-1vcpu-1gb } }
registries:
  files.example: { username: ci, password: { file: /etc/swarmd/registry } }
  units.example: { username: ci, password: { credential: registry } }
services:
  app: { image: "nginx:1.27", secrets: [token] }
secrets: { token: { %s } }
`

// TestNoServiceGetsWhatIsSwarmds: neither what its environment names, nor the password of a registry, by whatever way the file names it.
func TestNoServiceGetsWhatIsSwarmds(t *testing.T) {
	for from, why := range map[string]string{
		"file: /opt/do/token":              "it is swarmd's own",
		"file: /etc/swarmd/./registry":     "it is the password of the registry files.example",
		"credential: registry":             "it is the password of the registry units.example",
		"credential: do":                   "it is swarmd's own",
		"file: /run/user/0/creds/registry": "it is swarmd's own",
		"file: /opt/app/token":             "what services may have lies below /etc/swarmd/secrets: put it there",
		"file: /etc/swarmd/secrets/app":    "",
		"credential: app":                  "",
	} {
		t.Run(from, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const creds = "/run/user/0/creds"
				w, files := sim.New(sim.Options{Seed: 7}), beside{"/opt/do/token": "a", "/opt/app/token": "b", "/etc/swarmd/secrets/app": "b", "/etc/swarmd/registry": "c", creds + "/registry": "d", creds + "/do": "e", creds + "/app": "f"}
				a := swarmd(t, w, func(o *app.Options) {
					o.ReadSecret, o.Credentials, o.Own = files.read, creds, []string{"/opt/do/token", creds + "/do", creds}
				})
				loop := a.Loop(app.Role{File: app.File{Initial: fmt.Appendf(nil, withOthersSecret, from)}})
				defer run(t, a, loop, app.Page{})()
				if why == "" {
					converges(t, loop, 1)
					return
				}
				said := ""
				until(t, loop, "a hold", func() bool {
					for _, h := range loop.Last().Holds {
						if strings.Contains(h.Text, "cannot be read") {
							said = h.Text
						}
					}
					return said != ""
				})
				if !strings.Contains(said, why) {
					t.Errorf("it says %q", said)
				}
			})
		})
	}
}

// TestNoRegistryIsShownAnothersPassword: whoever edits the file may have a registry of their own, and name any path for its password.
func TestNoRegistryIsShownAnothersPassword(t *testing.T) {
	for at, shown := range map[string]bool{
		"/etc/swarmd/registries/registry.example": true,
		"/etc/swarmd/registries/other.example":    false,
		"/etc/swarmd/secrets/token":               false,
		"/root/.ssh/id_ed25519":                   false,
	} {
		t.Run(at, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, files := sim.New(sim.Options{Seed: 7}), beside{at: "hunter-0"}
				wants(w, "hunter-0")
				a, _, _ := listened(t, w, files)
				file := bytes.ReplaceAll(private(1, "1.0"), []byte("/etc/swarmd/registry"), []byte(at))
				loop := a.Loop(app.Role{File: app.File{Initial: file}})
				defer run(t, a, loop, app.Page{})()
				if shown {
					settles(t, loop, 1)
					return
				}
				until(t, loop, "a hold", func() bool {
					return strings.Contains(holds(loop, plan.GuardLoginFile), "the password of this registry lies in /etc/swarmd/registries/registry.example: put it there")
				})
				time.Sleep(10 * time.Minute)
				if now := running(t, w); len(now) > 0 {
					t.Errorf("%q run: the registry was shown what is in %s", now, at)
				}
			})
		})
	}
}

// TestAFileThatIsRootsAloneSaysWhoReadsIt: it is there, so that "put it on each manager" would help nobody.
func TestAFileThatIsRootsAloneSaysWhoReadsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sim.New(sim.Options{Seed: 7})
		a := swarmd(t, w, func(o *app.Options) {
			o.ReadSecret = func(path string) ([]byte, error) {
				return nil, &fs.PathError{Op: "open", Path: path, Err: syscall.EACCES}
			}
		})
		loop := a.Loop(app.Role{File: app.File{Initial: private(1, "1.0")}})
		defer run(t, a, loop, app.Page{})()
		until(t, loop, "a hold", func() bool {
			return strings.Contains(holds(loop, plan.GuardLoginFile), "permission denied (swarmd's unit reads with the group docker: chgrp docker, chmod 0640)")
		})
	})
}

// TestApplyTellsWhatTheDaemonCannotRead: it followed for a quarter of an hour and said nothing, since only the swarmd that acts knows whether its file is there.
func TestApplyTellsWhatTheDaemonCannotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sim.New(sim.Options{Seed: 7})
		a := swarmd(t, w, func(o *app.Options) { o.ReadSecret = beside{}.read })
		daemon := a.Loop(app.Role{File: app.File{Initial: []byte(withoutSecret)}})
		defer run(t, a, daemon, app.Page{})()
		settles(t, daemon, 1)
		person := a.Loop(app.Role{OneShot: true, Instance: "visitor", Acting: func(context.Context) report.Report { return daemon.Last() }})
		defer run(t, a, person, app.Page{})()
		n, err := person.Submit(t.Context(), []byte(strings.Replace(withoutSecret, "1.27\"", "1.27\", secrets: [token]", 1)+"secrets: { token: { file: /etc/swarmd/secrets/nothing } }\n"), "apply test")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
		defer cancel()
		began := time.Now()
		_, err = person.Await(ctx, n, nil)
		var lost *reconcile.LostError
		if took := time.Since(began); !errors.As(err, &lost) || !strings.Contains(lost.Hold.Text, "cannot be read on web-managers-") || took > 3*time.Minute {
			t.Errorf("%v after %s", err, took)
		}
	})
}

const withoutSecret = `version: 1
cluster: web
cloud: { digitalocean: { region: fra1, image: docker-20-04 } }
nodes: { managers: { role: manager, count: 3, size: s-1vcpu-1gb } }
services:
  app: { image: "nginx:1.27" }
`
