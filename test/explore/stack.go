package explore

// deepStacks lets goroutines begin with larger stacks, until it is told to end. Most of those in a run live for one call and need 20 kB, and to grow a
// stack to that costs a tenth of all. With GODEBUG=adaptivestackstart=1 the runtime begins with what is usual, as each garbage collection sees it:
// these goroutines wait at the usual depth.
func deepStacks() (end func()) {
	stop := make(chan struct{})
	for range 100 {
		go func() { _ = waitBelow(6, stop) }()
	}
	return func() { close(stop) }
}

// waitBelow waits with so many more frames of 4 kB below it.
//
//go:noinline
func waitBelow(frames int, stop <-chan struct{}) byte {
	var frame [4 << 10]byte
	if frame[frames] = byte(frames); frames > 0 {
		return waitBelow(frames-1, stop) + frame[frames/2]
	}
	<-stop
	return frame[0]
}
