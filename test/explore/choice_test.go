package explore

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/cloud/digitalocean"
	"github.com/swarmd/swarmd/pkg/sim"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

// at are the calls at which the kinds, or what stands for them, are played.
func at(signs []Sign, kinds ...Kind) []int {
	var calls []int
	for _, p := range newChoice(Workflow{Name: "w"}, signs).faults(1) {
		if f := p.Faults[0]; slices.Contains(kinds, f.Kind) {
			calls = append(calls, f.At)
		}
	}
	return calls
}

// signs are one call after the other, so far apart. Where none says otherwise the world stays as it is.
func signs(apart time.Duration, all ...Sign) []Sign {
	for i := range all {
		if all[i].At = time.Unix(0, 0).Add(time.Duration(i) * apart); all[i].Side == "" {
			all[i].Side = sim.SideDocker
		}
		if all[i].Status == 0 {
			all[i].Status = http.StatusOK
		}
	}
	return all
}

// TestChoiceOfCalls holds what is played to the reasons in the package's comment.
func TestChoiceOfCalls(t *testing.T) {
	nodes, services := Sign{Call: "GET /nodes"}, Sign{Call: "GET /services"}
	droplets, configs := Sign{Call: listDroplets, Side: sim.SideCloud}, Sign{Call: "GET /configs"}
	lease := Sign{Call: "POST /configs/ID/update", Write: true, Renews: true}
	write := Sign{Call: "POST /nodes/ID/update", Write: true}
	changed, taken, later := nodes, nodes, write
	changed.State, taken.Lease, later.State = 1, 1, 1
	another := nodes
	another.From = "another"
	failing := []Kind{Cut, Refuse500, HTML, Truncated}
	for name, c := range map[string]struct {
		signs []Sign
		kinds []Kind
		want  []int
	}{
		"a look that repeats":                  {signs(time.Second, nodes, nodes, nodes), failing, []int{1}},
		"each call of a look":                  {signs(time.Millisecond, nodes, services), []Kind{Hang}, []int{1, 2}},
		"again after a write":                  {signs(time.Second, nodes, write, nodes), []Kind{Hang}, []int{1, 2, 3}},
		"again in another world":               {signs(time.Second, nodes, changed), []Kind{Hang}, []int{1, 2}},
		"not after a renewal":                  {signs(time.Second, nodes, lease, nodes), []Kind{Hang}, []int{1, 2}},
		"again when another one has the lease": {signs(time.Second, nodes, taken), []Kind{Hang}, []int{1, 2}},
		"the last look before a write":         {signs(time.Second, nodes, nodes, nodes, write), failing, []int{1, 3, 4}},
		"that is no renewal":                   {signs(time.Second, nodes, nodes, lease), failing, []int{1, 3}},
		"in a world that stays":                {signs(time.Second, nodes, nodes, changed, later), failing, []int{1, 3, 4}},
		"of what is slow the first":            {signs(time.Second, nodes, nodes, write), []Kind{Slow}, []int{1, 3}},
		"a crash before any of the reads":      {signs(time.Millisecond, nodes, services, configs), []Kind{CrashBefore}, []int{1}},
		"the lease, before who looks at it":    {signs(time.Millisecond, nodes, services, configs), []Kind{LeaseLost}, []int{3}},
		"or writes":                            {signs(time.Millisecond, nodes, services, write), []Kind{LeaseLost}, []int{3}},
		"or long before that":                  {signs(time.Second, nodes, configs), []Kind{LeaseLost}, []int{1, 2}},
		"an engine, before its own process's":  {signs(time.Millisecond, droplets, another), []Kind{EngineDown}, []int{1, 2}},
		"an engine, before who calls one":      {signs(time.Millisecond, droplets, nodes), []Kind{EngineDown}, []int{2}},
	} {
		if got := at(c.signs, c.kinds...); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestChoiceOfKinds: what nobody can tell apart is played once, in turns, and the rest is known as its twin.
func TestChoiceOfKinds(t *testing.T) {
	one := Sign{Call: "GET /nodes", Alone: true, Lies: map[Kind]uint64{Empty: 7, Fewer: 7}}
	var calls []Sign
	for i := range 4 {
		one.State = uint64(i)
		calls = append(calls, one)
	}
	c := newChoice(Workflow{Name: "w"}, signs(time.Second, calls...))
	count := map[Kind]int{}
	for _, p := range c.faults(1) {
		count[p.Faults[0].Kind]++
	}
	for k, n := range map[Kind]int{Cut: 1, Refuse500: 1, HTML: 1, Truncated: 1, EngineDown: 2, LeaderChange: 2, Hang: 4, Empty: 4, Fewer: 0, OtherStates: 0, Lost500: 0} {
		if count[k] != n {
			t.Errorf("%s is played %d times, want %d", k, count[k], n)
		}
	}
	if len(c.twins) != 4*3+4*1 {
		t.Errorf("%d twins: %v", len(c.twins), c.twins)
	}
	for _, w := range c.twins {
		if w.left.Faults[0].At != w.played.Faults[0].At || w.left.String() == w.played.String() {
			t.Errorf("%s is no twin of %s", w.left, w.played)
		}
	}
	if got := at(signs(time.Second, Sign{Call: "HEAD /_ping"}), Cut, Refuse500); !slices.Equal(got, []int{1, 1}) {
		t.Errorf("a ping that fails is played at %v, want it cut and refused", got)
	}
	gone := Sign{Call: getDroplet, Side: sim.SideCloud, Status: http.StatusNotFound}
	if got := at(signs(time.Second, gone), Cut, Refuse500, HTML, Truncated); !slices.Equal(got, []int{1, 1, 1}) {
		t.Errorf("where a droplet is not there %v are played, want a failure, a page, and half of a refusal", got)
	}
	c = newChoice(Workflow{Name: "w"}, calls)
	c.literal = true
	if n := len(c.faults(1)); n < 4*14 || len(c.twins) > 0 {
		t.Errorf("%d plans where all count, %d twins", n, len(c.twins))
	}
}

// TestKindsOfOneClassAreOneToTheClients: of the kinds in each class the clients make the same error, for all that decides by it.
func TestKindsOfOneClassAreOneToTheClients(t *testing.T) {
	for _, call := range []struct {
		sign Sign
		do   func(context.Context, *docker.Client, *digitalocean.Client) error
	}{
		{Sign{Side: sim.SideDocker, Call: "GET /nodes", Status: http.StatusOK}, func(ctx context.Context, e *docker.Client, _ *digitalocean.Client) error {
			_, err := e.Nodes(ctx)
			return err
		}},
		{Sign{Side: sim.SideDocker, Call: "POST /configs/create", Write: true}, func(ctx context.Context, e *docker.Client, _ *digitalocean.Client) error {
			_, err := e.CreateConfig(ctx, "c", map[string]string{}, []byte("x"))
			return err
		}},
		{Sign{Side: sim.SideCloud, Call: listDroplets, Status: http.StatusOK}, func(ctx context.Context, _ *docker.Client, c *digitalocean.Client) error {
			_, err := c.Droplets(ctx, "t")
			return err
		}},
		{Sign{Side: sim.SideCloud, Call: createDroplet, Write: true}, func(ctx context.Context, _ *docker.Client, c *digitalocean.Client) error {
			_, err := c.CreateDroplet(ctx, cloud.CreateDroplet{Name: "n", Region: "fra1", Size: "s-1vcpu-1gb", Image: "docker-20-04"})
			return err
		}},
	} {
		for _, class := range classes(call.sign) {
			got := map[Kind]apierr.Kind{}
			for _, k := range class {
				if k.Applies(call.sign, Workflow{}) {
					synctest.Test(t, func(t *testing.T) { got[k] = meets(t, k, call.sign, call.do) })
				}
			}
			for k, kind := range got {
				if kind == "" || kind != got[class[0]] {
					t.Errorf("%s %s is %q to the client, %s is %q", call.sign.Call, k, kind, class[0], got[class[0]])
				}
			}
		}
	}
}

// meets makes a call to which such faults happen, each time it is tried.
func meets(t *testing.T, k Kind, s Sign, do func(context.Context, *docker.Client, *digitalocean.Client) error) apierr.Kind {
	r := New().newRun(Plan{Seed: 1}, Workflow{Start: file{managers: 1}}, Mutant{}, &Outcome{})
	if err := r.workflow.populate(r.world, r.cluster); err != nil {
		t.Fatal(err)
	}
	way := trip(func(req *http.Request) (*http.Response, error) {
		if sim.Unversioned(req.URL.Path) != "/_ping" {
			met := &ticket{sign: s, ctx: req.Context()}
			r.faults.inflict(met, k)
			r.scheduler.going = met
		}
		return r.world.TransportFrom(r.firstMachine()).RoundTrip(req)
	})
	engine, err := docker.New(docker.Options{HTTP: &http.Client{Transport: way}})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	account, err := digitalocean.New(digitalocean.Options{Token: r.world.Token(), Transport: way})
	if err != nil {
		t.Fatal(err)
	}
	err = do(t.Context(), engine, account)
	if own := (*apierr.Error)(nil); !errors.As(err, &own) {
		t.Fatalf("%s at %s: %v", k, s.Call, err)
	}
	return apierr.KindOf(err)
}
