package deploy

import (
	"strings"
	"testing"
)

// TestUnitHasItsMemory: the unit as it is shipped has the default, and what is asked for stands in both lines.
func TestUnitHasItsMemory(t *testing.T) {
	if Unit(512<<20, false) != unit {
		t.Error("the default is another one than in the unit")
	}
	got := Unit(1<<30, false)
	if !strings.Contains(got, "\nMemoryMax=1024M\n") || !strings.Contains(got, "\nEnvironment=GOMEMLIMIT=800MiB\n") {
		t.Error(got)
	}
}

// TestUnitThatDeniesHostAccess: the flag goes onto the line that starts swarmd, and nothing else changes.
func TestUnitThatDeniesHostAccess(t *testing.T) {
	got := Unit(512<<20, true)
	if !strings.Contains(got, "\nExecStart=/usr/local/bin/swarmd run -f /etc/swarmd/cluster.yaml --listen node:9810 --deny-host-access\n") {
		t.Error(got)
	}
	if strings.Replace(got, " --deny-host-access", "", 1) != unit {
		t.Error("more than the flag changed")
	}
}
