package app_test

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/app"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/sim"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// TestAMachineOfAnOlderTemplateIsNamedAndStays: it is told of while everything is as the file wants it, and one that swarmd makes now is none.
func TestAMachineOfAnOlderTemplateIsNamedAndStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sim.New(sim.Options{Seed: 7})
		a := swarmd(t, w, func(*app.Options) {})
		old := w.Cloud.Droplets()[1]
		if err := w.Forge(old.Name, map[string]string{swarm.LabelDroplet: strconv.Itoa(old.ID), swarm.LabelTemplate: "0"}); err != nil {
			t.Fatal(err)
		}
		loop := a.Loop(app.Role{File: app.File{Initial: file(3, 1)}})
		defer run(t, a, loop, app.Page{})()
		converges(t, loop, 1)
		time.Sleep(2 * time.Hour)
		if said := holds(loop, plan.GuardTemplate); !strings.HasPrefix(said, "pool/managers: 1 machine was made by an older version of swarmd's template ("+old.Name+"), ") {
			t.Errorf("it says %q of %+v", said, loop.Last().Holds)
		}
		if all := w.Cloud.Droplets(); len(all) != 4 || all[1].ID != old.ID || !loop.Last().Converged {
			t.Errorf("%d droplets, %+v", len(all), loop.Last().Steps)
		}
	})
}
