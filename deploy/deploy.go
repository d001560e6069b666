// Package deploy carries the files that swarmd puts on machines.
package deploy

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed swarmd.service
var unit string

// The lines of the unit that say how much memory swarmd may have.
const (
	unitMemory = "MemoryMax=512M\n"
	unitGo     = "Environment=GOMEMLIMIT=400MiB\n"
)

// Unit is the hardened systemd unit, with so many bytes of memory for swarmd.
func Unit(memory int64) string {
	return strings.NewReplacer(unitMemory, fmt.Sprintf("MemoryMax=%dM\n", memory>>20), unitGo, "Environment=GOMEMLIMIT="+GoMemoryLimit(memory)+"\n").Replace(unit)
}

// GoMemoryLimit is the GOMEMLIMIT for a process that may have so many bytes: what is left is for what Go does not count, and for the moment
// until its collector has caught up. Of no limit it is none.
func GoMemoryLimit(memory int64) string {
	if memory <= 0 {
		return "off"
	}
	return fmt.Sprintf("%dMiB", memory/32*25>>20)
}

// Demo is the example that `swarmd demo` runs.
//
//go:embed examples/demo.yaml
var Demo []byte
