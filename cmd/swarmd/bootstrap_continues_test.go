package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/swarmd/swarmd/pkg/access"
	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/sim"
	"github.com/swarmd/swarmd/pkg/spec/file"
)

const continuesFile = `version: 1
cluster: web
cloud: { digitalocean: { region: fra1, image: docker-20-04 } }
nodes:
  managers: { role: manager, count: 1, size: s-1vcpu-1gb }
swarmd: { image: "registry.example/swarmd:1.0" }
services:
  app: { image: "nginx:1.27" }
policies: { resync: 1s }
`

// TestBootstrapDoesNotHandOverAnotherFile: a cluster of the name lives with a revision.
func TestBootstrapDoesNotHandOverAnotherFile(t *testing.T) {
	world := sim.New(simOptions(200))
	if err := world.Populate(sim.Seeded{Cluster: "web", Region: "fra1", Managers: 1}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	server, err := world.Serve(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { stop(); _ = server.Wait() }()
	var out bytes.Buffer
	env := map[string]string{"DOCKER_HOST": server.DockerHost(), "DIGITALOCEAN_API_URL": server.CloudURL(), "DIGITALOCEAN_TOKEN": world.Token(), "SWARMD_STATE_DIR": t.TempDir()}
	a := &cli{out: &out, err: &out, Access: access.Access{Getenv: func(n string) string { return env[n] }, Secrets: apierr.NewRedactor()}}
	asm, err := a.connect("web", zap.NewNop(), true)
	if err != nil {
		t.Fatal(err)
	}
	defer asm.Close()
	check := func(text string) error {
		t.Helper()
		s, _, err := file.Parse("f.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return continues(ctx, asm, s, "f.yaml", "ssh://root@203.0.113.1")
	}
	if err := check(continuesFile); err != nil {
		t.Errorf("where nothing lives: %v", err)
	}
	if err := a.follow(ctx, asm, []byte(continuesFile), nil, "test"); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"the same file":         continuesFile,
		"with a comment":        "# of mine\n" + continuesFile,
		"another swarmd":        strings.Replace(continuesFile, "swarmd:1.0", "swarmd:1.1", 1),
		"more memory for it":    strings.Replace(continuesFile, `swarmd:1.0"`, `swarmd:1.0", memory: 1G`, 1),
		"a default written out": strings.Replace(continuesFile, "resync: 1s", "resync: 1s, max_creates: 10", 1),
	} {
		if err := check(text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, text := range map[string]string{
		"another count":   strings.Replace(continuesFile, "count: 1", "count: 3", 1),
		"another service": strings.Replace(continuesFile, "nginx:1.27", "nginx:1.28", 1),
		"one service less": strings.Replace(continuesFile, `services:
  app: { image: "nginx:1.27" }`, "", 1),
	} {
		err := check(text)
		if err == nil {
			t.Errorf("%s is handed over", name)
			continue
		}
		for _, part := range []string{"cluster web lives already, with revision 1", "export DOCKER_HOST=ssh://root@203.0.113.1", "swarmd apply -f f.yaml"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: no %q in %v", name, part, err)
			}
		}
	}
}
