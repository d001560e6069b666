package swarm

import (
	"strings"
	"time"
)

// Maintenance is why a node stays drained, in its label LabelMaintenance: a person said so. It ends when a person says so, or edits the availability
// that the file wants of the node's pool.
type Maintenance struct {
	Since time.Time
	Pool  Availability // what the file wanted of the pool then
	By    string       // who said so, for people
}

// String is the label's value: "TIME AVAILABILITY WHO", the time as in RFC 3339.
func (m Maintenance) String() string {
	return m.Since.UTC().Format(time.RFC3339) + " " + string(m.Pool) + " " + m.By
}

// Maintained reads the label; ok reports whether the node has it. A value that somebody else wrote counts, too: the node stays drained.
func (s NodeSpec) Maintained() (m Maintenance, ok bool) {
	value, ok := s.Labels[LabelMaintenance]
	if !ok {
		return Maintenance{}, false
	}
	at, rest, _ := strings.Cut(value, " ")
	pool, by, _ := strings.Cut(rest, " ")
	since, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return Maintenance{By: value}, true
	}
	return Maintenance{Since: since, Pool: Availability(pool), By: by}, true
}
