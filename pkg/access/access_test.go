package access

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/swarmd/swarmd/pkg/swarm/docker/ssh"
)

// TestNamesHost: a file of known hosts is about a machine by its whole name, not by a part of another's.
func TestNamesHost(t *testing.T) {
	const file = "# pinned\n10.0.0.11 ssh-ed25519 AAAA\nshop.example,10.0.0.2 ssh-ed25519 AAAA\n[10.0.0.3]:2222 ssh-ed25519 AAAA\n2001:db8::1 ssh-ed25519 AAAA"
	for host, want := range map[string]bool{"10.0.0.11": true, "10.0.0.2": true, "shop.example": true, "10.0.0.3": true, "2001:db8::1": true,
		"10.0.0.1": false, "0.0.0.11": false, "example": false, "ssh-ed25519": false, "AAAA": false, "": false} {
		if got := namesHost([]byte(file), host); got != want {
			t.Errorf("%q: %v, want %v", host, got, want)
		}
	}
}

// TestBootstrapGoesByItsOwnKnownHosts: addresses come back, so another cluster's file may name the first manager's, with the key of a machine that
// is gone.
func TestBootstrapGoesByItsOwnKnownHosts(t *testing.T) {
	dir := t.TempDir()
	a := Access{Getenv: func(n string) string { return map[string]string{"SWARMD_STATE_DIR": dir}[n] }}
	older := filepath.Join(dir, "older.known_hosts")
	if err := os.WriteFile(older, []byte("203.0.113.1 ssh-ed25519 AAAA\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := ssh.Options{Host: "203.0.113.1"}
	if got := a.knownHosts(o); got != older {
		t.Errorf("status goes by %s", got)
	}
	if got := a.Settled("web", "203.0.113.1").knownHosts(o); got != filepath.Join(dir, "web.known_hosts") {
		t.Errorf("bootstrap goes by %s", got)
	}
}
