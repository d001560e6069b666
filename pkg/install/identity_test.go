package install

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/sim"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// TestTheIdentityIsWaitedFor: who applies a file right after it must not act before swarmd reads it (seen on real machines: the lease is free meanwhile).
func TestTheIdentityIsWaitedFor(t *testing.T) {
	world := sim.New(still)
	if err := world.Populate(sim.Seeded{Cluster: "web", Region: "fra1", Managers: 1}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	server, err := world.Serve(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { stop(); _ = server.Wait() }()
	in := service(&bytes.Buffer{}, map[string]string{"DOCKER_HOST": server.DockerHost(), "SWARMD_STATE_DIR": t.TempDir(), "DIGITALOCEAN_TOKEN": "token"})
	in.Spec = &spec.Spec{Cluster: "web", Swarmd: spec.Swarmd{Image: "registry.example/swarmd:1.0"}}
	engine, closer, err := in.Access.Engine(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer closer()
	for _, step := range []func(context.Context) error{in.First, in.Rest} {
		if err := step(ctx); err != nil {
			t.Fatal(err)
		}
	}
	update := func() swarm.UpdateState {
		t.Helper()
		live, err := in.live(ctx, engine)
		if err != nil || live == nil {
			t.Fatalf("swarmd's service: %v, %v", live, err)
		}
		return live.Update
	}
	k := Identity{Engine: engine, Cluster: "web", Secrets: apierr.NewRedactor()}
	overtaken := false // by the engine, which writes the service while it rolls out
	world.SetFault(func(c sim.Call) sim.Verdict {
		if strings.HasSuffix(c.Path, "/update") && !overtaken {
			overtaken = true
			return sim.Refuse(500, "rpc error: code = Unknown desc = update out of sequence")
		}
		return sim.Pass()
	})
	placed, err := k.Place(ctx)
	if err != nil || !overtaken || !placed.Made || placed.restarts == "" {
		t.Fatalf("%+v (overtaken: %v): %v", placed, overtaken, err)
	}
	if update() == swarm.Completed {
		t.Log("report: it has restarted before anybody could wait for it")
	}
	if err := k.Restarted(ctx, placed); err != nil || update() != swarm.Completed {
		t.Errorf("waited for, it is %q: %v", update(), err)
	}
	again, err := k.Place(ctx)
	if err != nil || again.restarts != "" || again.Recipient != placed.Recipient {
		t.Errorf("again: %+v: %v", again, err)
	}
	if err := k.Restarted(ctx, again); err != nil {
		t.Errorf("again: %v", err)
	}
}
