package explore

import (
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/sim"
)

// Kind of a fault.
type Kind string

// The kinds of fault.
const (
	CrashBefore  Kind = "crash-before"  // the process dies, the call was not sent
	CrashAfter   Kind = "crash-after"   // it dies when the call had its effect
	CrashAway    Kind = "crash-away"    // it dies and is not started again for so long that the lease ends
	Pause        Kind = "pause"         // it stands still for longer than the lease, then goes on
	Jump         Kind = "jump"          // it stands still for longer than any plan is good for
	LeaderChange Kind = "leader-change" // another manager leads; all nodes are UNKNOWN for a while
	EngineDown   Kind = "engine-down"   // the engine that it talks to restarts
	LeaseLost    Kind = "lease-lost"    // somebody else holds the lease, and is never heard of again
	Human        Kind = "human"         // a person edits something
	Cut          Kind = "cut"           // the connection is reset before the effect
	Hang         Kind = "hang"          // no effect and no answer until the caller's deadline
	Slow         Kind = "slow"          // effect and answer come after 8 s
	LostCut      Kind = "lost-cut"      // effect, then a reset
	LostHang     Kind = "lost-hang"     // effect, then no answer until the caller's deadline
	Lost500      Kind = "lost-500"      // effect, then a status
	Lost502      Kind = "lost-502"
	Lost504      Kind = "lost-504"
	Refuse500    Kind = "refuse-500" // a status in the place of the effect
	Refuse503    Kind = "refuse-503"
	Refuse422    Kind = "refuse-422"
	Refuse429    Kind = "refuse-429"
	NoLeader     Kind = "no-leader"    // the engine's own words for a swarm without a leader
	HTML         Kind = "html"         // a proxy's page with status 200
	Truncated    Kind = "truncated"    // half of the answer
	Empty        Kind = "empty"        // an empty list with status 200
	ShortList    Kind = "short-list"   // an entry is missing, the total is as ever
	StaleStep    Kind = "stale-step"   // the list as it was before its last change
	StaleStart   Kind = "stale-start"  // the list as it was when the workflow was armed
	NotThere     Kind = "not-there"    // a droplet that exists answers 404
	ClockAhead   Kind = "clock-ahead"  // the clock on the process's wall is ten minutes ahead, for a while
	ClockBack    Kind = "clock-back"   // it is ten minutes behind
	ClockDay     Kind = "clock-day"    // it is a day ahead
	OtherIDs     Kind = "other-ids"    // a true answer in which the ids are changed round
	Fewer        Kind = "fewer"        // one in which the first is missing, of the total too
	OtherStates  Kind = "other-states" // one in which what is up is down, and the other way round
)

// Kinds are all of them.
func Kinds() []Kind {
	return []Kind{CrashBefore, CrashAfter, CrashAway, Pause, Jump, LeaderChange, EngineDown, LeaseLost, Human, Cut, Hang, Slow, LostCut, LostHang,
		Lost500, Lost502, Lost504, Refuse500, Refuse503, Refuse422, Refuse429, NoLeader, HTML, Truncated, Empty, ShortList, StaleStep, StaleStart, NotThere,
		ClockAhead, ClockBack, ClockDay, OtherIDs, Fewer, OtherStates}
}

// Sign is what kind of call one was.
type Sign struct {
	Side  sim.Side
	Write bool
	Call  string // method and path, with ids taken out

	// Of a plan that is watched only.
	From   string          // the process
	State  uint64          // digest of the world before it
	Lease  uint64          // digest of who has the lease then
	Renews bool            // it writes the lease
	Alone  bool            // there is one manager, or none
	At     time.Time       // when it went
	Status int             // of the answer, 0 if there was none at once
	Lies   map[Kind]uint64 // by a kind that lies: digest of what it makes of the answer, if that is another one; nil: not known
}

// signed finds out what kind of call it is.
func (t *ticket) signed() Sign {
	return Sign{Side: t.side, Write: t.write(), Call: t.method + " " + withoutIDs(t.path)}
}

// withoutIDs takes the ids out of a path.
func withoutIDs(path string) string {
	if strings.Count(path, "/") == 1 {
		return path // a list: there is no id in it
	}
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if i > 1 && (strings.ContainsAny(p, "0123456789") || len(p) > 15) && p != "v2" {
			parts[i] = "ID"
		}
	}
	if len(parts) > 2 && parts[1] == "distribution" {
		return "/distribution/ID/json"
	}
	return strings.Join(parts, "/")
}

const (
	listDroplets  = "GET /v2/droplets"
	createDroplet = "POST /v2/droplets"
	deleteDroplet = "DELETE /v2/droplets/ID"
	getDroplet    = "GET /v2/droplets/ID"
	actOnDroplet  = "POST /v2/droplets/ID/actions"
)

// Applies reports whether the fault can happen to such a call.
func (k Kind) Applies(s Sign, w Workflow) bool {
	stream := s.Call == "GET /events"
	switch k {
	case CrashBefore, Pause, EngineDown, LeaderChange, LeaseLost, Human, Cut, ClockAhead, ClockBack, ClockDay:
		return true
	case OtherIDs, Fewer, OtherStates:
		return k.lies(s, w)
	case Jump:
		return !w.Several
	case CrashAway:
		return w.Several
	case Hang, Slow:
		return !stream
	case CrashAfter, LostCut, LostHang, Lost500:
		return s.Write
	case Lost502, Lost504, Refuse503, Refuse422:
		return s.Write && s.Side == sim.SideCloud
	case Refuse500:
		return !stream
	case Refuse429:
		return s.Side == sim.SideCloud
	case NoLeader:
		return s.Side == sim.SideDocker && !stream && s.Call != "HEAD /_ping" && s.Call != "GET /info"
	case HTML, Truncated:
		return !s.Write && !stream && s.Call != "HEAD /_ping"
	case Empty:
		return isList(s.Call)
	case ShortList, StaleStep, StaleStart:
		return s.Call == listDroplets && w.Pages == 0
	case NotThere:
		return s.Call == getDroplet
	}
	return false
}

func isList(class string) bool {
	switch class {
	case listDroplets, "GET /nodes", "GET /services", "GET /networks", "GET /configs":
		return true
	}
	return false
}
