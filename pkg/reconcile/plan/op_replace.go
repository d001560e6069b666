package plan

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// replaceOp has another machine take the place of one that is still there. While the other one is not, the pool has one machine more; then the old one
// is the first to leave.
type replaceOp struct{ ledger.Op }

// The values of a replacement's reason, which the ledger keeps.
const (
	forIll    = "ill" // it is off or down, and nothing brings it back
	forAsked  = "asked"
	forSize   = "size"
	forImage  = "image"
	forRegion = "region"
	forVPC    = "vpc"
)

// reasonOf is the reason of a replacement that a wish of the kind begins, "" if it begins none.
func reasonOf(k kind) string {
	return map[kind]string{replaceIll: forIll, replaceAsked: forAsked, changeSize: forSize, changeImage: forImage, changeRegion: forRegion, changeVPC: forVPC}[k]
}

// Rolls reports whether the machine is replaced for what the file says.
func (a OpenReplace) Rolls() bool { return rolls(a.Reason) }

// rolls reports whether it is for what the file says.
func rolls(reason string) bool { return reason != forIll && reason != forAsked }

// replaceStage is how far a replacement is.
type replaceStage int

const (
	replaceHidden   replaceStage = iota // what must be known is not
	replaceGone                         // the machine is not there any more
	replaceNeedless                     // nothing speaks against the machine any more
	replaceComing                       // the other machine is not there yet
	replaceReady                        // it is: the old one may leave
)

// beginReplace opens the replacement that was granted.
func beginReplace(g grant, b *builder) {
	m := g.machine
	a := OpenReplace{OpID: g.ids[0], Pool: m.pool.Name, Name: shortened(m.name()), DropletID: m.dropletID(), Reason: reasonOf(g.kind)}
	if m.Node != nil {
		a.NodeID = m.Node.ID
	}
	text := g.text
	if g.kind != replaceIll {
		text = why(a.Reason, m)
	}
	b.step("replace", strconv.Itoa(a.DropletID), a, WhyReplace, m.name()+": "+text+"; another machine takes its place, and then it leaves")
}

// stage returns how far the replacement is, and its machine.
func (op replaceOp) stage(v *view) (machine, replaceStage) {
	m, ok := v.of(op.Op)
	switch {
	case !v.dropletsKnown(), ok && (v.outdated() || m.unsure()): // what it is to be, or which one it is, is not known
		return m, replaceHidden
	case !ok || m.class == leaving || m.class == dead:
		return m, replaceGone
	case op.needless(v, m):
		return m, replaceNeedless
	case v.replaced(op, m):
		return m, replaceReady
	}
	return m, replaceComing
}

// needless reports whether the machine may stay: it came back, the file or a person wants it again, or it is to be left alone.
func (op replaceOp) needless(v *view, m machine) bool {
	switch _, maintained := m.maintained(); {
	case v.keptOffBy(GuardProtected, m), m.pool == nil, m.class == foreign, m.Adopted, maintained && op.Reason != forAsked:
		return true
	}
	switch op.Reason {
	case forIll:
		return m.class == ready || m.pool.RepairOff
	case forAsked:
		return !asked(m.Machine)
	}
	return !slices.Contains(v.drifts(m), op.Reason)
}

// replaced reports whether the other machine is there. For one that is lost already it is enough that as many are in the swarm as the file wants, or that the
// account or the file has no room for one more; one that is to be another stays until as many others work.
func (v *view) replaced(op replaceOp, of machine) bool {
	joined, working, before := 0, 0, 0
	for _, m := range v.machines {
		if !m.counts() || m.pool != of.pool {
			continue
		}
		other := v.replacing(m)
		switch m.class {
		case booting, overdue, arriving:
			continue
		}
		if other == nil || other.Reason != forIll {
			joined++
		}
		if m.class == ready && (m.pool.Role != "manager" || m.isManager()) {
			working++
		}
		if other != nil && other.Reason != forIll && other.ID < op.ID {
			before++
		}
	}
	if op.Reason == forIll {
		full, _ := v.left(Ref{"pool", of.pool.Name})
		most := v.in.Spec.Policies.MaxDroplets
		return joined >= of.pool.Count || full.Limit || most > 0 && v.unseenOf(of.pool.Name) == 0 && len(v.billed()) >= most
	}
	if of.class != ready { // it is not one of those that work
		before--
	}
	return working-of.pool.Count > before
}

// onlyWaits reports whether the machine works and stays until another one does. It takes no turn from one that is lost, which may be what it waits for.
func (op replaceOp) onlyWaits(v *view) bool {
	m, stage := op.stage(v)
	return op.Reason != forIll && stage == replaceComing && m.class == ready
}

// replacing returns the open replacement of the machine, or nil.
func (v *view) replacing(m machine) *replaceOp {
	for i := range v.replaces {
		if v.replaces[i].DropletID == m.dropletID() {
			return &v.replaces[i]
		}
	}
	return nil
}

// mayGo reports whether the machine is one that another took the place of.
func (v *view) mayGo(m machine) bool {
	op := v.replacing(m)
	if op == nil {
		return false
	}
	_, stage := op.stage(v)
	return stage == replaceReady
}

// proposeReplaced proposes that the machines of a pool leave that others took the place of.
func proposeReplaced(v *view, p *spec.Pool) []wish {
	var wishes []wish
	for _, m := range v.machines {
		if m.pool == p && v.mayGo(m) && !v.keptByHand(m) {
			wishes = append(wishes, wish{kind: leaveReplaced, object: m.object(), pool: p, machine: m, text: "another machine took its place"})
		}
	}
	return wishes
}

// surge is how many machines more than the file wants a pool has for now, so that the new one comes first.
func (v *view) surge(pool string) int {
	n := 0
	for _, op := range v.replaces {
		m, stage := op.stage(v)
		if stage == replaceComing && m.pool != nil && m.pool.Name == pool {
			n++
		}
	}
	return n
}

func (op replaceOp) about() ledger.Op { return op.Op }

func (op replaceOp) next(v *view, b *builder) {
	b.progressing = true
	m, stage := op.stage(v)
	switch stage {
	case replaceHidden: // a gap, the missing cloud or the dispute has been said
	case replaceGone:
		b.closeOp(op.Op, "gone", WhyDropletGone, op.Name+" is gone")
	case replaceNeedless:
		b.closeOp(op.Op, "needless", WhyNeedless, m.name()+" stays: "+op.stays())
	case replaceComing:
		pace := requeueWait
		if stops := v.stopsRoll(m.pool); stops != "" && rolls(op.Reason) {
			b.holds = append(b.holds, rollStopped(m.pool, m.name()+": "+why(op.Reason, m), stops))
			pace = requeueStopped
		}
		b.warn(GuardReplace, m.object(), fmt.Sprintf("%s: it leaves when another machine of pool %s is there", why(op.Reason, m), m.pool.Name))
		b.requeueIn(pace)
	case replaceReady: // it is the first to leave
	}
}

// asked reports whether a person asked for another machine.
func asked(m world.Machine) bool {
	return m.Node != nil && m.Node.Spec.Labels[swarm.LabelReplace] != ""
}

// proposeAsked proposes to replace the machines that a person asked for.
func proposeAsked(v *view) []wish {
	if v.outdated() || !v.dropletsKnown() {
		return nil
	}
	var wishes []wish
	for _, m := range v.machines {
		if asked(m.Machine) && m.counts() && m.class != dead && !m.unsure() && !m.Adopted && v.replacing(m) == nil {
			wishes = append(wishes, wish{kind: replaceAsked, object: m.object(), machine: m, text: "a person asked for another one"})
		}
	}
	return wishes
}

// stays says why the machine stays.
func (op replaceOp) stays() string {
	switch op.Reason {
	case forIll:
		return "its node is ready again"
	case forAsked:
		return "nobody asks for another one any more"
	}
	return "it is what the file says"
}

// why says why the machine is replaced.
func why(reason string, m machine) string {
	switch reason {
	case forIll:
		return "nothing brought it back"
	case forAsked:
		return "a person asked for another one"
	case forSize:
		return "its size is " + m.Droplet.Size + ", and the file says " + m.pool.Size
	case forImage:
		return "its image is " + m.Droplet.Image + ", and the file says " + m.pool.Image
	case forVPC:
		return "it is in VPC " + m.Droplet.VPC + ", and the file says " + m.pool.VPC
	}
	return "its region is " + m.Droplet.Region + ", and the file says " + m.pool.Region
}
