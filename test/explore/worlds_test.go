package explore

import "testing"

// TestManyStrangersCostWhatIsBounded: five hundred machines that nobody asked for, with hostile names, change nothing of what comes true, and what
// swarmd says of them is bounded.
func TestManyStrangersCostWhatIsBounded(t *testing.T) {
	out := New().Run(t, parsed(t, "many-strangers/1/-"))
	for _, v := range out.Violations {
		t.Error(v)
	}
	if out.Calls < 100 {
		t.Errorf("over after %d calls", out.Calls)
	}
}

// TestSieveLetsOneOfSoManyThrough of each kind, and all where nothing is thinned out.
func TestSieveLetsOneOfSoManyThrough(t *testing.T) {
	s, through := sieve{}, map[string]int{}
	for range 10 * long {
		for _, w := range []Workflow{{Name: "short"}, {Name: "long", Sparse: long}} {
			for _, k := range []Kind{Cut, Fewer} {
				if (sieve{k: s[Kind(w.Name)+k]}).lets(k, w) {
					through[w.Name+" "+string(k)]++
				}
				s[Kind(w.Name)+k]++
			}
		}
	}
	for what, want := range map[string]int{"short cut": 10 * long, "short fewer": 10 * long / lieEvery, "long cut": 10, "long fewer": 10} {
		if through[what] != want {
			t.Errorf("%s: %d of %d, want %d", what, through[what], 10*long, want)
		}
	}
}

// TestALieIsInGoodForm: an answer with its ids changed round, without its first, with other states.
func TestALieIsInGoodForm(t *testing.T) {
	for _, c := range []struct {
		kind     Kind
		was, lie string
	}{
		{OtherIDs, `[{"ID":"a","Version":{"Index":18446744073709551615}},{"ID":"b"}]`, `[{"ID":"b","Version":{"Index":18446744073709551615}},{"ID":"a"}]`},
		{Fewer, `{"droplets":[{"id":1},{"id":2}],"meta":{"total":2}}`, `{"droplets":[{"id":2}],"meta":{"total":1}}`},
		{Fewer, `[{"ID":"a"}]`, `[]`},
		{OtherStates, `{"droplets":[{"id":1,"status":"active"}]}`, `{"droplets":[{"id":1,"status":"off"}]}`},
		{OtherStates, `[{"Status":{"State":"ready"}}]`, `[{"Status":{"State":"down"}}]`},
	} {
		e := New()
		in := e.newRun(Plan{Seed: 1}, Workflow{}, Mutant{}, &Outcome{}).faults
		if got := string(in.falsify(c.kind, []byte(c.was))); got != c.lie {
			t.Errorf("%s of %s is %s, want %s", c.kind, c.was, got, c.lie)
		}
	}
}
