package main

import (
	"errors"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm/docker/ssh"
	"github.com/swarmd/swarmd/pkg/swarm/docker/ssh/sshtest"
)

// TestAManagerIsMetThroughTheFirst: swarmd made it, so its key is unknown here. What answers at its public address is believed only if it has the
// key that the machine shows in the VPC.
func TestAManagerIsMetThroughTheFirst(t *testing.T) {
	const host, private = "203.0.113.200", "10.114.0.200"
	s := newSite(t)
	first, err := s.first(t.Context(), s.app())
	if err != nil {
		t.Fatal(err)
	}
	key, _ := sshtest.NewKey(t)
	second, asked := s.serve(key), []string(nil)
	s.machine(net.JoinHostPort(first.Droplet.PublicIPv4, "22")).Far = func(_, addr string) (net.Conn, error) {
		asked = append(asked, addr)
		return net.Dial("tcp", second.Addr())
	}
	in := &unitInstaller{app: s.app(), spec: &spec.Spec{Cluster: "web"}, firstHost: first.Droplet.PublicIPv4}
	// reach installs nothing: it connects as install does.
	reach := func() error {
		conn, err := in.connect(t.Context(), host, private)
		if err != nil {
			return err
		}
		return conn.Close()
	}

	wrong, _ := sshtest.NewKey(t)
	intruder := s.serve(wrong)
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

	in.firstHost = "203.0.113.201" // is not reached
	s.servers["203.0.113.201:22"] = intruder
	if err := os.Truncate(s.state("web.known_hosts"), 0); err != nil {
		t.Fatal(err)
	}
	if err := reach(); !errors.Is(err, ssh.ErrHostKeyUnknown) || !strings.Contains(err.Error(), "--ssh-accept-new") || intruder.Logins() != 0 {
		t.Errorf("%d logins at a first manager that is not known: %v", intruder.Logins(), err)
	}
}
