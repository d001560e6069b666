package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// fakeCloud lists a droplet only after a lag, and can lose the answer to a create.
type fakeCloud struct {
	mu       sync.Mutex
	droplets []cloud.Droplet
	lag      time.Duration
	loseNext bool
	hijack   bool // the next answer is about another's droplet
	refuse   error
	failTag  error // once
	creates  int
}

func (f *fakeCloud) Droplets(context.Context, string) ([]cloud.Droplet, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []cloud.Droplet
	for _, d := range f.droplets {
		if time.Since(d.Created) >= f.lag {
			out = append(out, d)
		}
	}
	return out, nil
}

func (f *fakeCloud) Droplet(_ context.Context, id int) (cloud.Droplet, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, d := range f.droplets {
		if d.ID == id {
			return d, nil
		}
	}
	return cloud.Droplet{}, &apierr.Error{Kind: apierr.NotFound, Op: "get droplet", Err: errors.New("not found")}
}

func (f *fakeCloud) CreateDroplet(_ context.Context, req cloud.CreateDroplet) (cloud.Droplet, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.creates++
	if f.refuse != nil {
		return cloud.Droplet{}, f.refuse
	}
	n := len(f.droplets) + 1
	d := cloud.Droplet{ID: n, Name: req.Name, Tags: req.Tags, Status: cloud.StatusActive, Created: time.Now(),
		PublicIPv4: fmt.Sprintf("203.0.113.%d", n), PrivateIPv4: fmt.Sprintf("10.0.0.%d", n)}
	f.droplets = append(f.droplets, d)
	if f.hijack {
		f.hijack = false
		return cloud.Droplet{ID: 4711, Name: "database", Status: cloud.StatusActive}, nil
	}
	if f.loseNext {
		f.loseNext = false
		return cloud.Droplet{}, &apierr.Error{Kind: apierr.Unknown, Op: "create droplet", Err: errors.New("cut")}
	}
	return d, nil
}

func (f *fakeCloud) TagDroplet(_ context.Context, id int, tag string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.failTag; err != nil {
		f.failTag = nil
		return err
	}
	for i := range f.droplets {
		if d := &f.droplets[i]; d.ID == id {
			d.Tags = append(slices.Clone(d.Tags), tag)
		}
	}
	return nil
}

// fakeEngine joins a swarm on init; it can lose the answer.
type fakeEngine struct {
	mu    sync.Mutex
	state string
	inits int
	pool  string
	lose  bool
}

func (f *fakeEngine) Info(context.Context) (swarm.Info, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	info := swarm.Info{LocalState: f.state, ControlAvail: f.state == "active"}
	if info.ControlAvail {
		info.ClusterID = "s1"
	}
	return info, nil
}

func (f *fakeEngine) InitSwarm(_ context.Context, _, pool string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state == "active" {
		return errors.New("this node is already part of a swarm")
	}
	f.inits++
	f.pool = pool
	f.state = "active"
	if f.lose {
		return errors.New("cut")
	}
	return nil
}

func options(t *testing.T, c *fakeCloud, e *fakeEngine) Options {
	t.Helper()
	return Options{
		Spec: &spec.Spec{Cluster: "demo", Pools: []spec.Pool{{Name: "managers", Role: "manager", Count: 1}},
			Policies: spec.Policies{CreateVisible: time.Minute, LaunchTimeout: 10 * time.Minute}},
		Cloud:    c,
		UserData: func(context.Context) (string, string, error) { return "#cloud-config\n", "", nil },
		Intent:   Intent{Dir: t.TempDir()},
		Dial:     func(context.Context, string, []string) (Engine, error) { return e, nil },
		Progress: func(format string, args ...any) { t.Logf(format, args...) },
	}
}

func TestSecondRunFindsTheFirstManager(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, e := &fakeCloud{}, &fakeEngine{state: "inactive"}
		o := options(t, c, e)
		first, err := FirstManager(t.Context(), o)
		if err != nil || !first.Created {
			t.Fatalf("first run: %+v, %v", first, err)
		}
		again, err := FirstManager(t.Context(), o)
		if err != nil || again.Created || again.Droplet.ID != first.Droplet.ID {
			t.Fatalf("second run: %+v, %v", again, err)
		}
		if c.creates != 1 || e.inits != 1 {
			t.Errorf("%d creates and %d inits, want one each", c.creates, e.inits)
		}
	})
}

func TestALostAnswerIsLookedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, e := &fakeCloud{loseNext: true, lag: 20 * time.Second}, &fakeEngine{state: "inactive", lose: true}
		if _, err := FirstManager(t.Context(), options(t, c, e)); err != nil {
			t.Fatal(err)
		}
		if c.creates != 1 {
			t.Errorf("%d creates, want 1", c.creates)
		}
	})
}

// TestMachinesInOtherPoolsAreACluster: a file of another purpose with a cluster's name must not begin a second swarm beside it.
func TestMachinesInOtherPoolsAreACluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		theirs := cloud.Droplet{ID: 7, Name: "demo-masters-abcde", Tags: []string{cloud.ClusterTag("demo"), cloud.OpTag("abcdeabcdeabcdea")}, Created: time.Now()}
		c, e := &fakeCloud{droplets: []cloud.Droplet{theirs}}, &fakeEngine{state: "inactive"}
		o := options(t, c, e)
		if _, err := FirstManager(t.Context(), o); err == nil || !strings.Contains(err.Error(), "demo-masters-abcde") || !strings.Contains(err.Error(), "swarmd apply") || c.creates != 0 {
			t.Errorf("%d creates, %v", c.creates, err)
		}
		o.Beside = true
		if _, err := FirstManager(t.Context(), o); err != nil || c.creates != 1 {
			t.Errorf("when it is said on purpose: %d creates, %v", c.creates, err)
		}
	})
}

// TestTheSwarmsNetworksAreBesideTheVPC: a container whose network overlaps the VPC reaches no machine there.
func TestTheSwarmsNetworksAreBesideTheVPC(t *testing.T) {
	for vpc, want := range map[string]string{
		"10.0.0.0/16": "10.128.0.0/9", "10.114.0.0/20": "10.128.0.0/9", "10.128.0.0/16": "10.0.0.0/9", "10.255.240.0/20": "10.0.0.0/9",
		"10.0.0.0/8": "192.168.0.0/16", "172.16.0.0/16": "", "192.168.0.0/20": "", "": "",
	} {
		synctest.Test(t, func(t *testing.T) {
			e := &fakeEngine{state: "inactive"}
			o := options(t, &fakeCloud{}, e)
			if vpc != "" {
				o.Private = netip.MustParsePrefix(vpc)
			}
			if _, err := FirstManager(t.Context(), o); err != nil || e.pool != want {
				t.Errorf("VPC %s: pool %q, want %q: %v", vpc, e.pool, want, err)
			}
		})
	}
}

func TestAnAnswerAboutAnothersDropletIsNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, e := &fakeCloud{hijack: true, lag: 20 * time.Second}, &fakeEngine{state: "inactive"}
		first, err := FirstManager(t.Context(), options(t, c, e))
		if err != nil || first.Droplet.ID != 1 || c.creates != 1 {
			t.Errorf("the first manager is droplet %d after %d creates: %v", first.Droplet.ID, c.creates, err)
		}
	})
}

func TestARunThatDiedAfterTheSendIsNotRepeatedBlindly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, e := &fakeCloud{lag: 20 * time.Second, loseNext: true}, &fakeEngine{state: "inactive"}
		o := options(t, c, e)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := FirstManager(ctx, o); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("the first run should have been cut short, got %v", err)
		}
		if _, err := FirstManager(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if c.creates != 1 {
			t.Errorf("%d creates, want 1", c.creates)
		}
	})
}

func TestARefusedCreateLeavesNoIntent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &fakeCloud{refuse: &apierr.Error{Kind: apierr.Capacity, Op: "create droplet", Err: errors.New("limit")}}
		o := options(t, c, &fakeEngine{})
		if _, err := FirstManager(t.Context(), o); apierr.KindOf(err) != apierr.Capacity {
			t.Fatalf("got %v", err)
		}
		r, err := o.Intent.Open("demo")
		if err != nil || r.Sent {
			t.Errorf("the intent is still open: %+v, %v", r, err)
		}
	})
}

func TestAForeignDropletWithTheTagIsNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, e := &fakeCloud{}, &fakeEngine{state: "inactive"}
		c.droplets = []cloud.Droplet{{ID: 1, Name: "demo-managers-zzzzz", Tags: []string{"swarmd:demo"}, Status: cloud.StatusActive, PublicIPv4: "203.0.113.1", PrivateIPv4: "10.0.0.1"}}
		first, err := FirstManager(t.Context(), options(t, c, e))
		if err != nil || first.Droplet.ID != 2 {
			t.Errorf("took droplet %d (%v), want a new one", first.Droplet.ID, err)
		}
	})
}

// made is a droplet as an earlier or another bootstrap, or swarmd itself, made it.
func made(id int, age time.Duration) cloud.Droplet {
	op := NewOpID()
	return cloud.Droplet{ID: id, Name: "demo-managers-" + op[:5], Tags: []string{"swarmd:demo", "swarmd-op:" + op}, Status: cloud.StatusActive,
		Created: time.Now().Add(-age), PublicIPv4: fmt.Sprintf("203.0.113.%d", id), PrivateIPv4: fmt.Sprintf("10.0.0.%d", id)}
}

// hosts answers Dial with the engine of each host; none: it cannot be reached.
func hosts(engines map[string]*fakeEngine) func(context.Context, string, []string) (Engine, error) {
	return func(_ context.Context, host string, _ []string) (Engine, error) {
		if e := engines[host]; e != nil {
			return e, nil
		}
		return nil, errors.New("no route to host")
	}
}

// The oldest machine of the pool left the swarm (or never joined it) while others are managers: a second swarm there would have a swarmd
// of its own, to which all other machines look like droplets that never joined.
func TestNoSecondSwarmIsBegun(t *testing.T) {
	for name, tc := range map[string]struct {
		engines map[string]*fakeEngine
		want    int // droplet; 0: an error
	}{
		"another is a manager":      {map[string]*fakeEngine{"203.0.113.1": {state: "inactive"}, "203.0.113.2": {state: "active"}}, 2},
		"another cannot be asked":   {map[string]*fakeEngine{"203.0.113.1": {state: "inactive"}}, 0},
		"none is":                   {map[string]*fakeEngine{"203.0.113.1": {state: "inactive"}, "203.0.113.2": {state: "inactive"}}, 1},
		"the oldest is in an error": {map[string]*fakeEngine{"203.0.113.1": {state: "error"}, "203.0.113.2": {state: "active"}}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &fakeCloud{droplets: []cloud.Droplet{made(1, 2*time.Hour), made(2, time.Hour)}}
				o := options(t, c, nil)
				o.Dial = hosts(tc.engines)
				first, err := FirstManager(t.Context(), o)
				if first.Droplet.ID != tc.want || (err == nil) != (tc.want != 0) {
					t.Errorf("droplet %d, %v; want %d", first.Droplet.ID, err, tc.want)
				}
				for host, e := range tc.engines {
					if e.inits > 0 && host != fmt.Sprintf("203.0.113.%d", tc.want) || e.inits > 0 && tc.want == 2 {
						t.Errorf("a swarm was begun on %s", host)
					}
				}
			})
		})
	}
}

// Two people run bootstrap at once. Neither sees the other's droplet in time, and still there is one swarm, on the older machine, also when
// the machines are up before they are listed.
func TestTwoBootstrapsAtOnceMakeOneSwarm(t *testing.T) {
	for _, boot := range []time.Duration{30 * time.Second, 5 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			engines := map[string]*fakeEngine{"203.0.113.1": {state: "inactive"}, "203.0.113.2": {state: "inactive"}}
			c := &fakeCloud{lag: 20 * time.Second}
			ids := make(chan int, 2)
			for range 2 {
				o := options(t, c, nil)
				booted := time.Now().Add(boot)
				o.Dial = func(ctx context.Context, host string, keys []string) (Engine, error) {
					if time.Now().Before(booted) {
						return nil, errors.New("connection refused")
					}
					return hosts(engines)(ctx, host, keys)
				}
				go func() {
					first, err := FirstManager(t.Context(), o)
					if err != nil {
						t.Error(err)
					}
					ids <- first.Droplet.ID
				}()
				time.Sleep(time.Second)
			}
			if a, b := <-ids, <-ids; a != 1 || b != 1 || engines["203.0.113.1"].inits != 1 || engines["203.0.113.2"].inits != 0 {
				t.Errorf("up after %s: the swarm is on droplets %d and %d, %d and %d inits", boot, a, b, engines["203.0.113.1"].inits, engines["203.0.113.2"].inits)
			}
		})
	}
}

// The first manager gets the tag of its swarm; a run that was cut off between the two is made good by the next.
func TestTheFirstManagerIsTaggedWithItsSwarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, e := &fakeCloud{failTag: errors.New("cut")}, &fakeEngine{state: "inactive"}
		o := options(t, c, e)
		if _, err := FirstManager(t.Context(), o); err == nil || !strings.Contains(err.Error(), "run bootstrap again") {
			t.Fatalf("the tag is missing: %v", err)
		}
		for range 2 {
			if _, err := FirstManager(t.Context(), o); err != nil {
				t.Fatal(err)
			}
		}
		if got := c.droplets[0].SwarmIDs(); !slices.Equal(got, []string{"s1"}) || e.inits != 1 {
			t.Errorf("tagged as of the swarms %v after %d inits", got, e.inits)
		}
	})
}

// A machine whose tag says another swarm keeps it, and of two swarms none is chosen.
func TestTagsOfOtherSwarms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		of := func(id int, swarmID string) cloud.Droplet {
			d := made(id, time.Hour)
			d.Tags = append(d.Tags, cloud.SwarmTag(swarmID))
			return d
		}
		c, e := &fakeCloud{droplets: []cloud.Droplet{of(1, "s0")}}, &fakeEngine{state: "active"}
		if _, err := FirstManager(t.Context(), options(t, c, e)); err != nil || len(c.droplets[0].SwarmIDs()) != 1 {
			t.Errorf("tags %v, %v", c.droplets[0].Tags, err)
		}
		c.droplets = append(c.droplets, of(2, "s1"))
		if _, err := FirstManager(t.Context(), options(t, c, e)); err == nil || !strings.Contains(err.Error(), "the swarms s0 and s1 both have machines") {
			t.Error(err)
		}
	})
}

func TestOpIDsAreLetters(t *testing.T) {
	for range 100 {
		if id := NewOpID(); len(id) != 16 || strings.Trim(id, "abcdefghijklmnopqrstuvwxyz") != "" {
			t.Fatalf("op id %q", id)
		}
	}
}
