package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/swarmd/swarmd/pkg/spec"
)

// proposePools proposes what makes each pool as large as the file wants. Adopted droplets that do not exist keep their places: those are held, not filled.
func proposePools(v *view) []wish {
	if v.outdated() {
		return nil
	}
	if !v.dropletsKnown() {
		return withoutCloud(v)
	}
	var wishes []wish
	for i := range v.in.Spec.Pools {
		p := &v.in.Spec.Pools[i]
		absent := v.absent(p)
		for _, id := range absent {
			wishes = append(wishes, wish{kind: replaceAdopted, object: "droplet/" + strconv.Itoa(id), text: "pool " + p.Name + " adopts it, and it does not exist"})
		}
		wishes = append(wishes, proposeReplaced(v, p)...)
		have, unseen := v.counted(p.Name)+len(absent), v.unseenOf(p.Name)
		if want := p.Count + v.surge(p.Name); have+unseen < want {
			wishes = append(wishes, wish{kind: grow, object: "pool/" + p.Name, pool: p, n: want - have - unseen})
		} else if n := v.surplusOf(p); n > 0 {
			wishes = append(wishes, surplus(v, p, n)...)
		}
	}
	return wishes
}

// withoutCloud proposes what no cloud is there for. Where its droplets could not be read, nothing is known to be wished.
func withoutCloud(v *view) []wish {
	if !v.in.World.NoDroplets {
		return nil
	}
	var wishes []wish
	for _, p := range v.in.Spec.Pools {
		if have := v.counted(p.Name); have != p.Count {
			wishes = append(wishes, wish{kind: resize, object: "pool/" + p.Name, text: fmt.Sprintf("%d of %d machines, and no cloud to change that", have, p.Count)})
		}
	}
	return wishes
}

// surplus proposes the machines that leave, one wish each.
func surplus(v *view, p *spec.Pool, n int) []wish {
	var wishes []wish
	object, picked := "pool/"+p.Name, v.leavers(p)
	if len(picked) < n {
		wishes = append(wishes, wish{kind: shrinkAdopted, object: object, text: fmt.Sprintf("%d too many, %d of them %s: those are not deleted", n, n-len(picked), v.whyKept(p))})
	}
	for _, m := range picked[:min(n, len(picked))] {
		wishes = append(wishes, wish{kind: shrink, object: object, pool: p, machine: m})
	}
	return wishes
}

// surplusOf is how many machines a pool has more than it wants, 0 or less if none. Disputed ones fill places, but nobody sound leaves because of them.
func (v *view) surplusOf(p *spec.Pool) int {
	return v.counted(p.Name) + len(v.absent(p)) - v.disputed(p) - p.Count - v.surge(p.Name)
}

// counted is how many machines fill the pool's places. One that another took the place of does not.
func (v *view) counted(pool string) int {
	n := 0
	for _, m := range v.machines {
		if m.counts() && m.pool != nil && m.pool.Name == pool && !v.mayGo(m) {
			n++
		}
	}
	return n
}

// disputed returns how many of the counted machines are disputed. They fill places, but nobody sound is taken away because of them.
func (v *view) disputed(p *spec.Pool) int {
	n := 0
	for _, m := range v.machines {
		if m.unsure() && m.counts() && m.pool == p {
			n++
		}
	}
	return n
}

// absent returns the pool's adopted droplets that do not exist and are no dead node's either.
func (v *view) absent(p *spec.Pool) []int {
	var out []int
	for _, id := range p.Adopt {
		known := slices.ContainsFunc(v.machines, func(m machine) bool { return m.dropletID() == id })
		if v.gone(id) && !known {
			out = append(out, id)
		}
	}
	return out
}

// pick sorts who could leave: failed, then drained by hand, then never joined, then those that are not what
// the file says, then newest; the leader's and the lease holder's machines last, and after them one that is being resized.
func (v *view) pick(p *spec.Pool) []machine {
	var out []machine
	for _, m := range v.machines {
		if m.counts() && m.pool == p && !m.unsure() && !m.Adopted && m.dropletID() != 0 && !v.mayGo(m) {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b machine) int {
		return cmp.Or(cmp.Compare(v.order(a), v.order(b)), newest(a, b), cmp.Compare(b.dropletID(), a.dropletID()))
	})
	return out
}

// leavers are those of pick that no person keeps and that have no volumes.
func (v *view) leavers(p *spec.Pool) []machine { return slices.DeleteFunc(v.pick(p), v.mustStay) }

func (v *view) mustStay(m machine) bool { return v.keptByHand(m) || m.hasVolumes() }

// whyKept says why machines of the pool are not picked: adopted, kept by a person, or with volumes.
func (v *view) whyKept(p *spec.Pool) string {
	hand, volumes := "", ""
	for _, m := range v.machines {
		switch {
		case !m.counts() || m.pool != p || m.Adopted:
		case v.keptByHand(m):
			hand = ", paused or protected"
		case m.hasVolumes():
			volumes = ", or with volumes attached"
		}
	}
	return "adopted" + hand + volumes
}

func (v *view) order(m machine) int {
	switch {
	case m.class == resizing:
		return 8
	case m.Node != nil && m.Node.ID == v.in.Holder:
		return 7
	case m.Node != nil && m.Node.Leads():
		return 6
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
	case len(v.drifts(m)) > 0:
		return 4
	}
	return 5
}

func newest(a, b machine) int { return b.born().Compare(a.born()) }

func (m machine) born() time.Time {
	if m.Droplet != nil {
		return m.Droplet.Created
	}
	return m.Node.Created
}
