package report

import "time"

// Brief is a report for everybody. It has no field of a Report, so that a client that wants a Report and lacks the token notices.
type Brief struct {
	Full   bool   `json:"full"` // never
	Counts Counts `json:"counts"`
}

// Counts is how things are, without a name, an address or a text.
type Counts struct {
	Pass      uint64         `json:"pass"`
	At        time.Time      `json:"at"`
	Result    string         `json:"result"`
	Converged bool           `json:"converged"`
	Revision  int            `json:"revision"`
	Held      bool           `json:"held"`       // the lease, by the swarmd that reports
	FileFault bool           `json:"file_fault"` // the watched file is bad, or cannot be read
	Nodes     map[string]int `json:"nodes"`      // by state
	Services  int            `json:"services"`
	Desired   int            `json:"desired"` // tasks of all services
	Running   int            `json:"running"`
	Steps     int            `json:"steps"`
	Holds     int            `json:"holds"`
	Gaps      int            `json:"gaps"`
}

// Counts leaves out all that names something.
func (r Report) Counts() Brief {
	c := Counts{Pass: r.Pass, At: r.At, Result: r.Result, Converged: r.Converged, Revision: r.Revision, Held: r.Lease.Held, FileFault: r.FileFault != "",
		Nodes: map[string]int{}, Services: len(r.Services), Steps: len(r.Steps), Holds: len(r.Holds), Gaps: len(r.Gaps)}
	for _, n := range r.Nodes {
		if n.NodeID != "" {
			c.Nodes[n.State]++
		}
	}
	for _, s := range r.Services {
		if s.Job {
			continue // its tasks are to end
		}
		c.Desired, c.Running = c.Desired+s.Desired, c.Running+s.Running
	}
	return Brief{Counts: c}
}
