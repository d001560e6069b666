package explore

import "testing"

// TestStartAndEditDoNotRace: a swarmd that starts when the operator's file comes does the same each time.
func TestStartAndEditDoNotRace(t *testing.T) {
	e, p := New(), Plan{Workflow: "lease-gone-of-three", Seed: 1, Faults: []Fault{{63, CrashAway}}}
	first := e.Run(t, p)
	if len(first.Violations) > 0 {
		t.Fatal(first.Violations)
	}
	for range 9 {
		if again := e.Run(t, p); again.Digest != first.Digest {
			t.Fatalf("%s left another trace", p)
		}
	}
}
