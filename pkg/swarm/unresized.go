package swarm

import (
	"strconv"
	"strings"
	"time"
)

// Unresized is why a node's machine has not the size that the file wants, in its label LabelUnresized: swarmd tried to resize it in place. It ends when
// the file wants another size, or the machine has it.
type Unresized struct {
	Size  string // that it was to get
	Tries int
	Tried time.Time // the last of them
	Why   string    // for people
}

// String is the label's value: "SIZE TRIES TIME WHY", the time as in RFC 3339.
func (u Unresized) String() string {
	return strings.Join([]string{u.Size, strconv.Itoa(u.Tries), u.Tried.UTC().Format(time.RFC3339), u.Why}, " ")
}

// Unresized reads the label; ok reports whether the node has one that swarmd wrote.
func (s NodeSpec) Unresized() (u Unresized, ok bool) {
	parts := strings.SplitN(s.Labels[LabelUnresized], " ", 4)
	if len(parts) < 4 {
		return Unresized{}, false
	}
	tries, err := strconv.Atoi(parts[1])
	if err != nil {
		return Unresized{}, false
	}
	tried, err := time.Parse(time.RFC3339, parts[2])
	return Unresized{parts[0], tries, tried, parts[3]}, err == nil
}
