package ledger

import (
	"fmt"
	"strconv"
	"strings"
)

// RollOut is a template that was rolled out last, as it is remembered: of what failed, it is not written again. The planner alone makes and reads the
// hashes. Its zero value is that nothing is remembered.
type RollOut struct {
	Template string // hash of the template; "": what failed is not what is wanted now
	Version  uint64 // with Failed, of the service when that was seen; else, the one that it was written over
	Failed   bool   // it failed or was taken back; false: it is not known yet
	Over     string // without Failed: hash of what was being rolled out at that version, "" if nothing was
}

// String is what is stored: "HASH@VERSION" of one that failed, "HASH@VERSION?OVER" of one of which it is not known yet.
func (r RollOut) String() string {
	s := fmt.Sprintf("%s@%d", r.Template, r.Version)
	if !r.Failed {
		s += "?" + r.Over
	}
	return s
}

// parseRollOut reads what String has written, and the hash alone of what failed, as the first swarmd wrote it. What it cannot read is a newer one's.
func parseRollOut(text string) (r RollOut, known bool) {
	hash, rest, ok := strings.Cut(text, "@")
	if !ok {
		return RollOut{Template: hash, Failed: true}, hash != ""
	}
	number, over, open := strings.Cut(rest, "?")
	version, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return RollOut{}, false
	}
	return RollOut{Template: hash, Version: version, Failed: !open, Over: over}, true
}
