package sim

import (
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Side of the world that a call goes to.
type Side string

// The sides.
const (
	SideCloud  Side = "cloud"
	SideDocker Side = "docker"
)

// Call is one request before it has an effect.
type Call struct {
	N      int // counts all calls of the world from 1
	Side   Side
	Method string
	Path   string // without the host; of the Docker API without the version
	Query  string
	Node   string // name of the machine whose engine is asked, "" for the cloud
	From   string // name of the machine that asks, "" for the outside
	At     time.Time
}

// Write reports whether the call is meant to change something.
func (c Call) Write() bool { return c.Method != http.MethodGet && c.Method != http.MethodHead }

// Verdict is what happens to a call. The zero value lets it pass.
type Verdict struct {
	// Delay comes before everything else.
	Delay time.Duration
	// Before keeps the call from having its effect.
	Before bool
	// Lose lets the call have its effect and keeps the answer from the caller.
	Lose bool
	// Status of the answer the caller gets in the place of a kept or lost one. 0 is a cut connection.
	Status  int
	Message string // goes with Status
	// Hang leaves the caller waiting until its own deadline, instead of an answer or a cut connection.
	Hang bool
	// Edit changes a true answer on its way: a stale list, a truncated body, a page of HTML.
	Edit func(status int, h http.Header, body []byte) (int, []byte)
}

// Pass lets the call through.
func Pass() Verdict { return Verdict{} }

// Refuse answers with the status instead of the effect.
func Refuse(status int, message string) Verdict {
	return Verdict{Before: true, Status: status, Message: message}
}

// Cut resets the connection before the effect.
func Cut() Verdict { return Verdict{Before: true} }

// LoseAnswer lets the effect happen and answers with the status, or with a reset connection if it is 0.
func LoseAnswer(status int) Verdict {
	return Verdict{Lose: true, Status: status, Message: "the answer was lost"}
}

// Stall lets the effect happen, or not, and leaves the caller waiting for its own deadline.
func Stall(effect bool) Verdict { return Verdict{Before: !effect, Lose: effect, Hang: true} }

// Hijack lets a create of a droplet happen and answers with another droplet: its id and its name, and no tag.
func Hijack(id int, name string) Verdict {
	return Verdict{Edit: func(status int, h http.Header, body []byte) (int, []byte) {
		var answer map[string]map[string]any
		if json.Unmarshal(body, &answer) != nil || answer["droplet"] == nil {
			return status, body
		}
		answer["droplet"]["id"], answer["droplet"]["name"], answer["droplet"]["tags"] = id, name, []string{}
		edited, err := json.Marshal(answer)
		if err != nil {
			return status, body
		}
		h.Del("Content-Length")
		return status, edited
	}}
}

// Delay lets the call through after a while.
func Delay(d time.Duration) Verdict { return Verdict{Delay: d} }

// Traced is one call and what became of it.
type Traced struct {
	Call
	Status  int    // of the answer the caller saw; 0 if it saw an error
	Effect  bool   // the call reached the side it was for
	Faulted bool   // the verdict was not to let it pass
	Err     string // what the caller saw instead of an answer
}

// recorder numbers, judges and remembers the calls.
type recorder struct {
	mu    sync.Mutex
	n     int
	limit int
	fault func(Call) Verdict
	trace []Traced
}

func (r *recorder) judge(c *Call) Verdict {
	r.mu.Lock()
	r.n++
	c.N = r.n
	fault := r.fault
	r.mu.Unlock()
	if fault == nil {
		return Verdict{}
	}
	return fault(*c)
}

func (r *recorder) record(t Traced) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.trace) >= 2*r.limit {
		r.trace = r.trace[:copy(r.trace, r.trace[len(r.trace)-r.limit:])]
	}
	r.trace = append(r.trace, t)
}

// SetFault changes who is asked about every call; nil lets all pass.
func (w *World) SetFault(f func(Call) Verdict) {
	w.calls.mu.Lock()
	defer w.calls.mu.Unlock()
	w.calls.fault = f
}

// Trace returns the newest calls in the order in which they ended; an event stream is there from its beginning.
func (w *World) Trace() []Traced {
	w.calls.mu.Lock()
	defer w.calls.mu.Unlock()
	from := max(0, len(w.calls.trace)-w.calls.limit)
	return slices.Clone(w.calls.trace[from:])
}

// ResetTrace forgets the calls so far and returns how many there were.
func (w *World) ResetTrace() int {
	w.calls.mu.Lock()
	defer w.calls.mu.Unlock()
	n := len(w.calls.trace)
	w.calls.trace = nil
	return n
}
