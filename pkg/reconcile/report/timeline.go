package report

import (
	"sync"
	"time"
)

// Kept is how many events a timeline remembers. Those of a quiet cluster reach back for months, those of a cluster with a crash loop for hours.
const Kept = 1000

// Type says whether a person should look at an event.
type Type string

// The types, in Kubernetes' words.
const (
	Normal  Type = "Normal"
	Warning Type = "Warning"
)

// Event is one thing that happened, or that was seen to have changed. It holds no secret.
type Event struct {
	Seq     uint64    `json:"seq"` // grows by one with each event of a swarmd's life, from 1
	At      time.Time `json:"at"`
	Type    Type      `json:"type"`
	Reason  string    `json:"reason"`           // bounded: "StepDone", "Held"
	Object  string    `json:"object,omitempty"` // "service/NAME", as a hold names it
	Message string    `json:"message"`
}

// Timeline has the last events of a swarmd, in memory. It is safe for use by several goroutines.
type Timeline struct {
	mu     sync.Mutex
	seq    uint64
	events []Event // a ring: the next one goes to seq % Kept
	told   chan struct{}
}

// NewTimeline returns an empty one.
func NewTimeline() *Timeline { return &Timeline{told: make(chan struct{})} }

// Add appends an event and gives it its number.
func (t *Timeline) Add(e Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e.Seq = t.seq + 1; len(t.events) < Kept {
		t.events = append(t.events, e)
	} else {
		t.events[t.seq%Kept] = e
	}
	t.seq++
	close(t.told)
	t.told = make(chan struct{})
}

// After returns the events after the number seq, the oldest first, and a channel that is closed when there are more. A number that is none of this
// timeline's, as after a new start of swarmd, gives all.
func (t *Timeline) After(seq uint64) ([]Event, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	oldest := t.seq - uint64(len(t.events))
	if seq < oldest || seq > t.seq {
		seq = oldest
	}
	out := make([]Event, 0, t.seq-seq)
	for ; seq < t.seq; seq++ {
		out = append(out, t.events[seq%Kept])
	}
	return out, t.told
}
