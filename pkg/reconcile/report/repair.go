package report

import "time"

// Repair is a repair that began or ended in a pass. It is told once for each.
type Repair struct {
	Pool    string `json:"pool"`
	Machine string `json:"machine"`
	Reason  string `json:"reason"`  // see plan.RepairReasons
	Outcome string `json:"outcome"` // see RepairOutcomes
}

// What a repair comes to.
const (
	RepairBegun    = "begun"    // something was done about the machine for the first time
	RepairHealed   = "healed"   // it is well again
	RepairReplaced = "replaced" // it left, and its pool is whole without it
	RepairFailed   = "failed"   // neither for half an hour since something was done last
)

// RepairOutcomes are all of them.
func RepairOutcomes() []string {
	return []string{RepairBegun, RepairHealed, RepairReplaced, RepairFailed}
}

// Loss is that a pool lost machines, or has as many again as the file wants. It is told once for each.
type Loss struct {
	Pool     string        `json:"pool"`
	Machines []string      `json:"machines"` // that were lost
	Ready    int           `json:"ready"`
	Desired  int           `json:"desired"`
	Whole    bool          `json:"whole,omitempty"`   // it has as many again
	Took     time.Duration `json:"took_ns,omitempty"` // with Whole: from the first look in which it had fewer
}
