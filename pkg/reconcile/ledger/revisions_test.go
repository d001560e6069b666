package ledger_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger/ledgertest"
	"github.com/swarmd/swarmd/pkg/spec"
)

func edit(data string) ledger.Proposal {
	return ledger.Proposal{Data: []byte(data), Source: "apply test", Origin: ledger.Edit, Budget: func(history [][]byte) ledger.Budget {
		return ledger.Budget{More: len(history[0]), Most: 5 * len(history)}
	}}
}

func accept(t *testing.T, s *ledger.Store, p ledger.Proposal) (ledger.Verdict, ledger.Revision) {
	t.Helper()
	v, rev, err := s.Accept(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return v, rev
}

func TestWhoseFileCounts(t *testing.T) {
	history := []string{"a", "b", "a", "c", "d"} // revisions 1 to 5; 4 is accepted, 5 is an orphan
	revisions := func() (out []ledger.Revision) {
		s, configs := newStore(t)
		for i, data := range history {
			configs.Put(fmt.Sprintf("swarmd.web.spec.%d", i+1), nil, []byte(data))
		}
		st, err := s.Look(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return st.Revisions
	}()
	cases := []struct {
		origin ledger.Origin
		data   string
		want   ledger.Verdict
		number int
	}{
		{ledger.AtStart, "c", ledger.Same, 4},
		{ledger.AtStart, "x", ledger.Next, 0},
		{ledger.AtStart, "b", ledger.Stale, 2},
		{ledger.AtStart, "a", ledger.Stale, 3},
		{ledger.AtStart, "d", ledger.Next, 0}, // never accepted: its writer died in between
		{ledger.Edit, "c", ledger.Same, 4},
		{ledger.Edit, "x", ledger.Next, 0},
		{ledger.Edit, "b", ledger.Next, 0},
		{ledger.Edit, "a", ledger.Next, 0},
	}
	for _, c := range cases {
		t.Run(string(c.origin)+"/"+c.data, func(t *testing.T) {
			v, n := ledger.Judge(c.origin, []byte(c.data), 4, revisions)
			if v != c.want || n != c.number {
				t.Fatalf("%s %d, want %s %d", v, n, c.want, c.number)
			}
		})
	}
}

func TestAcceptCountsUpAndGivesABudget(t *testing.T) {
	s, _ := newStore(t)
	for i, data := range []string{"four", "four!", "four"} {
		if v, rev := accept(t, s, edit(data)); v != ledger.Next || rev.Number != i+1 {
			t.Fatalf("%s %d", v, rev.Number)
		}
	}
	if v, rev := accept(t, s, edit("four")); v != ledger.Same || rev.Number != 3 {
		t.Fatalf("%s %d", v, rev.Number)
	}
	l := load(t, s)
	if l.Revision != 3 || l.DeleteBudget != 4+5 {
		t.Fatalf("revision %d, delete budget %d: the budgets of edits add up, the first file gives none", l.Revision, l.DeleteBudget)
	}
	accept(t, s, ledger.Proposal{Data: []byte("six"), Origin: ledger.Edit, Budget: func([][]byte) ledger.Budget { return ledger.Budget{More: 1, Most: 2} }})
	if l := load(t, s); l.DeleteBudget != 2 {
		t.Fatalf("delete budget %d: an edit that leaves room for two takes the rest back", l.DeleteBudget)
	}
	rev, err := s.Revision(t.Context(), 2)
	if err != nil || string(rev.Data) != "four!" || rev.Source != "apply test" {
		t.Fatalf("%+v, %v", rev, err)
	}
}

// TestARevisionKnowsWhatHadFailed: the ledger forgets it when the file has something else, and people ask how the one before ended.
func TestARevisionKnowsWhatHadFailed(t *testing.T) {
	s, _ := newStore(t)
	accept(t, s, edit("one"))
	if _, err := s.Update(t.Context(), func(l *ledger.Ledger) error {
		l.Rollouts = map[string]ledger.RollOut{"web_app": {Template: "abc", Version: 7, Failed: true}, "web_new": {Template: "def", Version: 8}, "web_old": {Version: 9, Failed: true}}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	accept(t, s, edit("two"))
	if _, err := s.Update(t.Context(), func(l *ledger.Ledger) error { l.Rollouts = nil; return nil }); err != nil {
		t.Fatal(err)
	}
	accept(t, s, edit("three"))
	for n, want := range map[int]map[string]string{1: {}, 2: {"web_app": "abc"}, 3: {}} {
		if rev, err := s.Revision(t.Context(), n); err != nil || !maps.Equal(rev.Failed, want) {
			t.Errorf("revision %d: %v, %v", n, rev.Failed, err)
		}
	}
}

func TestOnlyTheLastTenRevisionsStay(t *testing.T) {
	s, configs := newStore(t)
	for i := range 25 {
		accept(t, s, edit(fmt.Sprint(i)))
	}
	st, err := s.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(st.Revisions) != ledger.Keep || st.Revisions[0].Number != 16 || st.Revisions[9].Number != 25 {
		t.Fatalf("%d revisions from %d", len(st.Revisions), st.Revisions[0].Number)
	}
	if _, ok := configs.Get("swarmd.web.spec.15"); ok {
		t.Fatal("revision 15 is still there")
	}
}

// A manager that was down for more edits than the store keeps comes up with the file of long ago. It must not undo them all.
func TestAFileOlderThanWhatIsKeptIsStale(t *testing.T) {
	s, _ := newStore(t)
	for i := range 3 * ledger.Keep {
		accept(t, s, edit(fmt.Sprint(i)))
	}
	accept(t, s, edit("4")) // gone back to on purpose
	for data, want := range map[string]int{"0": 1, "5": 6, "25": 26} {
		v, rev := accept(t, s, ledger.Proposal{Data: []byte(data), Origin: ledger.AtStart})
		if v != ledger.Stale || rev.Number != want {
			t.Errorf("file %s: %s %d, want stale %d", data, v, rev.Number, want)
		}
	}
	if v, rev := accept(t, s, ledger.Proposal{Data: []byte("4"), Origin: ledger.AtStart}); v != ledger.Same || rev.Number != 31 {
		t.Errorf("the accepted file: %s %d", v, rev.Number)
	}
	if v, _ := accept(t, s, ledger.Proposal{Data: []byte("new"), Origin: ledger.AtStart}); v != ledger.Next {
		t.Errorf("a file that never was: %s", v)
	}
	if v, _ := accept(t, s, edit("0")); v != ledger.Next {
		t.Errorf("an edit back to the first: %s", v)
	}
}

// What is remembered stays below the size of a config's labels that the engine handles well.
func TestTheMemoryOfRevisionsIsBounded(t *testing.T) {
	s, configs := newStore(t)
	for i := range 450 {
		accept(t, s, edit(fmt.Sprint(i)))
	}
	last, _ := configs.Get("swarmd.web.spec.450")
	if n := strings.Count(last.Labels["swarmd.revision.past"], ","); n != 399 {
		t.Errorf("%d commas", n)
	}
	if v, _ := accept(t, s, ledger.Proposal{Data: []byte("60"), Origin: ledger.AtStart}); v != ledger.Stale {
		t.Errorf("revision 61: %s", v)
	}
}

func TestCrashBetweenContentAndNumberIsHealed(t *testing.T) {
	for data, want := range map[string]int{"orphan": 2, "another": 3} {
		t.Run(data, func(t *testing.T) {
			s, configs := newStore(t)
			accept(t, s, edit("first"))
			configs.Put("swarmd.web.spec.2", nil, []byte("orphan"))
			if _, rev := accept(t, s, edit(data)); rev.Number != want {
				t.Fatalf("revision %d, want %d", rev.Number, want)
			}
			if got, _ := configs.Get(fmt.Sprintf("swarmd.web.spec.%d", want)); string(got.Data) != data {
				t.Fatalf("content %q", got.Data)
			}
		})
	}
}

func TestTwoEditsAtOnceAreOneAfterTheOther(t *testing.T) {
	s, configs := newStore(t)
	accept(t, s, edit("first"))
	other := ledger.NewStore(configs, "web")
	raced := false
	configs.Before(func(call string) error {
		if call == "update swarmd.web" && !raced {
			raced = true
			_, _, err := other.Accept(context.Background(), edit("theirs"))
			return err
		}
		return nil
	})
	_, _, err := s.Accept(t.Context(), edit("ours"))
	wantKind(t, err, apierr.Conflict)
	if l := load(t, s); l.Revision != 3 {
		t.Fatalf("revision %d", l.Revision)
	}
	if rev, err := s.Revision(t.Context(), 3); err != nil || string(rev.Data) != "theirs" {
		t.Fatalf("%q, %v: the number must name the content that was judged", rev.Data, err)
	}
	if _, rev := accept(t, s, edit("ours")); rev.Number <= 3 || string(rev.Data) != "ours" {
		t.Fatalf("%+v", rev)
	}
}

func TestAcceptWithLostAnswers(t *testing.T) {
	for _, call := range []string{"create swarmd.web.spec.1", "update swarmd.web"} {
		t.Run(call, func(t *testing.T) {
			s, configs := newStore(t)
			configs.After(func(c string) error {
				if c == call {
					return ledgertest.ErrLost()
				}
				return nil
			})
			if _, rev := accept(t, s, edit("x")); rev.Number != 1 {
				t.Fatalf("revision %d", rev.Number)
			}
			if n := strings.Count(strings.Join(configs.Writes(), ","), call); n != 1 {
				t.Fatalf("sent %d times", n)
			}
		})
	}
}

func TestNoRevisionWithoutALedger(t *testing.T) {
	configs := ledgertest.New()
	_, _, err := ledger.NewStore(configs, "web").Accept(t.Context(), edit("x"))
	wantKind(t, err, apierr.NotFound)
	if w := configs.Writes(); len(w) != 0 {
		t.Fatalf("wrote %v", w)
	}
}

func TestGranted(t *testing.T) {
	pools := func(counts ...any) *spec.Spec {
		s := &spec.Spec{}
		for i := 0; i < len(counts); i += 2 {
			s.Pools = append(s.Pools, spec.Pool{Name: counts[i].(string), Count: counts[i+1].(int)})
		}
		return s
	}
	of := func(s *spec.Spec, image string) *spec.Spec {
		for i := range s.Pools {
			s.Pools[i].Image = image
		}
		return s
	}
	past := func(specs ...*spec.Spec) []*spec.Spec { return specs }
	cases := []struct {
		name       string
		history    []*spec.Spec // the accepted one first
		edited     *spec.Spec
		more, most int
	}{
		{"lowered", past(pools("a", 5)), pools("a", 2), 3, 3},
		{"raised", past(pools("a", 2)), pools("a", 5), 0, 0},
		{"to nothing", past(pools("a", 2)), pools("a", 0), 2, 2},
		{"one up, one down", past(pools("a", 2, "b", 4)), pools("a", 9, "b", 1), 3, 3},
		{"both down", past(pools("a", 2, "b", 4)), pools("a", 1, "b", 1), 4, 4},
		{"removed", past(pools("a", 2, "b", 4)), pools("a", 2), 0, 0},
		{"back with nothing", past(pools("a", 2), pools("a", 2), pools("a", 1, "b", 20)), pools("a", 2, "b", 0), 20, 20},
		{"back with some", past(pools("a", 2), pools("b", 20)), pools("a", 2, "b", 15), 5, 5},
		{"lowered by mistake and put back", past(pools("a", 0), pools("a", 50)), pools("a", 50), 0, 0},
		{"put back in part", past(pools("a", 0), pools("a", 50)), pools("a", 40), 0, 10},
		{"another pool is raised after", past(pools("a", 3, "b", 1), pools("a", 5, "b", 1)), pools("a", 3, "b", 4), 0, 2},
		{"another image", past(pools("a", 3, "b", 0)), of(pools("a", 3, "b", 0), "new"), 3, 3},
		{"another image, and fewer", past(pools("a", 3)), of(pools("a", 2), "new"), 3, 3},
		{"another image, and more", past(pools("a", 3)), of(pools("a", 5), "new"), 3, 5},
		{"another image the edit before", past(of(pools("a", 3), "new"), pools("a", 3)), of(pools("a", 3), "new"), 0, 3},
		{"another image of what was not there", past(pools("b", 3)), of(pools("a", 3), "new"), 0, 0},
		{"first file", nil, pools("a", 2), 0, 0},
		{"the accepted one cannot be read", past(nil, pools("a", 9)), pools("a", 2), 0, 7},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := ledger.BudgetOf(c.history, c.edited); got != (ledger.Budget{More: c.more, Most: c.most}) {
				t.Fatalf("%+v, want %d more and %d at most", got, c.more, c.most)
			}
		})
	}
}
