package plan

import "github.com/swarmd/swarmd/pkg/reconcile/world"

// Broken reports whether a machine of the class did not merely leave or is late, but was lost: its node is down, or its droplet is off or gone.
func (c Class) Broken() bool { return c == down || c == dead }

// Stands reports whether a machine of the class is in the swarm and well.
func (c Class) Stands() bool { return c == ready }

// Aside reports whether a machine of the class is no place of its pool any more and is only kept for a look.
func (c Class) Aside() bool { return c == kept }

// The reasons of a repair: what was wrong with the machine when something was first done about it.
const (
	RepairOff    = "off"    // its droplet was off
	RepairHung   = "hung"   // its node was down, and its droplet ran
	RepairGone   = "gone"   // its droplet did not exist any more
	RepairLaunch = "launch" // it did not join in time
	RepairAsked  = "asked"  // nothing: a person asked for another one
)

// RepairReasons are all of them.
func RepairReasons() []string {
	return []string{RepairOff, RepairHung, RepairGone, RepairLaunch, RepairAsked}
}

// Repairs says what a step on a machine repairs, and "" of a step that is none of a repair: a machine that leaves because the file wants fewer is none.
func Repairs(s Step, m world.Machine) string {
	switch s.Reason.Code {
	case WhyPowerOn:
		return RepairOff
	case WhyPowerCycle:
		return RepairHung
	case WhyLaunchFailed:
		return RepairLaunch
	case WhyReplaced:
		return ailmentOf(m)
	}
	switch a, _ := s.Action.(OpenReplace); a.Reason { // of a machine that is not what the file says it repairs nothing
	case forIll:
		return ailmentOf(m)
	case forAsked:
		return RepairAsked
	}
	return ""
}

// ailmentOf is the reason of a repair that gives the machine's place to another one.
func ailmentOf(m world.Machine) string {
	switch how, _ := Ails(m); {
	case how == IsOff:
		return RepairOff
	case how == Hangs:
		return RepairHung
	case how == Gone:
		return RepairGone
	}
	return RepairAsked
}
