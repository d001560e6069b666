package explore

import (
	"testing"
)

// TestWorkflowsReachTheirEndAndReplay plays every workflow without a fault, twice: the traces are the same byte for byte.
func TestWorkflowsReachTheirEndAndReplay(t *testing.T) {
	e := New()
	for _, w := range Workflows() {
		p := Plan{Workflow: w.Name, Seed: 1}
		first, again := e.Run(t, p), e.Run(t, p)
		for _, v := range first.Violations {
			t.Errorf("%s: %s", p, v)
		}
		if first.Digest != again.Digest || first.Calls < 20 {
			t.Errorf("%s: %d calls with digest %x, then %d with %x", p, first.Calls, first.Digest, again.Calls, again.Digest)
		}
	}
}
