//go:build linux

package e2e

import (
	"strings"
	"testing"
	"time"
)

// TestBootstrapTime measures the way from an empty account to a converged cluster of three managers and two workers, in one command, and
// says where the time goes: each line of the command's own progress carries its moment.
func TestBootstrapTime(t *testing.T) {
	b := newBench(t)
	s := &stage{bench: b, want: want{managers: 3, workers: 2}}
	began := time.Now()
	out := s.must("", "bootstrap", "-f", s.file())
	took := time.Since(began)
	t.Logf("bootstrap → converged, 3 managers and 2 workers: %v", took.Round(100*time.Millisecond))
	if !strings.Contains(out, "converged: revision 1") {
		t.Errorf("bootstrap does not say that it converged")
	}
	first := s.droplets("shop-managers-")
	if len(first) != 3 {
		t.Fatalf("%d managers, want 3", len(first))
	}
	s.docker = b.engine(first[0].ID)
	s.wholeAndQuiet(3, 2)
	if took > 2*time.Minute {
		t.Errorf("that took too long")
	}
}
