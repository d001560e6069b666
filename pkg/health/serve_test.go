package health_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/swarmd/swarmd/pkg/health"
)

// patience is how long a test waits for what must come.
const patience = time.Minute

// serving serves the handler and returns its address.
func serving(t *testing.T, h http.Handler, log *zap.Logger) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- health.Serve(ctx, disguised{l}, h, log) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// disguised is a listener whose clients at 127.0.X.Y seem to be at 10.0.X.Y, unless X is 0.
type disguised struct{ net.Listener }

func (l disguised) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	from := *conn.RemoteAddr().(*net.TCPAddr)
	if ip := from.IP.To4(); ip[2] != 0 {
		from.IP = net.IPv4(10, 0, ip[2], ip[3])
	}
	return disguise{conn, &from}, nil
}

type disguise struct {
	net.Conn
	from net.Addr
}

func (d disguise) RemoteAddr() net.Addr { return d.from }

// TestConnectionsAreBounded: of the connections of one address 16 are served at once, of all others' 64, and this machine's own have their 64
// whoever else is there. What is more is closed at once; who left makes room.
func TestConnectionsAreBounded(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	addr := serving(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { entered <- struct{}{}; <-release }), zap.NewNop())
	t.Cleanup(func() { close(release) })
	served := func(from string) bool {
		conn, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}).Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_, _ = conn.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")) // it may be closed already
		closed := make(chan struct{})
		go func() { _, _ = conn.Read(make([]byte, 1)); close(closed) }()
		select {
		case <-entered:
			return true
		case <-closed:
			return false
		case <-time.After(patience):
			t.Fatal("neither served nor closed")
			return false
		}
	}
	for _, c := range []struct {
		from  string
		tries int
		want  int
	}{
		{"127.0.1.1", 20, 16}, {"127.0.1.2", 10, 10}, {"127.0.1.3", 16, 16}, {"127.0.1.4", 17, 16}, {"127.0.1.5", 10, 6},
		{"127.0.0.1", 70, 64}, {"127.0.1.6", 2, 0}, {"127.0.1.1", 1, 0},
	} {
		got := 0
		for range c.tries {
			if served(c.from) {
				got++
			}
		}
		if got != c.want {
			t.Errorf("%s: %d of %d are served, want %d", c.from, got, c.tries, c.want)
		}
	}
	release <- struct{}{}
	for began := time.Now(); !served("127.0.1.6") && !served("127.0.0.1"); {
		if time.Since(began) > patience {
			t.Fatal("who left makes no room")
		}
	}
}

// TestServerErrorsGoToTheLog: what the HTTP server has to say is a line of the log like all others, and a flood of it is not.
func TestServerErrorsGoToTheLog(t *testing.T) {
	core, logs := observer.New(zapcore.InfoLevel)
	addr := serving(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("in a test") }), zap.New(core))
	began := time.Now()
	for range 50 {
		if resp, err := http.Get("http://" + addr); err == nil {
			_ = resp.Body.Close()
		}
	}
	lines := logs.FilterMessage("serve health").All()
	if len(lines) == 0 || len(lines) > 2+int(time.Since(began).Seconds()) {
		t.Fatalf("%d lines for 50 errors", len(lines))
	}
	text, _ := lines[0].ContextMap()["error"].(string)
	if lines[0].Level != zapcore.WarnLevel || !strings.Contains(text, "panic serving") {
		t.Errorf("%+v", lines[0])
	}
}
