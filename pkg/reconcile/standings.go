package reconcile

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
)

// standing is how a machine was in the last look that saw everything.
type standing struct {
	name, pool string
	class      plan.Class
	since      time.Time // the first look in a row that saw it so
	atLeast    bool      // that was the first look of all: it may have been so before
	broke      time.Time // when it was first seen not to be well, after it was; zero: it is well, or never was, or somebody means it to be so
}

// standings are those of all machines, by droplet, else by node. It is a value: see makes the next one. It is a memory of this process.
type standings map[string]standing

// keyOf names a machine for as long as it lives, before and after it joins.
func keyOf(m world.Machine) string {
	switch _, droplet := plan.Ails(m); {
	case droplet != 0:
		return "droplet/" + strconv.Itoa(droplet)
	case m.Node != nil:
		return "node/" + m.Node.ID
	}
	return ""
}

// see returns what is remembered after a look that saw everything.
func (s standings) see(p report.Pass, now time.Time) standings {
	next := standings{}
	for i, m := range p.World.Machines {
		if i >= len(p.Plan.Classes) {
			break
		}
		key, class := keyOf(m), p.Plan.Classes[i]
		was, known := s[key]
		h := standing{name: report.NameOf(m), pool: m.Pool, class: class, since: now, atLeast: len(s) == 0, broke: was.broke}
		if known && was.class == class {
			h.since, h.atLeast = was.since, was.atLeast
		}
		switch {
		case class.Stands() || meant(m):
			h.broke = time.Time{}
		case was.class.Stands() && h.broke.IsZero():
			h.broke = now
		}
		next[key] = h
	}
	return next
}

// meant reports whether a machine is not well because swarmd or a person means it to be so.
func meant(m world.Machine) bool {
	if m.Node != nil {
		if _, ok := m.Node.Spec.Maintained(); ok {
			return true
		}
	}
	return m.Op != nil
}

// lost are the machines of a pool that broke, or that were well in the look before and are not there any more. Since is when the first of them was seen.
func (s standings) lost(before standings, pool string, now time.Time) (names []string, since time.Time) {
	add := func(h standing, at time.Time) {
		if names = append(names, h.name); since.IsZero() || at.Before(since) {
			since = at
		}
	}
	for _, key := range slices.Sorted(maps.Keys(before)) {
		was := before[key]
		h, still := s[key]
		switch {
		case was.pool != pool:
		case still && h.class.Broken() && !h.broke.IsZero():
			add(h, h.broke)
		case !still && !was.broke.IsZero():
			add(was, was.broke)
		case !still && was.class.Stands():
			add(was, now)
		}
	}
	return names, since
}

// losses are the pools that are not whole since they lost machines, by name. It is a value: see makes the next one. A follower keeps it, too, so
// that who takes over from a machine that died knows since when a pool is short; who acts tells of it.
type losses map[string]loss

type loss struct {
	since    time.Time
	machines []string
	desired  int  // by the file when it began: an edit ends what is measured
	told     bool // that it began
}

// see returns what is remembered after a look that saw everything, and what there is to tell if this swarmd acts: the others tell nothing.
func (l losses) see(pools []plan.PoolCount, before, after standings, acts bool, now time.Time) (next losses, told []report.Loss) {
	next = losses{}
	for _, p := range pools {
		open, is := l[p.Pool]
		tell := report.Loss{Pool: p.Pool, Machines: open.machines, Ready: p.Ready, Desired: p.Desired}
		switch {
		case is && p.Desired != open.desired:
			continue
		case p.Ready >= p.Desired && is && acts:
			tell.Whole, tell.Took = true, now.Sub(open.since)
			told = append(told, tell)
			continue
		case p.Ready >= p.Desired:
			continue
		case !is:
			open.machines, open.since = after.lost(before, p.Pool, now)
			open.desired, tell.Machines = p.Desired, open.machines
		}
		if len(open.machines) == 0 {
			continue
		}
		if acts && !open.told {
			open.told = true
			told = append(told, tell)
		}
		next[p.Pool] = open
	}
	return next, told
}
