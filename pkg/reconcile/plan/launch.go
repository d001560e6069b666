package plan

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/spec"
)

// A launch has two clocks: from its create until the droplet is active with a private address, and from there until its machine has joined. A machine that
// is over one of them is deleted, and the pool tries again after a pause that grows with each failure in a row.

// Launching is what is remembered of a machine that has not joined. Times are by the clock of Input.Now.
type Launching struct {
	Seen     time.Time // when it was seen so first, and in each look since
	Inactive time.Time // the last look in which its droplet was not active with a private address; zero: none
	Active   time.Time // the first look in which it was; zero: none
}

// launchGrace is how long a machine must not have joined in each look before it is deleted for it: who acts anew judges nobody at once.
const launchGrace = time.Minute

// KeptFor is how long a machine that never joined is kept for a look.
const KeptFor = 24 * time.Hour

// launchPauses are what must have passed since the last failure in a row before the next create.
func launchPauses() []time.Duration {
	return []time.Duration{5 * time.Minute, 10 * time.Minute, 20 * time.Minute, 30 * time.Minute}
}

// LaunchActive reports whether a droplet is as far that its machine can join.
func LaunchActive(d cloud.Droplet) bool { return d.Status == cloud.StatusActive && d.PrivateIPv4 != "" }

// launchEnds is when a machine is over its time. When it became active is not in the cloud's answer: what was seen of it counts, else that it was so in
// time, which is as late as it may have been.
func (v *view) launchEnds(d cloud.Droplet, op *ledger.Op) time.Time {
	p, seen := v.in.Spec.Policies, v.in.Memory.Launching[d.ID]
	active := v.launchBegan(d, op, seen).Add(p.ActiveTimeout)
	if !LaunchActive(d) && seen.Active.IsZero() {
		return active
	}
	if seen.Inactive.After(active) {
		active = seen.Inactive
	}
	if first := seen.Active; !first.IsZero() && first.Before(active) {
		active = first
	}
	return active.Add(p.JoinTimeout(d.Image))
}

// launchBegan is when the first clock began. That of a create which another holder of the lease began is by another clock: it begins anew with the first
// look, and so does the second one. Who remembers nothing judges nobody, and can say no better than what is written.
func (v *view) launchBegan(d cloud.Droplet, op *ledger.Op, seen Launching) time.Time {
	create := op != nil && op.Kind == ledger.Create
	if create { // the ledger's own has its times by the clock of now
		op = cmp.Or(v.in.World.Ledger.ByID(op.ID), op)
	}
	switch {
	case create && (op.Epoch == v.in.Epoch || v.in.Memory.Launching == nil):
		return op.Started
	case create && seen.Seen.IsZero():
		return v.in.Now
	case create:
		return seen.Seen
	}
	return d.Created
}

// launches is what failed in a row in the pool with the template that it has now.
func (v *view) launches(p *spec.Pool) ledger.Launch {
	l := v.in.World.Ledger.Launches[p.Name]
	over := l.Failures < v.in.Spec.Policies.Repair.LaunchTries && v.in.Now.Sub(l.Last).Abs() > ledger.LaunchesCount
	if l.Template != v.launchTemplate(p) || over {
		return ledger.Launch{}
	}
	return l
}

// launchTemplate stands for all of the file that decides whether a pool's machines join. With another one it is worth another try, also to see why.
func (v *view) launchTemplate(p *spec.Pool) string {
	raw, err := json.Marshal([]any{p.Image, p.Size, p.Region, v.in.Spec.Cloud, v.in.Spec.Policies.Repair.KeepFailed})
	if err != nil {
		return ""
	}
	return ledger.Fingerprint(string(raw))
}

// launchWish is what is wished for a machine that has not joined; false: nothing yet.
func (v *view) launchWish(m machine, w wish) (wish, bool) {
	outrun := v.outrun(m)
	switch {
	case m.class != overdue && !outrun:
		return w, false
	case outrun:
		w.text = m.name() + outrunWhy
	case m.class == overdue && !LaunchActive(*m.Droplet):
		w.text = fmt.Sprintf("%s was not active with a private address within %s", m.name(), v.in.Spec.Policies.ActiveTimeout)
	default:
		w.text = fmt.Sprintf("%s did not join within %s of being active", m.name(), v.in.Spec.Policies.JoinTimeout(m.Droplet.Image))
	}
	w.kind, w.pool, w.lost = retryLaunch, m.pool, !outrun
	return w, true
}

const lookAtLog = "/var/log/swarmd-join.log and /var/log/cloud-init-output.log on it say why"

// launchable leaves alone what a person wants left alone.
func launchable(v *view, _ spent, w wish) *refusal {
	byHand := ": " + lookAtLog + "; delete the droplet by hand for a new try"
	switch {
	case w.machine.Adopted:
		return blocked(GuardLaunch, w.object, w.text+", and swarmd did not make it, so it does not delete it: "+lookAtLog)
	case w.pool.RepairOff:
		return blocked(GuardLaunch, w.object, w.text+", and repair: off keeps swarmd from deleting it"+byHand)
	case v.outdated():
		return blocked(GuardLaunch, w.object, w.text+", and whether it is to be deleted is not known while the accepted revision cannot be read")
	case w.machine.Op == nil || w.machine.Op.Kind != ledger.Create:
		return blocked(GuardLaunch, w.object, w.text+byHand)
	}
	return nil
}

// launchOver has a machine deleted that is over its time, and that this swarmd has seen for long enough.
func launchOver(v *view, _ spent, w wish) *refusal {
	m, seen := w.machine, v.in.Memory.Launching[w.machine.Droplet.ID].Seen
	next := v.launchEnds(*m.Droplet, m.Op)
	if first := seen.Add(launchGrace); first.After(next) {
		next = first
	}
	text := w.text + ": it is deleted at " + clock(next) + ", for a new try"
	switch left := next.Sub(v.in.Now); {
	case seen.IsZero(): // who looks only once does not know
		return awaits(w, w.text+": the swarmd that acts deletes it for a new try; swarmd events says what came of it", 0)
	case left >= 0:
		return awaits(w, text, left)
	}
	return nil
}

// awaits is a hold on a machine that has not joined while something is awaited.
func awaits(w wish, text string, left time.Duration) *refusal {
	r := blocked(GuardLaunch, w.object, text)
	r.progressing, r.requeue = true, max(left, requeueWait)
	return r
}

// retryBudget bounds how many machines that never joined are deleted in an hour.
func retryBudget(v *view, s spent, w wish) *refusal {
	if s.retries > 0 {
		return nil
	}
	most := ledger.RetriesAnHour(v.boundNodes())
	return blocked(GuardBudget, w.object, fmt.Sprintf("%s: %d of %d such deletes an hour are begun: this one follows by itself%s", w.text, most-s.retries, most, v.notBefore(v.in.World.Ledger.Retries, most)))
}

// launchesFail holds a pool whose machines do not join: for a while after each failure, then for one try at a time, at last until the file changes.
func launchesFail(v *view, s spent, w wish) *refusal {
	l := v.launches(w.pool)
	if l.Failures == 0 {
		return nil
	}
	tries := v.in.Spec.Policies.Repair.LaunchTries
	if l.Failures >= tries {
		return blocked(GuardLaunchFailed, w.object, fmt.Sprintf("%d missing, and no more are made: %d tries in a row failed, the last one with %s. %s. "+
			"Another image, size or region of the pool, another cloud, or a higher policies.repair.launch_tries is tried at once", w.n, l.Failures, l.Name, v.whereToLook(l)))
	}
	pauses := launchPauses()
	next := l.Last.Add(pauses[min(l.Failures, len(pauses))-1])
	text := fmt.Sprintf("%d missing, and %s failed, try %d of %d", w.n, l.Name, l.Failures, tries)
	if left := next.Sub(v.in.Now); left > 0 && !l.Last.After(v.in.Now) {
		return awaits(w, text+": the next one begins at "+clock(next), left)
	}
	room := max(1-v.underWay(w.pool)-s.creates(w.pool.Name), 0)
	if w.n <= room {
		return nil
	}
	r := awaits(w, text+": one at a time until one joins", 0)
	r.left = room
	return r
}

// whereToLook says which machine shows why the launches of a pool fail.
func (v *view) whereToLook(l ledger.Launch) string {
	if slices.ContainsFunc(v.in.World.Ledger.Kept, func(k ledger.Kept) bool { return k.Name == l.Name }) {
		return "It is kept, switched off: power it on, and " + lookAtLog
	}
	return "It is deleted: with policies.repair.keep_failed: 1 the next one is kept for a look, and " + lookAtLog
}

// underWay counts the machines of a pool that were made and have not joined.
func (v *view) underWay(p *spec.Pool) int {
	n := v.unseenOf(p.Name)
	for _, m := range v.machines {
		if m.pool == p && (m.class == booting || m.class == overdue) {
			n++
		}
	}
	return n
}

// beginRetry opens the delete of a machine that never joined, or of one that was kept long enough.
func beginRetry(v *view, g grant, b *builder) {
	m := g.machine
	a := RetryLaunch{OpID: g.ids[0], Pool: m.Pool, Name: m.Droplet.Name, DropletID: m.Droplet.ID, Most: g.most}
	if g.kind == dropKept {
		b.step("leave", fmt.Sprint(m.Droplet.ID), a, WhyKeptOver, m.name()+": "+g.text)
		return
	}
	a.CreateID, a.Keep = m.Op.ID, v.in.Spec.Policies.Repair.KeepFailed > 0
	if g.lost {
		a.Template = v.launchTemplate(g.pool)
	}
	b.step("leave", fmt.Sprint(m.Droplet.ID), a, WhyLaunchFailed, g.text+"; it is deleted for a new try")
}

// proposeKept proposes to delete what was kept long enough, or is one too many to keep, and to forget what is gone or has joined after all.
func proposeKept(v *view) []wish {
	var wishes []wish
	newer := map[string]int{}
	all := slices.SortedFunc(slices.Values(v.in.World.Ledger.Kept), func(a, b ledger.Kept) int { return b.Since.Compare(a.Since) })
	for _, k := range all {
		i := slices.IndexFunc(v.machines, func(m machine) bool { return m.Droplet != nil && m.Droplet.ID == k.DropletID })
		w := wish{kind: forgetKept, object: fmt.Sprintf("droplet/%d", k.DropletID), n: k.DropletID, text: k.Name}
		switch {
		case i < 0 && v.gone(k.DropletID), i >= 0 && v.machines[i].Node != nil && v.machines[i].class == ready:
			wishes = append(wishes, w)
			continue
		case i < 0 || v.machines[i].class != kept:
			continue
		}
		newer[k.Pool]++
		w.kind, w.machine, w.n = dropKept, v.machines[i], 0
		switch most := v.in.Spec.Policies.Repair.KeepFailed; {
		case v.pool(k.Pool) == nil || newer[k.Pool] > most:
			w.text = fmt.Sprintf("it never joined, and the file keeps %d of them", most)
		case v.in.Now.Sub(k.Since).Abs() > KeptFor:
			w.text = fmt.Sprintf("it never joined, and was kept for %s", KeptFor)
		default:
			continue
		}
		wishes = append(wishes, w)
	}
	return wishes
}

// reportKept says of a machine that is kept how to look at it.
func reportKept(v *view, m machine, b *builder) {
	if m.class != kept {
		return
	}
	k := v.in.World.Ledger.KeptDroplet(m.Droplet.ID)
	if k == nil {
		return
	}
	until := k.Since.Add(KeptFor)
	b.warn(GuardKept, m.object(), fmt.Sprintf("%s never joined, and is kept for a look until %s, switched off and in no place of its pool: power it on, and %s; "+
		"policies.repair.keep_failed: 0 deletes it now", m.name(), until.UTC().Format(time.RFC3339), lookAtLog))
}
