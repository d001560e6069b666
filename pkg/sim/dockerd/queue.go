package dockerd

import (
	"container/heap"
	"time"
)

// timer is one future event. A keyed timer exists at most once; setting it again moves it.
type timer struct {
	at    time.Time
	seq   uint64 // events of one instant run in the order they were set
	key   string
	run   func()
	index int
}

// queue orders timers by time, then by the order in which they were set.
type queue struct {
	heap  timerHeap
	byKey map[string]*timer
	seq   uint64
}

func (q *queue) set(key string, at time.Time, run func()) {
	q.cancel(key)
	q.seq++
	t := &timer{at: at, seq: q.seq, key: key, run: run}
	if q.byKey == nil {
		q.byKey = map[string]*timer{}
	}
	q.byKey[key] = t
	heap.Push(&q.heap, t)
}

func (q *queue) pending(key string) bool { return q.byKey[key] != nil }

func (q *queue) cancel(key string) {
	if t := q.byKey[key]; t != nil {
		heap.Remove(&q.heap, t.index)
		delete(q.byKey, key)
	}
}

func (q *queue) next() (time.Time, bool) {
	if len(q.heap) == 0 {
		return time.Time{}, false
	}
	return q.heap[0].at, true
}

// pop takes the next timer that is due at now, or nil.
func (q *queue) pop(now time.Time) *timer {
	if len(q.heap) == 0 || q.heap[0].at.After(now) {
		return nil
	}
	t := heap.Pop(&q.heap).(*timer)
	delete(q.byKey, t.key)
	return t
}

type timerHeap []*timer

func (h timerHeap) Len() int { return len(h) }
func (h timerHeap) Less(i, j int) bool {
	if !h[i].at.Equal(h[j].at) {
		return h[i].at.Before(h[j].at)
	}
	return h[i].seq < h[j].seq
}
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *timerHeap) Push(x any) {
	t := x.(*timer)
	t.index = len(*h)
	*h = append(*h, t)
}
func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	*h = old[:len(old)-1]
	return t
}
