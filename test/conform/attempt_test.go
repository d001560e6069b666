package conform_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/swarmd/swarmd/pkg/sim/dockerd"
	"github.com/swarmd/swarmd/test/conform"
)

// maxAgain is how many cases may fail the first time, one in ten. A busy machine stands still now and then; an engine that behaves otherwise
// than it is said to does so each time.
const maxAgain = 23

// again has the cases that failed on the shared machines.
type again struct {
	mu     sync.Mutex
	cases  []conform.Case
	moved  string   // what the engines are, if nobody has looked at such before
	differ []string // what those do otherwise
}

// first plays a case. Its failure is told and is not yet the test's.
func (a *again) first(t *testing.T, g conform.Testbed, c conform.Case) {
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
func (a *again) second(t *testing.T, g conform.Testbed) {
	if len(a.cases) > maxAgain {
		t.Errorf("%d cases failed the first time, more than chance makes", len(a.cases))
	}
	for _, c := range a.cases {
		t.Run(c.Name, func(t *testing.T) {
			conform.Disband(t, g)
			if c.Company != conform.Fresh {
				conform.Form(t, g)
			}
			if a.moved == "" {
				conform.Play(t, g, c)
			} else {
				a.apart(t, g, c)
			}
		})
	}
	if news := a.news(); news != "" {
		t.Error(news)
	}
}

// news is all that engines do otherwise that nobody has looked at, "" if nothing.
func (a *again) news() string {
	if len(a.differ) == 0 {
		return ""
	}
	return a.moved + ". In these cases they answer otherwise, which is news of the engine and no fault of this tree; look at each, " +
		"and take it into test/conform and the table of pkg/sim/dockerd:\n" + strings.Join(a.differ, "\n")
}

// apart plays a case on engines that nobody has looked at. Where they differ, it is told with all the others, at the end.
func (a *again) apart(t *testing.T, g conform.Testbed, c conform.Case) {
	try := &attempt{TB: t}
	if try.play(g, c); try.Failed() {
		a.differ = append(a.differ, c.Name+"\n  "+strings.Join(try.said, "\n  "))
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

func (a *attempt) play(g conform.Testbed, c conform.Case) {
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

// TestTheEngineIsTheOneThatWasAskedFor: a wrong setting is told, a newer engine is noticed.
func TestTheEngineIsTheOneThatWasAskedFor(t *testing.T) {
	for _, c := range []struct {
		name, api, lowest string
		want              dockerd.Release
		moved             bool
		fails             string
	}{
		{"", "1.45", "1.24", dockerd.Release26, false, ""},
		{"28.5", "1.51", "1.24", dockerd.Release28, false, ""},
		{"20.10", "1.41", "1.12", dockerd.Release20, false, ""},
		{"28.5", "1.54", "1.40", dockerd.Release28, true, ""},
		{"", "1.41", "1.12", "", false, "set SWARMD_TEST_ENGINE=20.10 (it is 26.1)"},
		{"28.5", "1.54", "1.44", "", false, "take API 1.44 at least: the cases speak 1.41"},
		{"29", "1.54", "1.40", "", false, "name one of 20.10, 26.1, 28.5"},
	} {
		try := &attempt{TB: t}
		ended := make(chan struct{})
		var got dockerd.Release
		var moved string
		go func() { // a goroutine of its own, because FailNow ends it
			defer close(ended)
			got, moved = released(try, c.name, conform.Speaks{Engine: "x", Highest: c.api, Lowest: c.lowest})
		}()
		<-ended
		said := strings.Join(try.said, "; ")
		if got != c.want || (moved != "") != c.moved || try.Failed() != (c.fails != "") || !strings.Contains(said, c.fails) {
			t.Errorf("%q on API %s: %q, moved %q, said %q", c.name, c.api, got, moved, said)
		}
	}
}

// TestANewerEngineIsToldApart plays on engines that answer as another release than the one that was asked for.
func TestANewerEngineIsToldApart(t *testing.T) {
	a := again{moved: "the engines are new"}
	for _, c := range conform.Cases() {
		if c.Name != "node: filters that are none" && c.Name != "node: filters of the list" {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			g := simulated(dockerd.Release20)
			g.Engine = dockerd.Release28
			conform.Form(t, g)
			a.apart(t, g, c)
		})
	}
	news := a.news()
	if len(a.differ) != 1 || !strings.HasPrefix(news, "the engines are new. ") || !strings.Contains(news, "\nnode: filters that are none\n  answered 400 \"Invalid filter") {
		t.Errorf("%d cases differ: %q", len(a.differ), news)
	}
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
		try.play(conform.Testbed{}, conform.Case{Name: "ends", Run: func(c *conform.T) {
			c.Cleanup(note("first"))
			c.Cleanup(note("last"))
			ends(c)
		}})
		if got := strings.Join(append(try.said, order...), "; "); !try.Failed() || got != "no 1; last; first" {
			t.Errorf("failed: %v, and said and did %q", try.Failed(), got)
		}
	}
}
