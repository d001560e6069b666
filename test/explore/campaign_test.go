package explore

import (
	"bytes"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The record of the last whole campaign, and how much of it is played again where it is of these sources.
const (
	recordFile = "testdata/record.txt"
	oneIn      = 10
)

// TestExplore is the campaign. It takes minutes and runs only where SWARMD_EXPLORE says how much of it is wanted:
//
//	all     everything; what it saw is written to the record, if nothing was lost and no setting made it another campaign
//	check   a tenth of what is recorded, compared with the record; everything, if the record is of other sources
//	same    one in PART (20) of what is recorded, compared with the record of whatever sources: a change that is to leave behaviour as it is
//	sample  for so many seconds as SWARMD_EXPLORE_SECONDS says (45), what is drawn by chance; compared, if the record is of these sources
//
// Of its further settings, SWARMD_EXPLORE_…:
//
//	PART     see same
//	PLANS    how many plans `all` plays at least: pairs of faults fill up what the rest leaves
//	WEEKS    how many quiet weeks, and twice as many pairs of busy days
//	HUNT     how many plans a mutant is hunted with at most; MUTANTS names the only ones
//	WORKFLOWS names the only workflows that the stages play
//	STAGES   names the only stages; STEP plays each so many-th of the single faults only
//	SEED     where the seeds begin
//	DRAW     the seed of what is drawn by chance from the record, to draw the same again
//	REPORT   where the report goes: .txt and .json are added
func TestExplore(t *testing.T) {
	how := os.Getenv("SWARMD_EXPLORE")
	if how == "" {
		t.Skip("SWARMD_EXPLORE is not set: `make explore` sets it")
	}
	runtime.MemProfileRate = 0 // nobody looks at it, and it costs a hundredth
	defer deepStacks()()
	sources, err := Sources("../..")
	if err != nil {
		t.Fatal(err)
	}
	c := NewCampaign(number("SWARMD_EXPLORE_SEED", 1))
	defer c.publish(t)
	c.Bases(t)
	switch how {
	case "all":
		c.all(t, sources)
	case "check":
		c.check(t, sources)
	case "same":
		c.part(t, readRecord(t), int(number("SWARMD_EXPLORE_PART", 20)))
	case "sample":
		c.sample(t, sources)
	default:
		t.Fatalf("SWARMD_EXPLORE is %q, want all, check, same or sample", how)
	}
	c.demand(t)
	if r := c.Report(); r.Killed < r.Mutants {
		t.Errorf("mutants alive: %q", r.Alive)
	}
}

// all plays everything and records it.
func (c *Campaign) all(t *testing.T, sources string) {
	stages := c.stages(int(number("SWARMD_EXPLORE_WEEKS", weeks)))
	whole := true
	for _, s := range stages {
		if step := int(number("SWARMD_EXPLORE_STEP", 1)); step > 1 && s.name == "singles" {
			s.plans, whole = draw(s.plans, c.Seed, step), false
		}
		if only := os.Getenv("SWARMD_EXPLORE_WORKFLOWS"); only != "" {
			wanted := strings.Fields(only)
			s.plans, whole = slices.DeleteFunc(s.plans, func(p Plan) bool { return !slices.Contains(wanted, p.Workflow) }), false
		}
		whole = c.timed(t, s.name, func() { c.Play(t, s) }) && whole
	}
	whole = c.timed(t, "replays", func() { c.Replays(t, 100) }) && whole
	whole = c.timed(t, "twins", func() { c.Twins(t, 100) }) && whole
	whole = c.timed(t, "mutants", func() { c.Kill(t, int(number("SWARMD_EXPLORE_HUNT", 600))) }) && whole
	c.fill(t, int(number("SWARMD_EXPLORE_PLANS", 0)))
	if whole = whole && c.Seed == 1 && !t.Failed() && len(c.Report().Findings)+len(c.Report().Alive) == 0; !whole {
		t.Log("not recorded: a record is of a whole campaign with seed 1 in which nothing was lost")
		return
	}
	r, err := c.record(sources, stages)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err = r.WriteTo(&b); err == nil {
		err = os.WriteFile(recordFile, b.Bytes(), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// timed plays a stage unless only others are wanted, and reports whether it did.
func (c *Campaign) timed(t *testing.T, name string, play func()) bool {
	if only := os.Getenv("SWARMD_EXPLORE_STAGES"); only != "" && !strings.Contains(only, name) {
		return false
	}
	began := time.Now()
	play()
	t.Logf("%s took %s", name, time.Since(began).Round(time.Second/10))
	c.publish(t)
	return true
}

// check plays what is needed to trust the record: a part of it, or everything.
func (c *Campaign) check(t *testing.T, sources string) {
	r := readRecord(t)
	if r.Sources != sources {
		t.Logf("the record is of other sources (%s, these are %s): everything is played; `make explore` records it", r.Sources, sources)
		c.all(t, sources)
		return
	}
	c.part(t, r, oneIn)
	c.timed(t, "mutants", func() { c.Kill(t, int(number("SWARMD_EXPLORE_HUNT", 600))) })
}

// part plays one in so many of the recorded plans and compares them.
func (c *Campaign) part(t *testing.T, r Record, one int) {
	all := c.matched(t, r)
	seed := number("SWARMD_EXPLORE_DRAW", uint64(time.Now().UnixNano()))
	some := draw(all, seed, one)
	t.Logf("%d of %d recorded plans are played again; SWARMD_EXPLORE_DRAW=%d draws the same", len(some), len(all), seed)
	c.timed(t, "recorded", func() { c.again(t, some) })
}

// sample plays what is drawn by chance from all plans, for some seconds.
func (c *Campaign) sample(t *testing.T, sources string) {
	r := readRecord(t)
	current := r.Sources == sources
	var all []recorded
	if current {
		all = c.matched(t, r)
	} else {
		t.Log("the record is of other sources: nothing is compared; `make explore` plays everything and records it")
		for _, s := range c.stages(weeks) {
			for _, p := range s.plans {
				all = append(all, recorded{plan: p})
			}
		}
	}
	all = slices.DeleteFunc(all, func(p recorded) bool { return p.plan.Workflow == "week" || p.plan.Workflow == "days" }) // one of them can take as long
	seed := number("SWARMD_EXPLORE_DRAW", uint64(time.Now().UnixNano()))
	all = draw(all, seed, 1)
	end := time.Now().Add(time.Duration(number("SWARMD_EXPLORE_SECONDS", 45)) * time.Second)
	n := 0
	for part := range slices.Chunk(all, 100) {
		if n > 100 && time.Now().After(end) {
			break
		}
		n += len(part)
		if current {
			c.again(t, part)
		} else {
			c.Play(t, stage{"sample", plansOf(part)})
		}
	}
	t.Logf("%d of %d plans; SWARMD_EXPLORE_DRAW=%d draws the same", n, len(all), seed)
}

// matched are the recorded plans with their digests.
func (c *Campaign) matched(t *testing.T, r Record) []recorded {
	t.Helper()
	all, err := r.match(c.stages(weeks))
	if err != nil {
		t.Fatalf("%s does not fit its own sources: %v; `make explore` writes it", recordFile, err)
	}
	return all
}

// again plays recorded plans and compares what they leave.
func (c *Campaign) again(t *testing.T, some []recorded) {
	c.Play(t, stage{"recorded", plansOf(some)})
	for _, p := range some {
		c.rep.Compared++
		if now := c.saw[p.plan.String()]; now != p.digest && c.isAnother(t, recorded{p.plan, now}) {
			c.rep.Changed = append(c.rep.Changed, p.plan.String())
		}
	}
}

func plansOf(some []recorded) []Plan {
	var plans []Plan
	for _, p := range some {
		plans = append(plans, p.plan)
	}
	return plans
}

func readRecord(t *testing.T) Record {
	t.Helper()
	r, err := ReadRecord(strings.NewReader(read(t, recordFile)))
	if err != nil {
		t.Fatalf("%s: %v; `make explore` writes it", recordFile, err)
	}
	return r
}

// demand fails the test unless nothing was lost and every plan left the trace that it had left before.
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
	if len(r.Unsteady) > max(3, (r.Compared+r.Replayed)/mayBeUnsteady) {
		t.Errorf("of %d plans %d are not the same each time, which is too many: %q", r.Compared+r.Replayed, len(r.Unsteady), r.Unsteady)
	} else if len(r.Unsteady) > 0 {
		t.Logf("report: not the same each time: %q", r.Unsteady)
	}
	for _, p := range r.Unlike {
		t.Errorf("%s: one is left out as the other one's twin, and does something else: see choice.go and choice_kin.go", p)
	}
	for _, p := range r.Changed[:min(len(r.Changed), 20)] {
		t.Errorf("%s: it does not do what %s has of it: make explore-replay PLAN='%s'; `make explore` plays and records everything anew", p, recordFile, p)
	}
}

// fill plays pairs until so many plans were played.
func (c *Campaign) fill(t *testing.T, plans int) {
	for missing := plans - c.Report().Plans; missing > 0; missing = plans - c.Report().Plans {
		c.Play(t, stage{"pairs", c.nextPairs(min(missing, 5_000))})
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

func number(env string, otherwise uint64) uint64 {
	if n, err := strconv.ParseUint(os.Getenv(env), 10, 64); err == nil {
		return n
	}
	return otherwise
}
