package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/spec"
)

// pools grows and shrinks each pool to its count.
func (d *draft) pools() {
	if !d.dropletsKnown() {
		d.withoutCloud()
		return
	}
	for i := range d.in.Spec.Pools {
		p := &d.in.Spec.Pools[i]
		have := d.counted(p.Name) + d.absent(p)
		switch {
		case have+d.unseenOf(p.Name) < p.Count:
			d.grow(p, p.Count-have-d.unseenOf(p.Name))
		case have-d.disputed(p) > p.Count:
			d.shrink(p, have-d.disputed(p)-p.Count)
		}
	}
}

// withoutCloud says what cannot be judged. With a gap the gap's hold has said it.
func (d *draft) withoutCloud() {
	if !d.in.World.NoDroplets {
		return
	}
	for _, p := range d.in.Spec.Pools {
		if have := d.counted(p.Name); have != p.Count {
			d.hold(GuardNoCloud, "pool/"+p.Name, fmt.Sprintf("%d of %d machines, and no cloud to change that", have, p.Count))
		}
	}
}

func (d *draft) counted(pool string) int {
	n := 0
	for _, m := range d.members {
		if m.counts() && m.pool != nil && m.pool.Name == pool {
			n++
		}
	}
	return n
}

// disputed returns how many of the counted machines are disputed. They fill places, but nobody sound is taken away because of them.
func (d *draft) disputed(p *spec.Pool) int {
	n := 0
	for _, m := range d.members {
		if m.class == disputed && m.counts() && m.pool == p {
			n++
		}
	}
	return n
}

// absent returns how many adopted droplets do not exist and are no dead node's either: their places are held, not filled.
func (d *draft) absent(p *spec.Pool) int {
	n := 0
	for _, id := range p.Adopt {
		known := slices.ContainsFunc(d.members, func(m member) bool { return m.dropletID() == id })
		if d.gone(id) && !known {
			d.hold(GuardDropletDead, "droplet/"+strconv.Itoa(id), "pool "+p.Name+" adopts it, and it does not exist")
			n++
		}
	}
	return n
}

// grow creates what is missing, as far as the bound on what is under way permits.
func (d *draft) grow(p *spec.Pool, missing int) {
	if b, left := d.left(Ref{"pool", p.Name}); left {
		d.holds = append(d.holds, Hold{Guard: GuardBackoff, Object: "pool/" + p.Name, Blocking: true, Final: b.Final,
			Text: fmt.Sprintf("%d missing, no create before %s: the last one was refused: %s", missing, b.Until.UTC().Format(time.RFC3339), b.Why)})
		d.lookIn(b.Until.Sub(d.in.Now))
		return
	}
	if d.rotating() {
		d.wait(lookSoon)
		return
	}
	room := d.in.Spec.Policies.MaxCreates - len(d.open(ledger.Create)) - d.creates()
	if missing > room {
		d.hold(GuardMaxCreates, "pool/"+p.Name, fmt.Sprintf("%d more are missing; %d are under way at once at most",
			missing-max(room, 0), d.in.Spec.Policies.MaxCreates))
	}
	for range min(missing, room) {
		if !d.roomFor(p) {
			return
		}
		d.create(p)
	}
}

// roomFor reports whether one more operation may be open.
func (d *draft) roomFor(p *spec.Pool) bool {
	opened := 0
	for _, s := range d.steps {
		switch s.Action.(type) {
		case CreateDroplet, OpenDelete:
			opened++
		}
	}
	if len(d.in.World.Ledger.Ops)+opened < ledger.MaxOps {
		return true
	}
	d.hold(GuardLedger, "pool/"+p.Name, fmt.Sprintf("no further machine is begun with or ended: %d operations are open, at most so many at once; status names them", ledger.MaxOps))
	return false
}

// creates returns how many creates this plan has already.
func (d *draft) creates() int {
	n := 0
	for _, s := range d.steps {
		if _, ok := s.Action.(CreateDroplet); ok {
			n++
		}
	}
	return n
}

func (d *draft) create(p *spec.Pool) {
	id := d.opID()
	name := cloud.DropletName(d.in.Spec.Cluster, p.Name, id)
	if name == "" {
		return
	}
	d.step("create", name, CreateDroplet{
		OpID: id, Pool: p.Name, Name: name, Region: p.Region, Size: p.Size, Image: p.Image, VPC: d.in.Spec.Cloud.VPC,
		SSHKeys: slices.Clone(d.in.Spec.Cloud.SSHKeys), Tags: []string{cloud.ClusterTag(d.in.Spec.Cluster), cloud.OpTag(id), cloud.SwarmTag(d.in.World.Cluster.ID)},
		Deadline: d.in.Now.Add(d.in.Spec.Policies.CreateVisible), Token: ledger.Fingerprint(d.in.World.Cluster.WorkerToken),
	}, WhyPoolShort, fmt.Sprintf("pool %s wants %d", p.Name, p.Count))
}

// shrink picks the machines that leave and writes that down; everything else follows from what was written.
func (d *draft) shrink(p *spec.Pool, surplus int) {
	if !d.sees(deleteMachine) {
		return
	}
	picked := d.pick(p)
	if len(picked) < surplus {
		d.hold(GuardAdopted, "pool/"+p.Name, fmt.Sprintf("%d too many, %d of them adopted: those are not deleted",
			surplus, surplus-len(picked)))
	}
	for _, m := range picked[:min(surplus, len(picked))] {
		if p.Role == "manager" && !d.managerMayLeave(m) || !d.budgeted(p) {
			return // one after the other
		}
		if d.carries(m) && d.awaitsTurn(p) {
			continue // those that carry nothing need no turn
		}
		if !d.beginLeave(p, m) {
			return
		}
	}
}

// pick sorts who could leave: failed, then drained by hand, then never joined, then newest; the leader's and the lease holder's machines last.
func (d *draft) pick(p *spec.Pool) []member {
	var out []member
	for _, m := range d.members {
		if m.counts() && m.pool == p && m.class != disputed && !m.Adopted && m.dropletID() != 0 {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b member) int {
		return cmp.Or(cmp.Compare(d.order(a), d.order(b)), newest(a, b), cmp.Compare(b.dropletID(), a.dropletID()))
	})
	return out
}

func (d *draft) order(m member) int {
	switch {
	case m.Node != nil && m.Node.ID == d.in.Holder:
		return 6
	case m.Node != nil && m.Node.Leads():
		return 5
	}
	switch _, drained := m.maintained(); {
	case m.class == dead, m.class == down:
		return 0
	case drained:
		return 1
	case m.class == booting, m.class == overdue:
		return 2
	case m.class == arriving:
		return 3
	}
	return 4
}

func newest(a, b member) int { return b.born().Compare(a.born()) }

func (m member) born() time.Time {
	if m.Droplet != nil {
		return m.Droplet.Created
	}
	return m.Node.Created
}

// shortened is a name as long as a droplet's can be: a node says itself what its host is called, and the ledger has little room.
func shortened(name string) string { return name[:min(len(name), 63)] }

// budgeted reports whether one more delete is permitted.
func (d *draft) budgeted(p *spec.Pool) bool {
	if d.credit == 0 && !d.spare {
		d.hold(GuardBudget, "pool/"+p.Name, "no accepted edit permits a further delete, and one without an edit was begun within the hour: the next one goes by itself an hour after that")
		return false
	}
	return true
}

// beginLeave opens the Delete operation, which must be budgeted; false if no operation id is left.
func (d *draft) beginLeave(p *spec.Pool, m member) bool {
	if !d.roomFor(p) {
		return false
	}
	id := d.opID()
	if id == "" {
		return false
	}
	a := OpenDelete{OpID: id, Pool: p.Name, Name: shortened(m.name()), DropletID: m.dropletID(), Budgeted: d.credit > 0}
	if m.Node != nil {
		a.NodeID = m.Node.ID
	}
	if a.Budgeted {
		d.credit--
	} else {
		d.spare = false
	}
	d.step("leave", strconv.Itoa(a.DropletID), a, WhyPoolSurplus, fmt.Sprintf("pool %s wants %d; %s is the one to leave", p.Name, p.Count, m.String()))
	return true
}
