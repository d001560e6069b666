// Package deploy carries the files that swarmd puts on machines.
package deploy

import _ "embed"

// Unit is the hardened systemd unit.
//
//go:embed swarmd.service
var Unit string

// Demo is the example that `swarmd demo` runs.
//
//go:embed examples/demo.yaml
var Demo []byte
