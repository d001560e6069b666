package docker

import (
	"context"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// Idle connections of the tests against a real engine are closed, not yet gone.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"))
}

// streams answers GET /events with one pipe after the other.
func streams(f *fake) chan *io.PipeWriter {
	writers := make(chan *io.PipeWriter, 16)
	f.on("GET /events", func(req *http.Request) (*http.Response, error) {
		r, w := io.Pipe()
		context.AfterFunc(req.Context(), func() { w.CloseWithError(req.Context().Err()) })
		writers <- w
		resp := reply(200, "")
		resp.Body = r
		return resp, nil
	})
	return writers
}

func say(t *testing.T, w io.Writer, kind, action string) {
	t.Helper()
	if _, err := io.WriteString(w, `{"Type":"`+kind+`","Action":"`+action+`","Actor":{"ID":"x"},"scope":"swarm"}`+"\n"); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
}

func hinted(hints <-chan struct{}) bool {
	select {
	case _, ok := <-hints:
		return ok
	default:
		return false
	}
}

func TestEventsHint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		writers := streams(f)
		ctx, cancel := context.WithCancel(t.Context())
		hints := f.client(Options{}).Events(ctx)
		w := <-writers
		say(t, w, "config", "update")
		if hinted(hints) {
			t.Fatal("a renewed lease is a hint")
		}
		say(t, w, "config", "create")
		say(t, w, "node", "update")
		if !hinted(hints) || hinted(hints) {
			t.Fatal("two events are not one hint")
		}
		cancel()
		synctest.Wait()
		if _, ok := <-hints; ok {
			t.Fatal("not closed")
		}
	})
}

func TestEventsReconnectMoreAndMoreSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		writers := streams(f)
		hints := f.client(Options{}).Events(t.Context())
		w := <-writers
		say(t, w, "node", "update")
		if !hinted(hints) {
			t.Fatal("no hint")
		}
		w.CloseWithError(io.ErrUnexpectedEOF)
		synctest.Wait()
		if !hinted(hints) {
			t.Fatal("no hint about what a broken stream may have missed")
		}
		f.on("GET /events", cut)
		time.Sleep(10 * time.Minute)
		// With at most 30 s between, and half a second at first, there are some twenty attempts in ten minutes.
		if n := f.count("GET /events"); n < 15 || n > 45 {
			t.Fatalf("%d attempts in ten minutes", n)
		}
	})
}
