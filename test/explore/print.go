package explore

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// String is the report for people.
func (r Report) String() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("plans run             %d (%.0f a second on %d cores, %.0f s)", r.Plans, r.PlansPerSecond, r.Cores, r.Seconds)
	line("calls, states         %d calls, %d states, %.1f virtual hours", r.Calls, r.States, r.VirtualHours)
	line("single faults         %d of %d (%.1f %%)", r.Singles.Tried, r.Singles.Possible, r.Singles.Percent())
	line("pairs of faults       %d of %d (%.3f %%)", r.Pairs.Tried, r.Pairs.Possible, r.Pairs.Percent())
	line("  of small workflows  %d of %d (%.2f %%)", r.SmallPairs.Tried, r.SmallPairs.Possible, r.SmallPairs.Percent())
	line("on engine 20.10       %d", r.Older)
	line("random mixes          %d", r.Mixes)
	injected := 0
	for _, n := range r.Injected {
		injected += n
	}
	line("faults                %d injected, %d survived", injected, r.Survived)
	for _, k := range slices.Sorted(maps.Keys(r.Injected)) {
		line("  %-19s %d", k, r.Injected[k])
	}
	line("droplets              %d created, %d deleted", r.Creates, r.Deletes)
	line("brakes held           %v", r.Brakes)
	line("replayed              %d, %d differ", r.Replayed, len(r.Differ))
	line("left out, compared    %d, %d do something else than what is played for them", r.Twins, len(r.Unlike))
	line("as recorded           %d, %d are not", r.Compared-len(r.Changed), len(r.Changed))
	line("not the same twice    %d", len(r.Unsteady))
	line("lying planners        %d, refused %d times", r.Lies, r.LiesHeld)
	line("quiet weeks           %d", r.Weeks)
	line("mutants killed        %d of %d, in %d plans", r.Killed, r.Mutants, r.MutantPlans)
	for _, m := range r.Alive {
		line("  alive: %s", m)
	}
	line("lost")
	for _, l := range losses {
		line("  %-19s %d", l.what, r.lost(l.invariants...))
	}
	line("  %-19s %d", "anything else", r.other())
	for _, inv := range slices.Sorted(maps.Keys(r.Lost)) {
		line("LOST %-16s %d", inv, r.Lost[inv])
	}
	for _, f := range r.Findings[:min(len(r.Findings), 20)] {
		line("  %s", f.Replay)
	}
	return b.String()
}

// losses are what people would miss, and the invariants that say so.
var losses = []struct {
	what       string
	invariants []string
}{
	{"droplets leaked", []string{"leak"}},
	{"foreign deleted", []string{"foreign"}},
	{"overshoot", []string{"surge"}},
	{"quorum losses", []string{"quorum"}},
	{"secrets seen", []string{"secrets"}},
}

func (r Report) lost(invariants ...string) (n int) {
	for _, inv := range invariants {
		n += r.Lost[inv]
	}
	return n
}

// other is what broke besides losses.
func (r Report) other() (n int) {
	for _, k := range r.Lost {
		n += k
	}
	for _, l := range losses {
		n -= r.lost(l.invariants...)
	}
	return n
}

// JSON is the report for programs.
func (r Report) JSON() ([]byte, error) { return json.MarshalIndent(r, "", "  ") }
