package plan_test

import (
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// sizesOf are the sizes that a region has; one of them has the smaller disk.
func sizesOf(region string) map[string]cloud.Size {
	out := map[string]cloud.Size{}
	for _, s := range []cloud.Size{
		{Slug: "s-1vcpu-512mb-10gb", VCPUs: 1, MemoryMB: 512, DiskGB: 10}, {Slug: "s-1vcpu-1gb", VCPUs: 1, MemoryMB: 1024, DiskGB: 25},
		{Slug: "s-2vcpu-4gb", VCPUs: 2, MemoryMB: 4096, DiskGB: 80}, {Slug: "s-4vcpu-8gb", VCPUs: 4, MemoryMB: 8192, DiskGB: 160},
	} {
		s.Available, s.Regions = true, []string{region}
		out[s.Slug] = s
	}
	return out
}

// record makes the changes that an action writes before its call, and fails the test where the ledger refuses them.
func (m *model) record(a plan.Action) {
	m.t.Helper()
	if err := m.ledger.Apply(m.moment(""), plan.NewStep("", a, plan.Reason{}).Before...); err != nil {
		m.t.Fatalf("%+v: %v", a, err)
	}
	m.sortOps()
}

func (m *model) moment(refused apierr.Kind) ledger.Moment {
	return ledger.Moment{Now: m.now, Epoch: 1, Refused: refused}
}

// resize is what the cloud makes of such a request: it takes droplets that are off, and leaves their disks.
func (m *model) resize(a plan.ResizeDroplet) {
	m.t.Helper()
	d := m.droplets[a.DropletID]
	if d.droplet.Status != cloud.StatusOff {
		m.t.Fatalf("%s is resized while it is %s", d.droplet.Name, d.droplet.Status)
	}
	refused := apierr.Kind("")
	if m.resized != nil {
		refused = m.resized(d)
	}
	switch refused {
	case "":
		d.droplet.Size = a.Size
	case apierr.Unknown: // nothing came of it, and nobody was told
	default:
		_ = m.ledger.Apply(m.moment(refused), plan.NewStep("", a, plan.Reason{}).IfRefused...)
	}
}

func (m *model) switchOn(d *machine) {
	if d.stuck {
		return
	}
	d.droplet.Status, d.onAt, d.offAt, d.stopAt = cloud.StatusActive, m.now, time.Time{}, time.Time{}
}

// boot is the end of a boot: the engine is back with what its machine has.
func (m *model) boot(d *machine) {
	d.onAt, d.node.State = time.Time{}, swarm.NodeReady
	if d.node.Manager != nil {
		d.node.Manager.Reachability = "reachable"
	}
	m.sees(d)
}

// sees has the engine say what its machine has.
func (m *model) sees(d *machine) {
	size := sizesOf("fra1")[d.droplet.Size]
	d.node.CPUs, d.node.MemoryBytes = float64(size.VCPUs), int64(size.MemoryMB)<<20
}
