package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// stranded is what a swarmd knows of the managers while the swarm has no leader. The lease is in the swarm's store, so nobody can hold it then, and
// nobody acts. One thing is safe to do without it, for every swarmd at once: to switch on a manager that is off. That changes nothing of one that
// runs, and nothing else brings the majority back. It is a value: see and learn make the next one; it is a memory of this process.
type stranded struct {
	managers []strandedManager // as of the last look that saw everything
	known    time.Time         // when that was; zero: no such look was taken, and the engine alone says who they are
	since    time.Time         // the first look in a row in which the swarm had no leader; zero: it has one, or that is not known
	last     time.Time         // look
	tries    map[int]tries     // by droplet id, since it is so
	allOff   map[int]bool      // droplets of the managers that are off, as seen last
	gone     map[int]bool      // those that the list does not show
}

type strandedManager struct {
	droplet int
	name    string
	left    bool // as it is: somebody keeps it out of service, or it leaves
}

type tries struct {
	n    int
	last time.Time
}

// How long the swarm must have no leader in each look before a manager is switched on. An election takes seconds. Where so many are off that no
// majority can be, nobody else can switch them on. Else this machine may be the one that is cut off, and the others have a leader, who would have
// switched it on by then: what is off still, somebody may mean to be.
const (
	strandedGrace = time.Minute
	cutOffGrace   = 5 * time.Minute
)

// see returns what is known after a look. Kept are the objects that a person keeps swarmd off, as a hold names them.
func (s stranded) see(w world.World, kept map[string]bool, now time.Time) stranded {
	next := stranded{managers: s.managers, known: s.known, last: now}
	switch {
	case len(w.Gaps) == 0 && !w.NoDroplets:
		next.managers, next.known = managersOf(w, kept), now
		return next
	case !leaderless(w):
		return next
	}
	next.since, next.tries = s.since, s.tries
	if next.since.IsZero() || now.Sub(s.last) > lookBreak {
		next.since = now
	}
	if !known(w, world.GapDroplets) || w.NoDroplets {
		return next
	}
	next.allOff, next.gone = map[int]bool{}, map[int]bool{}
	for _, m := range next.managers {
		d, there := dropletOf(w, m.droplet)
		next.allOff[m.droplet], next.gone[m.droplet] = there && d.Status == cloud.StatusOff && !d.Locked, !there
	}
	return next
}

// leaderless reports whether the engine said that the swarm has no leader.
func leaderless(w world.World) bool {
	return slices.ContainsFunc(w.Gaps, func(g world.Gap) bool { return g.What == world.GapNodes && g.Kind == apierr.NoLeader })
}

// managersOf are the managers that swarmd made.
func managersOf(w world.World, kept map[string]bool) (out []strandedManager) {
	for _, m := range w.Machines {
		if m.Node == nil || m.Node.Manager == nil {
			continue
		}
		_, maintained := m.Node.Spec.Maintained()
		_, id := plan.Ails(m)
		leaves := m.Op != nil && (m.Op.Kind == ledger.Delete || m.Op.Kind == ledger.Resize) // a resize needs it off; the others bring it back
		name := report.NameOf(m)
		left := kept["node/"+name] || kept[ledger.PausedPool+m.Pool] || kept[ledger.PausedCluster]
		out = append(out, strandedManager{id, name, left || maintained || leaves || m.Adopted || !m.Owned})
	}
	return out
}

// peers are the managers as the engine knows them, by the addresses of their droplets.
func (s stranded) peers(w world.World, peers []swarm.Peer) (out []strandedManager) {
	for _, p := range peers {
		host, _, _ := net.SplitHostPort(p.Addr) // what is no address is no droplet's
		for _, m := range w.Machines {
			if m.Droplet != nil && host != "" && m.Droplet.PrivateIPv4 == host {
				out = append(out, strandedManager{m.Droplet.ID, m.Droplet.Name, false})
			}
		}
	}
	return out
}

func dropletOf(w world.World, id int) (cloud.Droplet, bool) {
	for _, m := range w.Machines {
		if m.Droplet != nil && m.Droplet.ID == id {
			return *m.Droplet, true
		}
	}
	return cloud.Droplet{}, false
}

// due are the managers to switch on now.
func (s stranded) due(now time.Time) (out []strandedManager) {
	if s.since.IsZero() || now.Sub(s.since) < s.grace() {
		return nil
	}
	for _, m := range s.managers {
		t := s.tries[m.droplet]
		if m.left || !s.allOff[m.droplet] || t.n >= len(plan.Pauses()) || t.n > 0 && now.Sub(t.last) < plan.Pauses()[t.n] {
			continue
		}
		out = append(out, m)
	}
	return out
}

// grace is how long the swarm must have had no leader before a manager is switched on.
func (s stranded) grace() time.Duration {
	if s.running() <= len(s.managers)/2 && !s.known.IsZero() { // else what a person keeps off is not known
		return strandedGrace
	}
	return cutOffGrace
}

// running counts the managers whose droplets are there and not off.
func (s stranded) running() (n int) {
	for _, m := range s.managers {
		if !s.allOff[m.droplet] && !s.gone[m.droplet] {
			n++
		}
	}
	return n
}

// learn returns what is known after a try, whatever came of it.
func (s stranded) learn(id int, now time.Time) stranded {
	all := maps.Clone(s.tries)
	if all == nil {
		all = map[int]tries{}
	}
	all[id] = tries{all[id].n + 1, now}
	s.tries = all
	return s
}

// String says what is lost, and what is done about it; "" while nothing is.
func (s stranded) String() string {
	if s.since.IsZero() {
		return ""
	}
	text := "the swarm has had no leader since " + s.since.UTC().Format(time.TimeOnly) + " UTC"
	if len(s.managers) == 0 {
		return text + "; this swarmd has not seen its managers before, and switches none on: swarmd recover -f FILE"
	}
	var words []string
	for _, m := range s.managers {
		words = append(words, m.name+" "+s.how(m))
	}
	as := "as of " + s.known.UTC().Format(time.TimeOnly) + " UTC"
	if s.known.IsZero() {
		as = "as the engine has them"
	}
	text += "; its managers " + as + ": " + strings.Join(words, ", ")
	if lost := len(s.gone); lost > 0 && s.lasting() {
		text += "; too few are left for a majority to come back: swarmd recover -f FILE"
	}
	return text
}

// lasting reports whether so many droplets do not exist any more that no majority can come back.
func (s stranded) lasting() bool {
	n := 0
	for _, gone := range s.gone {
		if gone {
			n++
		}
	}
	return len(s.managers)-n <= len(s.managers)/2
}

// how is a manager's machine, in words.
func (s stranded) how(m strandedManager) string {
	t := s.tries[m.droplet]
	switch {
	case s.gone[m.droplet]:
		return "does not exist any more"
	case !s.allOff[m.droplet]:
		return "runs, as the cloud has it"
	case m.left:
		return "is off, and left so"
	case t.n == 0:
		return "is off, and is switched on at " + s.since.Add(s.grace()).UTC().Format(time.TimeOnly) + " UTC if there is no leader until then"
	}
	return fmt.Sprintf("is off, and was switched on at %s UTC, try %d of %d", t.last.UTC().Format(time.TimeOnly), t.n, len(plan.Pauses()))
}

// rescue switches on the managers that are off while the swarm has no leader. A person's command leaves that to the daemons.
func (l *Loop) rescue(ctx context.Context, w world.World) {
	if w.At.IsZero() || l.cfg.Elector.OneShot {
		return
	}
	if l.stranded.known.IsZero() && leaderless(w) && l.cfg.Peers != nil {
		if peers, err := l.cfg.Peers(ctx); err == nil {
			l.stranded.managers = l.stranded.peers(w, peers)
		}
	}
	l.stranded = l.stranded.see(w, l.want.kept(w, l.cfg.Wall()), time.Now())
	for _, m := range l.stranded.due(time.Now()) {
		_, err := l.cfg.Execute.Droplets.PowerOn(ctx, m.droplet)
		l.stranded = l.stranded.learn(m.droplet, time.Now())
		outcome := execute.Done
		if err != nil {
			outcome = outcomeOf(err)
		}
		l.cfg.Metrics.Step(plan.PowerOnDroplet{}.About().Name, string(outcome))
		l.recorder.rescued(m, err)
	}
}

func outcomeOf(err error) execute.Outcome {
	if apierr.KindOf(err).Refused() {
		return execute.Refused
	}
	return execute.Unknown
}

// kept are the objects that a person keeps swarmd off: paused, protected, or in a pool with repair: off.
func (d desired) kept(w world.World, wall time.Time) map[string]bool {
	out := map[string]bool{}
	for _, h := range plan.HandsOffIn(w, wall) {
		out[h.Object] = true
	}
	if d.spec != nil {
		for _, p := range d.spec.Pools {
			if p.RepairOff {
				out[ledger.PausedPool+p.Name] = true
			}
		}
	}
	return out
}

// rescued says what came of switching a manager on.
func (v *recorder) rescued(m strandedManager, err error) {
	object := fmt.Sprintf("droplet/%d", m.droplet)
	const why = "it is off, it was a manager, and the swarm has no leader"
	if err == nil {
		v.logger().Warn("manager switched on without the lease", zap.String(keyObject, object), zap.String(keyText, m.name+": "+why))
		v.event(report.Normal, eventStepDone, object, "power_on_droplet: "+m.name+": "+why)
		return
	}
	if errors.Is(err, context.Canceled) {
		return
	}
	v.logger().Warn("manager could not be switched on", zap.String(keyObject, object), zap.Error(err))
	v.event(report.Warning, eventStepFailed, object, "power_on_droplet: "+m.name+": "+err.Error())
}

// noLeader says what is lost, once.
func (v *recorder) noLeader(text string) {
	if !v.news("no leader", text) {
		return
	}
	if text == "" {
		v.logger().Info("the swarm has a leader again")
		v.event(report.Normal, eventWorksAgain, "cluster", "the swarm has a leader again")
		return
	}
	v.logger().Error(text)
	v.event(report.Warning, eventFailed, "cluster", text)
}
