package ssh

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	xssh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/swarmd/swarmd/pkg/swarm/docker/ssh/sshtest"
)

// knownHost is a line about a host with a key of its own.
func knownHost(t *testing.T, host string) string {
	t.Helper()
	signer, _ := sshtest.NewKey(t)
	return knownhosts.Line([]string{host}, signer.PublicKey())
}

func TestPinAfterALastLineWithoutItsEnd(t *testing.T) {
	_, o := serve(t)
	other := knownHost(t, "192.0.2.7")
	if err := errors.Join(os.MkdirAll(filepath.Dir(o.KnownHosts), 0o700), os.WriteFile(o.KnownHosts, []byte(other), 0o600)); err != nil {
		t.Fatal(err)
	}
	o.Pin = true
	dial(t, o)
	o.Pin = false
	dial(t, o) // it is known now
	data, err := os.ReadFile(o.KnownHosts)
	if lines := strings.Split(string(data), "\n"); err != nil || len(lines) != 3 || lines[0] != other || lines[2] != "" {
		t.Errorf("%d lines, %v:\n%s", len(lines), err, data)
	}
}

func TestALineThatCannotBeReadIsSkipped(t *testing.T) {
	_, o := pinned(t)
	good, err := os.ReadFile(o.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	odd := "192.0.2.7 ssh-ed25519 !!!\n|1|nohash ssh-ed25519 AAAA\n@cert-authority\nhost new-kind AAAAB3NzaC1yc2E=\n"
	if err := os.WriteFile(o.KnownHosts, []byte(odd+string(good)+odd), 0o600); err != nil {
		t.Fatal(err)
	}
	dial(t, o)
	changed, again := serve(t) // a changed key is refused all the same, and the line of the known one named
	again.KnownHosts, again.Pin, again.Host = o.KnownHosts, true, o.Host
	again.Port, again.Dial = o.Port, changed.Dial
	if _, err := Dial(t.Context(), again); !errors.Is(err, ErrHostKeyChanged) || !strings.Contains(err.Error(), o.KnownHosts+":5: ") {
		t.Errorf("got %v", err)
	}
}

// madeWith is a server with a key of NewHostKey, and the options of whoever made it with that key. It has a key of another kind, too.
func madeWith(t *testing.T) (*sshtest.Server, Options) {
	t.Helper()
	private, public, err := NewHostKey()
	if err != nil {
		t.Fatal(err)
	}
	key, err := xssh.ParsePrivateKey([]byte(private))
	if err != nil {
		t.Fatal(err)
	}
	ecdsaKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, err := xssh.NewSignerFromKey(ecdsaKey)
	if err != nil {
		t.Fatal(err)
	}
	s, o := serve(t, other, key)
	o.HostKeys = []string{public}
	return s, o
}

// TestAMachineIsKnownByTheKeyItWasMadeWith: from the first connection on, and later by known_hosts alone.
func TestAMachineIsKnownByTheKeyItWasMadeWith(t *testing.T) {
	_, o := madeWith(t)
	_, lost, err := NewHostKey() // of a create whose answer was lost, and which had no effect
	if err != nil {
		t.Fatal(err)
	}
	o.HostKeys = append([]string{lost}, o.HostKeys...)
	dial(t, o)
	o.HostKeys = nil
	dial(t, o)
	o.HostKeys = []string{lost} // a person may have replaced the key, and written that down
	dial(t, o)
}

// TestAnotherKeyThanItWasMadeWithIsRefused: also by who takes any unknown key; nothing is written, and no login is tried.
func TestAnotherKeyThanItWasMadeWithIsRefused(t *testing.T) {
	_, made := madeWith(t)
	other, o := serve(t)
	o.HostKeys = made.HostKeys
	for _, o.Pin = range []bool{false, true} {
		_, err := Dial(t.Context(), o)
		if !errors.Is(err, ErrHostKeyOther) || strings.Count(err.Error(), "SHA256:") != 2 {
			t.Errorf("pin %v: %v", o.Pin, err)
		}
	}
	if _, err := os.Stat(o.KnownHosts); !errors.Is(err, os.ErrNotExist) || other.Logins() != 0 {
		t.Errorf("%d logins; the refusal wrote %s: %v", other.Logins(), o.KnownHosts, err)
	}
	o.HostKeys = []string{"ssh-ed25519 nothing"}
	if _, err := Dial(t.Context(), o); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("a key that cannot be read: %v", err)
	}
}
