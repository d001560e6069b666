package ssh

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh/agent"

	"github.com/swarmd/swarmd/pkg/swarm/docker/ssh/sshtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func dial(t *testing.T, o Options) *Conn {
	t.Helper()
	c, err := Dial(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func pinned(t *testing.T) (*sshtest.Server, Options) {
	t.Helper()
	s, o := serve(t)
	o.Pin = true
	dial(t, o).Close()
	o.Pin = false
	return s, o
}

func TestUnknownHostIsRefusedUnlessPinned(t *testing.T) {
	_, o := serve(t)
	if _, err := Dial(t.Context(), o); !errors.Is(err, ErrHostKeyUnknown) {
		t.Fatalf("got %v", err)
	}
	if _, err := os.Stat(o.KnownHosts); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the refusal wrote %s: %v", o.KnownHosts, err)
	}
	var told string
	o.Pin, o.OnPin = true, func(host, fingerprint string) { told = host + " " + fingerprint }
	dial(t, o)
	if !strings.HasPrefix(told, "127.0.0.1 SHA256:") {
		t.Fatalf("told %q", told)
	}
	o.Pin = false
	dial(t, o)
}

func TestChangedHostKeyIsNeverTaken(t *testing.T) {
	_, known := pinned(t)
	other, o := serve(t)
	// The other server answers at the first one's address.
	o.KnownHosts, o.Port, o.Pin = known.KnownHosts, known.Port, true
	o.Dial = other.Dial
	if _, err := Dial(t.Context(), o); !errors.Is(err, ErrHostKeyChanged) {
		t.Fatalf("got %v", err)
	}
}

func TestWrongKeyIsALoginError(t *testing.T) {
	_, o := pinned(t)
	_, private := sshtest.NewKey(t)
	o.KeyFile = sshtest.WriteKey(t, t.TempDir(), private)
	if _, err := Dial(t.Context(), o); !errors.Is(err, ErrLogin) {
		t.Fatalf("got %v", err)
	}
}

func TestNoKeyAtAllSaysSo(t *testing.T) {
	_, o := pinned(t)
	o.KeyFile = ""
	if _, err := Dial(t.Context(), o); err == nil || !strings.Contains(err.Error(), "key file") {
		t.Fatalf("got %v", err)
	}
}

func TestAgentLogsIn(t *testing.T) {
	_, o := pinned(t)
	o.AgentSocket, o.KeyFile = serveAgent(t, o.KeyFile), ""
	dial(t, o)
}

// serveAgent is an ssh agent with one key.
func serveAgent(t *testing.T, keyFile string) string {
	t.Helper()
	key, err := readKeyForAgent(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: key}); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "agent")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(ring, conn); conn.Close() }()
		}
	}()
	return socket
}

func TestSocketThroughTheConnection(t *testing.T) {
	_, o := pinned(t)
	o.Socket = echo(t)
	c := dial(t, o)
	conn, err := c.DialDocker(t.Context(), "tcp", "anything:80")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := ask(t, conn, "hello"); got != "hello" {
		t.Fatalf("got %q", got)
	}
}

func TestMissingSocketIsADialError(t *testing.T) {
	_, o := pinned(t)
	o.Socket = filepath.Join(t.TempDir(), "none")
	_, err := dial(t, o).DialDocker(t.Context(), "", "")
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "dial" {
		t.Fatalf("got %v", err)
	}
}

// echo listens on a unix socket and sends back what it gets.
func echo(t *testing.T) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "echo")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(conn, conn); conn.Close() }()
		}
	}()
	return socket
}

func ask(t *testing.T, conn net.Conn, text string) string {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(conn, got); err != nil {
		t.Fatal(err)
	}
	return string(got)
}

func TestRun(t *testing.T) {
	_, o := pinned(t)
	c := dial(t, o)
	out, err := c.Run(t.Context(), "cat; echo done", strings.NewReader("in\n"))
	if err != nil || string(out) != "in\ndone\n" {
		t.Fatalf("%q %v", out, err)
	}
	_, err = c.Run(t.Context(), "echo SECRET >/dev/null; echo broken >&2; exit 3", nil)
	if err == nil || err.Error() != "remote command: exit status 3: broken" {
		t.Fatalf("got %v", err)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	_, o := pinned(t)
	c := dial(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Run(ctx, "read x", nil); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
}

func TestUpload(t *testing.T) {
	_, o := pinned(t)
	c := dial(t, o)
	path := filepath.Join(t.TempDir(), "it's here")
	data := bytes.Repeat([]byte("swarmd\x00\n"), 100_000)
	if err := c.Upload(t.Context(), path, 0o750, bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	info, serr := os.Stat(path)
	if err != nil || serr != nil || !bytes.Equal(got, data) || info.Mode().Perm() != 0o750 {
		t.Fatalf("%d bytes, %v %v %v", len(got), info, err, serr)
	}
	if err := c.Upload(t.Context(), "/nowhere/file", 0o600, strings.NewReader("x")); err == nil {
		t.Fatal("an upload to nowhere succeeded")
	}
}

func TestDialerConnectsAgain(t *testing.T) {
	s, o := pinned(t)
	o.Socket = echo(t)
	d := NewDialer(o)
	t.Cleanup(func() { d.Close() })
	conn, err := d.DialDocker(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	s.Cut()
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Fatal("the connection outlived its cut")
	}
	deadline := time.Now().Add(5 * time.Second)
	for time.Now().Before(deadline) {
		if conn, err = d.DialDocker(t.Context(), "", ""); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(t, conn, "again"); got != "again" {
		t.Fatalf("got %q", got)
	}
}

func TestDialGivesUpWithItsContext(t *testing.T) {
	_, o := pinned(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	o.Port = silent.Addr().(*net.TCPAddr).Port
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Dial(ctx, o); err == nil {
		t.Fatal("connected to a silent server")
	}
}

func TestParseHost(t *testing.T) {
	for in, want := range map[string]string{
		"ssh://ana@10.0.0.1:2222": "ana 10.0.0.1:2222",
		"ssh://10.0.0.1":          "root 10.0.0.1:22",
		"ssh://ana@host/":         "ana host:22",
		"ssh://root@[fd00::1]":    "root [fd00::1]:22",
		"ssh://[fd00::1]:23":      "root [fd00::1]:23",
		"ssh://":                  "error", "tcp://x": "error", "ssh://a:secret@b": "error", "ssh://a@b/c": "error", "ssh://a:99999": "error",
	} {
		o, err := Options{}.ParseHost(in)
		got := o.user() + " " + o.addr()
		if err != nil {
			got = "error"
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: the error repeats the password: %v", in, err)
			}
		}
		if got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestDefaults(t *testing.T) {
	o := Defaults(func(k string) string { return map[string]string{"HOME": "/home/ana", "SSH_AUTH_SOCK": "/run/agent"}[k] })
	if o.KnownHosts != "/home/ana/.ssh/known_hosts" || o.AgentSocket != "/run/agent" || len(o.DefaultKeys) != 3 {
		t.Fatalf("%+v", o)
	}
}
