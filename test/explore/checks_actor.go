package explore

import (
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
)

// unattendedAfter is how long nobody may act before nobody may say that all is as wanted: as long as the lease lasts, and the time in which
// a swarmd looks at it. One that holds it looks only when it renews.
const unattendedAfter = ledger.LeaseDuration + ledger.RenewPeriod + 2*ledger.RetryPeriod

// actor is who acts, by the truth: a lease that is renewed and that the ledger goes by.
type actor struct {
	renewed uint64
	holder  string
	seen    time.Time // when it was renewed last
	awake   time.Time // until then somebody stands still, and says nothing new
}

// attended: nobody says that all is as wanted when nobody has acted for longer than the lease lasts.
func (c *checks) attended(s *state) {
	a := &c.actor
	rules := s.holder != "" && s.recorded && s.epoch >= s.ledger.Epoch
	if a.seen.IsZero() || rules && (a.holder != s.holder || a.renewed != s.renewed) {
		a.holder, a.renewed, a.seen = s.holder, s.renewed, s.at
	}
	for _, p := range c.run.actors.all {
		since := a.seen
		for _, t := range []time.Time{p.began, a.awake, c.run.faults.last} { // it cannot know what was before, or learned it late
			if t.After(since) {
				since = t
			}
		}
		if c.led.After(since) { // a renewal just before the swarm lost its leader was told when it had one again
			since = c.led
		}
		if p.gone() || s.at.Sub(since) <= unattendedAfter {
			continue
		}
		if r := p.loop.Last(); r.Converged || p.loop.Ready() == nil && s.at.Sub(since) > time.Minute+unattendedAfter-ledger.LeaseDuration {
			c.run.violate("attended", "nobody has acted for %s, and %s says %s, ready %v", s.at.Sub(since), p.name, r.Result, p.loop.Ready())
			a.seen = s.at // once is enough
		}
	}
}
