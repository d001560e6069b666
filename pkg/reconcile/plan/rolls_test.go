package plan_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

func TestAnotherImageRollsAPool(t *testing.T) {
	for _, c := range []struct {
		name              string
		managers, workers int
		roll              string
	}{
		{"workers", 1, 3, "workers"}, {"managers", 3, 1, "managers"}, {"the only manager", 1, 1, "managers"},
	} {
		t.Run(c.name, func(t *testing.T) {
			managers, workers := pool("managers", "manager", c.managers), pool("workers", "worker", c.workers)
			m := cluster(t, managers, workers)
			rolled, want := &workers, c.workers
			if c.roll == "managers" {
				rolled, want = &managers, c.managers
			}
			rolled.Image = "debian-13"
			m.edit(managers, workers)
			m.watched(c.roll, want)
			for _, d := range m.droplets {
				if is := strings.Contains(d.droplet.Name, c.roll); is != (d.droplet.Image == "debian-13") {
					t.Errorf("%s has the image %s", d.droplet.Name, d.droplet.Image)
				}
			}
			if m.ledger.DeleteBudget != 0 || len(m.droplets) != c.managers+c.workers {
				t.Errorf("%d machines, and %d deletes are left of the edit", len(m.droplets), m.ledger.DeleteBudget)
			}
		})
	}
}

// TestAnotherVPCRollsAPool: where the file names one, by its name, that the cloud is known to have, and where it was edited.
func TestAnotherVPCRollsAPool(t *testing.T) {
	managers, workers, batch := pool("managers", "manager", 1), pool("workers", "worker", 2), pool("batch", "worker", 1)
	m := cluster(t, managers, workers, batch)
	for _, d := range m.droplets {
		d.droplet.VPC = "uuid-default"
		if strings.Contains(d.droplet.Name, "batch") { // somebody has joined the two networks
			d.droplet.VPC = "uuid-shop"
		}
	}
	workers.VPC = "shop"
	m.spec.Pools = []spec.Pool{batch, managers, workers}
	if p := m.pass(); len(p.Steps)+len(p.Holds) > 0 {
		t.Errorf("which networks there are is not known: steps %v, holds %v", p.Steps, p.Holds)
	}
	m.vpcs = []cloud.VPC{{UUID: "uuid-default", Name: "default", Region: "fra1", Default: true}, {UUID: "uuid-shop", Name: "shop", Region: "fra1"}}
	if p := m.pass(); len(p.Steps) > 0 || len(p.Holds) != 1 || !strings.Contains(p.Holds[0].Text, "2 machines of VPC uuid-default, and the file says shop: no accepted edit permits") || p.Holds[0].Guard != plan.GuardVPC {
		t.Errorf("no edit: steps %v, holds %v", p.Steps, p.Holds)
	}
	m.spec.Pools[2].VPC = ""
	m.edit(managers, workers, batch)
	m.watched("workers", 2)
	for _, d := range m.droplets {
		if want := map[bool]string{true: "uuid-shop", false: "uuid-default"}[!strings.Contains(d.droplet.Name, "managers")]; d.droplet.VPC != want {
			t.Errorf("%s is in %s", d.droplet.Name, d.droplet.VPC)
		}
	}
	if m.ledger.DeleteBudget != 0 || len(m.droplets) != 4 {
		t.Errorf("%d machines, and %d deletes are left of the edit", len(m.droplets), m.ledger.DeleteBudget)
	}
}

// TestNoMachineIsMadeWhereItCouldNotJoin: in a private network that none of the swarm's machines is in. What is there stays, and the file as it was ends the hold.
func TestNoMachineIsMadeWhereItCouldNotJoin(t *testing.T) {
	managers, workers, far := pool("managers", "manager", 1), pool("workers", "worker", 2), pool("far", "worker", 1)
	workers.Region, far.Region = "nyc3", "nyc3"
	inShop := pool("workers", "worker", 3)
	inShop.VPC = "shop"
	for name, c := range map[string]struct {
		pools []spec.Pool
		want  string
	}{
		"an edit of a pool's region": {[]spec.Pool{managers, workers}, "region-changed pool/workers"},
		"a pool more":                {[]spec.Pool{managers, pool("workers", "worker", 2), far}, "region-changed pool/far"},
		"another VPC of the region":  {[]spec.Pool{managers, inShop}, "vpc-changed pool/workers"},
	} {
		t.Run(name, func(t *testing.T) {
			m := cluster(t, pool("managers", "manager", 1), pool("workers", "worker", 2))
			m.vpcs = []cloud.VPC{{UUID: "uuid-default", Name: "default", Region: "fra1", Default: true}, {UUID: "uuid-shop", Name: "shop", Region: "fra1"}}
			for _, d := range m.droplets {
				d.droplet.VPC = "uuid-default"
			}
			m.edit(c.pools...)
			p := m.pass()
			if got := holds(p); !slices.Contains(got, c.want) {
				t.Errorf("holds %v", p.Holds)
			}
			for _, h := range p.Holds {
				if h.Guard+" "+h.Object == c.want && (!h.Final || !strings.Contains(h.Text, "could not join, because")) {
					t.Errorf("%+v", h)
				}
			}
			if guard, isRoll := strings.CutSuffix(c.want, " pool/workers"); isRoll { // neither is one in the place of another that a person asks for
				m.droplets[102].node.Spec.Labels[swarm.LabelReplace] = "now ann"
				if got := holds(m.pass()); !slices.Contains(got, guard+" node/"+m.droplets[102].droplet.Name) {
					t.Errorf("asked for: %v", got)
				}
				delete(m.droplets[102].node.Spec.Labels, swarm.LabelReplace)
			}
			for end := m.now.Add(time.Hour); m.now.Before(end); m.step(20 * time.Second) {
				m.pass()
			}
			if n := len(m.droplets); n != 3 {
				t.Errorf("%d machines", n)
			}
			m.edit(pool("managers", "manager", 1), pool("workers", "worker", 2))
			if got := holds(m.pass()); slices.Contains(got, c.want) {
				t.Errorf("the file as it was: %v", got)
			}
		})
	}
}

// A machine that was changed by hand is no edit, and an edit that is taken back rolls what is new only.
func TestWhatNoEditPermitsIsNotRolled(t *testing.T) {
	m := cluster(t, pool("managers", "manager", 1), pool("workers", "worker", 2))
	m.droplets[102].droplet.Size = "s-4vcpu-8gb"
	p := m.pass()
	if len(p.Steps) > 0 || len(p.Holds) != 1 || !strings.Contains(p.Holds[0].Text, "1 machine of s-4vcpu-8gb, and the file says s-1vcpu-1gb: no accepted edit permits") {
		t.Errorf("steps %v, holds %v", p.Steps, p.Holds)
	}
}

// TestARollThatDoesNotGetWellStops: it has a hold of its own from when the new machine is over its time, which says what is wrong and what to do.
func TestARollThatDoesNotGetWellStops(t *testing.T) {
	stopped, early, workers := "", "", pool("workers", "worker", 3)
	m := cluster(t, pool("managers", "manager", 1), workers)
	workers.Image = "broken"
	m.edit(pool("managers", "manager", 1), workers)
	m.spec.Policies.LaunchTimeout = time.Minute
	for end := m.now.Add(8 * time.Minute); m.now.Before(end); m.step(2 * time.Second) {
		for _, h := range m.pass().Holds {
			switch soon := m.now.Before(end.Add(-6 * time.Minute)); {
			case h.Guard == plan.GuardRollStopped && soon:
				early = h.Text
			case h.Guard == plan.GuardRollStopped && h.Object == "pool/workers" && h.Blocking:
				stopped = h.Text
			}
		}
		for _, d := range m.droplets {
			d.neverUp = d.droplet.Image == "broken"
		}
	}
	if n := len(m.droplets); n != 5 {
		t.Errorf("%d machines, want the 4 of before and one new\n%s", n, m.log.String())
	}
	if early != "" || !strings.Contains(stopped, "no further one is replaced, because web-workers-") || !strings.Contains(stopped, "swarmd why workers") {
		t.Errorf("before its time: %q; then: %q", early, stopped)
	}
	workers.Image = "docker-20-04"
	m.edit(pool("managers", "manager", 1), workers)
	m.settle(time.Hour)
	if len(m.droplets) != 4 || m.droplets[102] == nil || m.droplets[103] == nil || m.droplets[104] == nil {
		t.Errorf("the old ones are to stay\n%s", m.log.String())
	}
}

// A machine that is lost while another one waits to be replaced is replaced first: else each would wait for the other.
func TestAMachineIsLostInTheMiddleOfARoll(t *testing.T) {
	for _, managers := range []int{1, 3} {
		name, lost := "workers", 103
		if managers == 3 {
			name, lost = "managers", 102
		}
		t.Run(name, func(t *testing.T) {
			pools := func(image string) []spec.Pool {
				out := []spec.Pool{pool("managers", "manager", managers), pool("workers", "worker", 3)}
				out[len(out)-1-managers/3].Image = image
				return out
			}
			m := cluster(t, pools("docker-20-04")...)
			m.edit(pools("debian-13")...)
			m.pass()
			for id := range m.droplets {
				if strings.Contains(m.droplets[id].droplet.Name, name) && m.ledger.ByDroplet(ledger.Replace, id) == nil && m.droplets[id].node.ID != m.holder {
					lost = id
				}
			}
			m.kill(lost, plan.Ailing{How: plan.IsOff, Since: m.now.Add(-time.Hour), Tries: 3, Tried: m.now.Add(-20 * time.Minute)})
			m.droplets[lost].droplet.Status = cloud.StatusOff
			m.hook = m.handOver
			m.settle(3 * time.Hour)
			for _, d := range m.droplets {
				if is := strings.Contains(d.droplet.Name, name); is != (d.droplet.Image == "debian-13") {
					t.Errorf("%s has the image %s\n%s", d.droplet.Name, d.droplet.Image, m.log.String())
				}
			}
			if len(m.droplets) != managers+3 {
				t.Errorf("%d machines\n%s", len(m.droplets), m.log.String())
			}
		})
	}
}
