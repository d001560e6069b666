package ssh

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh/knownhosts"
)

// knownHost is a line about a host with a key of its own.
func knownHost(t *testing.T, host string) string {
	t.Helper()
	signer, _ := newSigner(t)
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
	again.Port, again.Dial = o.Port, to(changed)
	if _, err := Dial(t.Context(), again); !errors.Is(err, ErrHostKeyChanged) || !strings.Contains(err.Error(), o.KnownHosts+":5: ") {
		t.Errorf("got %v", err)
	}
}
