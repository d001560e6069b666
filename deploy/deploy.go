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

// unitStart is the end of the line that starts swarmd.
const unitStart = " --listen node:9810\n"

// DenyHostAccess is the flag with which swarmd holds services that would be root on the machines.
const DenyHostAccess = "deny-host-access"

// Unit is the hardened systemd unit, with so many bytes of memory for swarmd, which may have to hold services that would be root on the machines.
func Unit(memory int64, denyHostAccess bool) string {
	start := unitStart
	if denyHostAccess {
		start = " --listen node:9810 --" + DenyHostAccess + "\n"
	}
	return strings.NewReplacer(unitStart, start, unitMemory, fmt.Sprintf("MemoryMax=%dM\n", memory>>20), unitGo, "Environment=GOMEMLIMIT="+GoMemoryLimit(memory)+"\n").Replace(unit)
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
