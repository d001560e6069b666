package explore

import (
	"os"
	"strconv"
	"testing"
)

// TestWorkflowsReachTheirEndAndReplay plays every workflow without a fault, twice: the traces are the same byte for byte.
func TestWorkflowsReachTheirEndAndReplay(t *testing.T) {
	c := NewCampaign(1)
	c.Bases(t)
	c.Replays(t, 499)
	c.demand(t)
	for w, n := range c.Report().Workflows {
		if n < 20 {
			t.Errorf("%s is over after %d calls", w, n)
		}
	}
}

// demand fails the test unless nothing was lost.
func (c *Campaign) demand(t *testing.T) {
	t.Helper()
	r := c.Report()
	t.Log(r.String())
	for i, f := range r.Findings {
		if i < 20 {
			t.Errorf("%s\n   %s\n   %q", f.Plan, f.Replay, f.Violations)
		}
	}
	for _, p := range r.Differ {
		t.Errorf("%s: played again it left another trace", p)
	}
}

// TestExplore is the campaign. It takes minutes and runs only with SWARMD_EXPLORE=1: `make explore`.
func TestExplore(t *testing.T) {
	if os.Getenv("SWARMD_EXPLORE") != "1" {
		t.Skip("set SWARMD_EXPLORE=1, or say make explore")
	}
	c := NewCampaign(number("SWARMD_EXPLORE_SEED", 1))
	c.Bases(t)
	c.Singles(t, int(number("SWARMD_EXPLORE_STEP", 1)))
	c.Replays(t, 100)
	c.demand(t)
}

func number(env string, otherwise uint64) uint64 {
	if n, err := strconv.ParseUint(os.Getenv(env), 10, 64); err == nil && n > 0 {
		return n
	}
	return otherwise
}
