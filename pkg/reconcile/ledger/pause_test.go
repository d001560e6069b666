package ledger_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// TestAPauseKeepsWhatWasPlannedBefore: it counts from the moment in which it is written, whatever is under way.
func TestAPauseKeepsWhatWasPlannedBefore(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	at := func(d time.Duration) ledger.Moment { return ledger.Moment{Now: now.Add(d)} }
	for object, held := range map[string]bool{"cluster": true, "pool/workers": true, "pool/managers": false, "service/workers": false} {
		l := ledger.Ledger{}
		if err := l.Apply(at(0), ledger.Pause{Object: object, Off: swarm.HandsOff{Since: now, Until: now.Add(time.Hour), By: "ana"}}); err != nil {
			t.Fatal(err)
		}
		for _, c := range []ledger.Change{ledger.OpenCreate{OpID: "a", Pool: "workers"}, ledger.OpenDelete{OpID: "b", Pool: "workers", DropletID: 7}} {
			if err := applied(l, at(time.Minute), c); (apierr.KindOf(err) == apierr.Conflict) != held {
				t.Errorf("%s is paused, %T: %v", object, c, err)
			}
			if err := applied(l, at(time.Hour), c); err != nil {
				t.Errorf("%s was paused, %T: %v", object, c, err)
			}
		}
	}
}

func applied(l ledger.Ledger, m ledger.Moment, c ledger.Change) error {
	l = l.Clone()
	return l.Apply(m, c)
}

func TestPausesAreBounded(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	l, m := ledger.Ledger{}, ledger.Moment{Now: now}
	off := swarm.HandsOff{Since: now, Until: now.Add(time.Hour), By: "ana@laptop"}
	for i := range ledger.MaxPauses {
		if err := l.Apply(m, ledger.Pause{Object: fmt.Sprint("service/s", i), Off: off}); err != nil {
			t.Fatal(err)
		}
	}
	one := ledger.Pause{Object: "cluster", Off: off}
	if err := l.Apply(m, one); apierr.KindOf(err) != apierr.Busy {
		t.Errorf("one more: %v", err)
	}
	if err := l.Apply(m, ledger.Pause{Object: "service/s1", Off: off}); err != nil {
		t.Errorf("one of them again: %v", err)
	}
	if err := l.Apply(m, ledger.Resume{Object: "service/s1"}, ledger.Resume{Object: "pool/none"}, one); err != nil {
		t.Errorf("one in another one's place: %v", err)
	}
	if err := l.Apply(ledger.Moment{Now: now.Add(time.Hour)}); err != nil || len(l.Pauses) != 0 {
		t.Errorf("those that are over: %v, %v", l.Pauses, err)
	}
	for _, bad := range []ledger.Pause{{Object: "node/x"}, {Object: ""}, {Object: "cluster", Off: swarm.HandsOff{Why: strings.Repeat("x", ledger.MaxWhy+1)}},
		{Object: "cluster", Off: swarm.HandsOff{Why: "a\nb"}}, {Object: "cluster", Off: swarm.HandsOff{By: strings.Repeat("x", 101)}}} {
		if err := l.Apply(m, bad); apierr.KindOf(err) != apierr.Invalid {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}
