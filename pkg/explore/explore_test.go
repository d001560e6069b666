package explore

import (
	"os"
	"strconv"
	"strings"
	"testing"
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
			p, err := ParsePlan(text)
			if err != nil {
				t.Fatal(err)
			}
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
		p, err := ParsePlan(text)
		if err != nil {
			t.Fatal(err)
		}
		if caught(e.Run(t, p)) == "" {
			t.Errorf("%s: nothing noticed", p)
		}
	}
}

// TestExplore is the campaign; it takes minutes and runs only with SWARMD_EXPLORE=1: `make explore`. SWARMD_EXPLORE_PLANS is how many plans it
// plays at least, SWARMD_EXPLORE_WEEKS how many quiet weeks, SWARMD_EXPLORE_REPORT where the report goes: .txt and .json are added.
func TestExplore(t *testing.T) {
	if os.Getenv("SWARMD_EXPLORE") != "1" {
		t.Skip("SWARMD_EXPLORE is not 1: `make explore` sets it")
	}
	c := NewCampaign(number("SWARMD_EXPLORE_SEED", 1))
	c.Bases(t)
	c.Singles(t, int(number("SWARMD_EXPLORE_STEP", 1)))
	c.Replays(t, 100)
	c.Mixes(t, 90)
	c.Weeks(t, int(number("SWARMD_EXPLORE_WEEKS", 0)))
	c.Kill(t, 600)
	for missing := c.missing(number("SWARMD_EXPLORE_PLANS", 20_000)); missing > 0; missing = c.missing(number("SWARMD_EXPLORE_PLANS", 20_000)) {
		c.Pairs(t, min(missing, 5_000))
		c.publish(t)
	}
	c.publish(t)
	c.demand(t)
	if r := c.Report(); r.Killed < r.Mutants {
		t.Errorf("mutants alive: %q", r.Alive)
	}
}

// TestReplay plays the plan in SWARMD_REPLAY and prints its trace.
func TestReplay(t *testing.T) {
	text := os.Getenv("SWARMD_REPLAY")
	if text == "" {
		t.Skip("SWARMD_REPLAY names no plan: `make explore-replay PLAN=…` sets it")
	}
	p, err := ParsePlan(text)
	if err != nil {
		t.Fatal(err)
	}
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

// missing is how many plans there still are to play.
func (c *Campaign) missing(want uint64) int { return int(want) - c.Report().Plans }

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
