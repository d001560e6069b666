package deploy

import (
	"strings"
	"testing"
)

// TestUnitHasItsMemory: the unit as it is shipped has the default, and what is asked for stands in both lines.
func TestUnitHasItsMemory(t *testing.T) {
	if Unit(512<<20) != unit {
		t.Error("the default is another one than in the unit")
	}
	got := Unit(1 << 30)
	if !strings.Contains(got, "\nMemoryMax=1024M\n") || !strings.Contains(got, "\nEnvironment=GOMEMLIMIT=800MiB\n") {
		t.Error(got)
	}
}
