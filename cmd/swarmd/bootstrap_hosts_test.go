package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	xssh "golang.org/x/crypto/ssh"
	"gopkg.in/yaml.v3"

	"github.com/swarmd/swarmd/pkg/access"
	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/bootstrap"
	"github.com/swarmd/swarmd/pkg/sim"
	"github.com/swarmd/swarmd/pkg/sim/docean"
	"github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/pkg/swarm/docker/ssh"
	"github.com/swarmd/swarmd/pkg/swarm/docker/ssh/sshtest"
)

// site is a simulated account whose droplets answer to ssh, with the host key of their user-data, and a laptop to bootstrap from.
type site struct {
	*testing.T
	world    *sim.World
	addr     string // of the simulated engines
	env      map[string]string
	out      bytes.Buffer
	user     xssh.PublicKey
	servers  map[string]*sshtest.Server // by host:port
	between  *sshtest.Server            // who answers in place of every machine; nil: nobody is in between
	unheard  func()                     // called by each dial while no machine answers; nil: they do
	contacts int
}

func newSite(t *testing.T) *site {
	t.Helper()
	o := simOptions(200)
	o.Cloud.Token = canary
	s := &site{T: t, world: sim.New(o), servers: map[string]*sshtest.Server{}}
	ctx, stop := context.WithCancel(context.Background())
	server, err := s.world.Serve(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(); _ = server.Wait() })
	signer, private := sshtest.NewKey(t)
	dir := t.TempDir()
	s.addr, s.user = server.Addr, signer.PublicKey()
	s.env = map[string]string{"DIGITALOCEAN_API_URL": server.CloudURL(), "DIGITALOCEAN_TOKEN": canary, "HOME": dir,
		"SWARMD_STATE_DIR": filepath.Join(dir, "state"), "SWARMD_SSH_KEY": sshtest.WriteKey(t, t.TempDir(), private)}
	t.Cleanup(s.noPrivateKey)
	return s
}

// app is a new process on the laptop.
func (s *site) app() *cli {
	return &cli{out: &s.out, err: &s.out, Access: access.Access{Getenv: func(n string) string { return s.env[n] }, Secrets: apierr.NewRedactor(), Dial: s.dial}}
}

func (s *site) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	s.contacts++
	switch {
	case s.between != nil:
		return s.between.Dial(ctx, network, addr)
	case s.unheard != nil:
		s.unheard()
		return nil, errors.New("connection refused")
	}
	return s.machine(addr).Dial(ctx, network, addr)
}

// machine is the sshd of the droplet, which is started at its first contact as cloud-init lets it start: with the key of the user-data.
func (s *site) machine(addr string) *sshtest.Server {
	s.Helper()
	if found := s.servers[addr]; found != nil {
		return found
	}
	for _, d := range s.world.Cloud.Droplets() {
		if net.JoinHostPort(d.Public.Addr().String(), "22") != addr {
			continue
		}
		key, err := xssh.ParsePrivateKey([]byte(hostKeysOf(s, d)["ed25519_private"]))
		if err != nil {
			s.Fatalf("user-data has no host key: %v", err)
		}
		s.servers[addr] = s.serve(key)
	}
	return s.servers[addr]
}

// serve is an sshd behind whose engine's socket is the simulated one.
func (s *site) serve(key xssh.Signer) *sshtest.Server {
	server := sshtest.Serve(s, s.user, key)
	server.Far = func(string, string) (net.Conn, error) { return net.Dial("tcp", s.addr) }
	return server
}

// intruder gets in between the laptop and all machines, with a key of its own.
func (s *site) intruder() *sshtest.Server {
	key, _ := sshtest.NewKey(s)
	s.between = s.serve(key)
	return s.between
}

func hostKeysOf(t testing.TB, d docean.Droplet) map[string]string {
	t.Helper()
	var c struct {
		Keys map[string]string `yaml:"ssh_keys"`
	}
	if err := yaml.Unmarshal([]byte(d.UserData), &c); err != nil {
		t.Fatal(err)
	}
	return c.Keys
}

// first runs bootstrap as far as the first manager.
func (s *site) first(ctx context.Context, a *cli) (bootstrap.First, error) {
	s.Helper()
	file, _, err := file.Parse("f.yaml", []byte(continuesFile))
	if err != nil {
		s.Fatal(err)
	}
	api, err := a.Cloud(nil)
	if err != nil {
		s.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	return a.firstManager(ctx, file, api, a.newProgress(), false)
}

func (s *site) state(name string) string { return filepath.Join(s.env["SWARMD_STATE_DIR"], name) }

// noPrivateKey looks for the private keys of all droplets in what was printed and in all files of the laptop.
func (s *site) noPrivateKey() {
	secrets, looked := []string(nil), map[string]string{"what was printed": s.out.String()}
	for _, d := range s.world.Cloud.Droplets() {
		lines := strings.Split(hostKeysOf(s, d)["ed25519_private"], "\n")
		secrets = append(secrets, lines[1:len(lines)-2]...)
	}
	err := filepath.WalkDir(s.env["HOME"], func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		looked[path] = string(data)
		return err
	})
	if err != nil || len(secrets) < 4 || len(looked) < 2 {
		s.Errorf("%d lines were looked for in %d texts: %v", len(secrets), len(looked), err)
	}
	for name, text := range looked {
		for _, secret := range append(secrets, "PRIVATE KEY") {
			if strings.Contains(text, secret) {
				s.Errorf("the private host key is in %s", name)
			}
		}
	}
}

// TestTheFirstManagerIsKnownFromTheFirstConnection: without --ssh-accept-new, and in each command after it.
func TestTheFirstManagerIsKnownFromTheFirstConnection(t *testing.T) {
	s := newSite(t)
	first, err := s.first(t.Context(), s.app())
	if err != nil || !first.Created {
		t.Fatalf("%+v, %v", first, err)
	}
	public := hostKeysOf(t, s.world.Cloud.Droplets()[0])["ed25519_public"]
	for _, name := range []string{"web.bootstrap.json", "web.known_hosts"} {
		if data, err := os.ReadFile(s.state(name)); err != nil || !strings.Contains(string(data), public) {
			t.Errorf("%s has not the public key %q: %v", name, public, err)
		}
	}
	s.env["DOCKER_HOST"] = "ssh://root@" + first.Droplet.PublicIPv4
	engine, closer, err := s.app().Engine(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer closer()
	if info, err := engine.Info(t.Context()); err != nil || !info.ControlAvail {
		t.Errorf("over ssh: %+v, %v", info, err)
	}
}

// TestNothingGoesToWhoHasAnotherKey: whoever is in between gets no login, and the command says what to do.
func TestNothingGoesToWhoHasAnotherKey(t *testing.T) {
	s := newSite(t)
	intruder := s.intruder()
	file := filepath.Join(t.TempDir(), "f.yaml")
	if err := os.WriteFile(file, []byte(continuesFile), 0o600); err != nil {
		t.Fatal(err)
	}
	a := s.app()
	a.AcceptNew = true // takes what is not known, not what is known to be another
	err := a.bootstrap(t.Context(), bootstrapFlags{file: file, timeout: 2 * time.Minute})
	if !errors.Is(err, ssh.ErrHostKeyOther) {
		t.Fatal(err)
	}
	for _, part := range []string{"nothing was sent there", "from another network", "ssh-keygen -lf", s.state("web.known_hosts"), "swarmd destroy"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("no %q in %v", part, err)
		}
	}
	if s.contacts != 1 || intruder.Logins() != 0 {
		t.Errorf("%d connections and %d logins, want one that ends with the host key", s.contacts, intruder.Logins())
	}
	for _, c := range s.world.Trace() {
		if !strings.HasPrefix(c.Path, "/v2/") {
			t.Errorf("the engine was sent %s %s", c.Method, c.Path)
		}
	}
}

// TestARunThatGoesOnKnowsTheMachine: the run that made it ended before it answered.
func TestARunThatGoesOnKnowsTheMachine(t *testing.T) {
	s := newSite(t)
	ctx, cut := context.WithCancel(t.Context())
	s.unheard = cut
	if _, err := s.first(ctx, s.app()); err == nil {
		t.Fatal("the first run was not cut off")
	}
	s.unheard = nil
	intruder := s.intruder()
	if _, err := s.first(t.Context(), s.app()); !errors.Is(err, ssh.ErrHostKeyOther) || intruder.Logins() != 0 {
		t.Fatalf("%d logins, %v", intruder.Logins(), err)
	}
	s.between = nil
	if first, err := s.first(t.Context(), s.app()); err != nil || first.Created || len(s.world.Cloud.Droplets()) != 1 {
		t.Fatalf("%+v, %v", first, err)
	}
}

// TestAMachineThatWasMadeElsewhereIsNotBelieved: unless a person says so, who then has it for good.
func TestAMachineThatWasMadeElsewhereIsNotBelieved(t *testing.T) {
	s := newSite(t)
	if _, err := s.first(t.Context(), s.app()); err != nil {
		t.Fatal(err)
	}
	s.env["SWARMD_STATE_DIR"] = filepath.Join(s.env["HOME"], "another")
	_, err := s.first(t.Context(), s.app())
	if !errors.Is(err, ssh.ErrHostKeyUnknown) || !strings.Contains(err.Error(), "--ssh-accept-new") || !strings.Contains(err.Error(), "SHA256:") {
		t.Fatal(err)
	}
	a := s.app()
	a.AcceptNew = true
	for range 2 {
		if _, err := s.first(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		a = s.app()
	}
}
