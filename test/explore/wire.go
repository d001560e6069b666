package explore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/sim"
)

// ticket is one call on its way, or one step that waits to begin.
type ticket struct {
	proc   *process
	ctx    context.Context
	step   string // of the executor; it is no call and has none of what follows
	side   sim.Side
	method string
	path   string // of the Docker API without the version
	query  string
	body   []byte

	key  string        // see name; "" until it is needed
	sign Sign          // what kind of call it is
	turn chan struct{} // closed when the call may go

	// Set by the scheduler before the turn.
	n       int // number of the call; 0 if its process was dead already
	at      time.Time
	fault   Kind
	verdict sim.Verdict
	fatal   bool          // the process dies when the effect is there
	back    time.Duration // how long the answer takes

	// Set by the caller, before the scheduler looks again.
	status int // of the answer that the caller gets, 0: none yet
	err    error
}

// wire is the way out of a process: every request is held until the scheduler lets it go.
type wire struct {
	scheduler *scheduler
	proc      *process
	next      http.RoundTripper
	recorded  *opening // what is written is kept there, unless it is nil
}

var errDead = errors.New("the process is dead")

// RoundTrip sends the request when it is its turn. A dead process gets nothing out any more.
func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := slurp(r)
	if err != nil {
		return nil, err
	}
	t := w.scheduler.park(w.proc, r, body)
	<-t.turn
	if t.n == 0 || w.proc.isDead() {
		return nil, errDead
	}
	if w.recorded != nil && t.write() {
		w.recorded.keep(w.scheduler.began, w.proc.machine, r, body)
	}
	resp, err := w.next.RoundTrip(r)
	w.scheduler.answered(t, resp, err)
	if t.fatal {
		w.proc.kill()
	}
	if t.back > 0 {
		time.Sleep(t.back)
	}
	if w.proc.isDead() {
		if resp != nil {
			resp.Body.Close()
		}
		return nil, errDead
	}
	return resp, err
}

func slurp(r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	body, err := io.ReadAll(r.Body)
	r.Body.Close()
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, err
}

// gate holds the executor's steps in the same way, and who comes to a lock: those that come side by side would otherwise race for it.
type gate struct {
	scheduler *scheduler
	proc      *process
}

// Acquire waits until the step may begin.
func (g gate) Acquire(ctx context.Context, step string) (release func(), err error) {
	<-g.scheduler.queue(&ticket{proc: g.proc, ctx: ctx, step: step, turn: make(chan struct{})}).turn
	return func() {}, ctx.Err()
}

// lock waits until the caller may come to a lock.
func (g gate) lock(ctx context.Context, what string) error {
	_, err := g.Acquire(ctx, "lock: "+what)
	return err
}

// caller in a context tells calls apart that are the same in everything else.
type caller struct{}

// name is what orders calls that wait at the same time, whatever order they came in.
func (t *ticket) name() string {
	deadline, _ := t.ctx.Deadline()
	who, _ := t.ctx.Value(caller{}).(string)
	key := make([]byte, 0, 256)
	for _, part := range []string{t.proc.name, t.step, string(t.side), t.method, t.path + "?" + t.query, string(t.body), who} {
		key = append(append(key, part...), ' ')
	}
	return string(strconv.AppendInt(key, deadline.UnixNano(), 10))
}

// call is the same for every attempt of a call.
func (t *ticket) call() string { return t.proc.name + " " + t.method + " " + t.path }

func (t *ticket) write() bool { return t.method != http.MethodGet && t.method != http.MethodHead }

// line is the call in a trace.
func (t *ticket) line(began time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%5d %10.4fs %-22s %-6s %s", t.n, t.at.Sub(began).Seconds(), t.proc.name, t.method, t.path)
	if t.query != "" {
		b.WriteString("?" + t.query)
	}
	switch {
	case t.status != 0:
		fmt.Fprintf(&b, " → %d", t.status)
	case t.err != nil:
		fmt.Fprintf(&b, " → %v", t.err)
	default:
		b.WriteString(" → no answer yet")
	}
	if t.fault != "" {
		fmt.Fprintf(&b, "   ← %s", t.fault)
	}
	return b.String()
}
