package reconcile_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
)

// TestUnreadableFileIsToldAndTheRevisionGoesOn: a file that cannot be read is treated like one with faults. When it can be read again, its
// content counts as it would have.
func TestUnreadableFileIsToldAndTheRevisionGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		d := start(t, e, options{initial: "app=2"})
		defer d.stop()
		settle(time.Minute)
		for range 2 {
			d.unread <- errors.New("read f.yaml: it is no regular file")
			settle(time.Minute)
		}
		r := d.Last()
		if !strings.Contains(r.FileFault, "no regular file") || !r.FileUnread || !r.Converged || r.Revision != 1 {
			t.Fatalf("report %+v", r)
		}
		if err := d.Ready(); err == nil || !strings.Contains(err.Error(), "cannot be read, the accepted revision goes on") {
			t.Fatalf("ready: %v", err)
		}
		if n := d.logged("file cannot be read, the accepted revision goes on"); n != 1 {
			t.Fatalf("told %d times", n)
		}
		if got := d.metric(t, "swarmd_spec_last_load_successful"); got != 0 {
			t.Fatalf("the metric says %v", got)
		}
		d.unread <- nil
		d.edits <- []byte("app=3")
		settle(time.Minute)
		wantRunning(t, e, "web_app=3")
		if r := d.Last(); r.FileFault != "" || d.Ready() != nil || d.metric(t, "swarmd_spec_last_load_successful") != 1 {
			t.Fatalf("report %+v, ready %v", r, d.Ready())
		}
	})
}

// TestFaultyFileThatWasUnreadableStaysFaulty: what was wrong with it before it went is still wrong when it is back.
func TestFaultyFileThatWasUnreadableStaysFaulty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := start(t, newEngine(), options{initial: "app=2"})
		defer d.stop()
		settle(time.Minute)
		d.edits <- []byte("app=9 !")
		settle(time.Minute)
		d.unread <- errors.New("no such file")
		d.unread <- nil
		settle(time.Minute)
		if r := d.Last(); r.FileUnread || !strings.HasPrefix(r.FileFault, "f.yaml:") || d.metric(t, "swarmd_spec_last_load_successful") != 0 {
			t.Fatalf("report %+v", r)
		}
	})
}

// TestFileThatAppearsAfterTheStartIsNoEdit: it was there, only not readable: an older revision in it undoes nothing.
func TestFileThatAppearsAfterTheStartIsNoEdit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		a := start(t, e, options{initial: "app=2"})
		settle(time.Minute)
		a.edits <- []byte("app=5")
		settle(time.Minute)
		a.stop()
		b := start(t, e, options{node: "node2"})
		defer b.stop()
		b.unread <- errors.New("no such file")
		settle(2 * time.Minute)
		b.unread <- nil
		b.edits <- []byte("app=2")
		settle(2 * time.Minute)
		wantRunning(t, e, "web_app=5")
		if r := b.Last(); r.Revision != 2 || r.Stale["node2"] != 1 {
			t.Fatalf("report %+v", r)
		}
		b.edits <- []byte("app=7")
		settle(time.Minute)
		wantRunning(t, e, "web_app=7")
	})
}

// TestUnreadableRevisionLeavesAllAsItIs: of a revision that another version accepted, and this one cannot read, nothing is undone, whatever the
// one before says, and each pass says so. It is not parsed again and again.
func TestUnreadableRevisionLeavesAllAsItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, parsed := newEngine(), &atomic.Int32{}
		a := start(t, e, options{initial: "app=2"})
		settle(time.Minute)
		a.edits <- []byte("app=5 new=1 ?=1")
		settle(time.Minute)
		a.edits <- []byte("app=6 new=1 ?=2")
		settle(time.Minute)
		a.stop()
		b := start(t, e, options{strict: true, parsed: parsed})
		defer b.stop()
		settle(time.Minute)
		parsed.Store(0)
		settle(2 * time.Minute)
		wantRunning(t, e, "web_?=2", "web_app=6", "web_new=1")
		e.scale("web_app", 9)
		settle(2 * time.Minute)
		wantRunning(t, e, "web_?=2", "web_app=9", "web_new=1")
		r := b.Last()
		if r.Revision != 3 || r.Converged || r.Result != report.Failed || len(r.Gaps) != 1 || r.Gaps[0].What != "revision" ||
			r.Gaps[0].Err != "revision 3:1:1: services: too long; nothing is begun meanwhile, and what is open is finished by revision 1: "+
				"swarmd validate -f FILE, correct it, swarmd apply -f FILE" {
			t.Fatalf("report %+v", r)
		}
		if n := parsed.Load(); n != 0 {
			t.Errorf("parsed %d times in passes that found nothing new", n)
		}
		b.edits <- []byte("app=3 new=1")
		settle(time.Minute)
		wantRunning(t, e, "web_app=3", "web_new=1")
		if r := b.Last(); r.Revision != 4 || !r.Converged || len(r.Gaps) != 0 {
			t.Fatalf("report %+v", r)
		}
	})
}

// TestManyFaultsAreCutInTheReport: a report is read by programs and kept in memory; who edits the file has validate.
func TestManyFaultsAreCutInTheReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := start(t, newEngine(), options{initial: "app=2"})
		defer d.stop()
		settle(time.Minute)
		d.edits <- []byte(strings.Repeat("!", 500))
		settle(time.Minute)
		fault := d.Last().FileFault
		if strings.Count(fault, "no such thing") != 20 || !strings.HasSuffix(fault, "\nand 480 more: swarmd validate shows all") {
			t.Errorf("%d bytes: %.300s", len(fault), fault)
		}
	})
}

// TestAFailedReadIsNoFaultyRevision: only a revision that is gone, or has faults, is passed over for an older one.
func TestAFailedReadIsNoFaultyRevision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		a := start(t, e, options{initial: "app=2"})
		settle(time.Minute)
		for _, edit := range []string{"app=3", "app=4 ?=1"} {
			a.edits <- []byte(edit)
			settle(time.Minute)
		}
		a.stop()
		e.Drop("swarmd.web.spec.2")
		r := e.lookAt(t, 0)
		if len(r.Gaps) != 1 || !strings.Contains(r.Gaps[0].Err, "finished by revision 1:") {
			t.Fatalf("nothing failed: %+v", r)
		}
		for n := 1; n <= 2; n++ { // the look at the ledger, and that for the revision that is gone
			r := e.lookAt(t, n)
			if said := fmt.Sprint(r.Error, r.Gaps); !strings.Contains(said, "it hiccups") || strings.Contains(said, "apply -f FILE") {
				t.Errorf("list %d failed: %s", n, said)
			}
		}
	})
}

// lookAt is one look with a version that accepts less, of which the nth list of configs fails.
func (e *engine) lookAt(t *testing.T, nth int) report.Report {
	n := 0
	e.Before(func(call string) error {
		if call != "list" {
			return nil
		}
		if n++; n == nth {
			return &apierr.Error{Kind: apierr.Unavailable, Side: "swarm", Op: "list configs", Err: errors.New("it hiccups")}
		}
		return nil
	})
	o := options{oneShot: true, instance: "s", strict: true}
	return reconcile.New(o.config(e, &daemon{series: prometheus.NewRegistry()}, zap.NewNop())).Look(t.Context())
}
