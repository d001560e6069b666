package explore

import (
	"net/http"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
)

// The bounds on what a swarmd says and asks, whatever the world is like. Machines are droplets and nodes.
const (
	reportBytes      = 8 << 10
	reportPerMachine = 1 << 10
	logBytes         = 32 << 10
	logPerMachine    = 1 << 10
	logPerHour       = 256 << 10
	callsPerSlot     = 300 // to the cloud, of one process
	callsSlot        = 10 * time.Minute
)

// tally is how often a process has asked the cloud since then.
type tally struct {
	since time.Time
	calls int
}

// counted: no process asks the cloud more often than the account's limit bears for hours, with two other clusters beside.
func (c *checks) counted(t *ticket) {
	if !strings.HasPrefix(t.path, "/v2/") {
		return
	}
	n := c.tallies[t.proc.name]
	if time.Since(n.since) >= callsSlot {
		n = tally{since: time.Now()}
	}
	if n.calls++; n.calls == callsPerSlot+1 {
		c.run.violate("hot-loop", "%s made more than %d calls within %s", t.proc.name, callsPerSlot, callsSlot)
	}
	c.tallies[t.proc.name] = n
}

// bounded: the ledger, and at the end the report and the log of each process, are no longer than what they are about permits.
func (c *checks) bounded(s *state, p *process, report []byte) {
	machines := len(s.swarm.Nodes) + len(s.droplets)
	if n, most := len(report), reportBytes+reportPerMachine*machines; n > most {
		c.run.violate("bounds", "the report of %s has %d bytes, %d are the most for %d machines", p.name, n, most, machines)
	}
	lived := time.Since(p.began)
	for _, made := range c.created {
		machines += len(made) // the log tells of those that came and went, too
	}
	if n, most := len(p.logs.String()), logBytes+logPerMachine*machines+int(logPerHour*lived.Hours()); n > most {
		c.run.violate("bounds", "the log of %s has %d bytes after %s, %d are the most for %d machines, made ones counted", p.name, n, lived, most, machines)
	}
	c.untold(s, string(report), p.logs.String())
	if n := s.ledger.Size(); n > ledger.MaxBytes {
		c.run.violate("bounds", "the ledger has %d bytes", n)
	}
}

// strangeNode: nothing but a drain happens to a node that somebody has joined and that is none of the cluster's.
func (c *checks) strangeNode(s *state, t *ticket, id string) {
	for _, n := range s.swarm.Nodes {
		if n.ID != id || !stranger(n) {
			continue
		}
		if t.method == http.MethodDelete {
			c.run.violate("foreign", "%s %s: the node at %s is not the cluster's", t.method, t.path, n.Status.Addr)
		}
	}
}
