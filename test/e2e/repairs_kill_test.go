//go:build linux

package e2e

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
)

// phases says how far the workers' operations are, by the ledger, and of which droplet; was is how far they were at the look before. "" is that none is
// open.
type phases func(ops []ledger.Op, was string) (phase string, droplet int)

// The phases of a replacement: the ledger has no word for them, but for the operations that are open.
const (
	replaceWritten = "replace" // that another machine is to come
	replaceMakes   = "create"  // the other machine is being made
	replaceJoined  = "joined"  // it has joined, and does not work yet
	replaceDrains  = "drain"   // the old one is drained
	replaceOff     = "off"     // the old one was asked to shut down; then its node is removed and its droplet deleted
)

func ofReplacement(ops []ledger.Op, was string) (string, int) {
	open := map[ledger.OpKind]ledger.Op{}
	for _, op := range ops {
		if op.Pool == "workers" {
			open[op.Kind] = op
		}
	}
	old, next, makes := open[ledger.Delete], open[ledger.Replace], open[ledger.Create].ID != ""
	switch {
	case old.ID != "" && old.Shutdown.IsZero():
		return replaceDrains, old.DropletID
	case old.ID != "":
		return replaceOff, old.DropletID
	case next.ID == "":
		return "", 0
	case makes:
		return replaceMakes, next.DropletID
	case was == replaceMakes || was == replaceJoined:
		return replaceJoined, next.DropletID
	}
	return replaceWritten, next.DropletID
}

// killedWhileReplacing rolls the workers to another image, and back, and kills the acting swarmd once in each phase, each time of another machine.
func (r *repairs) killedWhileReplacing() {
	images := []string{"ubuntu-24-04-x64", ""}
	r.killedInEach([]string{replaceOff, replaceDrains, replaceMakes, replaceWritten}, ofReplacement,
		func(n int) want { w := r.want; w.workersImage = images[n%len(images)]; return w }, r.onlyWorkersDiffer)
}

// onlyWorkersDiffer asserts that the managers are those that they were, and no worker is.
func (r *repairs) onlyWorkersDiffer(before, after map[int]string) {
	r.Helper()
	for _, d := range r.clusters() {
		stays := r.poolOf(d.Name) == "managers"
		if same := before[d.ID] == after[d.ID]; same != stays {
			r.Errorf("%s had the node %q before the workers were replaced, and has %q after", d.Name, before[d.ID], after[d.ID])
		}
	}
}

// killedInEach hands edits in that touch all workers, one after the other, until the acting swarmd was killed in each of the phases. Each time everything
// ends right, and no task is missing meanwhile.
func (r *repairs) killedInEach(all []string, of phases, edit func(n int) want, right func(before, after map[int]string)) {
	r.Helper()
	left := all
	for n := 0; len(left) > 0; n++ {
		if n == 4 {
			r.Fatalf("swarmd was never killed in %v: they were over too soon", left)
		}
		before, began, was := r.machinesNow(), time.Now(), left
		tasks := r.sample(6, queueRuns)
		r.edit(edit(n))
		left = r.kills(left, of)
		r.whole("all is as the file says")
		queue := tasks()
		right(before, r.machinesNow())
		done := slices.DeleteFunc(slices.Clone(was), func(p string) bool { return slices.Contains(left, p) })
		r.Logf("report: killed in %q, one machine each: all whole after %.0f s, tasks %v", done, time.Since(began).Seconds(), queue)
		r.neverFewer(fmt.Sprintf("while swarmd was killed in %q", done), queue)
	}
}

// kills kills the acting swarmd in one phase of each machine's turn, until there are no more. It returns the phases that are left.
func (r *repairs) kills(left []string, of phases) []string {
	r.Helper()
	was, last, idle := "", 0, time.Now()
	for end := time.Now().Add(2 * wholeIn); len(left) > 0 && time.Now().Before(end) && pause(r.Context(), 30*time.Millisecond); {
		l, ok := r.ledgerNow()
		if !ok {
			continue
		}
		now, droplet := of(l.Ops, was)
		if now != was {
			r.Logf("phase %q of droplet %d: %s", now, droplet, textOf(l.Ops))
		}
		if i := slices.Index(left, now); i >= 0 && droplet != last && r.killHolder(of, now) {
			left, last = slices.Delete(slices.Clone(left), i, i+1), droplet
		}
		if was = now; now != "" {
			idle = time.Now()
		} else if time.Since(idle) > 5*time.Second && r.unwhole() == "" {
			break // all machines had their turn
		}
	}
	return left
}

// ledgerNow is the ledger as the swarm's own store has it, asked of a manager that answers.
func (r *repairs) ledgerNow() (l ledger.Ledger, ok bool) {
	ctx, cancel := context.WithTimeout(r.Context(), 4*time.Second)
	defer cancel()
	configs, err := r.docker.ConfigList(ctx, swarm.ConfigListOptions{})
	if err == nil {
		l, err = ledgerOf(configs)
	}
	if err != nil {
		if engine, _, err := r.seeWith(r.Context()); err == nil {
			r.docker = engine
		}
	}
	return l, err == nil
}

// killHolder kills the swarmd that holds the lease, and reports whether the phase was still the same after that: nobody else acts at once.
func (r *repairs) killHolder(of phases, phase string) bool {
	r.Helper()
	d, ok := r.acting(r.Context())
	if !ok {
		return false
	}
	if err := r.lab.KillProcess(d.ID, "swarmd"); err != nil {
		r.Logf("not killed: %v", err)
		return false
	}
	l, ok := r.ledgerNow()
	after, _ := of(l.Ops, phase)
	r.Logf("killed swarmd on %s in phase %q: it is %q then", d.Name, phase, after)
	return ok && after == phase
}

// TestPhasesOfAReplacement needs no machine.
func TestPhasesOfAReplacement(t *testing.T) {
	replace := ledger.Op{ID: "a", Kind: ledger.Replace, Pool: "workers", DropletID: 7}
	create := ledger.Op{ID: "b", Kind: ledger.Create, Pool: "workers"}
	leaves := ledger.Op{ID: "c", Kind: ledger.Delete, Pool: "workers", DropletID: 7}
	stops := leaves
	stops.Shutdown = time.Unix(1, 0)
	was := ""
	for _, look := range []struct {
		ops  []ledger.Op
		want string
	}{
		{[]ledger.Op{{ID: "d", Kind: ledger.Replace, Pool: "managers", DropletID: 9}}, ""},
		{[]ledger.Op{replace}, replaceWritten},
		{[]ledger.Op{replace, create}, replaceMakes},
		{[]ledger.Op{replace}, replaceJoined},
		{[]ledger.Op{replace}, replaceJoined},
		{[]ledger.Op{leaves}, replaceDrains},
		{[]ledger.Op{stops}, replaceOff},
		{[]ledger.Op{replace}, replaceWritten},
		{nil, ""},
	} {
		now, droplet := ofReplacement(look.ops, was)
		if now != look.want || (droplet == 7) != (now != "") {
			t.Errorf("after %q the ledger has %s: phase %q of droplet %d, want %q", was, textOf(look.ops), now, droplet, look.want)
		}
		was = now
	}
}
