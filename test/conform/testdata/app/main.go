// Command app is what the real engines run for the conformance cases: "good" and "better" until they are asked to stop, "crash" and
// "done" for half a second. "ill" is the health check of "sick", which is otherwise as a good one.
package main

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	var end <-chan time.Time
	code := 0
	switch os.Args[1] {
	case "crash":
		end, code = time.After(500*time.Millisecond), 1
	case "ill":
		os.Exit(1)
	case "done":
		end = time.After(500 * time.Millisecond)
	}
	select {
	case <-stop:
	case <-end:
		os.Exit(code)
	}
}
