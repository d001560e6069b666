package reconcile

import (
	"context"
	"hash/fnv"
	"time"

	"github.com/swarmd/swarmd/pkg/swarm"
)

const (
	taskPace     = 3 * time.Second // between looks at the tasks alone
	taskDeadline = 10 * time.Second
)

// watchTasks asks for a look when the tasks changed since it saw them last, because the engine's event stream has no task that dies or comes up. Only
// the acting swarmd does this, with one call every three seconds and no part in a pass. The next pass reports a read that fails.
func (l *Loop) watchTasks(ctx context.Context) {
	tick := time.NewTicker(taskPace)
	defer tick.Stop()
	var last uint64
	known := false // the lease was held, and last was seen since
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if _, held := l.elector.Held(); !held {
			known = false
			continue
		}
		now, ok := l.lookAtTasks(ctx)
		if !ok {
			continue
		}
		if known && now != last {
			l.hint()
		}
		last, known = now, true
	}
}

// lookAtTasks returns a sum over the tasks' ids and states.
func (l *Loop) lookAtTasks(ctx context.Context) (sum uint64, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, taskDeadline)
	defer cancel()
	tasks, err := l.cfg.Reads.Swarm.Tasks(ctx)
	return taskSum(tasks), err == nil
}

// taskSum is the same for the same tasks in the same states, in whatever order.
func taskSum(tasks []swarm.Task) (sum uint64) {
	for _, t := range tasks {
		h := fnv.New64a()
		for _, s := range []string{t.ID, t.State, t.DesiredState} {
			_, _ = h.Write(append([]byte(s), 0)) // never fails, see hash.Hash
		}
		sum += h.Sum64()
	}
	return sum
}

// hint asks for a look soon, as an event does.
func (l *Loop) hint() {
	select {
	case l.hints <- struct{}{}:
	default:
	}
}
