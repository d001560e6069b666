package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// PoolChange is what becomes of a pool.
type PoolChange struct {
	Pool    string         `json:"pool"`
	What    What           `json:"what"`
	Have    int            `json:"have"`              // machines that count
	Desired int            `json:"desired"`           // what the file wants
	Edits   []swarm.Change `json:"edits,omitempty"`   // what the file changes besides the count
	Leaving []string       `json:"leaving,omitempty"` // the machines that leave, in this order
	Rolled  []string       `json:"rolled,omitempty"`  // the machines that others take the place of, one after the other, in this order
	Resized []string       `json:"resized,omitempty"` // the machines that get the size in place, one after the other, in this order
	Moving  []string       `json:"moving,omitempty"`  // what of these run tasks that run elsewhere before each of them is drained: "3 of app"
	Plain   []string       `json:"plain,omitempty"`   // services that lack tasks while one of these is drained, and why
	Drift   []string       `json:"drift,omitempty"`   // what somebody changed on its nodes by hand, and is put back
}

func (s *overview) poolChanges() []PoolChange {
	out := []PoolChange{}
	for _, count := range s.plan.Pools {
		p, before := s.pool(count.Pool), poolOf(s.was.Spec, count.Pool)
		c := PoolChange{Pool: count.Pool, What: Kept, Have: count.Have, Desired: count.Desired}
		switch {
		case p == nil: // its machines stay, and are held
			continue
		case before == nil && count.Have == 0:
			c.What = Create
		case before != nil:
			c.Edits = poolEdits(*before, *p)
		}
		c.Leaving, c.Rolled, c.Resized = names(s.surplus(p)), names(s.rolled(p)), names(s.resized(p))
		c.Moving, c.Plain = s.moves(slices.Concat(s.surplus(p), s.rolled(p), s.resized(p)))
		if before != nil && maps.Equal(before.Labels, p.Labels) && before.Availability == p.Availability {
			c.Drift = s.nodeDrift(p)
		}
		if c.What == Kept && (len(c.Edits)+len(c.Leaving)+len(c.Rolled)+len(c.Resized)+len(c.Drift) > 0 || c.Have != c.Desired) {
			c.What = Update
		}
		if c.What != Kept {
			out = append(out, c)
		}
	}
	return out
}

func poolOf(s *spec.Spec, name string) *spec.Pool {
	if s == nil {
		return nil
	}
	return poolIn(s, name)
}

func names(machines []machine) []string {
	var out []string
	for _, m := range machines {
		out = append(out, m.name())
	}
	return out
}

// resized are the machines that get another size in place. One whose disk is too large for it, or that could not have it, is held.
func (s *overview) resized(p *spec.Pool) []machine {
	return slices.DeleteFunc(s.missized(p), func(m machine) bool {
		return len(s.in.Sizes) > 0 && offered(s.view, spent{}, wish{pool: p, machine: m, object: "pool/" + p.Name}) != nil
	})
}

// moves is what of the machines' tasks moves before each is drained, and which services lack tasks meanwhile, and why.
func (s *overview) moves(machines []machine) (moving, plain []string) {
	tasks := map[string]uint64{}
	for _, m := range machines {
		if m.Node == nil {
			continue
		}
		movers, why := s.movers(evacuation{machine: m})
		for _, mv := range movers {
			tasks[s.short(mv.name)] += mv.tasks
		}
		for _, text := range why {
			plain = append(plain, s.short(text))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(tasks)) {
		moving = append(moving, fmt.Sprintf("%d of %s", tasks[name], name))
	}
	slices.Sort(plain)
	return moving, slices.Compact(plain)
}

// poolEdits are the keys of a pool that the file changes. Its count is told by what it has and wants.
func poolEdits(was, is spec.Pool) []swarm.Change {
	var out []swarm.Change
	add := func(key, from, to string) {
		if from != to {
			out = append(out, swarm.Change{Key: key, From: from, To: to, Adds: from == "", Removes: to == ""})
		}
	}
	add("role", was.Role, is.Role)
	add("size", was.Size, is.Size)
	add("resize", resizesHow(was), resizesHow(is))
	add("image", was.Image, is.Image)
	add("region", was.Region, is.Region)
	add("vpc", was.VPC, is.VPC)
	add("availability", string(ofPool(&was)), string(ofPool(&is)))
	add("adopt", numbers(was.Adopt), numbers(is.Adopt))
	keys := maps.Clone(was.Labels)
	if keys == nil {
		keys = map[string]string{}
	}
	maps.Copy(keys, is.Labels)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		from, had := was.Labels[key]
		to, has := is.Labels[key]
		if from != to || had != has {
			out = append(out, swarm.Change{Key: "labels." + key, From: from, To: to, Adds: !had, Removes: !has})
		}
	}
	return out
}

// resizesHow is how the file writes the way in which a pool's machines get another size.
func resizesHow(p spec.Pool) string {
	if p.ResizeHere {
		return "in-place"
	}
	return "replace"
}

func numbers(ids []int) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(ids), " ", ", "), "[]")
}

// nodeDrift says what differs on nodes of a pool that the file does not change. One that has just joined is not finished yet.
func (s *overview) nodeDrift(p *spec.Pool) []string {
	var out []string
	for _, m := range s.machines {
		if m.pool != p || m.class != ready || m.Op != nil || s.leaving[m.Node.ID] {
			continue
		}
		var said []string
		if want := s.labels(m, p); !maps.Equal(want, m.Node.Spec.Labels) {
			said = append(said, changes(m.Node.Spec.Labels, want)...)
		}
		if want := m.availability(); m.Node.Spec.Availability != want && !s.justJoined(m) && !s.emptiesFor(m) {
			said = append(said, s.sayPutBack(m, want))
		}
		if len(said) > 0 {
			out = append(out, m.name()+": "+strings.Join(said, ", "))
		}
	}
	return out
}
