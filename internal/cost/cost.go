// Package cost measures what a piece of a test costs in memory and processor time, so that a test can hold hostile input to a bound. It decides
// nothing, and nothing but tests imports it.
package cost

import (
	"fmt"
	"runtime"
	"runtime/metrics"
	"syscall"
	"time"
)

// Cost is what a function took.
type Cost struct {
	Heap uint64        // the largest heap meanwhile, garbage included, bytes
	Time time.Duration // of the processor, of the whole process: a busy machine does not lengthen it
}

func (c Cost) String() string {
	return fmt.Sprintf("%d MB and %s of processor time", c.Heap>>20, c.Time.Round(time.Millisecond))
}

// Within reports whether f costs no more than so many bytes and so much time, and what it cost. Garbage lies about until the collector gets a core: f
// runs up to three times, and is within as soon as one run is. What a piece needs it needs each time.
func Within(heap uint64, took time.Duration, f func()) (c Cost, within bool) {
	for tries := 3; tries > 0 && !within; tries-- {
		c = Of(f)
		within = c.Heap <= heap && c.Time <= took
	}
	return c, within
}

// Of runs f. Nothing else should run in the process.
func Of(f func()) Cost {
	runtime.GC()
	began, done, peak := processor(), make(chan struct{}), make(chan uint64)
	go func() { peak <- watch(done) }()
	f()
	took := processor() - began
	close(done)
	return Cost{<-peak, took}
}

// watch returns the largest heap until done.
func watch(done <-chan struct{}) (largest uint64) {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		metrics.Read(sample)
		largest = max(largest, sample[0].Value.Uint64())
		select {
		case <-done:
			return largest
		case <-tick.C:
		}
	}
}

// processor is the time that the process has had so far.
func processor() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic("getrusage of the own process: " + err.Error()) // it cannot fail for RUSAGE_SELF and a valid address
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
