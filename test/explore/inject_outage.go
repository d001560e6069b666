package explore

import (
	"net/http"
	"slices"
	"time"

	"github.com/swarmd/swarmd/pkg/sim"
)

// trouble is what goes wrong for minutes, with every call that it hits. It is not one of the faults of a plan: the workflow has it.
type trouble struct {
	name    Kind // in a trace
	hits    func(*ticket) bool
	verdict func(*ticket) sim.Verdict
}

// during has a trouble for a while.
func (r *run) during(t trouble, d time.Duration) {
	if r.broken {
		return
	}
	r.begins(t)
	r.wait(d)
	r.ends(t)
}

func (r *run) begins(t trouble) {
	r.scheduler.sync()
	r.faults.last, r.faults.troubles = time.Now(), append(r.faults.troubles, t)
	r.scheduler.remark("%s begins", t.name)
}

func (r *run) ends(t trouble) {
	r.scheduler.sync()
	r.faults.last = time.Now()
	r.faults.troubles = slices.DeleteFunc(r.faults.troubles, func(o trouble) bool { return o.name == t.name })
	r.scheduler.remark("%s is over", t.name)
}

// troubled lets a trouble have the call, and reports whether one does.
func (in *injector) troubled(t *ticket) bool {
	for _, trouble := range in.troubles {
		if trouble.hits(t) {
			t.fault, t.verdict = trouble.name, trouble.verdict(t)
			return true
		}
	}
	return false
}

// outage is a whole side that does not work. How a call fails goes by its number: some writes have their effect all the same.
func outage(side sim.Side) trouble {
	return trouble{Kind("no-" + string(side)), func(t *ticket) bool { return t.side == side }, func(t *ticket) sim.Verdict {
		switch t.n % 4 {
		case 0:
			return sim.Cut()
		case 1:
			return sim.Stall(t.write())
		case 2:
			return sim.Refuse(http.StatusServiceUnavailable, "Service Unavailable")
		}
		if t.write() {
			return sim.LoseAnswer(http.StatusGatewayTimeout)
		}
		return sim.Refuse(http.StatusInternalServerError, "Server Error")
	}}
}

// revoked is a token that the cloud knows no more.
func revoked() trouble {
	return trouble{"401", func(t *ticket) bool { return t.side == sim.SideCloud }, func(*ticket) sim.Verdict {
		return sim.Refuse(http.StatusUnauthorized, "Unable to authenticate you")
	}}
}

// unanswered are creates that have their effect, of which nobody hears.
func unanswered() trouble {
	return trouble{"unanswered", func(t *ticket) bool { return t.sign.Call == createDroplet }, func(*ticket) sim.Verdict { return sim.LoseAnswer(0) }}
}

// forbidden is a token that lacks the scope for one kind of call.
func forbidden(call string) trouble {
	return trouble{"403", func(t *ticket) bool { return t.sign.Call == call }, func(*ticket) sim.Verdict {
		return sim.Refuse(http.StatusForbidden, "You are not authorized to perform this operation")
	}}
}

// cutOff takes a machine off the network for a while. What runs on it goes on, and reaches its own engine alone.
func (r *run) cutOff(machine string, d time.Duration) {
	if r.broken {
		return
	}
	if err := r.world.CutOff(machine, true); err != nil {
		r.violate("harness", "cut off: %v", err)
		return
	}
	r.scheduler.sync()
	r.faults.last = time.Now()
	r.scheduler.remark("%s is cut off", machine)
	r.wait(d)
	_ = r.world.CutOff(machine, false) // it may have left meanwhile
	r.scheduler.sync()
	r.faults.last = time.Now()
	r.scheduler.remark("%s is back", machine)
}

// creating waits until a droplet's create was sent.
func (r *run) creating() {
	for range 60 {
		if r.broken || r.observe().opened() {
			return
		}
		r.wait(tick / 4)
	}
	r.violate("harness", "no create was begun")
}

// opened reports whether an operation is open.
func (s *state) opened() bool { return len(s.ledger.Ops) > 0 }
