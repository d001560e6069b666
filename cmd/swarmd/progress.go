package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// progress shows how a revision becomes true: lines for what is done and held, and on a terminal a bar for each pool and service.
type progress struct {
	app   *cli
	began time.Time
	out   io.Writer
	bars  *mpb.Progress // nil when it is no terminal
	known map[string]*mpb.Bar
	said  map[string]string // topic → what was said last

	listed map[string]map[string]bool // topic → the lines that the last report had

	lease report.Lease // of another holder, as it was seen first
	waits string       // the holder that was said to be waited for

	rolls   bool      // a roll-out goes on as the last report has it: nothing waits for a reason that is to be told
	unheard time.Time // since when the swarmd that acts is asked and does not answer; zero: it answered, or nobody has asked

	managers []report.Node // of the last report that saw the nodes
	acted    bool          // this process held the lease then
}

func (a *cli) newProgress() *progress {
	p := &progress{app: a, began: time.Now(), out: a.out, known: map[string]*mpb.Bar{}, said: map[string]string{}, listed: map[string]map[string]bool{}}
	if isTerminal(a.out) && a.Getenv("TERM") != "dumb" {
		p.bars = mpb.New(mpb.WithOutput(a.out), mpb.WithWidth(40), mpb.WithRefreshRate(150*time.Millisecond))
		p.out = p.bars
	}
	return p
}

// slowLook is how long a look may take without a word about it.
const slowLook = 5 * time.Second

// close leaves the bars as they are and gives the terminal back.
func (p *progress) close() {
	if p.bars == nil {
		return
	}
	for _, b := range p.known {
		b.Abort(false)
	}
	p.bars.Wait()
	p.bars, p.out = nil, p.app.out
}

func (p *progress) say(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	printf(p.out, "%6.1fs  %s\n", time.Since(p.began).Seconds(), p.app.redact(line))
}

// unheardFor is how long something may wait without a word of why, where the swarmd that acts does not answer.
const unheardFor = 10 * time.Second

// asked takes in whether the swarmd that acts, which was asked why something waits, has answered. What it has tried in vain it alone remembers. It is of
// no use before a revision is followed.
func (p *progress) asked(answered bool, at time.Time) {
	switch {
	case p == nil:
	case answered, p.rolls:
		p.unheard = time.Time{}
	case p.unheard.IsZero():
		p.unheard = at
	case at.Sub(p.unheard) >= unheardFor:
		p.once("unheard", "what is left waits, and why is known to the swarmd that acts alone, which does not answer from here: swarmd status on its machine says it, or with --address and --read-token-file")
	}
}

// once says something about a topic unless it was the last thing said about it.
func (p *progress) once(topic, line string) {
	if p.said[topic] != line {
		p.said[topic] = line
		p.say("%s", line)
	}
}

// tell takes in a report.
func (p *progress) tell(r report.Report) {
	if p.done(r) {
		p.steps(r.Steps)
	}
	p.lines("holds", holdLines(r.Holds))
	p.lines("gaps", p.app.gapLines(r.Gaps))
	p.lines("acting gaps", actingGapLines(r.ActingGaps))
	p.remember(r)
	if r.Error != "" {
		p.once("error", r.Error)
	}
	if r.Took > slowLook {
		p.say("a look took %s", r.Took.Round(100*time.Millisecond))
	}
	for _, c := range r.Pools {
		p.count("pool "+c.Pool, c.Ready, c.Desired, "ready")
	}
	p.rolls = false
	for _, c := range r.Services {
		p.rolls = p.rolls || c.RollOut.State == plan.RollOutRunning
		if c.Job {
			p.count("job "+c.Service, c.Completed, c.Desired, "completed")
		} else {
			p.count("service "+c.Service, c.Running, c.Desired, "running")
		}
		p.rollOut(c)
	}
}

// rollOut says how far a service's roll-out is, and what its newest task that waits or failed says.
func (p *progress) rollOut(c plan.ServiceCount) {
	switch r := c.RollOut; {
	case r.Error != "":
		p.once("task error "+c.Service, c.Service+": "+r.Text(c.Desired))
	case c.Error != "":
		p.once("task error "+c.Service, c.Service+": "+c.Error)
	case c.Update == swarm.Updating, r.State.Bad():
		p.once("roll-out "+c.Service, c.Service+": "+r.Text(c.Desired))
	case c.Job:
	case bakesNow(c):
		p.once("roll-out "+c.Service, c.Service+": "+bakes)
	}
}

// bakes is said of a service whose roll-out has replaced all tasks and has not succeeded yet.
const bakes = "all tasks run; it has succeeded when they have done so for a while (policies.bake)"

func bakesNow(c plan.ServiceCount) bool {
	return c.RollOut.State == plan.RollOutRunning && c.RollOut.Updated == c.Desired && c.Running == c.Desired && c.Surge == 0
}

// lateLease is the age of a lease that whoever holds it should have renewed.
const lateLease = ledger.RenewPeriod + ledger.RetryPeriod

// done reports whether somebody is seen to do the steps. A holder that may be dead does none, and is waited for until its lease ends.
func (p *progress) done(r report.Report) bool {
	l := r.Lease
	switch age := r.At.Sub(l.Renewed); {
	case l.Held:
		return true
	case l.Holder == "":
		return false
	case l.Holder != p.lease.Holder:
		p.lease = l
	case !l.Renewed.Equal(p.lease.Renewed):
		p.once("lease", l.Who()+" acts")
		return age < ledger.LeaseDuration
	case age >= lateLease && age < ledger.LeaseDuration:
		if p.waits == l.Holder {
			return false
		}
		p.waits = l.Holder
		p.say("waiting for %s, whose lease ends in %s", l.Who(), (ledger.LeaseDuration - age).Round(time.Second))
	}
	return false
}

// lines says those that the report before did not have.
func (p *progress) lines(topic string, lines []string) {
	now := map[string]bool{}
	for _, line := range lines {
		if !p.listed[topic][line] && !now[line] {
			p.say("%s", line)
		}
		now[line] = true
	}
	p.listed[topic] = now
}

// steps says what was not said of the report before: who follows plans anew each time, with other operation ids for the same wish.
func (p *progress) steps(steps []report.Step) {
	var lines []string
	for _, s := range steps {
		line, failed := stepLine(s.Action, s.Object, s.Text), s.Outcome != "" && s.Outcome != execute.Done
		if line == "" && !failed && s.Warning == "" {
			continue
		}
		if line == "" {
			line = "~ " + s.Object + ": " + s.Text
		}
		if failed {
			line += fmt.Sprintf(" (%s: %s)", s.Outcome, s.Error)
		}
		if s.Warning != "" {
			line += " (warning: " + s.Warning + ")"
		}
		lines = append(lines, line)
	}
	p.lines("steps", lines)
}

// remember keeps who else manages the swarm, for when the engine at hand does not any more.
func (p *progress) remember(r report.Report) {
	if len(r.Nodes) == 0 || slices.ContainsFunc(r.Gaps, func(g world.Gap) bool { return g.What == world.GapNodes }) {
		return
	}
	p.managers, p.acted = nil, r.Lease.Held
	for _, n := range r.Nodes {
		if n.Role == "manager" && n.NodeID != r.Node {
			p.managers = append(p.managers, n)
		}
	}
}

// elsewhere is where to follow a revision when the engine at hand is no manager any more.
func (p *progress) elsewhere(revision int) string {
	msg := fmt.Sprintf("the engine at DOCKER_HOST is no manager any more; revision %d is accepted", revision)
	if p.acted {
		msg += ", and no swarmd was seen to act but this one; go on from another manager with swarmd apply"
	} else {
		msg += ", and swarmd on the managers goes on; follow it at another one with swarmd status"
	}
	for i, n := range p.managers {
		if i == 0 {
			msg += ": "
		} else {
			msg += ", or "
		}
		msg += "DOCKER_HOST=ssh://root@" + cmp.Or(n.PublicIPv4, n.Address) + " (" + n.Name + ")"
	}
	return msg
}

func (p *progress) count(what string, have, want int, word string) {
	if p.bars == nil {
		p.once(what, fmt.Sprintf("%s: %d of %d %s", what, have, want, word))
		return
	}
	b, ok := p.known[what]
	if !ok {
		b = p.bars.AddBar(0, mpb.PrependDecorators(decor.Name(plain(what), decor.WCSyncSpaceR), decor.CountersNoUnit("%d/%d", decor.WCSyncSpace)))
		p.known[what] = b
	}
	b.SetTotal(int64(max(want, 1))+1, false) // one more than there can be: a full bar must not complete, it may go down again
	b.SetCurrent(int64(have))
}
