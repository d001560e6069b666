package explore

import (
	"fmt"
	"slices"
	"strings"
)

// burst are calls of one process that come at once one after the other: the reads of a look, and what follows from them.
type burst struct {
	calls []int
	reads map[string]int // how many there are of each
}

// burstsOf are those that the calls are in.
func burstsOf(signs []Sign) []*burst {
	in, last := make([]*burst, len(signs)), map[string]int{} // process → its last call
	for i, s := range signs {
		if before, any := last[s.From]; any && s.At.Sub(signs[before].At) <= nearly {
			in[i] = in[before]
		} else {
			in[i] = &burst{reads: map[string]int{}}
		}
		last[s.From], in[i].calls = i, append(in[i].calls, i)
		if !s.Write {
			in[i].reads[s.Call]++
		}
	}
	return in
}

// kindred is what faults in one burst have in common of which only one is played.
type kindred struct {
	*burst
	kind  Kind
	reads string // the call whose answer is missing or late, or what is in its place
	until int    // the first call that shows what is other than before
	in    standing
}

// blind is in the place of a read without which nothing at all is decided, whatever else a look shows.
const blind = "blind"

// blindWithout are those reads but for the ledger's: it may be read by who looks after the lease, too.
var blindWithout = []string{"GET /info", "GET /swarm", "GET /nodes"}

// otherReads are a look's others that nobody else makes so seldom as once in a burst.
var otherReads = []string{"GET /services", "GET /tasks", "GET /networks"}

// isFirst reports whether nothing is played that the fault at the call is akin to. What is left out so is kept for Twins.
func (c *choice) isFirst(k Kind, i int) bool {
	kin, ok := c.kindOf(k, i)
	if !ok {
		return true
	}
	kin.burst = c.bursts[i]
	p := c.plan(i, k)
	played, met := c.akin[kin]
	switch {
	case !met:
		c.akin[kin] = p
	case c.workflow.Sparse < long: // with half of the world out of order for minutes, a workflow's own waiting may come to an end before it does
		c.kin = append(c.kin, twin{p, played})
	}
	return !met
}

// kindOf is what the fault has in common with others of its burst, if it has anything.
func (c *choice) kindOf(k Kind, i int) (kindred, bool) {
	switch k {
	case CrashBefore, CrashAway: // a process that dies takes along what it has read, and what it was about to write
		return kindred{kind: k, in: c.before[i]}, true
	case CrashAfter:
		j, ok := c.follower(i)
		return kindred{kind: CrashBefore, in: c.before[j]}, ok
	case Cut, Refuse500, HTML, Truncated, Hang, NoLeader:
		missing, ok := c.missing(k, i)
		if k == NoLeader {
			k = Cut
		}
		return kindred{kind: k, reads: missing, in: c.stands[i]}, ok
	case EngineDown, LeaderChange:
		return kindred{kind: k, reads: blind, in: c.stands[i]}, c.blinds(k, i)
	case Human:
		return kindred{kind: Kind(fmt.Sprint(k, sortOfEdit(i+1))), until: c.until(k, i), in: c.stands[i]}, true
	case Pause, Jump:
		return kindred{kind: k, until: c.until(k, i), in: c.stands[i]}, true
	case Slow:
		return kindred{kind: k, reads: idle, in: c.stands[i]}, c.bursts[i].reads[c.signs[i].Call] == 1 && !c.shows(Pause, i, i)
	}
	return kindred{}, false
}

// idle is in the place of a read whose answer stays as it is while its process waits.
const idle = "idle"

// showing are the reads that show what a person does, see person.edit.
var showing = [...][]string{
	{"GET /nodes"},
	{listDroplets, getDroplet},
	{"GET /services", "GET /services/ID", "GET /tasks"},
	{"GET /nodes", "GET /tasks"},
}

// until returns the first call from this one on, of those that come at once, whose answer may be another one because of the fault.
func (c *choice) until(k Kind, i int) int {
	last := i
	for _, j := range c.bursts[i].calls {
		if j < i {
			continue
		}
		if c.before[j] != c.stands[i] {
			break
		}
		if last = j; c.shows(k, i, j) {
			break
		}
	}
	return last
}

// shows reports whether the answer to a call may be another one because a person has done what they do at call i, or because time has passed. While the
// only swarmd waits, nobody changes networks, or how the swarm is set up.
func (c *choice) shows(k Kind, i, j int) bool {
	call := c.signs[j].Call
	if k == Human {
		return slices.Contains(showing[sortOfEdit(i+1)], call)
	}
	return c.workflow.Several || call != "GET /networks" && call != "GET /swarm"
}

// follower returns the call of the same process that comes at once after a write that was done, and whether one does before anything else is written.
// Of a write that is refused it is not the same: the fault takes the refusal's place. Nor is it of one of the ledger: a person may wait for the process's
// word that the file is accepted, which comes in between.
func (c *choice) follower(i int) (j int, ok bool) {
	calls := c.bursts[i].calls
	at, _ := slices.BinarySearch(calls, i)
	if at+1 == len(calls) {
		return i, false
	}
	j = calls[at+1]
	s := c.signs[i]
	awaited := strings.HasPrefix(s.Call, "POST /configs/") && !s.Renews
	return j, s.Status/100 == 2 && !awaited && c.before[j].wrote == c.stands[i].wrote
}

// missing returns what a look lacks when the call fails, and whether it is known that it is a look's and that nobody asks why it has failed: the
// engine's word for a swarm without a leader counts where the nodes are asked for.
func (c *choice) missing(k Kind, i int) (what string, known bool) {
	s, b := c.signs[i], c.bursts[i]
	if s.Write || !b.looks() || b.reads[s.Call] != 1 || k == NoLeader && s.Call == "GET /nodes" {
		return "", false
	}
	if slices.Contains(blindWithout, s.Call) {
		return blind, true
	}
	return s.Call, slices.Contains(otherReads, s.Call)
}

// blinds reports whether a look is blind because its engine is down from the call on, or another manager leads before the nodes were read, which are all
// unknown then. Where a manager is alone it is its engine that is down.
func (c *choice) blinds(k Kind, i int) bool {
	s, b := c.signs[i], c.bursts[i]
	return !s.Write && b.looks() && slices.ContainsFunc(b.calls, func(j int) bool {
		call := c.signs[j].Call
		return j >= i && c.stands[j] == c.stands[i] && b.reads[call] == 1 && (call == "GET /nodes" || (k == EngineDown || s.Alone) && slices.Contains(blindWithout, call))
	})
}

// looks reports whether there is a look in the burst.
func (b *burst) looks() bool {
	return !slices.ContainsFunc(slices.Concat(blindWithout, otherReads), func(call string) bool { return b.reads[call] == 0 })
}
