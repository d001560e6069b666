package reconcile

import (
	"slices"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/world"
)

// arrivals is since when this process has known nodes that never had a host name, by node id. What a failed join leaves behind looks so, and goes
// after a while; so does every machine some seconds after its join. How old a node is the engine says by its own clock, and the clock here may be ahead
// of that by a day: then a machine that has just joined would be taken for a failure. So a node is no older than this process has known it. It is a value: age makes the next one.
type arrivals map[string]time.Time

// age returns what is remembered after a look, and its machines, of which no node without a host name is older than that by the clock on the wall. now has a monotonic reading.
func (a arrivals) age(ms []world.Machine, wall, now time.Time) (arrivals, []world.Machine) {
	next, out := arrivals{}, slices.Clone(ms)
	for i, m := range ms {
		if m.Node == nil || m.Node.Hostname != "" {
			continue
		}
		since, ok := a[m.Node.ID]
		if !ok {
			since = now
		}
		next[m.Node.ID] = since
		if born := wall.Add(-now.Sub(since)); m.Node.Created.Before(born) && !m.Node.Created.IsZero() {
			n := *m.Node
			n.Created = born
			out[i].Node = &n
		}
	}
	return next, out
}
