package explore

import (
	"os"
	"strings"
	"testing"
)

// TestSmoke plays every workflow without a fault, a few faults of each kind, and each of them twice: the traces are the same byte for byte.
func TestSmoke(t *testing.T) {
	c := NewCampaign(1)
	c.Bases(t)
	c.Play(t, stage{"engines", c.engines(1009)})
	c.Replays(t, 251)
	c.Twins(t, 499)
	c.Play(t, stage{"mixes", c.mixes(3)})
	c.demand(t)
	for w, n := range c.Report().Workflows {
		if n < 15 {
			t.Errorf("%s is over after %d calls", w, n)
		}
	}
}

// TestFoundBefore plays the plans that once broke something.
func TestFoundBefore(t *testing.T) {
	c := NewCampaign(1)
	var plans []Plan
	for _, line := range strings.Split(strings.TrimSpace(read(t, "testdata/found.txt")), "\n") {
		if text, _, _ := strings.Cut(line, " "); text != "" && text != "#" {
			p := parsed(t, text)
			plans = append(plans, p)
		}
	}
	c.play(t, "found", plans, c.count)
	c.demand(t)
	if c.Report().Plans == 0 {
		t.Error("no plans")
	}
}

// TestOnceUnsteady plays what was not the same each time again and again: apply's file came in the instant of its start, its looks at a roll-out in the
// instant in which it looked anyway, and an operator gave up in the instant of a pass.
func TestOnceUnsteady(t *testing.T) {
	e := New()
	for _, text := range []string{"apply/1/clock-back@6", "apply/1/clock-back@91", "apply/1/clock-back@110", "store-gone/1/refuse-429@6"} {
		p := parsed(t, text)
		first := e.Run(t, p).Digest
		for range 7 {
			if again := e.Run(t, p).Digest; again != first {
				t.Errorf("%s: played again it left another trace", p)
				break
			}
		}
	}
}

// TestSmokeMutants: a mutant of each seam is caught.
func TestSmokeMutants(t *testing.T) {
	e := New()
	for _, text := range []string{"add-worker/1/-/two-at-once", "remove-worker/1/-/force-remove", "holder-leaves/1/-/role-is-membership",
		"add-worker/1/-/nobody-is-ours", "grow-managers/1/-/all-promotions-at-once", "add-worker/1/-/no-intent", "bad-edit/1/-/takes-any-file",
		"role-edit/1/-/demotes-before-promoted", "restored/1/-/any-swarms-is-ours", "stuck-then-broken/1/-/straight-over"} {
		p := parsed(t, text)
		if caught(e.Run(t, p)) == "" {
			t.Errorf("%s: nothing noticed", p)
		}
	}
}

// TestEachMutantHasAPlanThatNoticesIt holds the list to the mutants there are: a line for one that is gone would be passed over in silence.
func TestEachMutantHasAPlanThatNoticesIt(t *testing.T) {
	noticed := map[string]bool{}
	for line := range strings.Lines(kills) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		p := parsed(t, line)
		if _, ok := mutantNamed(p.Mutant); !ok || p.Mutant == "" {
			t.Errorf("testdata/kills.txt: %s: no such mutant", line)
		}
		noticed[p.Mutant] = true
	}
	for _, m := range Mutants() {
		if !noticed[m.Name] {
			t.Errorf("testdata/kills.txt has no plan for %s", m.Name)
		}
	}
}

// TestSmokeLiars: the brakes refuse what a planner that lies asks for, and they had to.
func TestSmokeLiars(t *testing.T) {
	c := NewCampaign(1)
	c.Play(t, stage{"liars", c.liars(5)})
	c.demand(t)
	if r := c.Report(); r.LiesHeld < 50 {
		t.Errorf("refused %d times only", r.LiesHeld)
	}
}

// TestReplay plays the plan in SWARMD_REPLAY and prints its trace.
func TestReplay(t *testing.T) {
	text := os.Getenv("SWARMD_REPLAY")
	if text == "" {
		t.Skip("SWARMD_REPLAY names no plan: `make explore-replay PLAN=…` sets it")
	}
	p := parsed(t, text)
	p.Watch = true
	out := New().Run(t, p)
	t.Log("\n" + strings.Join(out.Trace, "\n"))
	for _, v := range out.Violations {
		t.Error(v)
	}
}

func parsed(t *testing.T, text string) Plan {
	t.Helper()
	p, err := ParsePlan(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
