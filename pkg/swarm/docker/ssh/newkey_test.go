package ssh

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestOpenSSHReadsTheHostKey: the private key is of a form that sshd takes, and the public one is its own.
func TestOpenSSHReadsTheHostKey(t *testing.T) {
	tool, err := exec.LookPath("ssh-keygen")
	if err != nil {
		t.Skip("ssh-keygen is not installed")
	}
	private, public, err := NewHostKey()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ssh_host_ed25519_key")
	if err := os.WriteFile(file, []byte(private), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), tool, "-y", "-P", "", "-f", file).Output()
	if got := strings.TrimSpace(string(out)); err != nil || got != public {
		t.Errorf("%v: the key is %q, want %q", err, got, public)
	}
}
