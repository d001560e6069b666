package conform_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/swarmd/swarmd/pkg/sim/conform"
	"github.com/swarmd/swarmd/pkg/sim/dockerd"
)

// direct carries a request to a simulated engine by a call.
type direct struct{ engine *dockerd.Engine }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	d.engine.Handler().ServeHTTP(w, r)
	return w.Result(), nil
}

// simulated is three engines on the bubble's clock.
func simulated() conform.Ground {
	world := dockerd.New(dockerd.Options{Seed: 11})
	world.SetImage(conform.Missing.Ref(), dockerd.Image{Missing: true})
	world.SetImage(conform.Crash.Ref(), dockerd.Image{CrashAfter: conform.Life})
	world.SetImage(conform.Done.Ref(), dockerd.Image{DoneAfter: conform.Life})
	var g conform.Ground
	for i := range 3 {
		addr := fmt.Sprintf("10.0.0.%d", i+1)
		e := world.AddEngine(dockerd.EngineConfig{Name: fmt.Sprintf("engine-%d", i+1), Addr: addr})
		g.Machines = append(g.Machines, conform.Machine{Transport: direct{e}, Addr: addr})
	}
	return g
}

// TestSimulatedEnginesConform plays every case on engines of its own.
func TestSimulatedEnginesConform(t *testing.T) {
	for _, c := range conform.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := simulated()
				if c.Company != conform.Fresh {
					conform.Form(t, g)
				}
				conform.Play(t, g, c)
			})
		})
	}
}

func TestCasesAreManyAndNamedOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range conform.Cases() {
		if seen[c.Name] {
			t.Errorf("two cases are named %q", c.Name)
		}
		seen[c.Name] = true
	}
	if len(seen) < 80 {
		t.Errorf("%d cases, want 80 at least", len(seen))
	}
}
