package plan

import "slices"

// rules is the table of what stands between a wish and its step: by kind, what is asked, in this order. The first that refuses ends it. seen asks for
// the areas that a decision needs, see needs; held refuses always, since there is no operation for it yet.
func rules() map[kind][]guard {
	roll := []guard{seen(deleteMachine), rollBudget, joinable, managersCalm, fewReplaced, wholePool, ledgerFull, idsLeft}
	return map[kind][]guard{
		// machines
		removeGhost:    {seen(removeNode)},
		replaceDead:    {seen(deleteMachine), replaceable, oneManagerLeaves, managerMayLeave, repairBudget, ledgerFull, idsLeft, goneForLong, slowlyInACrowd},
		replaceDown:    {held(GuardNodeDown)},
		powerOn:        {seen(switchMachine), stays, repairable, powerTries},
		powerCycle:     {seen(switchMachine), stays, repairable, fewDown, hungForLong, managersCalm, oneCycle},
		replaceIll:     {seen(deleteMachine), stays, repairable, fewDown, illForLong, joinable, managersCalm, fewReplaced, repairLeft, ledgerFull, idsLeft},
		replaceAsked:   {seen(deleteMachine), stays, joinable, managersCalm, fewReplaced, repairLeft, ledgerFull, idsLeft},
		leaveReplaced:  {seen(deleteMachine), notInACrowd, oneManagerLeaves, managerMayLeave, permits, drainTurn, idsLeft},
		retryLaunch:    {seen(deleteMachine), launchable, launchOver, retryBudget, ledgerFull, idsLeft},
		dropKept:       {seen(deleteMachine), retryBudget, ledgerFull, idsLeft},
		forgetKept:     {},
		emptyPool:      {held(GuardPoolRemoved)},
		changeSize:     roll,
		resizeHere:     {seen(resizeMachine), offered, unmaintained, triedBefore, mayBeOff, resizeTurn, notHolder, ledgerFull, idsLeft},
		changeImage:    roll,
		changeRegion:   roll,
		changeVPC:      roll,
		replaceAdopted: {held(GuardDropletDead)},
		resize:         {held(GuardNoCloud)},
		grow:           {joinable, launchesFail, backedOff, tokenRotates, maxDroplets, maxCost, maxCreates, ledgerFull, idsLeft},
		shrinkAdopted:  {seen(deleteMachine), held(GuardAdopted)},
		shrink:         {seen(deleteMachine), lastMeant, notResized, oneManagerLeaves, managerMayLeave, deleteBudget, drainTurn, ledgerFull, idsLeft},

		// nodes
		bind:       {nodeUp},
		putRight:   {},
		promote:    {seenOrSay(changeRole, "not promoted on a view with a gap"), otherClusters, roleChanges, enoughManagers, allReachable, inPairs, oneRole},
		demote:     {seenOrSay(changeRole, "not demoted on a view with a gap"), otherClusters, roleChanges, oneRole, quorum},
		stepDown:   {quorum, held(GuardSelf)},
		settleRole: {awaited},
		quarantine: {seen(drainStranger), strangerForLong, fewDrains},
		rotate:     {noCreateOpen},
		tag:        {allSeen, idle, fewTags},

		// the stack
		createNetwork: {networkNameTaken},
		changeNetwork: {held(GuardNetwork)},
		createKey:     {seen(makeObject)},
		createConfig:  {seen(makeObject), objectNameTaken},
		createSecret:  {seen(makeObject), objectNameTaken},
		changedConfig: {seen(makeObject), held(GuardObjectChanged)},
		takeService:   {rollOutOver},
		takeConfig:    {seen(makeObject)},
		takeSecret:    {seen(makeObject), valueKnown},
		createService: {serviceNameTaken, hostAccess, foreignNetwork, networkThere, portTaken, volumeKept, referredThere, loginThere, nodesKnown, machinesComing}, recordRollback: {hostAccess},
		renewRecord:   {hostAccess, takenBackNow},
		putBack:       {hostAccess},
		giveUp:        {hostAccess, takenBackNow, machinesOnTheWay, failureFits},
		pin:           {hostAccess, registryAnswers, pinTakenBack, allCalm},
		changeService: {hostAccess, takenBackNow, rolloutRuns, takenBack, rolloutPaused, modeFixed, foreignNetwork, networkThere, portTaken, referredThere, loginThere, nodesKnown, rolloutsFull},
		renewLogin:    {loginAtRest},
		scaleOnly:     {hostAccess, takenBackNow, rolloutRuns, atRest},
		spread:        {hostAccess, allQuiet, notLately},
		dropService:   {seen(removeService), unprotected, removalMeant},
		dropNetwork:   {foreignUser, stillUsed, seen(removeNetwork)},
		dropConfig:    {seen(removeObject)},
		dropSecret:    {seen(removeObject)},
		forget:        {},
	}
}

// guard answers whether a wish may be done now, after what was granted before it in this pass: nil if nothing is against it.
type guard func(v *view, s spent, w wish) *refusal

// grant is a wish that may be done now, with what it takes.
type grant struct {
	wish
	ids      []string // a fresh id for each operation that it opens
	budgeted bool     // its delete is one that an accepted edit permits
	most     int      // its delete is one of so many repairs that an hour has; 0: it is none
}

// admit asks the guards of each wish. What is refused is said, what is granted is returned in the order of the wishes.
func admit(v *view, wishes []wish, b *builder) []grant {
	s, rules, closed := begin(v), rules(), map[kind][]string{}
	for _, w := range wishes {
		if _, refusals, ok := ask(first(w.kind), v, s, w); !ok {
			b.refuse(refusals[0])
			continue
		}
		if w.unfinished {
			b.wait(w.requeue)
		}
		if slices.Contains(closed[w.kind], w.object) {
			continue
		}
		w, refusals, ok := ask(rules[w.kind], v, s, w)
		for _, r := range refusals {
			b.refuse(r)
			if r.rest {
				closed[w.kind] = append(closed[w.kind], w.object)
			}
		}
		if ok {
			s = s.with(v, w)
		}
	}
	return s.granted
}

// ask returns what of a wish is left when its guards have been asked, and why the rest is not.
func ask(guards []guard, v *view, s spent, w wish) (left wish, refusals []refusal, ok bool) {
	for _, g := range guards {
		r := g(v, s, w)
		if r == nil {
			continue
		}
		refusals = append(refusals, *r)
		if r.left == 0 {
			return w, refusals, false
		}
		w.n = r.left
	}
	return w, refusals, true
}
