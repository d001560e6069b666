package app_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/swarmd/swarmd/pkg/app"
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
		"file: /opt/app/token":             "",
		"credential: app":                  "",
	} {
		t.Run(from, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const creds = "/run/user/0/creds"
				w, files := sim.New(sim.Options{Seed: 7}), beside{"/opt/do/token": "a", "/opt/app/token": "b", "/etc/swarmd/registry": "c", creds + "/registry": "d", creds + "/do": "e", creds + "/app": "f"}
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
