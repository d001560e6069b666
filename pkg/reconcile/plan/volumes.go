package plan

import (
	"fmt"
	"strings"
)

// takesMachine are the kinds that end in a droplet's delete.
func takesMachine() []kind {
	return []kind{replaceIll, replaceAsked, leaveReplaced, retryLaunch, dropKept, shrink, changeSize, changeImage, changeRegion, changeVPC}
}

// hasVolumes reports whether volumes are attached to the machine's droplet. A delete would take them off while tasks write to them.
func (m machine) hasVolumes() bool { return m.Droplet != nil && len(m.Droplet.Volumes) > 0 }

// volumesStay keeps a droplet with volumes from being deleted: swarmd did not attach them, and does not know whose data is on them.
func volumesStay(_ *view, _ spent, w wish) *refusal {
	if !w.machine.hasVolumes() {
		return nil
	}
	return blocked(GuardVolumes, w.machine.object(), "swarmd does not "+string(w.kind)+": "+w.machine.volumes())
}

// volumes says which are attached, and what to do.
func (m machine) volumes() string {
	what, them := "volume "+m.Droplet.Volumes[0]+" is", "it"
	if n := len(m.Droplet.Volumes); n > 1 {
		what, them = "volumes "+strings.Join(m.Droplet.Volumes, ", ")+" are", "them"
	}
	return fmt.Sprintf("%s attached to its droplet %d, and a droplet with volumes is never deleted; end what writes there, then detach %s", what, m.Droplet.ID, them)
}
