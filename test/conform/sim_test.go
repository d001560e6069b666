package conform_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/swarmd/swarmd/pkg/sim/dockerd"
	"github.com/swarmd/swarmd/test/conform"
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

// simulated is three engines of the release, on the bubble's clock.
func simulated(r dockerd.Release) conform.Testbed {
	world := dockerd.New(dockerd.Options{Seed: 11, Release: r})
	world.SetImage(conform.Missing.Ref(), dockerd.Image{Missing: true})
	world.SetImage(conform.Crash.Ref(), dockerd.Image{CrashAfter: conform.Life})
	world.SetImage(conform.Good.Ref(), dockerd.Image{Stays: true})
	world.SetImage(conform.Done.Ref(), dockerd.Image{DoneAfter: conform.Life})
	world.SetImage(conform.Sick.Ref(), dockerd.Image{SickAfter: conform.Life})
	g := conform.Testbed{Engine: r}
	for i := range 3 {
		addr := fmt.Sprintf("10.0.0.%d", i+1)
		e := world.AddEngine(dockerd.EngineConfig{Name: fmt.Sprintf("engine-%d", i+1), Addr: addr})
		g.Machines = append(g.Machines, conform.Machine{Transport: direct{e}, Addr: addr})
	}
	return g
}

// TestSimulatedEnginesConform plays every case on engines of its own, of each release.
func TestSimulatedEnginesConform(t *testing.T) {
	for _, r := range dockerd.Releases() {
		for _, c := range conform.Cases() {
			t.Run(string(r)+"/"+c.Name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					g := simulated(r)
					if c.Company != conform.Fresh {
						conform.Form(t, g)
					}
					conform.Play(t, g, c)
				})
			})
		}
	}
}

// TestSimulatedEnginesSayWhatTheyAre has what the real ones say.
func TestSimulatedEnginesSayWhatTheyAre(t *testing.T) {
	for r, want := range map[dockerd.Release]conform.Speaks{
		"":      {Engine: "28.5.2+dfsg4", Highest: "1.51", Lowest: "1.24"},
		"20.10": {Engine: "20.10.24+dfsg1", Highest: "1.41", Lowest: "1.12"},
		"26.1":  {Engine: "26.1.5+dfsg1", Highest: "1.45", Lowest: "1.24"},
		"28.5":  {Engine: "28.5.2+dfsg4", Highest: "1.51", Lowest: "1.24"},
	} {
		if got := conform.Ask(t, simulated(r)); got != want {
			t.Errorf("%q says %+v, want %+v", r, got, want)
		}
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
