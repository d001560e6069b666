//go:build linux

package e2e

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// kind is what a disturbance does.
type kind string

const (
	killSwarmd kind = "kill-swarmd" // kill -9 of the swarmd that acts
	stopSwarmd kind = "stop-swarmd" // SIGSTOP for longer than the lease lasts; then it goes on with what it was at
	killEngine kind = "kill-engine" // kill -9 of a dockerd
	cutPower   kind = "cut-power"   // over the cloud's API, as in its web interface; on again later
	cutLink    kind = "cut-link"    // off both networks for a while
	freeze     kind = "freeze"      // everything in a machine stands still, as when a hypervisor migrates it
	edit       kind = "edit"        // another file is handed in
	scale      kind = "scale"       // by hand, past the file
	relabel    kind = "relabel"     // by hand: the cluster's own labels of a node
)

// kinds are all of them, in the order of the summary.
var kinds = [...]kind{killSwarmd, stopSwarmd, killEngine, cutPower, cutLink, freeze, edit, scale, relabel}

// harms reports whether a machine is no member of the swarm while it lasts. At most one manager may be harmed at a time.
func (k kind) harms() bool { return k == killEngine || k == cutPower || k == cutLink || k == freeze }

// disturbance is one thing that goes wrong, or that somebody does.
type disturbance struct {
	kind    kind
	after   time.Duration // from the round's begin
	lasts   time.Duration
	manager bool // with a kind that harms: a manager's machine, or a worker's
	index   int  // which one, modulo how many there are; what else is drawn
	want    want // with edit: the file
}

func (d disturbance) String() string {
	switch {
	case d.kind == edit:
		return fmt.Sprintf("+%v edit %d+%d web %s×%d queue %q", d.after, d.want.managers, d.want.workers, d.want.web, d.want.webReplicas, d.want.queue)
	case d.kind.harms():
		return fmt.Sprintf("+%v %s %s %d for %v", d.after, d.kind, map[bool]string{true: "manager", false: "worker"}[d.manager], d.index, d.lasts)
	}
	return fmt.Sprintf("+%v %s for %v", d.after, d.kind, d.lasts)
}

// round is what goes wrong at the same time.
type round []disturbance

func (r round) String() string {
	parts := make([]string, 0, len(r))
	for _, d := range r {
		parts = append(parts, d.String())
	}
	return strings.Join(parts, "; ")
}

// schedule draws rounds from a seed. It knows nothing of the machines, so the same seed gives the same rounds.
type schedule struct {
	rnd      *rand.Rand
	want     want          // the file after the last edit that was drawn
	longest  time.Duration // of a harm, but for some seconds
	managers bool          // their count is edited, too
}

func newSchedule(seed uint64, begin want) *schedule {
	return &schedule{rnd: rand.New(rand.NewPCG(seed, 2)), want: begin, longest: 30 * time.Second}
}

// any draws a round: one kind, or a pair that overlaps, and half of the time an edit on top.
func (s *schedule) any() round {
	drawn := []kind{kinds[s.rnd.IntN(len(kinds))]}
	if s.rnd.IntN(3) > 0 {
		drawn = append(drawn, kinds[s.rnd.IntN(len(kinds))])
	}
	if s.rnd.IntN(2) == 0 {
		drawn = append(drawn, edit)
	}
	return s.of(drawn...)
}

// of draws all but the kinds. Of the managers' machines one at most is harmed in a round.
func (s *schedule) of(drawn ...kind) round {
	var r round
	victim, edited := s.rnd.IntN(100), time.Duration(0)
	for _, k := range drawn {
		d := disturbance{kind: k, after: time.Duration(s.rnd.IntN(6000)) * time.Millisecond, manager: s.rnd.IntN(2) == 0, index: s.rnd.IntN(100)}
		d.lasts = s.lasts(k)
		if d.kind.harms() && d.manager {
			d.index = victim
		}
		if k == edit {
			d.after = max(d.after, edited) // each edit changes the one before
			edited = d.after + time.Second
			s.want = s.edited()
			d.want = s.want
		}
		r = append(r, d)
	}
	return r
}

func (s *schedule) lasts(k kind) time.Duration {
	switch k {
	case stopSwarmd: // ledger.LeaseDuration is 30 s
		return 32*time.Second + s.upTo(8*time.Second)
	case cutPower, cutLink, freeze:
		return 4*time.Second + s.upTo(s.longest)
	}
	return 0
}

func (s *schedule) upTo(d time.Duration) time.Duration {
	return time.Duration(s.rnd.Int64N(int64(d))).Round(100 * time.Millisecond)
}

// edited changes one thing of the file.
func (s *schedule) edited() want {
	w, choices := s.want, 5
	if s.managers {
		choices++
	}
	switch s.rnd.IntN(choices) {
	case 0, 1:
		w.workers = s.other(w.workers, 1, 4)
	case 2:
		w.webReplicas = s.other(w.webReplicas, 1, 4) // one to a node, for its port
	case 3:
		w.web = flipped(w.web)
	case 4:
		w.queue = s.flippedOrNone(w.queue)
	case 5:
		w.managers = 8 - w.managers
	}
	return w
}

// other draws a number from low to high that is not n.
func (s *schedule) other(n, low, high int) int {
	m := low + s.rnd.IntN(high-low)
	if m >= n {
		m++
	}
	return m
}

func flipped(version string) string { return map[string]string{"1": "2", "2": "1"}[version] }

// flippedOrNone also takes the service out of the file, or into it.
func (s *schedule) flippedOrNone(version string) string {
	if version == "" {
		return "1"
	}
	return []string{flipped(version), ""}[s.rnd.IntN(2)]
}

func TestChaosSchedule(t *testing.T) {
	begin := want{managers: 3, workers: 2, web: "1", webReplicas: 2, queue: "1"}
	count := map[kind]int{}
	for seed := range uint64(200) {
		a, b := newSchedule(seed, begin), newSchedule(seed, begin)
		a.managers, b.managers = true, true
		for range 30 {
			r, again := a.any(), b.any()
			if r.String() != again.String() {
				t.Fatalf("seed %d is not one schedule:\n%v\n%v", seed, r, again)
			}
			sane(t, seed, r)
			for _, d := range r {
				count[d.kind]++
			}
		}
	}
	for _, k := range kinds {
		if count[k] < 500 {
			t.Errorf("%s was drawn %d times in 6000 rounds", k, count[k])
		}
	}
}

// sane asserts what may be asked of swarmd: a majority of managers is left alone, and the file can come true.
func sane(t *testing.T, seed uint64, r round) {
	t.Helper()
	victims := map[int]bool{}
	edited := time.Duration(-1)
	for _, d := range r {
		if d.kind.harms() && d.manager {
			victims[d.index] = true
		}
		w := d.want
		if d.kind == edit && d.after <= edited {
			t.Errorf("seed %d hands files in out of their order: %v", seed, r)
		}
		if d.kind == edit {
			edited = d.after
		}
		if d.kind == edit && (w.managers != 3 && w.managers != 5 || w.workers < 1 || w.workers > 4 || w.web == "" || w.webReplicas < 1 || w.webReplicas > w.managers+w.workers) {
			t.Errorf("seed %d wants %+v", seed, w)
		}
		if d.kind == stopSwarmd && d.lasts < 31*time.Second {
			t.Errorf("seed %d stops swarmd for %v only: the lease lasts longer", seed, d.lasts)
		}
	}
	if len(victims) > 1 {
		t.Errorf("seed %d harms %d managers at once: %v", seed, len(victims), r)
	}
}
