package explore

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/sim/dockerd"
)

func TestAPlanIsOneText(t *testing.T) {
	faults := []Fault{{17, CrashAfter}}
	for text, want := range map[string]Plan{
		"add-worker/1/-":                         {Workflow: "add-worker", Seed: 1},
		"add-worker/1/crash-after@17":            {Workflow: "add-worker", Seed: 1, Faults: faults},
		"20.10:add-worker/1/crash-after@17":      {Engine: dockerd.Release20, Workflow: "add-worker", Seed: 1, Faults: faults},
		"26.1:add-worker/1/crash-after@17/a-bug": {Engine: dockerd.Release26, Workflow: "add-worker", Seed: 1, Faults: faults, Mutant: "a-bug"},
	} {
		if d := cmp.Diff(want, parsed(t, text)); d != "" || want.String() != text {
			t.Errorf("%s is written %s and read as (-want +got):\n%s", text, want, d)
		}
	}
	if p := parsed(t, "28.5:add-worker/1/-"); p.String() != "add-worker/1/-" {
		t.Errorf("the default engine is written: %s", p)
	}
	for _, text := range []string{"19.03:add-worker/1/-", "add-worker", "add-worker/x", "add-worker/1/crash-after"} {
		if p, err := ParsePlan(text); err == nil {
			t.Errorf("%q is read as %s", text, p)
		}
	}
}

// TestAPlanIsPlayedOnItsEngine asks an engine of the world in which a plan is played.
func TestAPlanIsPlayedOnItsEngine(t *testing.T) {
	for _, c := range []struct {
		plan string
		want dockerd.Release
	}{{"add-worker/1/-", dockerd.DefaultRelease}, {"20.10:add-worker/1/-", dockerd.Release20}} {
		r := &run{plan: parsed(t, c.plan), scheduler: newScheduler(1)}
		e, answer := dockerd.New(r.options().Docker).AddEngine(dockerd.EngineConfig{Name: "x"}), httptest.NewRecorder()
		e.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/version", nil))
		if got := answer.Body.String(); !strings.Contains(got, `"Version":"`+c.want.Version()+`"`) {
			t.Errorf("%s is played on %.200s, want %q", c.plan, got, c.want)
		}
	}
}
