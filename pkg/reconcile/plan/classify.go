package plan

import (
	"strconv"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// Class is how a machine is; the words are in the package's documentation.
type Class string

const (
	foreign  Class = "foreign"
	disputed Class = "disputed"
	leaving  Class = "leaving"
	resizing Class = "resizing"
	orphaned Class = "orphaned"
	dead     Class = "dead"
	booting  Class = "booting"
	overdue  Class = "overdue"
	kept     Class = "kept"
	removed  Class = "removed"
	rejoined Class = "rejoined"
	arriving Class = "arriving"
	down     Class = "down"
	unknown  Class = "unknown"
	ready    Class = "ready"
)

// Classes are all of them: the label values of a metric.
func Classes() []string {
	var out []string
	for _, c := range []Class{foreign, disputed, leaving, resizing, orphaned, dead, booting, overdue, kept, removed, rejoined, arriving, down, unknown, ready} {
		out = append(out, string(c))
	}
	return out
}

// machine is a machine with its class.
type machine struct {
	world.Machine
	class Class
	pool  *spec.Pool // nil if the file has no such pool
}

func (v *view) classes() []Class {
	out := make([]Class, 0, len(v.machines))
	for _, m := range v.machines {
		out = append(out, m.class)
	}
	return out
}

// sort says whose a machine is; where says how one of ours is.
func (v *view) sort(m world.Machine, pool *spec.Pool) Class {
	switch {
	case m.Removed && m.Node == nil && m.Binding == world.Contradicted:
		return removed
	case m.Binding == world.Contradicted, m.Binding == world.Unaddressed:
		return disputed
	case m.Op != nil && m.Op.Kind == ledger.Delete && !recovered(m):
		return leaving
	case m.Node == nil && m.Droplet != nil && v.in.World.Ledger.KeptDroplet(m.Droplet.ID) != nil:
		return kept
	case m.Op != nil && m.Op.Kind == ledger.Resize:
		return resizing
	case !m.Owned && !m.Adopted && m.Binding != world.Bound:
		return foreign
	case pool == nil:
		return orphaned
	}
	return v.where(m)
}

func (v *view) where(m world.Machine) Class {
	switch {
	case m.Missing:
		return dead
	case m.Node == nil && v.launchOver(m):
		return overdue
	case m.Node == nil:
		return booting
	case m.Binding != world.Bound:
		return arriving
	case m.Again != "":
		return rejoined
	case m.Node.State == swarm.NodeDown, m.Droplet != nil && m.Droplet.Status == cloud.StatusOff:
		return down
	case m.Node.State != swarm.NodeReady:
		return unknown
	}
	return ready
}

// recovered reports whether a machine that is about to be repaired needs it no more: its node is up, and it was not asked to shut down yet.
func recovered(m world.Machine) bool {
	op := m.Op
	return op != nil && op.Repair && op.Shutdown.IsZero() && m.Node != nil && m.Node.State == swarm.NodeReady && m.Droplet != nil && m.Droplet.Status != cloud.StatusOff &&
		!asked(m)
}

// launchOver reports whether a droplet had time enough to join. A time in the future is no age.
func (v *view) launchOver(m world.Machine) bool {
	return v.in.Now.After(v.launchEnds(*m.Droplet, m.Op))
}

// counts reports whether the machine fills a place in its pool. A disputed one does, unless it was leaving.
func (m machine) counts() bool {
	switch m.class {
	case foreign, leaving, orphaned, kept:
		return false
	case resizing:
		return m.pool != nil
	case disputed, removed:
		return m.Droplet != nil && m.pool != nil && (m.Op == nil || m.Op.Kind != ledger.Delete)
	}
	return true
}

// unsure reports whether it is not known what runs on the machine, or on whose account: nobody takes it away, or anybody else because of it.
func (m machine) unsure() bool {
	return m.class == disputed || m.class == removed || m.class == rejoined
}

// name for people and for step ids: the droplet's, else the node's.
func (m machine) name() string {
	switch {
	case m.Droplet != nil:
		return m.Droplet.Name
	case m.Node.Hostname != "":
		return m.Node.Hostname
	}
	return m.Node.ID
}

// object names it in a hold.
func (m machine) object() string {
	if m.Node != nil {
		return "node/" + m.name()
	}
	return "droplet/" + strconv.Itoa(m.Droplet.ID)
}

// dropletID of the machine, also of one whose droplet is gone; 0 if none is known.
func (m machine) dropletID() int {
	if m.Droplet != nil {
		return m.Droplet.ID
	}
	id, err := strconv.Atoi(m.Node.Spec.Labels[swarm.LabelDroplet])
	if err != nil {
		return 0
	}
	return id
}

// isManager reports whether the machine is a manager: by membership, not by wish.
func (m machine) isManager() bool { return m.Node != nil && m.Node.Manager != nil }

// wantsManager reports whether the machine's node is asked to be a manager.
func (m machine) wantsManager() bool { return m.Node != nil && m.Node.Spec.Role == swarm.Manager }
