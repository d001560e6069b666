package sim_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/cloud/digitalocean"
	"github.com/swarmd/swarmd/pkg/sim"
	"github.com/swarmd/swarmd/pkg/sim/docean"
	"github.com/swarmd/swarmd/pkg/swarm"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

// adapter is swarmd's own client of the cloud, in the world.
func adapter(t *testing.T, w *sim.World, token string) *digitalocean.Client {
	t.Helper()
	c, err := digitalocean.New(digitalocean.Options{Token: token, Transport: w.Transport(), Jitter: func() float64 { return 0 }})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func request() cloud.CreateDroplet {
	return cloud.CreateDroplet{Name: "one", Region: "fra1", Size: "s-1vcpu-1gb", Image: "docker-20-04", Tags: []string{"swarmd:c"}}
}

// reading is how the adapter must read what the cloud answers in one situation.
type reading struct {
	change func(*docean.Options)
	do     func(*testing.T, *digitalocean.Client, *sim.World) error
	want   apierr.Kind
}

func readings() map[string]reading {
	return map[string]reading{
		"droplet limit": {func(o *docean.Options) { o.DropletLimit = 1 }, func(t *testing.T, c *digitalocean.Client, _ *sim.World) error {
			_, err := c.CreateDroplet(t.Context(), request())
			return err
		}, apierr.Limit},
		"bad size": {nil, func(t *testing.T, c *digitalocean.Client, _ *sim.World) error {
			r := request()
			r.Size = "huge"
			_, err := c.CreateDroplet(t.Context(), r)
			return err
		}, apierr.Invalid},
		"size sold out": {func(o *docean.Options) {
			o.Sizes = append(docean.DefaultSizes(), docean.Size{Slug: "rare", VCPUs: 1, MemoryMB: 1024, DiskGB: 25, Unavailable: true})
		}, func(t *testing.T, c *digitalocean.Client, _ *sim.World) error {
			r := request()
			r.Size = "rare"
			_, err := c.CreateDroplet(t.Context(), r)
			return err
		}, apierr.Capacity},
		"locked": {nil, func(t *testing.T, c *digitalocean.Client, w *sim.World) error {
			return c.DeleteDroplet(t.Context(), w.Cloud.Droplets()[0].ID)
		}, apierr.Busy},
		"resized while it runs":  {nil, resizing(docean.Resized, "s-2vcpu-4gb", false), apierr.Precondition},
		"no room to be resized":  {nil, resizing(docean.NoRoom, "s-2vcpu-4gb", true), apierr.Capacity},
		"resized below its disk": {nil, resizing(docean.Resized, "s-1vcpu-512mb-10gb", true), apierr.Invalid},
		"gone": {nil, func(t *testing.T, c *digitalocean.Client, _ *sim.World) error {
			_, err := c.Droplet(t.Context(), 7)
			return err
		}, apierr.NotFound},
		"read only token": {func(o *docean.Options) { o.OtherTokens = []docean.Token{{Secret: "reader", ReadOnly: true}} },
			func(t *testing.T, _ *digitalocean.Client, w *sim.World) error {
				_, err := adapter(t, w, "reader").CreateDroplet(t.Context(), request())
				return err
			}, apierr.Forbidden},
		"wrong token": {nil, func(t *testing.T, _ *digitalocean.Client, w *sim.World) error {
			_, err := adapter(t, w, "wrong").Droplets(t.Context(), "swarmd:c")
			return err
		}, apierr.Unauthorized},
		"lost answer": {nil, func(t *testing.T, c *digitalocean.Client, w *sim.World) error {
			w.SetFault(func(sim.Call) sim.Verdict { return sim.LoseAnswer(502) })
			_, err := c.CreateDroplet(t.Context(), request())
			return err
		}, apierr.Unknown},
	}
}

// resizing asks for a size for the one droplet, off or not, and says what came of it.
func resizing(f docean.Fate, size string, off bool) func(*testing.T, *digitalocean.Client, *sim.World) error {
	return func(t *testing.T, c *digitalocean.Client, w *sim.World) error {
		id := w.Cloud.Droplets()[0].ID
		idle := func() {
			for w.Cloud.Acting(id) {
				time.Sleep(time.Second)
			}
		}
		idle()
		if _, err := c.PowerOff(t.Context(), id); off && err != nil {
			t.Fatal(err)
		} else if !off {
			idle()
			if _, err := c.PowerOn(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		idle()
		w.Cloud.SetFate(f)
		_, err := c.Resize(t.Context(), id, size)
		idle()
		d, seen := c.Droplet(t.Context(), id)
		if seen != nil || d.DiskGB != 25 || (d.Size == size) != (err == nil) {
			t.Errorf("%s, %d GB, %v after %v", d.Size, d.DiskGB, seen, err)
		}
		return err
	}
}

// TestAResizeThroughTheAdapter: what is off gets another size and keeps its disk.
func TestAResizeThroughTheAdapter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sim.New(sim.Options{Seed: 3})
		must(t, w.Populate(sim.Seeded{Cluster: "c", Managers: 1}))
		if err := resizing(docean.Resized, "s-2vcpu-4gb", true)(t, adapter(t, w, w.Token()), w); err != nil {
			t.Error(err)
		}
	})
}

// TestAdapterUnderstandsTheCloud holds the words of the simulated API and the adapter's reading of them together.
func TestAdapterUnderstandsTheCloud(t *testing.T) {
	for name, c := range readings() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := sim.Options{}
				if c.change != nil {
					c.change(&o.Cloud)
				}
				w := sim.New(o)
				a := adapter(t, w, w.Token())
				if _, err := a.CreateDroplet(t.Context(), request()); err != nil {
					t.Fatal(err)
				}
				var e *apierr.Error
				if err := c.do(t, a, w); !errors.As(err, &e) || e.Kind != c.want {
					t.Fatalf("got %v, want kind %s", err, c.want)
				}
			})
		})
	}
}

// TestAdapterListsAgainWhenPagesShift deletes a droplet of the first page before the second is asked for.
func TestAdapterListsAgainWhenPagesShift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := sim.Options{Cloud: docean.Options{PageSize: 2}}
		w := sim.New(o)
		a := adapter(t, w, w.Token())
		for range 4 {
			if _, err := a.CreateDroplet(t.Context(), request()); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		first := w.Cloud.Droplets()[0].ID
		done := false
		w.SetFault(func(c sim.Call) sim.Verdict {
			if c.Side == sim.SideCloud && c.N == 6 && !done {
				done = true
				w.SetFault(nil)
				w.Cloud.SetLags(0, 0, 0)
				if err := a.DeleteDroplet(t.Context(), first); err != nil {
					t.Error(err)
				}
			}
			return sim.Pass()
		})
		all, err := a.Droplets(t.Context(), "swarmd:c")
		var ids []int
		for _, d := range all {
			ids = append(ids, d.ID)
		}
		var want []int
		for _, d := range w.Cloud.Droplets() {
			want = append(want, d.ID)
		}
		if diff := cmp.Diff(want, ids); err != nil || diff != "" || len(want) != 3 || len(w.Trace()) < 9 {
			t.Fatalf("%v, %d calls (-want +got):\n%s", err, len(w.Trace()), diff)
		}
	})
}

func TestSwarmAdapterInTheWorld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sim.New(sim.Options{Seed: 5})
		must(t, w.Populate(sim.Seeded{Cluster: "c", Managers: 3, Workers: 1}))
		time.Sleep(time.Minute)
		local, err := docker.New(docker.Options{Host: "unix:///var/run/docker.sock", HTTP: &http.Client{Transport: w.TransportFrom("c-managers-aaaaa")}})
		if err != nil {
			t.Fatal(err)
		}
		nodes, err := local.Nodes(t.Context())
		if err != nil || len(nodes) != 4 {
			t.Fatalf("%d nodes, %v", len(nodes), err)
		}
		first := w.Cloud.Droplets()[0]
		i := slices.IndexFunc(nodes, func(n swarm.Node) bool { return n.Hostname == first.Name })
		if i < 0 || nodes[i].EngineLabels[sim.DropletLabel] != fmt.Sprint(first.ID) {
			t.Fatalf("no node claims to be %+v", first)
		}
		must(t, w.CutOff("c-managers-aaaaa", true))
		time.Sleep(time.Minute)
		if _, err := local.Nodes(t.Context()); apierr.KindOf(err) != apierr.NoLeader {
			t.Fatalf("cut off from the majority: %v", err)
		}
	})
}

// A droplet is tagged afterwards, with a tag that the account does not know yet; twice is once.
func TestAdapterTags(t *testing.T) {
	w := sim.New(sim.Options{Seed: 1, Cloud: docean.Options{ListLag: -1, TagDelay: -1}})
	if err := w.Populate(sim.Seeded{Cluster: "c", Managers: 1, Untagged: true}); err != nil {
		t.Fatal(err)
	}
	c, id := adapter(t, w, w.Token()), w.Cloud.Droplets()[0].ID
	for range 2 {
		if err := c.TagDroplet(t.Context(), id, cloud.SwarmTag("s1")); err != nil {
			t.Fatal(err)
		}
	}
	d, err := c.Droplet(t.Context(), id)
	if err != nil || !slices.Equal(d.SwarmIDs(), []string{"s1"}) {
		t.Errorf("tags %v, %v", d.Tags, err)
	}
}
