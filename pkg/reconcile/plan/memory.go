package plan

import (
	"fmt"
	"time"
)

// Memory is what a swarmd remembers of its passes so far. One that has just taken over remembers nothing, so it judges nobody too early.
type Memory struct {
	Strangers map[string]time.Duration // by node id: for how long it has been one of Strangers in each look
	Backoff   map[Ref]Backoff          // by what the refused action was done to
	Looked    map[string]Looked        // by image: what its registry says by now, for those that Unpinned names
}

// Backoff is why an object is left alone: its last step was refused in a way that trying at once will not change.
type Backoff struct {
	Until time.Time // by the clock of Input.Now
	Why   string
	Final bool // it does not pass by itself: a person has to do something
}

// left returns why an object is left alone now.
func (d *draft) left(object Ref) (Backoff, bool) {
	b, ok := d.in.Memory.Backoff[object]
	return b, ok && b.Until.After(d.in.Now)
}

// withhold puts holds in the place of the steps on objects that are left alone. The executor drops what comes after them. If no step is left, nothing
// is looked at sooner because of them than the first is tried again, which is what it returns.
func (d *draft) withhold() (soonest time.Duration) {
	steps := d.steps
	d.steps = nil
	for _, s := range steps {
		object := s.Action.About().Object
		b, held := d.left(object)
		if !held {
			d.steps = append(d.steps, s)
			continue
		}
		d.holds = append(d.holds, Hold{Guard: GuardBackoff, Object: object.String(), Blocking: true, Final: b.Final,
			Text: fmt.Sprintf("tried again at %s: %s", b.Until.UTC().Format(time.TimeOnly), b.Why)})
		if left := b.Until.Sub(d.in.Now); soonest == 0 || left < soonest {
			soonest = left
		}
	}
	if len(d.steps) > 0 {
		return 0
	}
	return soonest
}
