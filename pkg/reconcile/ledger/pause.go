package ledger

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// The objects that the ledger can have paused. A node has its own label.
const (
	PausedCluster = "cluster"
	PausedPool    = "pool/"    // + the pool's name
	PausedService = "service/" // + the service's name as Docker has it
)

// Of a pause for people, bytes.
const (
	MaxWhy = 200
	maxBy  = 100
)

type (
	// Pause has swarmd leave an object alone, as PausedCluster and its like name it. One that is paused already is paused by this one instead.
	Pause struct {
		Object string
		Off    swarm.HandsOff
	}
	// Resume ends that. An object that is not paused is no error.
	Resume struct {
		Object string
	}
)

func (c Pause) apply(l *Ledger, _ Moment) error {
	known := c.Object == PausedCluster || strings.HasPrefix(c.Object, PausedPool) || strings.HasPrefix(c.Object, PausedService)
	if !known || len(c.Off.Why) > MaxWhy || len(c.Off.By) > maxBy || strings.ContainsAny(c.Off.Why+c.Off.By, "\r\n") {
		return refusef(apierr.Invalid, "%q cannot be paused, or not with that reason of %d bytes: one line of at most %d", c.Object, len(c.Off.Why), MaxWhy)
	}
	if _, again := l.Pauses[c.Object]; !again && len(l.Pauses) >= MaxPauses {
		return refusef(apierr.Busy, "%d pools and services are paused already, at most so many at once: pause the cluster, or resume one of %s",
			MaxPauses, strings.Join(slices.Sorted(maps.Keys(l.Pauses))[:3], ", "))
	}
	put(&l.Pauses, c.Object, c.Off)
	return nil
}

func (c Resume) apply(l *Ledger, _ Moment) error {
	delete(l.Pauses, c.Object)
	return nil
}

// Paused returns the first of the objects that is paused at that time, and why.
func (l *Ledger) Paused(now time.Time, objects ...string) (object string, why swarm.HandsOff, ok bool) {
	for _, object := range objects {
		if off, there := l.Pauses[object]; there && off.Active(now) {
			return object, off, true
		}
	}
	return "", swarm.HandsOff{}, false
}

// mayBegin refuses to begin an operation on a pool that was paused since it was planned.
func (l *Ledger) mayBegin(pool string, now time.Time) error {
	object, off, paused := l.Paused(now, PausedCluster, PausedPool+pool)
	if !paused {
		return nil
	}
	return refusef(apierr.Conflict, "%s was paused since this was planned, by %s", object, off.By)
}

// endPauses forgets the pauses that are over.
func (l *Ledger) endPauses(now time.Time) {
	maps.DeleteFunc(l.Pauses, func(_ string, off swarm.HandsOff) bool { return !off.Active(now) })
}
