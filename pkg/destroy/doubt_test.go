package destroy

import (
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/bootstrap"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/spec"
)

// destroy waits for a create that was written by a clock a day ahead no longer than for any other.
func TestDestroyWaitsNoLongerThanACreateMayStayUnseen(t *testing.T) {
	r := &Run{Records: bootstrap.Intent{Dir: t.TempDir()}}
	s := &spec.Spec{Cluster: "web", Policies: spec.Policies{CreateVisible: 5 * time.Minute}}
	now := time.Now()
	for off, want := range map[time.Duration]time.Duration{24 * time.Hour: 5 * time.Minute, time.Minute: time.Minute} {
		pending, err := r.pendingCreates([]ledger.Op{{ID: "a", Kind: ledger.Create, Name: "web-workers-aaaaa", Deadline: now.Add(off)}}, s, Doomed{})
		if err != nil || len(pending) != 1 {
			t.Fatalf("%+v, %v", pending, err)
		}
		if underWay(pending, now.Add(want+time.Minute)) || !underWay(pending, now.Add(want-time.Second)) {
			t.Errorf("a deadline in %s is waited for until %s", off, pending[0].until.Sub(now))
		}
	}
}
