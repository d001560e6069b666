//go:build linux

package e2e

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/lab"
)

// The pace of a stream's requests to each node, and how long an answer is awaited: one packet may be lost, since TCP sends it again after a second.
const (
	streamPace    = 200 * time.Millisecond
	streamTimeout = 2 * time.Second
)

// request is one of a stream's.
type request struct {
	node     string
	tick     int           // those of a tick are sent at once, one to each node
	sent     time.Duration // since the stream began
	answered bool
	late     bool // no answer in time; else it was refused or broken off
}

// tally is what became of the requests to a node, or to whichever node answers.
type tally struct {
	answered, failed int
	late             int           // of those that failed: without an answer in time, which a busy machine may be the reason of; the others were refused or broken off
	gap              time.Duration // the longest time without an answer: between the sending of two requests that were answered, or from the stream's begin, or to its end
}

// tallies are those of each node by its name, and that of a client who asks all nodes at once and takes the first answer.
type tallies struct {
	node map[string]tally
	any  tally
}

// stream asks the published port of each of these nodes at a steady pace, as clients outside of the swarm do, until the returned function is called.
func (b *bench) stream(port int, nodes ...lab.Droplet) (end func() tallies) {
	stop, over, began := make(chan struct{}), b.Context().Done(), time.Now()
	var mu sync.Mutex
	var all []request
	ask := func(r request, address string) {
		_, err := b.getWithin(streamTimeout, address, port, "/")
		timeout := net.Error(nil)
		r.answered, r.late = err == nil, errors.As(err, &timeout) && timeout.Timeout()
		mu.Lock()
		defer mu.Unlock()
		all = append(all, r)
	}
	var under sync.WaitGroup
	under.Go(func() {
		pace := time.NewTicker(streamPace)
		defer pace.Stop()
		for tick := 0; ; tick++ {
			for _, d := range nodes {
				r := request{node: d.Name, tick: tick, sent: time.Since(began)}
				under.Go(func() { ask(r, d.Public) })
			}
			select {
			case <-stop:
				return
			case <-over:
				return
			case <-pace.C:
			}
		}
	})
	return func() tallies {
		lasted := time.Since(began)
		close(stop)
		under.Wait()
		return reckon(all, lasted)
	}
}

// reckon counts the requests of a stream that lasted so long.
func reckon(all []request, lasted time.Duration) tallies {
	byNode, ticks := map[string][]request{}, map[int]request{}
	for _, r := range all {
		byNode[r.node] = append(byNode[r.node], r)
		first, ok := ticks[r.tick]
		if !ok {
			first = request{tick: r.tick, sent: r.sent}
		}
		first.late = first.late || r.late
		first.answered = first.answered || r.answered
		ticks[r.tick] = first
	}
	out := tallies{node: map[string]tally{}}
	for node, requests := range byNode {
		out.node[node] = reckonOne(requests, lasted)
	}
	var any []request
	for _, r := range ticks {
		any = append(any, r)
	}
	out.any = reckonOne(any, lasted)
	return out
}

func reckonOne(requests []request, lasted time.Duration) (t tally) {
	slices.SortFunc(requests, func(a, b request) int { return cmp.Compare(a.tick, b.tick) })
	var last time.Duration
	for _, r := range requests {
		if !r.answered {
			t.failed++
			if r.late {
				t.late++
			}
			continue
		}
		t.answered++
		t.gap, last = max(t.gap, r.sent-last), r.sent
	}
	t.gap = max(t.gap, lasted-last)
	return t
}

func (t tally) String() string {
	return fmt.Sprintf("%d answered, %d failed (%d of them not answered in time), longest gap %.1f s", t.answered, t.failed, t.late, t.gap.Seconds())
}

func (t tallies) String() string {
	lines := []string{"any node: " + t.any.String()}
	for node, one := range t.node {
		lines = append(lines, node+": "+one.String())
	}
	slices.Sort(lines[1:])
	return strings.Join(lines, "\n")
}

// TestReckon needs no machine.
func TestReckon(t *testing.T) {
	const s = time.Second
	var all []request
	for tick, sent := range []time.Duration{0, 1 * s, 2 * s, 3 * s, 5 * s, 6 * s} {
		all = append(all,
			request{node: "well", tick: tick, sent: sent, answered: tick != 2},
			request{node: "lost", tick: tick, sent: sent, answered: tick < 2, late: tick > 3},
			request{node: "never", tick: tick, sent: sent})
	}
	slices.Reverse(all) // the slowest answers are noted last
	got := reckon(all, 7*s)
	for node, want := range map[string]tally{"well": {5, 1, 0, 2 * s}, "lost": {2, 4, 2, 6 * s}, "never": {0, 6, 0, 7 * s}} {
		if got.node[node] != want {
			t.Errorf("%s: %v, want %v", node, got.node[node], want)
		}
	}
	if want := (tally{5, 1, 0, 2 * s}); got.any != want {
		t.Errorf("any node: %v, want %v", got.any, want)
	}
	all = []request{{node: "a", answered: true}, {node: "b"}, {node: "a", tick: 1, sent: s}, {node: "b", tick: 1, sent: s, answered: true}}
	if got, want := reckon(all, s).any, (tally{2, 0, 0, s}); got != want {
		t.Errorf("two nodes that answer in turns: %v, want %v", got, want)
	}
}
