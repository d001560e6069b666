package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// removed are the names of the services that are ours and that the file does not have, sorted, and how many services are ours.
func (v *view) removed() (gone []string, ours int) {
	for _, s := range v.in.World.Services {
		if !v.ours(s.Spec.Labels) {
			continue
		}
		if ours++; v.wantedService(s.Spec.Name) == nil {
			gone = append(gone, s.Spec.Name)
		}
	}
	slices.Sort(gone)
	return gone, ours
}

// losesAStack reports whether a stack has none of its services any more, one of several stacks. Its line may have been lost.
func (v *view) losesAStack(gone []string) bool {
	left, lost := map[string]bool{}, map[string]bool{}
	for _, s := range v.in.World.Services {
		if v.ours(s.Spec.Labels) && slices.Contains(gone, s.Spec.Name) {
			lost[s.Spec.Stack()] = true
		}
	}
	for _, s := range v.in.Stack.Services {
		left[s.Stack()] = true
	}
	return slices.ContainsFunc(slices.Collect(maps.Keys(lost)), func(stack string) bool { return !left[stack] })
}

// prunes is how removals are dealt with: kept says why services that the file no longer has go on running, "" if they are removed. A file that loses
// more than a third of its services at once, or all, or all of a stack, may be one that was cut short, or another one: that is held until a person has said it is meant.
func (v *view) prunes() (guard, kept string) {
	if v.in.Spec.Policies.KeepRemoved {
		return GuardKeepRemoved, "the file does not have it any more, and it goes on running: policies.prune is false"
	}
	gone, ours := v.removed()
	few := len(v.in.Stack.Services) > 0 && (len(gone) < 2 || 3*len(gone) <= ours) && !v.losesAStack(gone)
	if few || len(gone) == 0 || v.in.World.Ledger.Confirmed == v.in.Revision {
		return "", ""
	}
	return GuardPrune, fmt.Sprintf("not removed yet: the file does not have %d of %d services any more (%s); if that is meant: swarmd confirm %d; if not, put them back into the file%s",
		len(gone), ours, firstFew(v.inFile(gone)), v.in.Revision, v.sparedBy(gone))
}

// inFile are names of the stack as the file has them.
func (v *view) inFile(names []string) []string {
	out := make([]string, 0, len(names))
	for _, n := range names {
		out = append(out, strings.TrimPrefix(n, v.in.Spec.Cluster+"_"))
	}
	return out
}

// fewNames is how many names a text has at most.
const fewNames = 5

func firstFew(names []string) string {
	if more := len(names) - fewNames; more > 0 {
		return strings.Join(names[:fewNames], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(names, ", ")
}

// removalMeant holds removals that may not be meant.
func removalMeant(v *view, _ spent, w wish) *refusal {
	switch guard, kept := v.prunes(); guard {
	case GuardPrune:
		return blocked(guard, w.object, kept)
	case GuardKeepRemoved:
		return warned(guard, w.object, kept)
	}
	return nil
}

// lastMeant holds what would take the last machine of a pool away, which a slip of a figure does, until a person has said that it is meant. A machine that did
// not join is none yet, and a pool that has lost them all has nothing to lose.
func lastMeant(v *view, _ spent, w wish) *refusal {
	joined := func(m machine) bool { return m.pool == w.pool && m.Node != nil }
	if w.pool.Count > 0 || v.in.World.Ledger.Confirmed == v.in.Revision || !slices.ContainsFunc(v.machines, joined) {
		return nil
	}
	r := blocked(GuardPrune, w.object, fmt.Sprintf("not removed yet: the file wants no machine of pool %s any more; if that is meant: swarmd confirm %d; if not, correct its count", w.pool.Name, v.in.Revision))
	r.rest = true
	return r
}

// keptUser reports whether a service of ours that the file does not have, and that is kept, uses the network.
func (v *view) keptUser(network string) bool {
	_, kept := v.prunes()
	return kept != "" && v.leftOverUser(network, func(swarm.Service) bool { return true }) || v.protectedUser(network)
}

// protectedUser reports whether one that is protected does.
func (v *view) protectedUser(network string) bool {
	return v.leftOverUser(network, func(s swarm.Service) bool { return s.Spec.Labels[swarm.LabelProtected] != "" })
}

func (v *view) leftOverUser(network string, is func(swarm.Service) bool) bool {
	return slices.ContainsFunc(v.in.World.Services, func(s swarm.Service) bool { return v.leftOver(s) && is(s) && slices.Contains(s.Spec.Networks, network) })
}
