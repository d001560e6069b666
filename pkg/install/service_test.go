package install

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/swarmd/swarmd/pkg/access"
	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/sim"
	"github.com/swarmd/swarmd/pkg/sim/docean"
	"github.com/swarmd/swarmd/pkg/sim/dockerd"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

// still is a world without any delay of its own.
var still = sim.Options{Seed: 1, BootTime: -1, JoinTime: -1, ShutdownTime: -1, Cloud: docean.Options{ActionTime: -1, ListLag: -1, TagDelay: -1}}

// service is installed from a laptop with the environment, where nobody speaks of access to hosts.
func service(out io.Writer, env map[string]string) *Service {
	say := func(format string, args ...any) { fmt.Fprintf(out, format, args...) }
	return &Service{Options: Options{Access: access.Access{Getenv: func(n string) string { return env[n] }, Secrets: apierr.NewRedactor()},
		Deny: func(before bool) bool { return before }, Say: say, Warn: say}}
}

// TestAnotherTokenIsAnotherSecret runs what bootstrap does with swarmd's service: once, again, and with another token.
func TestAnotherTokenIsAnotherSecret(t *testing.T) {
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
	var out bytes.Buffer
	env := map[string]string{"DOCKER_HOST": server.DockerHost(), "SWARMD_STATE_DIR": t.TempDir()}
	in := service(&out, env)
	in.Spec = &spec.Spec{Cluster: "web", Swarmd: spec.Swarmd{Image: "registry.example/swarmd:1.0"}}
	engine, closer, err := in.Access.Engine(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer closer()
	others := []string{"swarmd.web.token2", "swarmd.web2.token"}
	for _, name := range others {
		if _, err := engine.CreateSecret(ctx, name, nil, []byte("theirs")); err != nil {
			t.Fatal(err)
		}
	}
	settle := func(token string) (version uint64) {
		t.Helper()
		env["DIGITALOCEAN_TOKEN"] = token
		if err := in.First(ctx); err != nil {
			t.Fatal(err)
		}
		if err := in.Rest(ctx); err != nil {
			t.Fatal(err)
		}
		live, err := in.live(ctx, engine)
		if err != nil || live == nil {
			t.Fatalf("swarmd's service: %v, %v", live, err)
		}
		secrets, err := engine.Secrets(ctx, "")
		if want := append([]string{docker.TokenSecretOf("web", token), docker.ReadSecret("web")}, others...); err != nil || !slices.Equal(slices.Sorted(maps.Keys(secrets)), slices.Sorted(slices.Values(want))) {
			t.Errorf("the secrets are %v, want %q: %v", secrets, want, err)
		}
		if !strings.Contains(string(live.Spec.Base.Raw()), docker.TokenSecretOf("web", token)) {
			t.Errorf("swarmd does not get the secret of %s", token)
		}
		return live.Version
	}
	first := settle("first-token")
	if !strings.Contains(out.String(), "web.read-token") {
		t.Errorf("where the token for reading is it does not say: %q", out.String())
	}
	out.Reset()
	if again := settle("first-token"); again != first || out.Len() > 0 {
		t.Errorf("the same token wrote the service: version %d → %d; said %q", first, again, out.String())
	}
	denied := func(is bool, why string) {
		t.Helper()
		live, err := in.live(ctx, engine)
		if err != nil || docker.DeniesHostAccess(live.Spec) != is || in.DeniesHostAccess() != is {
			t.Errorf("%s: it denies access to the machine: %v, want %v (%v)", why, !is, is, err)
		}
	}
	denied(false, "by default")
	for _, c := range []struct {
		why           string
		given, wanted bool
		is            bool
	}{
		{"started with the flag", true, true, true},
		{"again, without a word of it", false, false, true},
		{"taken back", true, false, false},
	} {
		in.Deny = func(before bool) bool { return c.given && c.wanted || !c.given && before }
		in.denies = false
		settle("first-token")
		denied(c.is, c.why)
	}
	out.Reset()
	first = settle("first-token")
	if after := settle("second-token"); after == first || !strings.Contains(out.String(), docker.TokenSecretOf("web", "first-token")+" was removed") {
		t.Errorf("another token: version %d → %d; said %q", first, after, out.String())
	}
}

// TestSwarmdsOwnDigestIsTheOneThatTheFileNames runs what bootstrap does where swarmd.image has a digest, and where it gets another one.
func TestSwarmdsOwnDigestIsTheOneThatTheFileNames(t *testing.T) {
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
	env := map[string]string{"DOCKER_HOST": server.DockerHost(), "SWARMD_STATE_DIR": t.TempDir(), "DIGITALOCEAN_TOKEN": "token"}
	in := service(io.Discard, env)
	engine, closer, err := in.Access.Engine(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer closer()
	var version uint64
	for _, c := range []struct {
		digest string
		writes bool
	}{{strings.Repeat("a", 64), true}, {strings.Repeat("a", 64), false}, {strings.Repeat("b", 64), true}} {
		in.Spec = &spec.Spec{Cluster: "web", Swarmd: spec.Swarmd{Image: "registry.example/swarmd:1.0@sha256:" + c.digest}}
		if err := in.First(ctx); err != nil {
			t.Fatal(err)
		}
		live, err := in.live(ctx, engine)
		if err != nil || live == nil {
			t.Fatalf("swarmd's service: %v, %v", live, err)
		}
		if live.Spec.Pin().Digest != "sha256:"+c.digest || (live.Version != version) != c.writes {
			t.Errorf("swarmd runs %s at version %d, was %d; want %s", live.Spec.Pin().Digest, live.Version, version, c.digest)
		}
		version = live.Version
	}
}

// TestSwarmdsOwnImageIsPrivate: the file's login goes with swarmd's own service, renewed by each bootstrap without a task that restarts; where the password is
// not on this machine, that is said.
func TestSwarmdsOwnImageIsPrivate(t *testing.T) {
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
	env := map[string]string{"DOCKER_HOST": server.DockerHost(), "SWARMD_STATE_DIR": t.TempDir(), "DIGITALOCEAN_TOKEN": "token"}
	var out bytes.Buffer
	const file = "/etc/swarmd/registries/registry.example"
	in, beside := service(&out, env), map[string]string{}
	in.read = func(path string) ([]byte, error) {
		if text, there := beside[path]; there {
			return []byte(text), nil
		}
		return nil, fs.ErrNotExist
	}
	in.Spec = &spec.Spec{Cluster: "web", Swarmd: spec.Swarmd{Image: "registry.example/swarmd:1.0"},
		Registries: map[string]spec.Registry{"registry.example": {Username: "ci", Password: spec.Reference{File: file}}}}
	engine, closer, err := in.Access.Engine(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer closer()
	installed := func(password string) {
		t.Helper()
		out.Reset()
		world.Swarm.SetRegistry("registry.example", dockerd.Registry{Username: "ci", Password: password})
		if err := in.First(ctx); err != nil {
			t.Fatal(err)
		}
		live, err := in.live(ctx, engine)
		if err != nil || live == nil {
			t.Fatalf("swarmd's service: %v, %v", live, err)
		}
		if got := world.Swarm.RegistryAuth(live.Spec.Name); got != swarm.NewLogin("registry.example", "ci", password).Header() {
			t.Errorf("with the password %q its login is %q", password, got)
		}
		if live.Spec.Pin().Digest == "" || strings.Contains(out.String(), "hunter") || !strings.Contains(out.String(), "registry.example is shown the password in "+file+", as ci") {
			t.Errorf("with the password %q: digest %q; said %q", password, live.Spec.Pin().Digest, out.String())
		}
	}
	world.Swarm.SetRegistry("registry.example", dockerd.Registry{Username: "ci", Password: "hunter-0"})
	if err := in.First(ctx); err != nil || !strings.Contains(out.String(), "the login to registry.example is not on this machine ("+file+")") {
		t.Fatalf("without the file: %v, said %q", err, out.String())
	}
	for _, password := range []string{"hunter-0", "hunter-1", "hunter-1"} {
		beside[file] = password + "\n"
		installed(password)
	}
	overtaken := 0
	world.SetFault(func(c sim.Call) sim.Verdict {
		if strings.HasSuffix(c.Path, "/update") && overtaken < 2 {
			overtaken++
			return sim.Refuse(500, "rpc error: code = Unknown desc = update out of sequence")
		}
		return sim.Pass()
	})
	if installed("hunter-1"); overtaken < 2 {
		t.Errorf("the engine wrote the service between look and write %d times", overtaken)
	}
	out.Reset()
	other := spec.Reference{File: "/root/.ssh/id_ed25519"}
	beside[other.File] = "hunter-2"
	in.Spec.Registries["registry.example"] = spec.Registry{Username: "ci", Password: other}
	if in.login("registry.example/swarmd:1.0").Header() != "" || !strings.Contains(out.String(), other.File+" is not shown to registry.example: the password of this registry lies in "+file) {
		t.Errorf("a file that is meant for nobody: said %q", out.String())
	}
	in.Spec.Registries["registry.example"] = spec.Registry{Username: "ci", Password: spec.Reference{File: file}}
	out.Reset()
	env["DIGITALOCEAN_TOKEN_FILE"] = file
	delete(env, "DIGITALOCEAN_TOKEN")
	if in.login("registry.example/swarmd:1.0").Header() != "" || !strings.Contains(out.String(), "is swarmd's own, and no registry gets it") {
		t.Errorf("the token as a password: said %q", out.String())
	}
}
