package reconcile

import (
	"fmt"

	"github.com/swarmd/swarmd/pkg/reconcile/world"
)

// identities is what droplets are called, by id. An id stays its droplet's, and a name of ours holds the operation that made it: a list in which
// that has changed round is wrong, or somebody has renamed a droplet. So nothing is based on it until two looks, one after the other, say the same. It is a value: doubt
// makes the next one.
type identities struct {
	known map[int]string // of the last list that was believed
	odd   map[int]string // of the last list, if it was not
}

// doubt returns what is remembered after a look, and makes a gap in that of a list of droplets that contradicts the one before.
func (k identities) doubt(w world.World) (identities, world.World) {
	if !known(w, world.GapDroplets) {
		return k, w
	}
	now, changed := map[int]string{}, 0
	for _, m := range w.Machines {
		if m.Droplet == nil || m.Droplet.OpID() == "" { // tags come later than the droplet
			continue
		}
		id, name := m.Droplet.ID, m.Droplet.Name+" "+m.Droplet.OpID()
		now[id] = name
		if was, told := k.known[id]; told && was != name && k.odd[id] != name {
			changed = id
		}
	}
	if changed == 0 {
		return identities{known: now}, w
	}
	k.odd = now
	w.Gaps = append(w.Gaps, world.Gap{What: world.GapDroplets, Err: fmt.Sprintf("droplet %d was %q and is %q: looked at once more", changed, k.known[changed], now[changed])})
	return k, w
}
