package conform_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/swarmd/swarmd/pkg/sim/conform"
)

// maxAgain is how many cases may fail the first time, one in ten. A busy machine stands still now and then; an engine that behaves otherwise
// than it is said to does so each time.
const maxAgain = 23

// again has the cases that failed on the shared machines.
type again struct {
	mu    sync.Mutex
	cases []conform.Case
}

// first plays a case. Its failure is told and is not yet the test's.
func (a *again) first(t *testing.T, g conform.Ground, c conform.Case) {
	try := &attempt{TB: t}
	if try.play(g, c); !try.Failed() {
		return
	}
	t.Logf("failed the first time:\n%s", strings.Join(try.said, "\n"))
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cases = append(a.cases, c)
}

// second plays what failed, each case with the machines to itself and in a new swarm. What fails now fails the test.
func (a *again) second(t *testing.T, g conform.Ground) {
	if len(a.cases) > maxAgain {
		t.Errorf("%d cases failed the first time, more than chance makes", len(a.cases))
	}
	for _, c := range a.cases {
		t.Run(c.Name, func(t *testing.T) {
			conform.Disband(t, g)
			if c.Company != conform.Fresh {
				conform.Form(t, g)
			}
			conform.Play(t, g, c)
		})
	}
}

// attempt is a test whose failure is kept apart from that of the test behind it.
type attempt struct {
	testing.TB
	mu       sync.Mutex
	said     []string
	failed   bool
	cleanups []func()
}

func (a *attempt) play(g conform.Ground, c conform.Case) {
	ended := make(chan struct{})
	go func() { // a goroutine of its own, because FailNow ends it
		defer close(ended)
		defer a.clean()
		conform.Play(a, g, c)
	}()
	<-ended
}

// clean runs the clean-ups, the last one first, also past one that fails.
func (a *attempt) clean() {
	if n := len(a.cleanups); n > 0 {
		last := a.cleanups[n-1]
		a.cleanups = a.cleanups[:n-1]
		defer a.clean()
		last()
	}
}

func (a *attempt) Cleanup(f func()) { a.cleanups = append(a.cleanups, f) }

func (a *attempt) Log(args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.said = append(a.said, strings.TrimSuffix(fmt.Sprintln(args...), "\n"))
}

func (a *attempt) Fail() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.failed = true
}

func (a *attempt) Failed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.failed
}

func (a *attempt) FailNow()                          { a.Fail(); runtime.Goexit() }
func (a *attempt) Logf(format string, args ...any)   { a.Log(fmt.Sprintf(format, args...)) }
func (a *attempt) Error(args ...any)                 { a.Log(args...); a.Fail() }
func (a *attempt) Errorf(format string, args ...any) { a.Logf(format, args...); a.Fail() }
func (a *attempt) Fatal(args ...any)                 { a.Log(args...); a.FailNow() }
func (a *attempt) Fatalf(format string, args ...any) { a.Logf(format, args...); a.FailNow() }

// TestAnAttemptFailsByItself makes sure that the failure of a first attempt is seen, and is not the test's.
func TestAnAttemptFailsByItself(t *testing.T) {
	var order []string
	note := func(what string) func() { return func() { order = append(order, what) } }
	for _, ends := range []func(testing.TB){
		func(tb testing.TB) { tb.Errorf("no %d", 1) },
		func(tb testing.TB) { tb.Fatal("no", 1) },
	} {
		order = nil
		try := &attempt{TB: t}
		try.play(conform.Ground{}, conform.Case{Name: "ends", Run: func(c *conform.T) {
			c.Cleanup(note("first"))
			c.Cleanup(note("last"))
			ends(c)
		}})
		if got := strings.Join(append(try.said, order...), "; "); !try.Failed() || got != "no 1; last; first" {
			t.Errorf("failed: %v, and said and did %q", try.Failed(), got)
		}
	}
}
