package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/access"
	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
)

// TestWhyOfWhatIsHeldOrBakes asks about what is in no table, by the names that holds have, and about a service that has all its tasks but not for long.
func TestWhyOfWhatIsHeldOrBakes(t *testing.T) {
	r := report.Report{Cluster: "shop", Services: []plan.ServiceCount{
		{Service: "shop_new", Desired: 2, Running: 2, RollOut: plan.RollOut{State: plan.RollOutRunning, Updated: 2}},
		{Service: "shop_half", Desired: 2, Running: 2, RollOut: plan.RollOut{State: plan.RollOutRunning, Updated: 1}},
	}, Holds: []plan.Hold{
		{Guard: "unused", Object: "network/shop_front", Text: "it is in use"},
		{Guard: "removals", Object: "service/shop_old", Text: "many go"},
	}, Steps: []report.Step{{Object: "service/shop_going", Text: "the file does not have it any more"}}}
	for name, want := range map[string][]string{
		"network/shop_front": {"network shop_front of cluster shop\n", "it is in use (unused, "},
		"network/front":      {"network shop_front of cluster shop\n"},
		"front":              {"network shop_front of cluster shop\n"},
		"old":                {"service shop_old of cluster shop\n", "the file does not have it", "many go"},
		"service/old":        {"service shop_old of cluster shop\n"},
		"going":              {"service shop_going of cluster shop\n", "it goes on running\n", "next   the file does not have it any more\n"},
		"new":                {"because  all tasks run; it has succeeded when they have done so for a while (policies.bake)\n"},
		"half":               {"because  nothing holds it: what was begun goes on by itself"},
	} {
		var out bytes.Buffer
		s, ok := subjectOf(r, name)
		(&cli{out: &out}).printWhy(r, s, nil, actingGapLines, "")
		for _, text := range want {
			if !ok || !strings.Contains(out.String(), text) {
				t.Errorf("%s: %v, without %q:\n%s", name, ok, text, out.String())
			}
		}
	}
	for _, name := range []string{"config/front", "pool/new", "nothing"} {
		if s, ok := subjectOf(r, name); ok {
			t.Errorf("%s is %s", name, s.title)
		}
	}
}

// TestWhatWasNotReadIsNotMissing: nobody says that there is no such service where the services could not be read.
func TestWhatWasNotReadIsNotMissing(t *testing.T) {
	for what, known := range map[string]bool{world.GapServices: false, world.GapDroplets: true} {
		r := report.Report{Cluster: "shop", Gaps: []world.Gap{{What: what, Kind: apierr.Unavailable, Err: "list: unavailable: no answer"}}}
		err := unknownSubject(r, "web", actingGapLines)
		if text := err.Error(); strings.Contains(text, "has no node, pool or service web") != known || strings.Contains(text, "whether cluster shop has web is not known: ") == known {
			t.Errorf("%s: %s", what, text)
		}
	}
}

// TestAnInterruptedLookIsNoPicture of a cluster that has nothing.
func TestAnInterruptedLookIsNoPicture(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a := &cli{out: &bytes.Buffer{}, err: &bytes.Buffer{}, Access: access.Access{Getenv: func(key string) string { return map[string]string{"DOCKER_HOST": "tcp://127.0.0.1:1"}[key] }, Secrets: apierr.NewRedactor()}}
	if _, _, err := a.look(ctx, ledger.Known{Name: "shop"}, denial{}); !errors.Is(err, context.Canceled) {
		t.Errorf("it ends with %v", err)
	}
}

// TestWhyApplyEnds wants of each end of apply that it says who goes on.
func TestWhyApplyEnds(t *testing.T) {
	acts := report.Report{Revision: 3, At: time.Unix(1, 0), Lease: report.Lease{Holder: "id/x", Name: "shop-managers-a"}}
	for name, c := range map[string]struct {
		last report.Report
		err  error
		want string
	}{
		"another edit":          {acts, reconcile.ErrSuperseded, "revision 2 is superseded: revision 3 was accepted before it was true; swarmd history says from whom, and what that changed"},
		"Ctrl-C":                {acts, context.Canceled, "interrupted; revision 2 stays accepted, and swarmd on shop-managers-a goes on; swarmd revert goes back to another one"},
		"Ctrl-C, nothing known": {report.Report{}, context.Canceled, "interrupted; revision 2 stays accepted, and swarmd status says who goes on; swarmd revert"},
		"Ctrl-C, nobody":        {report.Report{At: time.Unix(1, 0)}, context.Canceled, "nobody goes on: no swarmd runs in this swarm"},
	} {
		err := (&cli{out: &bytes.Buffer{}}).notTrue(nil, c.last, 2, fmt.Errorf("wait: %w", c.err))
		var exit *exitError
		if !errors.As(err, &exit) || !strings.Contains(exit.msg, c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
