package reconcile_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger/ledgertest"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
)

// trio is a swarmd on each of three managers, converged, the first of them with a file.
func trio(t *testing.T, e *engine) []*daemon {
	t.Helper()
	all := []*daemon{start(t, e, options{initial: "app=2", instance: "1"}), start(t, e, options{node: "node2", instance: "2"}), start(t, e, options{node: "node3", instance: "3"})}
	settle(2 * time.Minute)
	for _, d := range all {
		if r := d.Last(); !r.Converged || r.Unattended != "" {
			t.Fatalf("not converged at first: %s, error %q, %s", r.Result, r.Error, r.Unattended)
		}
	}
	return all
}

func stopAll(all []*daemon) {
	for _, d := range all {
		d.stop()
	}
}

// wantUnattended: everybody says that nobody acts, with the text, and nobody is to be restarted for it.
func wantUnattended(t *testing.T, all []*daemon, text string) {
	t.Helper()
	for _, d := range all {
		r, ready := d.Last(), d.Ready()
		if r.Converged || r.Lease.Held || !strings.Contains(r.Unattended, text) {
			t.Errorf("it says %s, held %v, unattended %q; want %q", r.Result, r.Lease.Held, r.Unattended, text)
		}
		if ready == nil || d.Alive() != nil {
			t.Errorf("ready %v, alive %v", ready, d.Alive())
		}
	}
}

// wantActing: one of them acts within the time, puts right what somebody scaled, and all say so.
func wantActing(t *testing.T, e *engine, all []*daemon, within time.Duration) {
	t.Helper()
	settle(within)
	e.scale("web_app", 7)
	settle(time.Minute)
	wantRunning(t, e, "web_app=2")
	settle(2 * time.Minute)
	held := 0
	for _, d := range all {
		r := d.Last()
		if r.Lease.Held {
			held++
		}
		if !r.Converged || r.Unattended != "" || d.Ready() != nil {
			t.Errorf("it says %s, error %q, unattended %q, ready %v", r.Result, r.Error, r.Unattended, d.Ready())
		}
	}
	if held != 1 {
		t.Errorf("%d hold the lease", held)
	}
}

// corrupt is a label that somebody wrote over.
func corrupt(e *engine, config, label, value string) {
	obj, _ := e.Get(config)
	obj.Labels[label] = value
	e.Put(config, obj.Labels, obj.Data)
}

// restart takes the lease to a higher epoch.
func restart(t *testing.T, e *engine, all []*daemon) {
	t.Helper()
	for range 2 {
		all[0].stop()
		all[0] = start(t, e, options{initial: "app=2", instance: "1"})
		settle(time.Minute)
	}
}

// docker config rm swarmd.web.lease.
func TestALeaseThatSomebodyRemovesIsTakenAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		all := trio(t, e)
		defer func() { stopAll(all) }()
		restart(t, e, all)
		e.Drop("swarmd.web.lease")
		wantActing(t, e, all, 15*time.Second)
	})
}

// While the lease is damaged nobody acts, everybody says so, and what they say to do helps.
func TestADamagedLeaseIsSaidByAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		all := trio(t, e)
		defer func() { stopAll(all) }()
		restart(t, e, all)
		corrupt(e, "swarmd.web.lease", "swarmd.lease.epoch", "x")
		settle(ledger.RenewDeadline + time.Minute + 10*time.Second)
		wantUnattended(t, all, "docker config rm swarmd.web.lease")
		e.Drop("swarmd.web.lease")
		wantActing(t, e, all, 15*time.Second)
	})
}

// The swarm takes no writes of the store, and can be read.
func TestWhereNobodyCanRenewNobodySaysConverged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		all := trio(t, e)
		defer func() { stopAll(all) }()
		e.Before(func(call string) error {
			if call == "list" {
				return nil
			}
			return &apierr.Error{Kind: apierr.Unavailable, Op: call, Err: context.DeadlineExceeded}
		})
		settle(ledger.RenewDeadline + ledger.LeaseDuration)
		for _, d := range all {
			if d.Last().Converged {
				t.Error("it is said to be converged, and nobody acts")
			}
		}
		settle(time.Minute)
		wantUnattended(t, all, "nobody acts since ")
		for _, d := range all {
			if r := d.Last(); r.Result != report.Unattended {
				t.Errorf("result %s", r.Result)
			}
		}
		e.Before(nil)
		wantActing(t, e, all, 15*time.Second)
	})
}

// A hand-over is no alarm: the machine that acts dies, and another one goes on.
func TestAHandOverIsNotUnattended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		all := trio(t, e)
		defer func() { stopAll(all) }()
		all[0].stop()
		for range 60 {
			settle(time.Second)
			for _, d := range all[1:] {
				if r := d.Last(); r.Unattended != "" || d.Ready() != nil {
					t.Fatalf("%s, ready %v", r.Unattended, d.Ready())
				}
			}
		}
		all = all[1:]
	})
}

// docker config rm swarmd.web, then what is advised: remove the revisions, apply.
func TestALedgerThatSomebodyRemovesIsSaidByAllAndBegunAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		all := trio(t, e)
		defer func() { stopAll(all) }()
		e.Drop("swarmd.web")
		settle(2*time.Minute + 10*time.Second)
		wantUnattended(t, all, "docker config rm $(docker config ls -q --filter name=swarmd.web.spec.), then swarmd apply -f FILE")
		e.Drop("swarmd.web.spec.1")
		settle(time.Minute)
		if r := all[0].Last(); r.Result != report.Waiting || r.Error != "" {
			t.Fatalf("%s, error %q", r.Result, r.Error)
		}
		submit(t, e, "app=2", 1)
		wantActing(t, e, all, 15*time.Second)
	})
}

// submit is swarmd apply.
func submit(t *testing.T, e *engine, file string, want int) {
	t.Helper()
	v := start(t, e, options{oneShot: true, instance: "v"})
	defer v.stop()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if n, err := v.Submit(ctx, []byte(file), "apply test"); err != nil || n != want {
		t.Fatalf("revision %d, %v", n, err)
	}
}

// All of swarmd's configs are removed below a running swarmd.
func TestAllConfigsGoneIsBegunAnewByApply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		all := trio(t, e)
		defer func() { stopAll(all) }()
		for _, name := range []string{"swarmd.web", "swarmd.web.lease", "swarmd.web.spec.1"} {
			e.Drop(name)
		}
		settle(2 * time.Minute)
		for _, d := range all {
			if r := d.Last(); r.Converged || d.Ready() == nil {
				t.Errorf("%s, ready %v", r.Result, d.Ready())
			}
		}
		submit(t, e, "app=2", 1)
		wantActing(t, e, all, 15*time.Second)
	})
}

// The accepted revision's content is gone: its config and the way out are named, and apply mends it.
func TestALostRevisionIsMendedByApply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		all := trio(t, e)
		defer func() { stopAll(all) }()
		e.Drop("swarmd.web.spec.1")
		all[1].stop()
		all[1] = start(t, e, options{node: "node2", instance: "4"}) // without a file, and without a memory
		settle(time.Minute)
		r := all[1].Last()
		if r.Converged || !strings.Contains(r.Error, "config swarmd.web.spec.1") || !strings.Contains(r.Error, "swarmd apply -f FILE makes the next revision") {
			t.Fatalf("%s, error %q", r.Result, r.Error)
		}
		submit(t, e, "app=2", 2)
		wantActing(t, e, all, 15*time.Second)
	})
}

// Status looks once: who holds the lease and does not renew it does not act.
func TestOneLookTellsWhoActs(t *testing.T) {
	cases := map[string]struct {
		spoil func(*engine, []*daemon)
		text  string // "" if somebody acts
	}{
		"acting":       {func(*engine, []*daemon) {}, ""},
		"released":     {func(_ *engine, all []*daemon) { stopAll(all) }, "no swarmd holds the lease"},
		"dead":         {func(e *engine, all []*daemon) { kill(e, all) }, "does not renew it"},
		"behind":       {func(e *engine, all []*daemon) { kill(e, all); corrupt(e, "swarmd.web", "swarmd.ledger.epoch", "9") }, "the ledger goes by 9"},
		"halted":       {func(e *engine, all []*daemon) { _, _ = ledger.NewStore(e, "web").Halt(context.Background()) }, "--resume"},
		"damaged":      {func(e *engine, all []*daemon) { corrupt(e, "swarmd.web.lease", "swarmd.lease.epoch", "x") }, "docker config rm swarmd.web.lease"},
		"clock behind": {func(e *engine, all []*daemon) { e.Skew(-time.Hour) }, ""},
		"clock ahead":  {func(e *engine, all []*daemon) { e.Skew(time.Hour) }, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEngine()
				all := trio(t, e)
				c.spoil(e, all)
				settle(time.Minute)
				r := look(t, e)
				if c.text == "" && (!r.Converged || r.Unattended != "") || c.text != "" && (r.Converged || !strings.Contains(r.Unattended, c.text)) {
					t.Errorf("%s, unattended %q", r.Result, r.Unattended)
				}
				stopAll(all)
			})
		})
	}
}

// kill ends all without a word: the lease stays as it is.
func kill(e *engine, all []*daemon) {
	e.Before(func(call string) error {
		if call == "list" {
			return nil
		}
		return ledgertest.ErrLost()
	})
	stopAll(all)
	e.Before(nil)
}

// A store that is begun anew counts from one again: the new first revision is not the old one, though no pass has seen what was in between.
func TestANumberThatComesAgainIsAnotherRevision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		all := trio(t, e)
		defer func() { stopAll(all) }()
		settle(time.Second)
		for _, name := range []string{"swarmd.web", "swarmd.web.lease", "swarmd.web.spec.1"} {
			e.Drop(name)
		}
		store := ledger.NewStore(e, "web")
		if err := store.Create(t.Context(), "swarm1", 9); err != nil {
			t.Fatal(err)
		}
		if _, rev, err := store.Accept(t.Context(), ledger.Proposal{Data: []byte("app=5"), Origin: ledger.Edit}); err != nil || rev.Number != 1 {
			t.Fatalf("revision %d, %v", rev.Number, err)
		}
		settle(2 * time.Minute)
		wantRunning(t, e, "web_app=5")
	})
}
