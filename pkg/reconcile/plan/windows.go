package plan

import (
	"fmt"
	"slices"

	"github.com/swarmd/swarmd/pkg/spec"
)

// GuardWindow says that the file has machines taken from their work at certain times only.
const GuardWindow = "disruption-window"

// voluntary are the kinds that take a machine from its work although nothing is wrong with it. Repairs, and what a person asks for, do not wait.
func voluntary() []kind {
	return []kind{shrink, changeSize, resizeHere, changeImage, changeRegion, changeVPC, spread}
}

// inWindow has nothing voluntary begun outside of the windows of its pool; what is about no pool has those of the policies.
func inWindow(v *view, _ spent, w wish) *refusal {
	whose, windows := "the cluster", v.in.Spec.Policies.Disruption.Windows
	if p := v.poolOf(w); p != nil {
		whose, windows = "pool "+p.Name, p.Disruption.Windows
	}
	if len(windows) == 0 || slices.ContainsFunc(windows, func(d spec.Window) bool { return d.Open(v.in.Now) }) {
		return nil
	}
	text := fmt.Sprintf("swarmd does not %s: %s has disruption windows, and none is open", w.kind, whose)
	if which, at, ok := spec.NextOf(windows, v.in.Now); ok {
		text += fmt.Sprintf("; the next one opens at %s (%s, for %s)", at.Format("Mon 2006-01-02 15:04 MST"), which.Schedule, which.Duration)
	}
	return blocked(GuardWindow, w.object, text)
}

// allKnown has nothing voluntary begun in a pool while the leader does not know how one of its machines is, as after an election: it may be one of those
// that are to stay.
func allKnown(v *view, _ spent, w wish) *refusal {
	p := v.poolOf(w)
	if p == nil || !slices.ContainsFunc(v.machines, func(m machine) bool { return m.pool == p && m.class == unknown }) {
		return nil
	}
	return &refusal{progressing: true, requeue: requeueWait}
}

// fewUnavailable has no machine of a pool taken from its work for another size, image or region while as many as the file permits do not work. Of a pool
// that is to shrink those leave first.
func fewUnavailable(v *view, _ spent, w wish) *refusal {
	p := v.poolOf(w)
	if p == nil || p.Disruption.MaxUnavailable == 0 || w.kind == shrink {
		return nil
	}
	missing := p.Count - v.poolCount(p).Ready
	if missing < p.Disruption.MaxUnavailable {
		return nil
	}
	return blocked(GuardWindow, w.object, fmt.Sprintf("swarmd does not %s: pool %s has %d of %d ready machines, and disruption.max_unavailable is %d",
		w.kind, p.Name, p.Count-missing, p.Count, p.Disruption.MaxUnavailable))
}

// poolOf is the file's pool that a wish is about, nil if it is about none.
func (v *view) poolOf(w wish) *spec.Pool {
	for i := range v.in.Spec.Pools {
		if p := &v.in.Spec.Pools[i]; w.scope().pool == "pool/"+p.Name {
			return p
		}
	}
	return nil
}
