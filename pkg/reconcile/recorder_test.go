package reconcile_test

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/sim"
)

// A first start has no trouble, so the log tells of none.
func TestAFirstStartWarnsOfNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := start(t, newEngine(), options{initial: "app=2"})
		defer d.stop()
		settle(time.Minute)
		if !d.Last().Converged {
			t.Fatalf("%+v", d.Last())
		}
		if warned := d.logs.FilterLevelExact(zap.WarnLevel).All(); len(warned) > 0 {
			t.Errorf("%+v", warned)
		}
	})
}

// A hold is told with its guard and its object when it begins and when it ends, and not when it cannot be seen.
func TestTheLogTellsWhenAHoldEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.InfoLevel)
		w := sim.New(sim.Options{Seed: 7})
		if err := w.Populate(sim.Seeded{Cluster: "web", Region: "fra1", Managers: 1}); err != nil {
			t.Fatal(err)
		}
		c := on(t, w, "web-managers-aaaaa", webFile(1, 1, 1, 1), func(s *setup) { s.Log = zap.New(core) })
		defer c.stop()
		c.await(t, 1, 15*time.Minute)
		logs.TakeAll()
		c.edits <- bytes.ReplaceAll(webFile(1, 1, 1, 1), []byte("workers: { role: worker, count: 1, size: s-1vcpu-1gb"), []byte("workers: { role: worker, count: 2, adopt: [999], size: s-1vcpu-1gb"))
		time.Sleep(time.Minute)
		if held := logs.FilterMessage("held").All(); len(held) != 1 || held[0].ContextMap()["guard"] != "droplet-dead" || held[0].ContextMap()["object"] != "droplet/999" {
			t.Errorf("%+v", held)
		}
		c.SetFault(func(call sim.Call) sim.Verdict {
			if call.Path == "/nodes" {
				return sim.Refuse(500, string(apierr.Unavailable))
			}
			return sim.Pass()
		})
		time.Sleep(time.Minute)
		if n := logs.FilterMessage("held no longer").Len(); n > 0 {
			t.Error("a hold that cannot be seen is said to have ended")
		}
		c.SetFault(nil)
		time.Sleep(time.Minute)
		c.edits <- webFile(1, 1, 1, 1)
		time.Sleep(time.Minute)
		var ended []string
		for _, e := range logs.FilterMessage("held no longer").All() {
			ended = append(ended, e.ContextMap()["guard"].(string)+" "+e.ContextMap()["object"].(string))
		}
		if len(ended) == 0 || ended[len(ended)-1] != "droplet-dead droplet/999" {
			t.Errorf("ended: %v", ended)
		}
	})
}
