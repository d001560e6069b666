package plan

import (
	"fmt"
	"strconv"
	"time"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// Ailment is what is wrong with a machine of the swarm, as far as a switch or another machine may help.
type Ailment string

// The ailments.
const (
	Well  Ailment = ""
	IsOff Ailment = "off"  // its droplet is off
	Hangs Ailment = "down" // its node is down, and the cloud says that its droplet runs
	Gone  Ailment = "gone" // its droplet does not exist
)

// Ails says what is wrong with a machine, and which droplet it is or was.
func Ails(m world.Machine) (how Ailment, droplet int) {
	id := machine{Machine: m}.dropletID()
	if m.Node == nil || m.Binding != world.Bound || id == 0 || beingResized(m) {
		return Well, id
	}
	return ailsBound(m), id
}

// beingResized reports whether it is off, or away, because swarmd has it so.
func beingResized(m world.Machine) bool { return m.Op != nil && m.Op.Kind == ledger.Resize }

// ailsBound says it of one whose node is bound. A droplet that does not exist under a node that is ready is a view not to be believed.
func ailsBound(m world.Machine) Ailment {
	switch {
	case m.Missing && m.Node.State != swarm.NodeReady:
		return Gone
	case m.Droplet == nil, m.Again != "": // it runs, as another node
		return Well
	case m.Droplet.Status == cloud.StatusOff:
		return IsOff
	case m.Node.State == swarm.NodeDown:
		return Hangs
	}
	return Well
}

// Ailing is what is remembered of a machine that ails, or did not long ago. Times are by the clock of Input.Now.
type Ailing struct {
	How    Ailment
	Since  time.Time // when it was so first, and in each look since; zero: it is well
	Tries  int       // how often it was powered on, whatever came of it
	Tried  time.Time // the last of these
	Cycled time.Time // when its power was cycled last; zero: not in the last hour
	Unsure bool      // whether that was done is not known
	Few    time.Time // since when so few of its pool have been down that it may be the machine's own fault; zero: they are many
}

// Crowd returns how many machines of a pool hang, and of how many.
func Crowd(machines []world.Machine, pool string) (hang, all int) {
	for _, m := range machines {
		if m.Pool == pool && m.Node != nil && m.Binding == world.Bound {
			if all++; ailsBound(m) == Hangs && !beingResized(m) {
				hang++
			}
		}
	}
	return hang, all
}

// Crowded reports whether so many of them hang at once that it is likely not the machines.
func Crowded(hang, all int) bool { return hang > max(1, all/3) }

// How long a machine must ail in each look before something is done.
const (
	offGrace = 10 * time.Second // a reboot, or a person's next command, may be on its way
	tryShows = time.Minute      // that the last try to power it on was in vain shows by then
)

// CycleEvery is how long a machine's power is not cycled again.
const CycleEvery = time.Hour

// cycleTime is how long a machine has to be back after its power was cycled, before another one's is.
const cycleTime = 5 * time.Minute

// Pauses are spec.Repair's PowerOn for who does not know the file.
func Pauses() []time.Duration { return spec.DefaultPolicies().Repair.PowerOn }

// off reports whether the machine's droplet is off.
func (m machine) off() bool { return m.Droplet != nil && m.Droplet.Status == cloud.StatusOff }

func (m machine) ails() Ailment { how, _ := Ails(m.Machine); return how }

func (v *view) ill(m machine) Ailing { return v.in.Memory.Ailing[m.dropletID()] }

// downHold says of a machine that is down why it stays so for now.
func downHold(w wish, why string) *refusal {
	name := GuardNodeDown
	if w.kind == replaceDead {
		name = GuardDropletDead
	}
	return blocked(name, w.object, w.text+why)
}

// downUntil is the same while something is awaited, which is looked for at the latest then.
func downUntil(w wish, why string, left time.Duration) *refusal {
	r := downHold(w, why)
	r.progressing, r.requeue = true, max(left, requeueWait)
	return r
}

// repairable leaves alone what a person wants left alone.
func repairable(v *view, _ spent, w wish) *refusal {
	switch _, maintained := w.machine.maintained(); {
	case maintained:
		return downHold(w, ", and its node is drained by hand, so swarmd does not start it: start its machine, or swarmd activate "+w.machine.name())
	case w.machine.Adopted:
		return downHold(w, ", and swarmd did not make it, so it does not start it: start it, or take it out of adopt")
	case w.machine.pool.RepairOff:
		return downHold(w, ", and repair: off keeps swarmd from starting it: start its machine, or delete its droplet and "+removal(w.machine)+" for a new one")
	case v.outdated():
		return downHold(w, ", and whether it is to be started is not known while the accepted revision cannot be read")
	case v.ill(w.machine).Since.IsZero(): // who looks only once does not know
		does := "powers it on"
		if w.kind == powerCycle {
			does = "cycles its machine's power if it stays so for " + v.patience(w.machine).String()
		}
		return downUntil(w, ": the swarmd that acts "+does+"; swarmd events says what came of it", 0)
	}
	return nil
}

// stays leaves a machine as it is that is about to leave: what is down goes first.
func stays(v *view, _ spent, w wish) *refusal {
	if w.machine.Adopted || v.surplusOf(w.machine.pool) <= 0 {
		return nil
	}
	if w.kind == replaceAsked {
		return waits(w, fmt.Sprintf("it waits until pool %s has no more than its %d: what is too many leaves first", w.machine.pool.Name, w.machine.pool.Count))
	}
	return downHold(w, fmt.Sprintf(", and pool %s wants %d: what is down leaves first", w.machine.pool.Name, w.machine.pool.Count))
}

// powerTries has a machine powered on as often as the file says at most, each time as late as it says. The last try has as long to show as the first before it counts as in vain.
func powerTries(v *view, _ spent, w wish) *refusal {
	pauses := v.in.Spec.Policies.Repair.PowerOn
	ill, n := v.ill(w.machine), len(pauses)
	next, why := ill.Since.Add(offGrace), ": it is powered on at "
	switch shows := tryShows - v.in.Now.Sub(ill.Tried); {
	case w.machine.Droplet.Locked:
		return downUntil(w, ": it is powered on when what is under way on it is over", 0)
	case ill.Tries >= n && shows > 0:
		return downUntil(w, fmt.Sprintf(": it was powered on at %s, try %d of %d", clock(ill.Tried), ill.Tries, n), shows)
	case ill.Tries >= n:
		return downHold(w, fmt.Sprintf(", and powering it on %d times did not start it: its console says why; else delete it and %s for a new one", ill.Tries, removal(w.machine)))
	case ill.Tries > 0:
		next = ill.Tried.Add(pauses[ill.Tries])
		why = fmt.Sprintf(": it was powered on at %s, try %d of %d; if it stays off it is again at ", clock(ill.Tried), ill.Tries, n)
	}
	if left := next.Sub(v.in.Now); left > 0 {
		return downUntil(w, why+clock(next), left)
	}
	return nil
}

// hungForLong has a machine's power cycled when its node has been down for some minutes, and once in an hour. One that it does not help is replaced.
func hungForLong(v *view, _ spent, w wish) *refusal {
	ill := v.ill(w.machine)
	since, next := " since "+clock(ill.Since), ill.Few.Add(v.patience(w.machine))
	switch {
	case !ill.Cycled.IsZero() && v.in.Now.Sub(ill.Cycled) < v.patience(w.machine):
		return downUntil(w, since+": its machine's power was cycled at "+clock(ill.Cycled), 0)
	case v.in.Now.Before(next):
		return downUntil(w, since+": if it stays so its machine's power is cycled at "+clock(next), next.Sub(v.in.Now))
	case w.machine.Droplet.Locked:
		return downUntil(w, since+", and something is under way on its droplet", 0)
	}
	return nil
}

// replaceable leaves alone what a person wants left alone.
func replaceable(v *view, _ spent, w wish) *refusal {
	room := removal(w.machine) + " makes room for a new one"
	switch _, maintained := w.machine.maintained(); {
	case maintained:
		return downHold(w, ", and its node is drained by hand, so swarmd does not replace it: swarmd activate "+w.machine.name()+", or "+room)
	case w.machine.Adopted:
		return downHold(w, ", and swarmd did not make it, so it does not replace it: take it out of adopt; "+room)
	case w.machine.pool.RepairOff:
		return downHold(w, ", and repair: off keeps swarmd from replacing it: "+room)
	case v.outdated():
		return downHold(w, ", and whether it is to be replaced is not known while the accepted revision cannot be read")
	}
	return nil
}

// goneForLong has a machine replaced whose droplet has not existed for a minute. It is asked last, so that no time is named that another guard does
// not keep.
func goneForLong(v *view, _ spent, w wish) *refusal {
	ill := v.ill(w.machine)
	if ill.Since.IsZero() { // who looks only once does not know
		return downUntil(w, ": the swarmd that acts replaces it; swarmd events says what came of it", 0)
	}
	if left := ill.Since.Add(v.in.Spec.Policies.Repair.Gone).Sub(v.in.Now); left > 0 {
		return downUntil(w, ": it is replaced at "+clock(ill.Since.Add(v.in.Spec.Policies.Repair.Gone)), left)
	}
	return nil
}

// repairBudget has so many machines an hour replaced beside what edits permit: what it counts are deletes, also of what is gone.
func repairBudget(v *view, s spent, w wish) *refusal {
	if s.repairs > 0 {
		return nil
	}
	most := ledger.RepairsAnHour(v.boundNodes())
	text := fmt.Sprintf("%s: %d of %d repairs an hour are begun: this one follows by itself%s", w.text, most-s.repairs, most, v.notBefore(v.in.World.Ledger.Repairs, most))
	if w.kind == replaceDead || w.kind == replaceIll { // any other works, or has a new one already
		text += fmt.Sprintf("; %s makes room for a new one now", removal(w.machine))
	}
	return blocked(GuardBudget, w.object, text)
}

// repairLeft has a replacement begun only if the hour has a repair for it beside those that are open already, so that what is begun can be finished. One
// that only waits takes nothing from a machine that is lost.
func repairLeft(v *view, s spent, w wish) *refusal {
	s.repairs -= s.count(replaceIll, replaceAsked)
	for _, op := range v.replaces {
		if !rolls(op.Reason) && !(w.kind == replaceIll && op.onlyWaits(v)) {
			s.repairs--
		}
	}
	return repairBudget(v, s, w)
}

// boundNodes counts the cluster's nodes that are bound to a droplet.
func (v *view) boundNodes() int {
	bound := 0
	for _, m := range v.machines {
		if m.Node != nil && m.Of == "" && m.Node.Spec.Labels[swarm.LabelDroplet] != "" {
			bound++
		}
	}
	return bound
}

// withinTheHour counts those of the times that the last hour has.
func (v *view) withinTheHour(times []time.Time) int {
	n := 0
	for _, t := range times {
		if v.in.Now.Sub(t) < time.Hour {
			n++
		}
	}
	return n
}

// notBefore says when the first of the hour's times is an hour ago; nothing, if they are fewer than the most that there may be: then others are open,
// of which nobody knows when they end.
func (v *view) notBefore(times []time.Time, most int) string {
	var first time.Time
	for _, t := range times {
		if v.in.Now.Sub(t) < time.Hour && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	if v.withinTheHour(times) < most {
		return ""
	}
	return ", not before " + clock(first.Add(time.Hour))
}

// fewDown has nothing cycled where so many are down at once that it is likely not the machines. When they come back one after the other, the last one has
// its time from then on.
func fewDown(v *view, _ spent, w wish) *refusal {
	hang, all := Crowd(v.in.World.Machines, w.machine.pool.Name)
	if !Crowded(hang, all) {
		return nil
	}
	return downUntil(w, fmt.Sprintf(" since %s, and nothing is cycled or replaced: %d of %d machines of pool %s are down at once, which looks like the network, not like the machines",
		clock(v.ill(w.machine).Since), hang, all, w.machine.pool.Name), requeueGap)
}

// oneCycle has one machine's power cycled after the other.
func oneCycle(v *view, s spent, w wish) *refusal {
	cycling := s.count(powerCycle) > 0
	for _, m := range v.machines {
		if m.Droplet == nil || m.Droplet.ID == w.machine.Droplet.ID || m.ails() == Well {
			continue
		}
		if at := v.ill(m).Cycled; !at.IsZero() && v.in.Now.Sub(at) < cycleTime {
			cycling = true
		}
	}
	if !cycling {
		return nil
	}
	return downUntil(w, " since "+clock(v.ill(w.machine).Since)+": another machine's power was cycled, and it is not back yet: one at a time", requeueGap)
}

// beginPower switches on, or off and on, what was granted.
func beginPower(v *view, g grant, b *builder) {
	m, id := g.machine, strconv.Itoa(g.machine.Droplet.ID)
	if g.kind == powerOn {
		b.step("power-on", id, PowerOnDroplet{DropletID: m.Droplet.ID}, WhyPowerOn,
			fmt.Sprintf("%s is off, and nothing of swarmd's switched it off; try %d of %d", m.name(), v.ill(m).Tries+1, len(v.in.Spec.Policies.Repair.PowerOn)))
		return
	}
	b.step("power-cycle", id, PowerCycleDroplet{DropletID: m.Droplet.ID}, WhyPowerCycle,
		fmt.Sprintf("%s: its node is down since %s, and its droplet runs", m.name(), clock(v.ill(m).Since)))
}
