package sim_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/digitalocean/godo"
	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/sim"
)

func TestVerdicts(t *testing.T) {
	for name, c := range map[string]struct {
		verdict sim.Verdict
		effect  bool
		status  int
		err     error
		took    time.Duration
	}{
		"pass":            {sim.Pass(), true, 202, nil, 0},
		"refuse":          {sim.Refuse(503, "busy"), false, 503, nil, 0},
		"cut":             {sim.Cut(), false, 0, syscall.ECONNRESET, 0},
		"lose":            {sim.LoseAnswer(0), true, 0, syscall.ECONNRESET, 0},
		"lose with 502":   {sim.LoseAnswer(502), true, 502, nil, 0},
		"stall":           {sim.Stall(false), false, 0, context.DeadlineExceeded, 30 * time.Second},
		"stall after":     {sim.Stall(true), true, 0, context.DeadlineExceeded, 30 * time.Second},
		"delay":           {sim.Delay(7 * time.Second), true, 202, nil, 7 * time.Second},
		"delay too long":  {sim.Delay(time.Hour), false, 0, context.DeadlineExceeded, 30 * time.Second},
		"edited to a lie": {sim.Verdict{Edit: htmlPage}, true, 504, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := sim.New(sim.Options{Fault: func(sim.Call) sim.Verdict { return c.verdict }})
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				began := time.Now()
				_, _, err := cloudClient(w, w.Transport()).Droplets.Create(ctx, &godo.DropletCreateRequest{
					Name: "one", Region: "fra1", Size: "s-1vcpu-1gb", Image: godo.DropletCreateImage{Slug: "debian-12-x64"},
				})
				if c.err != nil && !errors.Is(err, c.err) || c.err == nil && status(err) != c.status {
					t.Fatalf("the caller saw %v", err)
				}
				if got := len(w.Cloud.History()) == 1; got != c.effect {
					t.Fatalf("had an effect: %v", got)
				}
				if took := time.Since(began); took != c.took {
					t.Fatalf("took %v", took)
				}
				last := w.Trace()[0]
				if last.Effect != c.effect || last.Faulted != (name != "pass") || last.Status != c.status || (last.Err != "") != (c.err != nil) {
					t.Fatalf("trace %+v", last)
				}
			})
		})
	}
}

func htmlPage(_ int, h http.Header, _ []byte) (int, []byte) {
	h.Set("Content-Type", "text/html")
	return 504, []byte("<html>gateway timeout</html>")
}

// status is that of an error answer, or 202.
func status(err error) int {
	var e *godo.ErrorResponse
	if errors.As(err, &e) {
		return e.Response.StatusCode
	}
	if err != nil {
		return 0
	}
	return 202
}

func TestCallsAreNumberedAndTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []sim.Call
		c := newCluster(t, sim.Options{Seed: 1})
		c.ResetTrace()
		c.SetFault(func(call sim.Call) sim.Verdict {
			call.At = time.Time{}
			seen = append(seen, call)
			return sim.Pass()
		})
		c.nodes(t)
		inside := dockerClient(t, c.TransportFrom("m1"), "")
		if err := inside.ConfigRemove(t.Context(), "none"); err == nil {
			t.Fatal("removed a config that isn't")
		}
		if _, _, err := cloudClient(c.World, c.TransportFrom("m1")).Droplets.ListByTag(t.Context(), "swarmd:c", nil); err != nil {
			t.Fatal(err)
		}
		want := []sim.Call{
			{N: 5, Side: sim.SideDocker, Method: "GET", Path: "/nodes", Node: "m1"},
			{N: 6, Side: sim.SideDocker, Method: "DELETE", Path: "/configs/none", Node: "m1", From: "m1"},
			{N: 7, Side: sim.SideCloud, Method: "GET", Path: "/v2/droplets", Query: "tag_name=swarmd:c", From: "m1"},
		}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Fatal(diff)
		}
		if !seen[1].Write() || seen[2].Write() || c.ResetTrace() != 3 || len(c.Trace()) != 0 {
			t.Fatal("writes told from reads, trace forgotten")
		}
	})
}

func TestTraceKeepsTheNewest(t *testing.T) {
	w := sim.New(sim.Options{TraceLimit: 3})
	g := cloudClient(w, w.Transport())
	for range 10 {
		if _, _, err := g.Account.Get(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	trace := w.Trace()
	if len(trace) != 3 || trace[2].N != 10 {
		t.Fatalf("%d calls, the last %d", len(trace), trace[len(trace)-1].N)
	}
	for _, call := range trace {
		if strings.Contains(call.Path+call.Query+call.Err, w.Token()) {
			t.Fatal("the token is in the trace")
		}
	}
}

func TestUnreachableMachines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{Seed: 1})
		local := dockerClient(t, c.TransportFrom("m1"), "")
		cloud := cloudClient(c.World, c.TransportFrom("m1"))
		far := func() error { _, err := c.docker.Ping(t.Context()); return err }
		near := func() error { _, err := local.Ping(t.Context()); return err }
		api := func() error { _, _, err := cloud.Account.Get(t.Context()); return err }
		const silent, noDaemon = "no route to host", "Cannot connect to the Docker daemon"
		expect := func(when, farWant, nearWant, apiWant string) {
			t.Helper()
			for name, p := range map[string]struct {
				ask  func() error
				want string
			}{"far": {far, farWant}, "near": {near, nearWant}, "api": {api, apiWant}} {
				if err := p.ask(); (p.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), p.want) {
					t.Fatalf("%s, %s: %v", when, name, err)
				}
			}
		}
		expect("all well", "", "", "")
		must(t, c.CutOff("m1", true))
		expect("cut off", silent, "", silent)
		must(t, c.CutOff("m1", false))
		must(t, c.CrashEngine("m1"))
		expect("engine crashed", noDaemon, noDaemon, "")
		must(t, c.StartEngine("m1"))
		must(t, c.KillMachine("m1"))
		expect("power cut", silent, silent, silent)
		must(t, c.ReviveMachine("m1"))
		time.Sleep(time.Minute)
		expect("revived", "", "", "")
		if _, err := dockerClient(t, c.Transport(), "nobody").Ping(t.Context()); err == nil {
			t.Fatal("a machine that isn't answered")
		}
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
