package ledger_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger/ledgertest"
)

func newStore(t *testing.T) (*ledger.Store, *ledgertest.Objects) {
	t.Helper()
	configs := ledgertest.New()
	s := ledger.NewStore(configs, "web")
	if err := s.Create(t.Context(), "swarm1", 1); err != nil {
		t.Fatal(err)
	}
	return s, configs
}

func budget(n int) func(*ledger.Ledger) error {
	return func(l *ledger.Ledger) error { l.DeleteBudget += n; return nil }
}

func load(t *testing.T, s *ledger.Store) ledger.Ledger {
	t.Helper()
	l, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func wantKind(t *testing.T, err error, want apierr.Kind) {
	t.Helper()
	if got := apierr.KindOf(err); got != want {
		t.Fatalf("kind %q (%v), want %q", got, err, want)
	}
}

func TestUpdateStartsFromWhatWasSeenAndReadsWhenItLoses(t *testing.T) {
	a, configs := newStore(t)
	b := ledger.NewStore(configs, "web")
	load(t, a)
	load(t, b)
	before := len(configs.Calls())
	if _, err := a.Update(t.Context(), budget(1)); err != nil {
		t.Fatal(err)
	}
	if got := configs.Calls()[before:]; len(got) != 1 {
		t.Fatalf("a fresh view needs one write, no read: %v", got)
	}
	l, err := b.Update(t.Context(), budget(10)) // b's view is stale now
	if err != nil {
		t.Fatal(err)
	}
	if l.DeleteBudget != 11 || load(t, a).DeleteBudget != 11 {
		t.Fatalf("delete budget %d, want both changes", l.DeleteBudget)
	}
}

func TestUpdateThatChangesNothingWritesNothingButLooks(t *testing.T) {
	a, configs := newStore(t)
	b := ledger.NewStore(configs, "web")
	load(t, a)
	if _, err := b.Update(t.Context(), budget(1)); err != nil {
		t.Fatal(err)
	}
	writes := len(configs.Writes())
	l, err := a.Update(t.Context(), func(*ledger.Ledger) error { return nil })
	if err != nil || l.DeleteBudget != 1 {
		t.Fatalf("delete budget %d, %v: a change without a write must not trust an old view", l.DeleteBudget, err)
	}
	if len(configs.Writes()) != writes {
		t.Fatalf("wrote %v", configs.Writes()[writes:])
	}
}

func TestErrorOfAChangeIsFinalOnlyOnAFreshView(t *testing.T) {
	a, configs := newStore(t)
	b := ledger.NewStore(configs, "web")
	load(t, a)
	if _, err := b.Update(t.Context(), budget(1)); err != nil {
		t.Fatal(err)
	}
	broke := errors.New("no budget")
	spend := func(l *ledger.Ledger) error {
		if l.DeleteBudget == 0 {
			return broke
		}
		l.DeleteBudget--
		return nil
	}
	if _, err := a.Update(t.Context(), spend); err != nil {
		t.Fatalf("a's view was old, the budget is there: %v", err)
	}
	if _, err := a.Update(t.Context(), spend); !errors.Is(err, broke) {
		t.Fatalf("got %v, want the change's own error", err)
	}
}

func TestLostAnswers(t *testing.T) {
	cases := map[string]struct {
		before bool
		kind   apierr.Kind
		budget int
	}{
		"after the effect":  {before: false, kind: "", budget: 1},
		"before the effect": {before: true, kind: apierr.Unknown, budget: 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s, configs := newStore(t)
			lose := func(call string) error {
				if strings.HasPrefix(call, "update") {
					return ledgertest.ErrLost()
				}
				return nil
			}
			if c.before {
				configs.Before(lose)
			} else {
				configs.After(lose)
			}
			_, err := s.Update(t.Context(), budget(1))
			wantKind(t, err, c.kind)
			configs.Before(nil)
			configs.After(nil)
			if got := load(t, s).DeleteBudget; got != c.budget {
				t.Fatalf("delete budget %d, want %d: a lost answer is never repeated", got, c.budget)
			}
		})
	}
}

func TestLostCreateOfTheLedgerIsFound(t *testing.T) {
	configs := ledgertest.New()
	configs.After(func(call string) error {
		if strings.HasPrefix(call, "create") {
			return ledgertest.ErrLost()
		}
		return nil
	})
	s := ledger.NewStore(configs, "web")
	if err := s.Create(t.Context(), "swarm1", 3); err != nil {
		t.Fatal(err)
	}
	if l := load(t, s); l.ClusterID != "swarm1" || l.Epoch != 3 {
		t.Fatalf("ledger %+v", l)
	}
}

func TestFirstCreationRace(t *testing.T) {
	configs := ledgertest.New()
	other := ledger.NewStore(configs, "web")
	raced := false
	configs.Before(func(call string) error {
		if call == "create swarmd.web" && !raced {
			raced = true
			return other.Create(context.Background(), "swarm1", 7)
		}
		return nil
	})
	s := ledger.NewStore(configs, "web")
	if err := s.Create(t.Context(), "swarm1", 1); err != nil {
		t.Fatal(err)
	}
	if l := load(t, s); l.Epoch != 7 {
		t.Fatalf("epoch %d: the first one's ledger must stay", l.Epoch)
	}
}

func TestLoad(t *testing.T) {
	configs := ledgertest.New()
	s := ledger.NewStore(configs, "web")
	if l := load(t, s); !cmp.Equal(l, ledger.Ledger{}) {
		t.Fatalf("no record at all: %+v", l)
	}
	configs.Put("swarmd.web.spec.3", nil, []byte("x"))
	_, err := s.Load(t.Context())
	wantKind(t, err, apierr.Invalid) // the ledger was lost, it is not empty
	configs.Put("swarmd.web", map[string]string{"swarmd.ledger.format": "1", "swarmd.ledger.revision": "two"}, nil)
	_, err = s.Load(t.Context())
	wantKind(t, err, apierr.Invalid)
	configs.Before(func(string) error { return &apierr.Error{Kind: apierr.NoLeader, Err: errors.New("no leader")} })
	_, err = s.Load(t.Context())
	wantKind(t, err, apierr.NoLeader)
}

func TestClusterWhoseNameBeginsLikeOursIsNotOurs(t *testing.T) {
	s, configs := newStore(t)
	configs.Put("swarmd.web2", map[string]string{"swarmd.ledger.format": "9"}, nil)
	configs.Put("swarmd.web2.spec.1", nil, []byte("x"))
	st, err := s.Look(t.Context())
	if err != nil || len(st.Revisions) != 0 {
		t.Fatalf("%+v, %v", st, err)
	}
}

func TestLabelsOfOthersArePreserved(t *testing.T) {
	s, configs := newStore(t)
	obj, _ := configs.Get("swarmd.web")
	obj.Labels["team"], obj.Labels["swarmd.ledger.later"] = "blue", "v9"
	configs.Put("swarmd.web", obj.Labels, nil)
	if _, err := s.Update(t.Context(), budget(2)); err != nil {
		t.Fatal(err)
	}
	got, _ := configs.Get("swarmd.web")
	if got.Labels["team"] != "blue" || got.Labels["swarmd.ledger.later"] != "v9" || got.Labels["swarmd.cluster"] != "web" {
		t.Fatalf("labels %v", got.Labels)
	}
}

func TestStoreWaitsNoLongerThanItsCaller(t *testing.T) {
	s, configs := newStore(t)
	held, release := make(chan struct{}), make(chan struct{})
	configs.Before(func(string) error { close(held); <-release; return nil })
	go func() { _, _ = s.Load(context.Background()) }()
	<-held
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := s.Load(ctx)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	close(release)
}
