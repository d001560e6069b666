package explore

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestSmoke plays every workflow without a fault, a few faults of each kind, and each of them twice: the traces are the same byte for byte.
func TestSmoke(t *testing.T) {
	c := NewCampaign(1)
	c.Bases(t)
	c.Replays(t, 251)
	c.Mixes(t, 3)
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

// TestSmokeMutants: a mutant of each seam is caught.
func TestSmokeMutants(t *testing.T) {
	e := New()
	for _, text := range []string{"add-worker/1/-/two-at-once", "remove-worker/1/-/force-remove", "holder-leaves/1/-/role-is-membership",
		"add-worker/1/-/nobody-is-ours", "grow-managers/1/-/all-promotions-at-once", "add-worker/1/-/no-intent", "bad-edit/1/-/takes-any-file"} {
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

// TestExplore is the campaign; it takes minutes and runs only with SWARMD_EXPLORE=1: `make explore`. Of its settings, SWARMD_EXPLORE_…:
//
//	PLANS    how many plans it plays at least: pairs of faults fill up what the rest leaves
//	WEEKS    how many quiet weeks, and twice as many pairs of busy days
//	HUNT     how many plans a mutant is hunted with at most; MUTANTS names the only ones
//	STAGES   names the only stages; STEP plays each so many-th single fault only
//	SEED     where the seeds begin
//	REPORT   where the report goes: .txt and .json are added
func TestExplore(t *testing.T) {
	if os.Getenv("SWARMD_EXPLORE") != "1" {
		t.Skip("SWARMD_EXPLORE is not 1: `make explore` sets it")
	}
	runtime.MemProfileRate = 0 // nobody looks at it, and it costs a hundredth
	defer deepStacks()()
	c := NewCampaign(number("SWARMD_EXPLORE_SEED", 1))
	c.Bases(t)
	for _, stage := range []struct {
		name string
		play func()
	}{
		{"singles", func() { c.Singles(t, int(number("SWARMD_EXPLORE_STEP", 1))) }},
		{"replays", func() { c.Replays(t, 100) }},
		{"seeds", func() { c.Seeds(t, 20) }},
		{"mixes", func() { c.Mixes(t, 90) }},
		{"days", func() { c.Days(t, int(number("SWARMD_EXPLORE_WEEKS", 1))) }},
		{"liars", func() { c.Liars(t, 60) }},
		{"mutants", func() { c.Kill(t, int(number("SWARMD_EXPLORE_HUNT", 600))) }},
		{"pairs", func() { c.fill(t, int(number("SWARMD_EXPLORE_PLANS", 35_500))) }},
	} {
		if only := os.Getenv("SWARMD_EXPLORE_STAGES"); only != "" && !strings.Contains(only, stage.name) {
			continue
		}
		began := time.Now()
		stage.play()
		t.Logf("%s took %s", stage.name, time.Since(began).Round(time.Second/10))
		c.publish(t)
	}
	c.demand(t)
	if r := c.Report(); r.Killed < r.Mutants {
		t.Errorf("mutants alive: %q", r.Alive)
	}
}

// TestSmokeLiars: the brakes hold against a planner that lies, and they had to.
func TestSmokeLiars(t *testing.T) {
	c := NewCampaign(1)
	c.Liars(t, 5)
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

// demand fails the test unless nothing was lost and every replay was the same.
func (c *Campaign) demand(t *testing.T) {
	t.Helper()
	r := c.Report()
	t.Log("\n" + r.String())
	for _, f := range r.Findings[:min(len(r.Findings), 20)] {
		t.Errorf("%s\n   %q", f.Replay, f.Violations)
	}
	for _, p := range r.Differ {
		t.Errorf("%s: played again it left another trace", p)
	}
}

// fill plays pairs until so many plans were played.
func (c *Campaign) fill(t *testing.T, plans int) {
	for missing := plans - c.Report().Plans; missing > 0; missing = plans - c.Report().Plans {
		c.Pairs(t, min(missing, 5_000))
		c.publish(t)
	}
}

// publish writes the report down.
func (c *Campaign) publish(t *testing.T) {
	t.Helper()
	path := os.Getenv("SWARMD_EXPLORE_REPORT")
	if path == "" {
		return
	}
	r := c.Report()
	data, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{path + ".txt": []byte(r.String()), path + ".json": data} {
		if err := os.WriteFile(name, content, 0o644); err != nil {
			t.Fatal(err)
		}
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

func number(env string, otherwise uint64) uint64 {
	if n, err := strconv.ParseUint(os.Getenv(env), 10, 64); err == nil {
		return n
	}
	return otherwise
}
