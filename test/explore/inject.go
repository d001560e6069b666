package explore

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/swarmd/swarmd/pkg/sim"
)

const (
	pauseFor  = 40 * time.Second
	jumpFor   = 10 * time.Minute
	slowFor   = 8 * time.Second
	engineFor = 1500 * time.Millisecond
)

// injector makes the plan's faults happen.
type injector struct {
	run    *run
	at     map[int]Kind
	random func(n int, s Sign) Kind // in the place of the plan's, if set
	lasts  map[string]lasting
	signs  []Sign
	down   map[string]time.Time // machine → when its engine starts again
	lists  [][]byte             // the list of droplets as it changed, since the workflow was armed
	people person
	last   time.Time   // when something was done last
	over   atomic.Bool // no more faults

	tempts   map[string]temptation // by path: the last answer, of a plan that is watched
	troubles []trouble             // that go on for minutes
	wrong    map[string]time.Time  // machine → when its clock is set right
}

// lasting is a fault of a read that goes on while its client tries again: one that ends before would not be felt by anybody.
type lasting struct {
	kind Kind
	left int // attempts
}

// lastsFor is how many more times the clients try a read that fails.
func lastsFor(k Kind, s Sign) int {
	switch {
	case s.Write:
		return 0
	case !slices.Contains([]Kind{Cut, Hang, Refuse500, Refuse429, NoLeader, HTML, Truncated, ShortList}, k):
		return 0
	case s.Side == sim.SideCloud:
		return 3
	}
	return 2
}

func newInjector(r *run) *injector {
	in := &injector{run: r, at: map[int]Kind{}, lasts: map[string]lasting{}, down: map[string]time.Time{}, wrong: map[string]time.Time{}, people: person{run: r}, tempts: map[string]temptation{}}
	for _, f := range r.plan.Faults {
		in.at[f.At] = f.Kind
	}
	return in
}

func (in *injector) arm() {
	if n := len(in.lists); n > 1 {
		in.lists = in.lists[n-1:]
	}
}

// rest ends all faults.
func (in *injector) rest() { in.over.Store(true) }

// judge decides what happens to a call.
func (in *injector) judge(t *ticket) {
	s := t.sign
	if s.Call == listDroplets {
		t.verdict.Edit = in.remember
	}
	n := in.run.number(t)
	if n <= 0 || in.over.Load() {
		return
	}
	if in.run.plan.Watch {
		s = in.watched(t)
	}
	in.signs = append(in.signs, s)
	k := in.at[n]
	if in.random != nil && k == "" {
		k = in.random(n, s)
	}
	if k == "" || !k.Applies(s, in.run.workflow) {
		switch {
		case in.troubled(t):
			in.signs[len(in.signs)-1].Lies = nil
		default:
			in.goOn(t)
		}
		return
	}
	in.lasts[t.call()] = lasting{k, lastsFor(k, s)}
	t.fault, in.last = k, time.Now()
	in.run.out.Injected[k]++
	in.inflict(t, k)
}

// watched is what kind of call it is, and what faults would find there.
func (in *injector) watched(t *ticket) Sign {
	s, now := t.sign, in.run.observe()
	s.From, s.State, s.Lease, s.At = t.proc.name, in.run.check.digest(now), now.lease(), t.at
	s.Renews = s.Write && in.run.check.renews(now, t)
	s.Alone = len(now.swarm.Members) < 2
	if lies := in.liesTo(s); len(lies) > 0 && len(in.run.plan.Faults) == 0 {
		s.Lies = map[Kind]uint64{}
		t.verdict.Edit = in.tempted(t, lies, s.Lies)
	}
	return s
}

// answered notes how the call was answered, where somebody watches.
func (in *injector) answered(t *ticket) {
	if n := in.run.number(t); in.run.plan.Watch && n > 0 && n <= len(in.signs) {
		in.signs[n-1].Status = t.status
	}
}

// goOn lets a fault go on that lasts.
func (in *injector) goOn(t *ticket) {
	l := in.lasts[t.call()]
	if l.left == 0 {
		return
	}
	in.lasts[t.call()] = lasting{l.kind, l.left - 1}
	t.fault, in.last = l.kind, time.Now()
	in.inflict(t, l.kind)
}

// inflict makes one fault happen.
func (in *injector) inflict(t *ticket, k Kind) {
	switch k {
	case CrashBefore, CrashAfter, CrashAway, Pause, Jump:
		in.strike(t, k)
	case LeaderChange:
		in.moveLeader(t.proc.machine)
	case EngineDown:
		in.stopEngine(t.proc.machine)
	case LeaseLost:
		in.people.takeLease()
	case Human:
		in.people.edit(in.run.number(t))
	case ClockAhead, ClockBack, ClockDay:
		in.setClock(t, clockSteps()[k])
	case HTML, Truncated, Empty, ShortList, StaleStep, StaleStart, OtherIDs, Fewer, OtherStates:
		t.verdict.Edit = in.lie(k, t)
	default:
		if v, ok := verdicts()[k]; ok {
			t.verdict = v
		}
		if a := &in.run.check.actor; (k == Hang || k == LostHang) && strings.HasPrefix(t.path, "/configs/") && a.awake.Before(in.last.Add(hangsFor)) {
			a.awake = in.last.Add(hangsFor) // who waits for the answer to a renewal does not see who has the lease
		}
	}
}

// hangsFor is how long the clients wait for the answer to a write.
const hangsFor = 25 * time.Second

// strike is what happens to the process.
func (in *injector) strike(t *ticket, k Kind) {
	switch k {
	case CrashBefore:
		t.proc.kill()
	case CrashAway:
		in.run.actors.away[t.proc.machine] = time.Now().Add(awayFor)
		t.proc.kill()
	case CrashAfter:
		t.fatal = true
	case Pause:
		in.last = in.last.Add(pauseFor)
		in.run.check.actor.awake = in.last
		in.run.scheduler.pause(t, pauseFor)
	case Jump:
		in.last = in.last.Add(jumpFor)
		in.run.check.actor.awake = in.last
		in.run.scheduler.pause(t, jumpFor)
	}
}

// verdicts of the faults that are the same for every call.
func verdicts() map[Kind]sim.Verdict {
	return map[Kind]sim.Verdict{
		Cut: sim.Cut(), Hang: sim.Stall(false), Slow: sim.Delay(slowFor), LostCut: sim.LoseAnswer(0), LostHang: sim.Stall(true),
		Lost500: sim.LoseAnswer(500), Lost502: sim.LoseAnswer(502), Lost504: sim.LoseAnswer(504),
		Refuse500: sim.Refuse(500, "Server Error"), Refuse503: sim.Refuse(503, "Service Unavailable"),
		Refuse422: sim.Refuse(422, "try again"), Refuse429: sim.Refuse(429, "API Rate limit exceeded."),
		NoLeader: sim.Refuse(500, "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too few managers are online. "+
			"Make sure more than half of the managers are online."),
		NotThere: sim.Refuse(404, "The resource you were accessing could not be found."),
	}
}

// lie changes a true answer.
func (in *injector) lie(k Kind, t *ticket) func(int, http.Header, []byte) (int, []byte) {
	list := t.sign.Call == listDroplets
	return func(status int, h http.Header, body []byte) (int, []byte) {
		if list {
			in.remember(status, h, body)
		}
		switch k {
		case HTML:
			h.Set("Content-Type", "text/html")
			return http.StatusOK, []byte("<html><body><h1>504 Gateway Time-out</h1></body></html>")
		case Truncated:
			return status, body[:len(body)/2]
		case Empty:
			if list {
				return status, []byte(`{"droplets":[],"links":{},"meta":{"total":0}}`)
			}
			return status, []byte("[]")
		case ShortList:
			return status, shorten(body)
		case StaleStep:
			return status, in.lists[max(0, len(in.lists)-2)]
		case StaleStart:
			return status, in.lists[0]
		case OtherIDs, Fewer, OtherStates:
			return status, in.falsify(k, body)
		}
		return status, body
	}
}

// remember keeps the lists of droplets.
func (in *injector) remember(status int, _ http.Header, body []byte) (int, []byte) {
	if n := len(in.lists); status == http.StatusOK && (n == 0 || !bytes.Equal(in.lists[n-1], body)) {
		in.lists = append(in.lists, bytes.Clone(body))
	}
	return status, body
}

// shorten takes the last droplet out of a list and leaves the total.
func shorten(body []byte) []byte {
	var page map[string]any
	if json.Unmarshal(body, &page) != nil {
		return body
	}
	if all, ok := page["droplets"].([]any); ok && len(all) > 0 {
		page["droplets"] = all[:len(all)-1]
	}
	short, err := json.Marshal(page)
	if err != nil {
		return body
	}
	return short
}

// moveLeader hands over to another manager; the only one there is restarts.
func (in *injector) moveLeader(machine string) {
	if e := in.run.world.Engine(machine); e != nil && !e.MoveLeader() {
		in.stopEngine(machine)
	}
}

func (in *injector) stopEngine(machine string) {
	if in.run.world.CrashEngine(machine) == nil {
		in.down[machine] = time.Now().Add(engineFor)
	}
}

// step starts engines again.
func (in *injector) step() {
	in.rightClocks()
	for _, machine := range slices.Sorted(maps.Keys(in.down)) {
		if !time.Now().Before(in.down[machine]) {
			delete(in.down, machine)
			in.last = time.Now()
			if in.run.world.Engine(machine) != nil {
				_ = in.run.world.StartEngine(machine) // a droplet that was deleted meanwhile has none
			}
		}
	}
}

func (in *injector) restarting(machine string) bool { _, down := in.down[machine]; return down }
