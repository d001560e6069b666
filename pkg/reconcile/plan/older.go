package plan

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// firstTemplate is the version of machines that carry none: they were made before they carried one.
const firstTemplate = "1"

// mostNamed is how many machines a sentence names.
const mostNamed = 5

// reportOlder says which machines an older swarmd has made in another way than this one does: nothing else tells. They work, and another version of
// the template alone never has a machine replaced.
func reportOlder(v *view, b *builder) {
	for i := range v.in.Spec.Pools {
		pool, older := &v.in.Spec.Pools[i], []string{}
		for _, m := range v.machines {
			if m.pool == pool && m.class != leaving && v.older(m) {
				older = append(older, m.name())
			}
		}
		if len(older) > 0 {
			b.warn(GuardTemplate, "pool/"+pool.Name, olderText(older))
		}
	}
}

func olderText(names []string) string {
	what, more := "1 machine was", ""
	if n := len(names); n > 1 {
		what = fmt.Sprintf("%d machines were", n)
	}
	if rest := len(names) - mostNamed; rest > 0 {
		names, more = names[:mostNamed], fmt.Sprintf(" and %d more", rest)
	}
	return what + " made by an older version of swarmd's template (" + strings.Join(names, ", ") + more + "), and nothing replaces what works for that: swarmd replace NODE has a new one made"
}

// older reports whether a machine of swarmd's own making says that it was made by an older template. What its engine does not say yet is not known.
func (v *view) older(m machine) bool {
	if m.Node == nil || m.Adopted || m.Binding != world.Bound || len(m.Node.EngineLabels) == 0 {
		return false
	}
	made, err := strconv.Atoi(cmp.Or(m.Node.EngineLabels[swarm.LabelTemplate], firstTemplate))
	return v.in.Template > 0 && (err != nil || made < v.in.Template)
}
