package sim_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/digitalocean/godo"

	"github.com/swarmd/swarmd/pkg/cloud/userdata"
	"github.com/swarmd/swarmd/pkg/sim"
)

// joins is user-data that joins the cluster's swarm.
func (c *cluster) joins(t *testing.T) string {
	t.Helper()
	return renderUserData(t, &userdata.Join{Token: c.token, Managers: []string{c.addr}})
}

func (c *cluster) status(t *testing.T, id int) string {
	t.Helper()
	d, _, err := c.godo.Droplets.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return d.Status
}

func TestLaunchesThatFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{Seed: 1})
		c.StallBoots(1, 0, 0)
		c.BreakImage("docker-20-04", true)
		stuck, mute := create(t, c.godo, "stuck", c.joins(t)), create(t, c.godo, "mute", c.joins(t))
		c.BreakImage("docker-20-04", false)
		create(t, c.godo, "fine", c.joins(t))
		time.Sleep(5 * time.Minute)
		if got := c.nodes(t); len(got) != 2 || !strings.HasPrefix(got[1], "fine ready drain ") {
			t.Errorf("nodes %v", got)
		}
		if s, m := c.status(t, stuck.ID), c.status(t, mute.ID); s != "new" || m != "active" {
			t.Errorf("stuck is %s, mute is %s", s, m)
		}
		if _, err := c.godo.Droplets.Delete(t.Context(), stuck.ID); err == nil || !strings.Contains(err.Error(), "pending event") {
			t.Errorf("deleted while it is made: %v", err)
		}
		time.Sleep(6 * time.Minute)
		if _, err := c.godo.Droplets.Delete(t.Context(), stuck.ID); err != nil {
			t.Errorf("not deleted when the cloud has given it up: %v", err)
		}
	})
}

func TestARegionRunsOutOfASize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{Seed: 1})
		ask := func(size string) error {
			_, _, err := c.godo.Droplets.Create(t.Context(), &godo.DropletCreateRequest{Name: "w", Region: "fra1", Size: size, Image: godo.DropletCreateImage{Slug: "docker-20-04"}})
			return err
		}
		c.Cloud.SetStock("fra1", "s-1vcpu-2gb", 1)
		if err := ask("s-1vcpu-2gb"); err != nil {
			t.Error("the last one:", err)
		}
		if err := ask("s-1vcpu-2gb"); err == nil || !strings.Contains(err.Error(), "422") || !strings.Contains(err.Error(), "unavailable in this region") {
			t.Error("one too many:", err)
		}
		if err := ask("s-1vcpu-1gb"); err != nil {
			t.Error("another size:", err)
		}
		c.Cloud.SetStock("fra1", "s-1vcpu-2gb", -1)
		if err := ask("s-1vcpu-2gb"); err != nil {
			t.Error("there are some again:", err)
		}
	})
}

func TestPowerActionsThatFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{Seed: 1})
		w := create(t, c.godo, "w1", c.joins(t))
		time.Sleep(time.Minute)
		must(t, c.KillMachine("w1"))
		for _, one := range []struct {
			how          sim.PowerFault
			soon, status string
			later        string
		}{{sim.PowerErrors, "errored", "off", "errored"}, {sim.PowerIgnored, "in-progress", "off", "errored"}, {sim.PowerWorks, "completed", "active", "completed"}} {
			must(t, c.FailPower("w1", one.how))
			a, _, err := c.godo.DropletActions.PowerOn(t.Context(), w.ID)
			if err != nil {
				t.Fatal(err)
			}
			for wait, want := range map[time.Duration]string{30 * time.Second: one.soon} {
				time.Sleep(wait)
				if got, _, err := c.godo.DropletActions.Get(t.Context(), w.ID, a.ID); err != nil || got.Status != want {
					t.Errorf("fault %d: after %s the action is %v, %v", one.how, wait, got, err)
				}
			}
			time.Sleep(3 * time.Minute)
			if got, _, err := c.godo.DropletActions.Get(t.Context(), w.ID, a.ID); err != nil || got.Status != one.later || c.status(t, w.ID) != one.status {
				t.Errorf("fault %d: in the end the action is %v, the droplet %s, %v", one.how, got, c.status(t, w.ID), err)
			}
		}
	})
}

func TestAMachineRejoinsUnderAnotherID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{Seed: 1})
		create(t, c.godo, "w1", c.joins(t))
		time.Sleep(time.Minute)
		before := c.Engine("w1").NodeID()
		must(t, c.Rejoin("w1", c.token))
		time.Sleep(time.Minute)
		down, ready := 0, 0
		for _, n := range c.nodes(t) {
			switch {
			case strings.HasPrefix(n, "w1 down "):
				down++
			case strings.HasPrefix(n, "w1 ready "):
				ready++
			}
		}
		if after := c.Engine("w1").NodeID(); after == before || down != 1 || ready != 1 {
			t.Errorf("it was %s and is %s: %v", before, after, c.nodes(t))
		}
		if c.Rejoin("nobody", c.token) == nil {
			t.Error("nobody rejoined")
		}
	})
}

func TestANetworkFallsIntoTwo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{Seed: 1})
		for _, name := range []string{"w1", "w2", "w3"} {
			create(t, c.godo, name, c.joins(t))
		}
		time.Sleep(time.Minute)
		must(t, c.Split("w2", "w3"))
		ping := func(from, to string) error {
			_, err := dockerClient(t, c.TransportFrom(from), to).Ping(t.Context())
			return err
		}
		time.Sleep(time.Minute)
		state := func() (out string) {
			for _, n := range slices.Sorted(slices.Values(c.nodes(t))) {
				out += strings.Join(strings.Fields(n)[:2], " ") + ";"
			}
			return out
		}
		if got := state(); got != "m1 ready;w1 ready;w2 down;w3 down;" {
			t.Error(got)
		}
		if ping("w2", "w3") != nil || ping("m1", "w1") != nil || ping("m1", "w2") == nil || ping("w3", "m1") == nil {
			t.Errorf("who reaches whom: %v %v %v %v", ping("w2", "w3"), ping("m1", "w1"), ping("m1", "w2"), ping("w3", "m1"))
		}
		if _, _, err := cloudClient(c.World, c.TransportFrom("w2")).Account.Get(t.Context()); err != nil {
			t.Error("the cloud is on both sides:", err)
		}
		must(t, c.Split())
		time.Sleep(time.Minute)
		if got := state(); got != "m1 ready;w1 ready;w2 ready;w3 ready;" {
			t.Error(got)
		}
		if c.Split("nobody") == nil {
			t.Error("nobody was parted")
		}
	})
}

func TestADropletThatIsActiveLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{Seed: 1})
		c.StallBoots(1, 4*time.Minute, 0)
		late := create(t, c.godo, "late", c.joins(t))
		time.Sleep(3 * time.Minute)
		if _, on := c.Booted(late.ID); on || c.status(t, late.ID) != "new" || len(c.nodes(t)) != 1 {
			t.Errorf("it is on: %v, and %s", on, c.status(t, late.ID))
		}
		time.Sleep(2 * time.Minute)
		if since, on := c.Booted(late.ID); !on || time.Since(since) > 61*time.Second || c.status(t, late.ID) != "active" || len(c.nodes(t)) != 2 {
			t.Errorf("it is on: %v since %s, and %s: %v", on, since, c.status(t, late.ID), c.nodes(t))
		}
	})
}
