package reconcile

import (
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
)

// report sums a pass up.
func (l *Loop) report(p passResult, began time.Time) report.Report {
	now := time.Now()
	seen := l.elector.Seen()
	_, held := l.elector.Held()
	accepted := l.accepted(p.World)
	r := p.Report()
	r.Cluster, r.Pass, r.At, r.Took = l.cfg.Cluster, l.number, now, now.Sub(began)
	r.Revision, r.Source, r.FileFault, r.FileUnread = accepted.revision, accepted.source, l.sources.bad(), l.sources.unread != ""
	r.Lease = report.Lease{Holder: seen.Holder, Name: report.MachineName(p.World, seen.Node()), Epoch: seen.Epoch, Held: held, Renewed: l.elector.Renewed()}
	r.ConvergedAt, r.NoLeader = l.Last().ConvergedAt, l.stranded.String()
	if r = l.attend(r); r.Converged {
		r.ConvergedAt = now
	}
	l.remember(p.Pass, &r)
	return r
}

// remember takes a pass in that came to a plan: how long machines have been as they are, what was lost and repaired. A look that did not see everything
// changes nothing of it.
func (l *Loop) remember(p report.Pass, r *report.Report) {
	if !p.Planned {
		return
	}
	if len(p.World.Gaps) == 0 && !p.World.NoDroplets {
		before := l.standings
		l.standings = before.see(p, r.At)
		l.losses, r.Losses = l.losses.see(r.Pools, before, l.standings, p.Held, r.At)
	}
	if l.repairs, r.Repairs = l.repairs.see(p, r.At); !p.Held {
		l.repairs, r.Repairs = nil, nil
	}
	for i, m := range p.World.Machines {
		if s, ok := l.standings[keyOf(m)]; ok && !l.cfg.Elector.OneShot && string(s.class) == r.Nodes[i].Class {
			r.Nodes[i].Since, r.Nodes[i].SinceAtLeast = s.since, s.atLeast
		}
	}
}

// attend says in the report if nobody has acted for longer than a lease lasts.
func (l *Loop) attend(r report.Report) report.Report {
	idle, why := l.elector.Idle()
	if idle < ledger.LeaseDuration {
		return r
	}
	return r.LeftAlone("nobody acts since "+time.Now().Add(-idle).UTC().Format(time.TimeOnly)+" UTC", why)
}

// publish hands the report to the log, the metrics, the HTTP side and the followers.
func (l *Loop) publish(r report.Report) {
	l.recorder.report(r)
	l.cfg.Metrics.Pass(r)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = r
	close(l.changed)
	l.changed = make(chan struct{})
	for ch := range l.followers {
		select {
		case <-ch: // the older one was not taken: only the newest counts
		default:
		}
		ch <- r
	}
}
