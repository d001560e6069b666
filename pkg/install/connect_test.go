package install

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	xssh "golang.org/x/crypto/ssh"

	"github.com/swarmd/swarmd/pkg/access"
	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm/docker/ssh"
	"github.com/swarmd/swarmd/pkg/swarm/docker/ssh/sshtest"
)

// site is hosts that answer to ssh, and a laptop that may log in there.
type site struct {
	*testing.T
	user    xssh.PublicKey
	env     map[string]string
	servers map[string]*sshtest.Server // by host:port
}

func newSite(t *testing.T) *site {
	signer, private := sshtest.NewKey(t)
	dir := t.TempDir()
	return &site{T: t, user: signer.PublicKey(), servers: map[string]*sshtest.Server{},
		env: map[string]string{"HOME": dir, "SWARMD_STATE_DIR": filepath.Join(dir, "state"), "SWARMD_SSH_KEY": sshtest.WriteKey(t, t.TempDir(), private)}}
}

// access is the laptop's.
func (s *site) access() access.Access {
	return access.Access{Getenv: func(n string) string { return s.env[n] }, Secrets: apierr.NewRedactor(),
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return s.servers[addr].Dial(ctx, network, addr)
		}}
}

// serve is a host with a key of its own.
func (s *site) serve() *sshtest.Server {
	key, _ := sshtest.NewKey(s)
	return sshtest.Serve(s, s.user, key)
}

// TestAManagerIsMetThroughTheFirst: swarmd made it, so its key is unknown here. What answers at its public address is believed only if it has the
// key that the machine shows in the VPC.
func TestAManagerIsMetThroughTheFirst(t *testing.T) {
	const one, host, private = "203.0.113.1", "203.0.113.200", "10.114.0.200"
	s := newSite(t)
	first, second, asked := s.serve(), s.serve(), []string(nil)
	first.Far = func(_, addr string) (net.Conn, error) {
		asked = append(asked, addr)
		return net.Dial("tcp", second.Addr())
	}
	s.servers[one+":22"] = first
	known := &Unit{Options: Options{Access: s.access(), Spec: &spec.Spec{Cluster: "web"}}, FirstHost: one}
	known.Access.AcceptNew = true // as bootstrap, which made it, keeps its key
	conn, err := known.connect(t.Context(), one, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	in := &Unit{Options: Options{Access: s.access(), Spec: &spec.Spec{Cluster: "web"}}, FirstHost: one}
	// reach installs nothing: it connects as install does.
	reach := func() error {
		conn, err := in.connect(t.Context(), host, private)
		if err != nil {
			return err
		}
		return conn.Close()
	}

	intruder := s.serve()
	s.servers[net.JoinHostPort(host, "22")] = intruder
	if err := reach(); !errors.Is(err, ssh.ErrHostKeyChanged) || intruder.Logins() != 0 {
		t.Errorf("%d logins at who is in between: %v", intruder.Logins(), err)
	}
	s.servers[net.JoinHostPort(host, "22")] = second
	if err := reach(); err != nil {
		t.Error(err)
	}
	if len(asked) != 1 || asked[0] != private+":22" {
		t.Errorf("the first manager was asked for %v", asked)
	}

	in.FirstHost = "203.0.113.201" // is not reached
	s.servers["203.0.113.201:22"] = intruder
	if err := os.Truncate(s.access().ClusterHosts("web"), 0); err != nil {
		t.Fatal(err)
	}
	if err := reach(); !errors.Is(err, ssh.ErrHostKeyUnknown) || !strings.Contains(err.Error(), "--ssh-accept-new") || intruder.Logins() != 0 {
		t.Errorf("%d logins at a first manager that is not known: %v", intruder.Logins(), err)
	}
}
