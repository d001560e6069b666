package report_test

import (
	"fmt"
	"testing"

	"github.com/swarmd/swarmd/pkg/reconcile/report"
)

func TestATimelineKeepsTheLastEvents(t *testing.T) {
	line := report.NewTimeline()
	if got, _ := line.After(0); len(got) != 0 {
		t.Errorf("an empty one has %v", got)
	}
	for i := range report.Kept + 5 {
		line.Add(report.Event{Message: fmt.Sprint(i + 1)})
	}
	for _, c := range []struct {
		after       uint64
		first, last int
		n           int
	}{
		{0, 6, report.Kept + 5, report.Kept},
		{3, 6, report.Kept + 5, report.Kept},
		{5, 6, report.Kept + 5, report.Kept},
		{report.Kept + 3, report.Kept + 4, report.Kept + 5, 2},
		{report.Kept + 5, 0, 0, 0},
		{99_999, 6, report.Kept + 5, report.Kept}, // of the swarmd before this one
	} {
		got, _ := line.After(c.after)
		if len(got) != c.n {
			t.Errorf("after %d: %d events, want %d", c.after, len(got), c.n)
			continue
		}
		for i, e := range got {
			if e.Message != fmt.Sprint(c.first+i) || e.Seq != uint64(c.first+i) {
				t.Fatalf("after %d: event %d is %+v", c.after, i, e)
			}
		}
	}
}

func TestWhoWaitsIsTold(t *testing.T) {
	line := report.NewTimeline()
	_, more := line.After(0)
	select {
	case <-more:
		t.Error("told of nothing")
	default:
	}
	line.Add(report.Event{Message: "x"})
	select {
	case <-more:
	default:
		t.Error("not told")
	}
}
