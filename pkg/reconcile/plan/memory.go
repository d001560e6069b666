package plan

import (
	"cmp"
	"fmt"
	"time"
)

// Memory is what a swarmd remembers of its passes so far. One that has just taken over remembers nothing, so it judges nobody too early.
type Memory struct {
	Strangers map[string]time.Duration // by node id: for how long it has been one of Strangers in each look
	Backoff   map[Ref]Backoff          // by what the refused action was done to
	Ailing    map[int]Ailing           // by droplet id: those that are off or down, or were not long ago, and what was tried
	Grace     Grace                    // before its end nobody is judged
	Launching map[int]Launching        // by droplet id: those that have not joined
	Tries     map[string]Try           // by service name: what it runs, and how that went; nil: who looks only once
	Looked    map[string]Looked        // by image: what its registry says by now, for those that Unpinned names
}

// Grace is until when nobody is judged. What is seen before may be of an election, or of what a person has just done.
type Grace struct {
	Until time.Time // by the clock of Input.Now; zero: it is over, or who looks only once
	Why   string
}

// VerdictGrace is how long nobody is judged after a leader change of the swarm, a start of swarmd, a change of the one that acts, and the end of a pause.
const VerdictGrace = time.Minute

// Backoff is why an object is left alone: its last step was refused in a way that trying at once will not change.
type Backoff struct {
	Until time.Time // by the clock of Input.Now
	Why   string
	Guard string // which one says so; "": GuardBackoff
	Limit bool   // the account has as many droplets as it may have
	Final bool   // it does not pass by itself: a person has to do something
}

// left returns why an object is left alone now.
func (v *view) left(object Ref) (Backoff, bool) {
	b, ok := v.in.Memory.Backoff[object]
	return b, ok && b.Until.After(v.in.Now)
}

// withheld parts the steps on objects that are left alone from the others, and says what is held instead. The executor drops what comes after them.
// If no step is left, nothing is looked at sooner because of them than the first is tried again: soonest.
func (v *view) withheld(steps []Step) (kept []Step, holds []Hold, soonest time.Duration) {
	for _, s := range steps {
		object := s.Action.About().Object
		b, held := v.left(object)
		if !held {
			kept = append(kept, s)
			continue
		}
		holds = append(holds, Hold{Guard: cmp.Or(b.Guard, GuardBackoff), Object: object.String(), Blocking: true, Final: b.Final,
			Text: fmt.Sprintf("tried again at %s: %s", clock(b.Until), b.Why)})
		if left := b.Until.Sub(v.in.Now); soonest == 0 || left < soonest {
			soonest = left
		}
	}
	if len(kept) > 0 {
		return kept, holds, 0
	}
	return kept, holds, soonest
}
