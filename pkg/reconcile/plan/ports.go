package plan

import (
	"fmt"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// portTaken holds a service that publishes a port which another one has: the engine refuses it (swarmkit, controlapi: checkPortConflicts). It waits for one of
// the stack's that is to lose the port. Two that wait for each other's do so for ever, since one service is written at a time.
func portTaken(v *view, _ spent, w wish) *refusal {
	want := w.service.want
	other, port := v.portHolder(want)
	if other == nil {
		return v.portKept(w, want)
	}
	has := fmt.Sprintf("port %d is published by %s", port.Published, other.Spec.Name)
	next := v.wantedService(other.Spec.Name)
	switch {
	case !v.ours(other.Spec.Labels):
		return forPerson(blocked(GuardPort, w.object, has+", which is not the cluster's: publish another port, or remove that service"))
	case next != nil && v.waitsForPortOf(*next, want.Name):
		return forPerson(blocked(GuardPort, w.object, has+", which waits for a port of this one, and Swarm changes one service at a time: give one of the two a free port first"))
	case next == nil && other.Spec.Labels[swarm.LabelProtected] != "":
		return forPerson(blocked(GuardPort, w.object, has+", which the file does not have, and which is protected: it follows when "+unprotect(other.Spec.Name)+" has had that removed; or publish another port"))
	case next == nil:
		has += ", which the file does not have: it follows when that is removed"
	default:
		has += " still: it follows when that is changed"
	}
	return blocked(GuardPort, w.object, has)
}

// portKept holds a service while another one may need the port again that it gave up: should its roll-out fail, what ran before is put back, and the engine
// would refuse that for ever. Nothing is put back of a service that the file has no more, and that stays: only what the engine does by itself counts.
func (v *view) portKept(w wish, want swarm.ServiceSpec) *refusal {
	for _, other := range v.in.World.Services {
		try := v.in.Memory.Tries[other.Spec.Name]
		if other.Spec.Name == want.Name || !v.ours(other.Spec.Labels) || settled(other) && (!try.Fresh || try.Good) || v.leftOver(other) && !moving(other) {
			continue
		}
		before, known := v.lastGood(other)
		if port, both := clashing(want, before); known && both {
			r := blocked(GuardPort, w.object, fmt.Sprintf("port %d is what %s goes back to, should its roll-out fail: it follows when that has succeeded", port.Published, other.Spec.Name))
			r.progressing, r.requeue = settled(other) || moving(other), requeueWait
			return r
		}
	}
	return nil
}

// forPerson is a refusal that holds until a person has done something.
func forPerson(r *refusal) *refusal {
	r.hold.Final = true
	return r
}

// portHolder is a service that has a port which another of this specification may not have beside it, nil if none has.
func (v *view) portHolder(want swarm.ServiceSpec) (*swarm.Service, swarm.Port) {
	if len(want.Ports) == 0 {
		return nil, swarm.Port{}
	}
	for i := range v.in.World.Services {
		other := &v.in.World.Services[i]
		if other.Spec.Name == want.Name {
			continue
		}
		if port, both := clashing(want, other.Spec); both {
			return other, port
		}
	}
	return nil, swarm.Port{}
}

// clashing is a port of the first specification that a service of the other one does not leave to it.
func clashing(want, other swarm.ServiceSpec) (port swarm.Port, both bool) {
	for _, has := range other.Ports {
		for _, port := range want.Ports {
			if clash(port, has) {
				return port, true
			}
		}
	}
	return swarm.Port{}, false
}

// clash reports whether two services cannot publish both. On each machine one task of either may have a port of its own; a port that Swarm picks is free.
func clash(a, b swarm.Port) bool {
	return a.Published != 0 && a.Published == b.Published && a.Protocol == b.Protocol && (a.Mode != "host" || b.Mode != "host")
}

// waitsForPortOf reports whether a service waits for a port that one of the name has, or for one that waits for it.
func (v *view) waitsForPortOf(want swarm.ServiceSpec, name string) bool {
	for range v.in.Stack.Services { // so many may stand between the two
		other, _ := v.portHolder(want)
		if other == nil {
			return false
		}
		if other.Spec.Name == name {
			return true
		}
		next := v.wantedService(other.Spec.Name)
		if next == nil {
			return false
		}
		want = *next
	}
	return false
}
