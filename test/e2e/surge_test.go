//go:build linux

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// moveWithoutLoss lets a worker leave and another one come: six tasks on the workers move, and each sample sees six of them or more.
func (s *stage) moveWithoutLoss() {
	s.want.webReplicas, s.want.queue, s.want.queueOn = min(s.want.webReplicas, 3), "1", "node.labels.zone==lab"
	s.apply()
	s.spreadOver("2/2/2")
	for _, c := range []struct {
		workers int
		spread  string
	}{{2, "3/3"}, {3, "2/2/2"}} {
		before := s.tasksOf("shop_queue")
		least := s.fewest("shop_queue")
		s.want.workers = c.workers
		s.apply()
		s.spreadOver(c.spread)
		n, most, samples := least()
		s.Logf("report: %d workers: between %d and %d of 6 tasks ran in %d samples", c.workers, n, most, samples)
		if n < 6 || most != 8 {
			s.Errorf("between %d and %d of 6 tasks ran while there came to be %d workers, want 6 to 8", n, most, c.workers)
		}
		kept := slices.DeleteFunc(s.tasksOf("shop_queue"), func(id string) bool { return !slices.Contains(before, id) })
		if len(kept) != 4 {
			s.Errorf("%d tasks stayed as they were, want 4: two have moved", len(kept))
		}
	}
	if labels := s.service("shop_queue").Spec.Labels; labels["swarmd.surge"] != "" || labels["swarmd.scaled"] != "" {
		s.Errorf("left on the service: %v", labels)
	}
	s.want.queue, s.want.queueOn = "", ""
	s.apply()
}

// tasksOf are the ids of the service's running tasks.
func (s *stage) tasksOf(service string) []string {
	var ids []string
	for _, t := range s.running(s.docker, service) {
		ids = append(ids, t.ID)
	}
	return ids
}

// spreadOver waits until so many of the queue's tasks run on each of its nodes, the most first.
func (s *stage) spreadOver(want string) {
	s.Helper()
	s.until("the queue runs "+want, time.Minute, func() (bool, string) {
		on, counts := map[string]int{}, []string{}
		for _, t := range s.running(s.docker, "shop_queue") {
			on[t.NodeID]++
		}
		for _, n := range on {
			counts = append(counts, fmt.Sprint(n))
		}
		slices.Sort(counts)
		slices.Reverse(counts)
		got := strings.Join(counts, "/")
		return got == want, got
	})
}

// fewest counts the service's running tasks ten times a second; the returned function ends that and tells how few and how many there were.
func (s *stage) fewest(service string) func() (least, most, samples int) {
	stop, least, most, samples := make(chan struct{}), 99, 0, 0
	var watch sync.WaitGroup
	watch.Go(func() {
		for {
			if n := len(s.running(s.docker, service)); n > 0 { // 0: the engine did not answer
				least, most, samples = min(least, n), max(most, n), samples+1
			}
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
	return func() (int, int, int) { close(stop); watch.Wait(); return least, most, samples }
}
