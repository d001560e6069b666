package health_test

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
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
	go func() { ended <- health.Serve(ctx, l, h, log) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// TestConnectionsAreBounded: of many clients that keep their connections 64 are served at once. The others have their turn when those have
// been idle for ten seconds.
func TestConnectionsAreBounded(t *testing.T) {
	const clients, most = 100, 64
	addr := serving(t, health.Handler(health.Sources{Metrics: prometheus.NewRegistry(), Alive: func() error { return nil }}), zap.NewNop())
	answered := make(chan time.Time, clients)
	for range clients {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		go func() {
			if _, err := conn.Write([]byte("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
				return
			}
			if line, _ := bufio.NewReader(conn).ReadString('\n'); strings.Contains(line, "200") {
				answered <- time.Now()
			}
		}()
	}
	var at []time.Time
	for range clients {
		select {
		case when := <-answered:
			at = append(at, when)
		case <-time.After(patience):
			t.Fatalf("%d of %d clients have an answer", len(at), clients)
		}
	}
	if waited := at[most].Sub(at[0]); waited < 5*time.Second {
		t.Errorf("client %d was served %s after the first one, beside %d others", most+1, waited, most)
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
