package explore

import (
	"net/http"
	"slices"
	"time"

	"github.com/swarmd/swarmd/pkg/sim"
)

// choice are the single faults of one workflow that are played, taken from its run without a fault. See the package's comment for what is left out.
type choice struct {
	workflow Workflow
	literal  bool // every call counts by itself, and every kind
	signs    []Sign
	seed     uint64
	stands   []standing      // of each call, a write's with itself
	before   []standing      // of each call, a write's without itself
	bursts   []*burst        // that each call is in
	last     map[look]int    // the last call that is such a look
	next     map[int]int     // write, -1 for none yet → the write after it
	met      map[chance]bool // what was met with so far
	thin     sieve
	turn     map[Kind]int // class → which of its kinds is next
	twins    []twin
	akin     map[kindred]Plan // what is played for all that are akin
	kin      []twin           // of these only what is written is the same
}

// standing is what a call is made in: what planners can tell of the world, who has the lease, and the last write before that was more than its renewal.
type standing struct {
	state, lease uint64
	wrote        int
}

// look is a read where it can be told from others.
type look struct {
	call string
	in   standing
}

// chance is where a fault is another one.
type chance struct {
	what Kind
	lie  uint64 // the answer that comes, of a lie
	look
	decides bool
	at      int // of a write
}

// twin is a plan that is left out, because another one does the same but for how the call of the fault is answered.
type twin struct{ left, played Plan }

// classes are kinds of fault that no caller can tell from each other: the clients make one apierr.Kind of them, see TestKindsOfOneClassAreOneToTheClients,
// and all else decides by that. One of each is played at a call, in turns.
func classes(s Sign) [][]Kind {
	if s.Write {
		return [][]Kind{{Cut, Refuse500, Refuse503}, {LostCut, Lost500, Lost502, Lost504}}
	}
	if s.Call == "HEAD /_ping" {
		return nil // Docker's client asks once more by another method, depending on how this one failed
	}
	if s.Status != http.StatusOK {
		return [][]Kind{{Cut, Refuse500}} // half of a refusal is the same refusal, and nobody can change an answer that does not come
	}
	if s.Side == sim.SideCloud {
		return [][]Kind{{Cut, Refuse500}, {HTML, Truncated}} // what is no answer of the API's at all is another kind for some lists
	}
	return [][]Kind{{Cut, Refuse500, HTML, Truncated}}
}

// nearly is how soon a call follows the one before it if nothing else comes between: the ways there and back.
const nearly = 100 * time.Millisecond

func newChoice(w Workflow, signs []Sign) *choice {
	c := &choice{workflow: w, signs: signs, bursts: burstsOf(signs), akin: map[kindred]Plan{}, last: map[look]int{}, next: map[int]int{}, met: map[chance]bool{}, thin: sieve{}, turn: map[Kind]int{}}
	wrote := -1
	for i, s := range signs {
		c.before = append(c.before, standing{s.State, s.Lease, wrote})
		if s.Write && !s.Renews {
			c.next[wrote] = i
			wrote = i
		}
		in := standing{s.State, s.Lease, wrote}
		c.stands = append(c.stands, in)
		c.last[look{s.Call, in}] = i
	}
	return c
}

// faults are those that are played.
func (c *choice) faults(seed uint64) []Plan {
	c.seed = seed
	var plans []Plan
	for i, s := range c.signs {
		for _, k := range Kinds() {
			if !k.Applies(s, c.workflow) || !c.counts(k, i) || !c.thin.lets(k, c.workflow) {
				continue
			}
			class := c.class(k, s)
			c.turn[k]++
			played := c.plan(i, class[c.turn[k]%len(class)])
			for _, k := range class {
				if p := c.plan(i, k); p.Faults[0] != played.Faults[0] {
					c.twins = append(c.twins, twin{p, played})
				}
			}
			plans = append(plans, played)
		}
	}
	return plans
}

func (c *choice) plan(i int, k Kind) Plan {
	return Plan{Workflow: c.workflow.Name, Seed: c.seed, Faults: []Fault{{i + 1, k}}}
}

// class are the kinds that are one with this one and can happen to the call, in the order of Kinds.
func (c *choice) class(k Kind, s Sign) []Kind {
	if c.literal {
		return []Kind{k}
	}
	for _, class := range classes(s) {
		if slices.Contains(class, k) {
			return slices.DeleteFunc(class, func(k Kind) bool { return !k.Applies(s, c.workflow) })
		}
	}
	if (k == EngineDown || k == LeaderChange) && s.Alone {
		return []Kind{LeaderChange, EngineDown} // nobody else can lead: it restarts
	}
	return []Kind{k}
}

// counts reports whether the kind at the call is played, or stands for what is.
func (c *choice) counts(k Kind, i int) bool {
	return c.literal || !c.spoken(k, c.signs[i]) && c.isNew(k, i) && c.isFirst(k, i)
}

// spoken reports whether another kind stands for this one at such a call: the first of its class.
func (c *choice) spoken(k Kind, s Sign) bool { return c.class(k, s)[0] != k }

// isNew reports whether the fault at the call is another one than all before it.
func (c *choice) isNew(k Kind, i int) bool {
	s := c.signs[i]
	what := chance{what: k, look: look{s.Call, c.stands[i]}}
	if k.tells() && s.Lies != nil {
		lie, other := s.Lies[k]
		if !other {
			return false // it leaves the answer as it is
		}
		what.what, what.lie = "lie", lie
	}
	switch {
	case s.Write && !s.Renews:
		what.at = i + 1
	case k == CrashBefore || k == CrashAway:
		what.call = "" // a process that dies takes along what it has read
	case c.unseen(k, i):
		return false
	case k.misleads() && c.met[what]:
		what.decides = c.decides(i)
	}
	was := c.met[what]
	c.met[what] = true
	return !was
}

// decides reports whether the read is of the last look before something is written, and the world has stayed as it is until then.
func (c *choice) decides(i int) bool {
	in := c.stands[i]
	next, ok := c.next[in.wrote]
	return ok && c.last[look{c.signs[i].Call, in}] == i && c.signs[next].State == in.state && c.signs[next].Lease == in.lease
}

// unseen reports whether a call of the same process follows at once which sees what the fault changes, as this one does not: there the fault is the same.
func (c *choice) unseen(k Kind, i int) bool {
	for j := i; ; j++ {
		if k.seenBy(c.signs[j]) {
			return j > i
		}
		if j+1 == len(c.signs) || c.signs[j+1].From != c.signs[i].From || c.signs[j+1].At.Sub(c.signs[j].At) > nearly {
			return false
		}
	}
}

// seenBy reports whether such a call can show to anybody what the fault changes. What it changes is not the call's.
func (k Kind) seenBy(s Sign) bool {
	switch k {
	case EngineDown, LeaderChange:
		return s.Write || s.Side == sim.SideDocker
	case LeaseLost:
		return s.Write || s.Side == sim.SideDocker && (s.Call == "GET /configs" || s.Call == "GET /configs/ID" || s.Call == "GET /events")
	}
	return true
}

// tells reports whether the fault is an answer in good form that is not true.
func (k Kind) tells() bool {
	switch k {
	case Empty, ShortList, StaleStep, StaleStart, OtherIDs, Fewer, OtherStates:
		return true
	}
	return false
}

// misleads reports whether the process goes on with less than the truth.
func (k Kind) misleads() bool {
	return k.tells() || slices.Contains([]Kind{Cut, HTML, NoLeader, NotThere}, k)
}
