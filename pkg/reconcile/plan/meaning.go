package plan

import (
	"fmt"
	"slices"

	"github.com/swarmd/swarmd/pkg/spec"
)

// Meaning says, in sentences for people, what an edit of the pools means that its author may not have meant: a changed role, a pool that was
// renamed, two that were swapped, another region. was is the accepted file, nil if there is none.
func Meaning(was, is *spec.Spec) []string {
	if was == nil || is == nil {
		return nil
	}
	var out []string
	for _, old := range was.Pools {
		if now := poolIn(is, old.Name); now != nil {
			out = append(out, changed(old, *now)...)
			out = append(out, swapped(was, is, old, *now)...)
		} else if old.Count > 0 {
			out = append(out, gone(was, is, old))
		}
	}
	return out
}

func poolIn(s *spec.Spec, name string) *spec.Pool {
	i := slices.IndexFunc(s.Pools, func(p spec.Pool) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return &s.Pools[i]
}

func changed(old, now spec.Pool) (out []string) {
	switch {
	case old.Count == 0:
		return nil
	case old.Role == "manager" && now.Role != "manager":
		out = append(out, fmt.Sprintf("pool %s is to have workers: %s would be demoted, one at a time, each when another manager has taken its place", old.Name, machineCount(min(old.Count, now.Count))))
	case old.Role != now.Role:
		out = append(out, fmt.Sprintf("pool %s is to have managers: %s would be promoted, one at a time", old.Name, machineCount(min(old.Count, now.Count))))
	}
	if old.Region != now.Region {
		out = append(out, fmt.Sprintf("pool %s is to be in %s, not %s: machines there have another private network, from which they cannot join the swarm",
			old.Name, now.Region, old.Region))
	}
	return out
}

// swapped tells of two pools of one role that have exchanged their counts; the one that comes first tells it.
func swapped(was, is *spec.Spec, old, now spec.Pool) (out []string) {
	for _, o := range was.Pools {
		n := poolIn(is, o.Name)
		if n == nil || o.Name <= old.Name || o.Role != old.Role || n.Role != now.Role || old.Role != now.Role {
			continue
		}
		if old.Count != now.Count && old.Count == n.Count && now.Count == o.Count {
			out = append(out, fmt.Sprintf("pools %s and %s swapped? Machines do not move between pools: %s would be deleted and as many made",
				old.Name, o.Name, machineCount(max(old.Count, now.Count)-min(old.Count, now.Count))))
		}
	}
	return out
}

// gone tells of a pool that the file has no more: perhaps it is called otherwise now.
func gone(was, is *spec.Spec, old spec.Pool) string {
	for _, p := range is.Pools {
		if p.Role == old.Role && p.Count > 0 && poolIn(was, p.Name) == nil {
			return fmt.Sprintf("pool %s renamed to %s? %s would be made and %d held: machines keep their pool; to remove the old ones leave %s in the file with count 0",
				old.Name, p.Name, machineCount(p.Count), old.Count, old.Name)
		}
	}
	return fmt.Sprintf("pool %s is gone from the file: its %s would be held; to remove them leave it there with count 0", old.Name, machineCount(old.Count))
}

func machineCount(n int) string {
	if n == 1 {
		return "1 machine"
	}
	return fmt.Sprintf("%d machines", n)
}
