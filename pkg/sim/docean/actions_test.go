package docean_test

import (
	"testing"
	"time"

	"github.com/digitalocean/godo"

	"github.com/swarmd/swarmd/pkg/sim/docean"
)

func running(t *testing.T) (*world, int) {
	t.Helper()
	w := newWorld(t, func(o *docean.Options) { o.ActionTime = 5 * time.Second })
	d := w.create(t, "one")
	w.clock.advance(6 * time.Second)
	return w, d.ID
}

func (w *world) action(t *testing.T, id, no int) *godo.Action {
	t.Helper()
	a, _, err := w.godo.DropletActions.Get(t.Context(), id, no)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestPowerActions(t *testing.T) {
	w, id := running(t)
	a, _, err := w.godo.DropletActions.Shutdown(t.Context(), id)
	if err != nil || a.Status != "in-progress" || a.Type != "shutdown" {
		t.Fatalf("shutdown: %+v %v", a, err)
	}
	if _, _, err := w.godo.DropletActions.PowerOff(t.Context(), id); text(err) != "Droplet already has a pending event." {
		t.Fatalf("second action at once: %v", err)
	}
	w.clock.advance(6 * time.Second)
	if got := w.action(t, id, a.ID); got.Status != "completed" || got.CompletedAt == nil {
		t.Fatalf("shutdown over: %+v", got)
	}
	w.expect(t, "shut down", "", "one off")
	if _, _, err := w.godo.DropletActions.PowerOff(t.Context(), id); status(err) != 422 {
		t.Fatalf("power off of one that is off: %v", err)
	}
	if _, _, err := w.godo.DropletActions.PowerOn(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(6 * time.Second)
	w.expect(t, "on again", "", "one active")
	all, _, err := w.godo.Droplets.Actions(t.Context(), id, nil)
	if err != nil || len(all) != 3 || all[0].Type != "power_on" || all[2].Type != "create" {
		t.Fatalf("actions, newest first: %v %v", all, err)
	}
}

func TestGuestIgnoresShutdown(t *testing.T) {
	w, id := running(t)
	w.fleet.deaf = true
	a, _, err := w.godo.DropletActions.Shutdown(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	w.clock.advance(time.Minute)
	if got := w.action(t, id, a.ID).Status; got != "in-progress" {
		t.Fatalf("after a minute: %s", got)
	}
	w.clock.advance(2 * time.Minute)
	if got := w.action(t, id, a.ID).Status; got != "errored" {
		t.Fatalf("after three: %s", got)
	}
	w.expect(t, "still up", "", "one active")
	if _, _, err := w.godo.DropletActions.PowerOff(t.Context(), id); err != nil {
		t.Fatalf("free for the power switch: %v", err)
	}
}

func TestRebootGoesThroughOff(t *testing.T) {
	w, id := running(t)
	a, _, err := w.godo.DropletActions.Reboot(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	w.clock.advance(5 * time.Second)
	if got := w.action(t, id, a.ID).Status; got != "in-progress" {
		t.Fatalf("told to start only now: %s", got)
	}
	w.clock.advance(time.Second)
	if got := w.action(t, id, a.ID).Status; got != "completed" {
		t.Fatalf("reboot: %s", got)
	}
}

func TestActionOfAnotherDroplet(t *testing.T) {
	w, id := running(t)
	other := w.create(t, "two")
	all, _, err := w.godo.Droplets.Actions(t.Context(), id, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.godo.DropletActions.Get(t.Context(), other.ID, all[0].ID); status(err) != 404 {
		t.Fatalf("%v", err)
	}
	if _, _, err := w.godo.DropletActions.PasswordReset(t.Context(), id); status(err) != 422 {
		t.Fatalf("an action there is no model of: %v", err)
	}
	if _, _, err := w.godo.Actions.Get(t.Context(), all[0].ID); err != nil {
		t.Fatalf("by action id alone: %v", err)
	}
}
