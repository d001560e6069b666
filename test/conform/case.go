package conform

import (
	"fmt"
	"runtime/debug"
	"slices"
	"testing"
)

// Company is with whom a case can share its testbed.
type Company int

// Each of them is explained in the package's words.
const (
	Together Company = iota
	Alone
	Fresh
)

// Case is one piece of behaviour.
type Case struct {
	Name    string
	Company Company
	Run     func(*T)
}

// Cases are all there are, in an order that does not change.
func Cases() []Case {
	return slices.Concat(nodeCases(), serviceCases(), badSpecCases(), takenCases(), taskCases(), jobCases(), logCases(), memberCases(), clusterCases(), rolloutCases(), supersededCases(),
		eventCases(), entryCases(), networkCases(), shapeCases(), restartCases(), takeOverCases())
}

// Play plays one of the cases. A fresh one finds its engines in no swarm, the others find a manager and two workers; who plays sees
// to that: Form makes such a swarm, Disband ends whatever there is.
func Play(tb testing.TB, g Testbed, c Case) {
	tb.Helper()
	t := on(tb, g)
	t.together = c.Company == Together
	t.prefix = fmt.Sprintf("c%d", slices.IndexFunc(Cases(), func(o Case) bool { return o.Name == c.Name }))
	if c.Company == Alone {
		tb.Cleanup(func() { t.tidy() })
	}
	defer func() { // one case that meets what it never thought of must not end the others
		if p := recover(); p != nil {
			tb.Errorf("%v\n%s", p, debug.Stack())
		}
	}()
	c.Run(t)
}

func on(tb testing.TB, g Testbed) *T { return &T{TB: tb, testbed: g, prefix: "ground"} }
