package reconcile_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/swarmd/swarmd/pkg/access"
	"github.com/swarmd/swarmd/pkg/app"
	"github.com/swarmd/swarmd/pkg/cloud/digitalocean"
	"github.com/swarmd/swarmd/pkg/reconcile"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/sim"
	"github.com/swarmd/swarmd/pkg/sim/docean"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

// webFile is a file of the cluster "web".
func webFile(managers, workers, services, replicas int) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `version: 1
cluster: web
cloud: { digitalocean: { region: fra1, image: docker-20-04 } }
nodes:
  managers: { role: manager, count: %d, size: s-1vcpu-1gb }
  workers: { role: worker, count: %d, size: s-1vcpu-1gb }
services:
`, managers, workers)
	for i := range services {
		fmt.Fprintf(&b, "  app%d: { image: \"nginx:1.27\", deploy: { replicas: %d } }\n", i, replicas)
	}
	return []byte(b.String())
}

// cluster is a simulated world with its first manager, and the loop on it through both real clients and the brakes.
type cluster struct {
	*sim.World
	loop  *reconcile.Loop
	store *ledger.Store
	edits chan []byte
	ahead atomic.Int64 // nanoseconds by which the clock on the wall was set forward
	stop  func()       // and wait
}

func newCluster(tb testing.TB, o sim.Options, first []byte) *cluster {
	tb.Helper()
	w := sim.New(o)
	if err := w.Populate(sim.Seeded{Cluster: "web", Region: "fra1", Managers: 1}); err != nil {
		tb.Fatal(err)
	}
	return on(tb, w, w.Cloud.Droplets()[0].Name, first)
}

// setup is what a cluster's swarmd is made of and told.
type setup struct {
	app.Options
	app.Role
}

// on runs a swarmd on a machine of the world.
func on(tb testing.TB, w *sim.World, from string, first []byte, changes ...func(*setup)) *cluster {
	tb.Helper()
	c := &cluster{World: w, edits: make(chan []byte)}
	s := c.setup(from, first)
	for _, change := range changes {
		change(&s)
	}
	swarmd, err := app.New(s.Options)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.Events = swarmd.Swarm.Events(ctx)
	c.store, c.loop = swarmd.Store, swarmd.Loop(s.Role)
	ended := make(chan struct{})
	go func() { _ = swarmd.Run(ctx, c.loop, app.Page{}); close(ended) }()
	c.stop = func() { cancel(); <-ended; swarmd.Close() }
	return c
}

// setup is a daemon's with the world's transports. It asks for no prices: tests count calls.
func (c *cluster) setup(from string, first []byte) setup {
	return setup{
		app.Options{Cluster: "web", Version: "test", Log: zap.NewNop(),
			Cloud: func(observe access.Observe) (*digitalocean.Client, error) {
				return digitalocean.New(digitalocean.Options{Token: c.Token(), Transport: c.Transport(), Observe: observe})
			},
			Engine: func(observe access.Observe) (*docker.Client, func(), error) {
				engine, err := docker.New(docker.Options{HTTP: &http.Client{Transport: c.TransportFrom(from)}, Observe: observe})
				return engine, func() { engine.Close() }, err
			},
			Seams: app.Seams{
				Wall:  func() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) },
				Price: func() map[string]float64 { return nil },
			}},
		app.Role{Instance: "abcde", File: app.File{Source: "file test", Initial: first, Edits: c.edits}},
	}
}

// await waits until all is as the revision wants it.
func (c *cluster) await(tb testing.TB, revision int, limit time.Duration) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if r, err := c.loop.Await(ctx, revision, nil); err != nil {
		tb.Fatalf("%v\nresult %s, error %q\nholds %+v\nsteps %+v\npools %+v", err, r.Result, r.Error, r.Holds, r.Steps, r.Pools)
	}
}

// counted returns how many calls the trace has, and its writes as "METHOD PATH". The event stream is no call.
func (c *cluster) counted() (calls int, writes []string) {
	for _, t := range c.Trace() {
		if t.Path == "/events" || t.Path == "/_ping" {
			continue
		}
		calls++
		if t.Write() {
			writes = append(writes, t.Method+" "+t.Path)
		}
	}
	return calls, writes
}

func TestWholeClusterGrowsFollowsEditsAndRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{Seed: 7}, webFile(3, 3, 4, 2))
		defer c.stop()
		c.await(t, 1, 15*time.Minute)
		if n := len(c.Cloud.Droplets()); n != 6 {
			t.Fatalf("%d droplets", n)
		}
		c.edits <- webFile(3, 1, 4, 3)
		c.await(t, 2, 20*time.Minute)
		if n := len(c.Cloud.Droplets()); n != 4 {
			t.Fatalf("%d droplets", n)
		}
		c.ResetTrace()
		time.Sleep(10 * time.Minute)
		_, writes := c.counted()
		for _, w := range writes {
			if !strings.HasPrefix(w, "POST /configs/") || !strings.HasSuffix(w, "/update") {
				t.Fatalf("wrote %s when all was as wanted", w)
			}
		}
		if len(writes) < 50 || len(writes) > 65 {
			t.Fatalf("%d renewals of the lease in ten minutes", len(writes))
		}
	})
}

// still is a world without any delay of its own.
func still() sim.Options {
	return sim.Options{Seed: 1, BootTime: -1, JoinTime: -1, ShutdownTime: -1, Cloud: docean.Options{ActionTime: -1, ListLag: -1, TagDelay: -1}}
}

// BenchmarkQuietPass is a pass over 5 nodes and 200 services in which all is as wanted. It reports API calls and writes a pass.
func BenchmarkQuietPass(b *testing.B) {
	c := newCluster(b, still(), webFile(3, 2, 200, 1))
	defer c.stop()
	c.await(b, 1, 2*time.Minute)
	reports := c.loop.Follow(b.Context())
	<-reports
	calls, writes := 0, 0
	for b.Loop() {
		c.ResetTrace()
		c.loop.Kick()
		<-reports
		n, w := c.counted()
		calls, writes = max(calls, n), max(writes, len(w))
	}
	b.ReportMetric(float64(calls), "calls/pass-max")
	b.ReportMetric(float64(writes), "writes/pass-max")
}

// BenchmarkEditToFirstWrite is the time from a saved file to the first write that changes a service, with 5 nodes and 20 services.
func BenchmarkEditToFirstWrite(b *testing.B) {
	c := newCluster(b, still(), webFile(3, 2, 20, 1))
	defer c.stop()
	c.await(b, 1, 2*time.Minute)
	wrote := make(chan time.Time, 1)
	c.SetFault(func(call sim.Call) sim.Verdict {
		if call.Write() && strings.HasPrefix(call.Path, "/services/") {
			select {
			case wrote <- time.Now():
			default:
			}
		}
		return sim.Pass()
	})
	var took []time.Duration
	revision := 1
	for b.Loop() {
		revision++
		saved := time.Now()
		c.edits <- webFile(3, 2, 20, 1+(revision+1)%2)
		took = append(took, (<-wrote).Sub(saved))
		b.StopTimer()
		c.await(b, revision, time.Minute)
		select {
		case <-wrote:
		default:
		}
		b.StartTimer()
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms/median")
	b.ReportMetric(float64(took[len(took)*9/10].Microseconds())/1000, "ms/p90")
}
