package plan

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
)

// vanishGrace is how long a created droplet may answer "not found" before its create counts as failed: a GET can be behind the
// create, and a region without room takes a droplet back some seconds after it was accepted.
const vanishGrace = time.Minute

// createOp is a machine in the making: created, found, joined.
type createOp struct{ ledger.Op }

// createStage is how far a create is.
type createStage int

const (
	createHidden   createStage = iota // the droplets are not known
	createUnseen                      // its droplet does not show yet
	createVanished                    // its droplet does not exist any more
	createNoEffect                    // it left no droplet
	createFound                       // its droplet showed up, and the ledger does not have its id
	createBooting                     // its machine has not joined yet
	createJoined                      // its machine joined and is bound
)

// beginCreates opens as many creates as were granted.
func beginCreates(v *view, g grant, b *builder) {
	p, w := g.pool, v.in.World
	text := fmt.Sprintf("pool %s wants %d", p.Name, p.Count)
	if n := v.surge(p.Name); n > 0 {
		text += fmt.Sprintf(", and %s to take the place of others", machineCount(n))
	}
	for _, id := range g.ids {
		name := cloud.DropletName(v.in.Spec.Cluster, p.Name, id)
		if name == "" {
			continue
		}
		b.step("create", name, CreateDroplet{
			OpID: id, Pool: p.Name, Name: name, Region: p.Region, Size: p.Size, Image: p.Image, VPC: p.VPC,
			SSHKeys: slices.Clone(v.in.Spec.Cloud.SSHKeys), Tags: []string{cloud.ClusterTag(v.in.Spec.Cluster), cloud.OpTag(id), cloud.SwarmTag(w.Cluster.ID)},
			Deadline: v.in.Now.Add(v.in.Spec.Policies.CreateVisible), JoinWithin: v.in.Spec.Policies.JoinTimeout(p.Image), Token: ledger.Fingerprint(w.Cluster.WorkerToken),
		}, WhyPoolShort, text)
	}
}

// stage returns how far the create is, and its machine if that is seen. Absence from the list alone proves nothing before the deadline.
func (op createOp) stage(v *view) (*machine, createStage) {
	if !v.dropletsKnown() {
		return nil, createHidden
	}
	m := v.created(op.Op)
	switch {
	case m == nil && op.DropletID != 0 && v.vanished(op.Op):
		return nil, createVanished
	case m == nil && (op.DropletID == 0 || v.listed(op.DropletID)) && v.sees(closeCreate) && v.in.Now.After(op.Deadline):
		// What is listed, and was not made by it, is another's.
		return nil, createNoEffect
	case m == nil:
		return nil, createUnseen
	case m.Binding == world.Bound:
		return m, createJoined
	case op.DropletID != m.Droplet.ID:
		return m, createFound
	}
	return m, createBooting
}

func (op createOp) about() ledger.Op { return op.Op }

func (op createOp) next(v *view, b *builder) {
	b.progressing = true
	m, stage := op.stage(v)
	if m == nil && stage != createHidden {
		b.wait(requeueWait)
	}
	switch stage {
	case createVanished:
		b.step("close", op.ID, CloseOp{OpID: op.ID, Outcome: "gone", Failed: v.neverWas(op.Op)}, WhyDropletGone,
			"droplet "+strconv.Itoa(op.DropletID)+" ("+op.Name+") does not exist any more")
	case createNoEffect:
		b.closeOp(op.Op, "no_effect", WhyNoEffect, "the create of "+op.Name+" left no droplet until "+op.Deadline.UTC().Format(time.RFC3339))
	case createJoined:
		b.closeOp(op.Op, "joined", WhyJoined, m.String()+" joined")
	case createFound:
		b.step("record", op.ID, RecordDroplet{OpID: op.ID, DropletID: m.Droplet.ID}, WhyDropletFound, m.String()+" showed up")
	}
}

// created returns the machine that a create made, the first if the cloud made two. The id in the operation came with an answer, which can be
// wrong: what has neither the operation's tag nor its name is another's, and then the tag alone tells.
func (v *view) created(op ledger.Op) *machine {
	anothers := false
	for i := range v.machines {
		m := &v.machines[i]
		if m.Droplet == nil || m.Droplet.ID != op.DropletID {
			continue
		}
		if m.Droplet.OpID() == op.ID || m.Droplet.Name == op.Name {
			return m
		}
		anothers = true
	}
	for i := range v.machines {
		m := &v.machines[i]
		if m.Droplet != nil && (op.DropletID == 0 || anothers) && m.Owned && m.Droplet.OpID() == op.ID {
			return m
		}
	}
	return nil
}

// vanished reports whether the created droplet is gone for good: not found, and either deleted by us or old enough to be believed.
func (v *view) vanished(op ledger.Op) bool {
	if !v.sees(closeCreate) || !v.gone(op.DropletID) {
		return false
	}
	deleted := slices.ContainsFunc(v.deletes, func(o deleteOp) bool { return o.DropletID == op.DropletID })
	return deleted || v.in.Now.Sub(op.Started) > min(vanishGrace, op.Deadline.Sub(op.Started))
}

// neverWas returns the pool's template if the cloud took the droplet back before it was active, as it does where no host has room for it: that is a
// launch that failed. What was active was deleted by somebody.
func (v *view) neverWas(op ledger.Op) string {
	seen, p := v.in.Memory.Launching[op.DropletID], v.pool(op.Pool)
	deleted := slices.ContainsFunc(v.deletes, func(o deleteOp) bool { return o.DropletID == op.DropletID })
	if deleted || p == nil || seen.Seen.IsZero() || !seen.Active.IsZero() {
		return ""
	}
	return v.launchTemplate(p)
}

func (v *view) listed(dropletID int) bool {
	return slices.ContainsFunc(v.machines, func(m machine) bool { return m.Droplet != nil && m.Droplet.ID == dropletID })
}

func (v *view) gone(dropletID int) bool { return slices.Contains(v.in.World.Gone, dropletID) }

// unseenOf returns how many open creates of the pool have no droplet to be seen yet.
func (v *view) unseenOf(pool string) int {
	n := 0
	for _, op := range v.creates {
		if op.Pool == pool && v.created(op.Op) == nil {
			n++
		}
	}
	return n
}
