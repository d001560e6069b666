package ssh

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	xssh "golang.org/x/crypto/ssh"
)

func readKeyForAgent(file string) (any, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return xssh.ParseRawPrivateKey(data)
}

// TestRealServer holds the package to OpenSSH's own server, with several host keys of which one is known.
func TestRealServer(t *testing.T) {
	sshd := "/usr/sbin/sshd"
	if named := os.Getenv("SWARMD_TEST_SSHD"); named != "" {
		sshd = named
	}
	if _, err := os.Stat(sshd); err != nil || os.Getuid() != 0 {
		t.Skip("needs root and openssh-server (or SWARMD_TEST_SSHD=PATH)")
	}
	dir, port := t.TempDir(), freePort(t)
	startSSHD(t, sshd, dir, port)
	o := Options{User: "root", Host: "127.0.0.1", Port: port, KeyFile: filepath.Join(dir, "user"), KnownHosts: filepath.Join(dir, "known_hosts"), Socket: echo(t)}
	// Only the second of the server's keys is known: the client must ask for that one.
	public, err := os.ReadFile(filepath.Join(dir, "host_ed25519.pub"))
	if err != nil {
		t.Fatal(err)
	}
	line := fmt.Sprintf("[127.0.0.1]:%d %s", port, public)
	if err := os.WriteFile(o.KnownHosts, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	c := dial(t, o)
	conn, err := c.DialDocker(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := ask(t, conn, "through sshd"); got != "through sshd" {
		t.Fatalf("got %q", got)
	}
	out, err := c.Run(t.Context(), "cat", strings.NewReader("real"))
	if err != nil || string(out) != "real" {
		t.Fatalf("%q %v", out, err)
	}
	if !c.answers() {
		t.Fatal("no answer to a keepalive")
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func startSSHD(t *testing.T, sshd, dir string, port int) {
	t.Helper()
	keys := map[string]string{"host_rsa": "rsa", "host_ed25519": "ed25519", "user": "ed25519"}
	for name, kind := range keys {
		if out, err := exec.Command("ssh-keygen", "-q", "-N", "", "-t", kind, "-f", filepath.Join(dir, name)).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	cfg := fmt.Sprintf("Port %d\nListenAddress 127.0.0.1\nHostKey %s/host_rsa\nHostKey %s/host_ed25519\nAuthorizedKeysFile %s/user.pub\n"+
		"PidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin prohibit-password\n", port, dir, dir, dir)
	file := filepath.Join(dir, "sshd_config")
	if err := os.WriteFile(file, []byte(cfg), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(sshd, "-D", "-e", "-f", file)
	var log strings.Builder
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	for range 100 {
		if conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			conn.Close()
			return
		}
		time.Sleep(20 * time.Millisecond) // a real process takes real time to listen
	}
	t.Fatal("sshd does not listen")
}
