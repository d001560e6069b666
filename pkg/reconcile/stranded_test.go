package reconcile

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// managers is a look at managers, one for each word: "on", "off", "locked", "gone", or "kept", which is off and drained by hand, "leaves", "adopted".
func managers(how ...string) world.World {
	var w world.World
	for i, word := range how {
		m := world.Machine{Droplet: &cloud.Droplet{ID: i + 1, Name: fmt.Sprintf("m%d", i+1), Status: cloud.StatusOff, Locked: word == "locked"}, Node: &swarm.Node{Manager: &swarm.ManagerStatus{}}, Pool: "ms",
			Binding: world.Bound, Owned: true, Adopted: word == "adopted"}
		switch word {
		case "on":
			m.Droplet.Status = cloud.StatusActive
		case "gone":
			continue
		case "kept":
			m.Node.Spec.Labels = map[string]string{swarm.LabelMaintenance: "me"}
		case "leaves":
			m.Op = &ledger.Op{Kind: ledger.Delete}
		}
		w.Machines = append(w.Machines, m)
	}
	return w
}

// leaderlessLook is the same while the swarm has no leader.
func leaderlessLook(how ...string) world.World {
	w := managers(how...)
	for i := range w.Machines {
		w.Machines[i].Node = nil
	}
	w.Gaps = []world.Gap{{What: world.GapNodes, Kind: apierr.NoLeader}}
	return w
}

// TestWhoIsSwitchedOnWithoutALeader: the second look is at how they are then; it is repeated every ten seconds for the time.
func TestWhoIsSwitchedOnWithoutALeader(t *testing.T) {
	unreadable := leaderlessLook("on", "off", "off")
	unreadable.Gaps = append(unreadable.Gaps, world.Gap{What: world.GapDroplets})
	timeout := leaderlessLook("on", "off", "off")
	timeout.Gaps[0].Kind = apierr.Unavailable
	for name, c := range map[string]struct {
		before, now world.World
		kept        string // the object that a person keeps swarmd off
		after       time.Duration
		want        int
	}{
		"two of three are off":           {managers("on", "on", "on"), leaderlessLook("on", "off", "off"), "", time.Minute, 2},
		"not yet":                        {managers("on", "on", "on"), leaderlessLook("on", "off", "off"), "", 50 * time.Second, 0},
		"the others may have a leader":   {managers("on", "on", "on"), leaderlessLook("on", "on", "off"), "", time.Minute, 0},
		"they would have switched it on": {managers("on", "on", "on"), leaderlessLook("on", "on", "off"), "", 5 * time.Minute, 1},
		"one does not exist any more":    {managers("on", "on", "on"), leaderlessLook("on", "gone", "off"), "", time.Minute, 1},
		"one is drained by hand":         {managers("on", "on", "kept"), leaderlessLook("on", "off", "off"), "", time.Hour, 1},
		"one was to leave":               {managers("on", "on", "leaves"), leaderlessLook("on", "off", "off"), "", time.Hour, 1},
		"one was adopted":                {managers("on", "on", "adopted"), leaderlessLook("on", "off", "off"), "", time.Hour, 1},
		"repair: off":                    {managers("on", "on", "on"), leaderlessLook("on", "off", "off"), "pool/ms", time.Hour, 0},
		"the cluster is paused":          {managers("on", "on", "on"), leaderlessLook("on", "off", "off"), "cluster", time.Hour, 0},
		"one is paused":                  {managers("on", "on", "on"), leaderlessLook("on", "off", "off"), "node/m2", time.Hour, 1},
		"something is under way on it":   {managers("on", "on", "on"), leaderlessLook("on", "locked", "off"), "", time.Minute, 0},
		"never seen before":              {leaderlessLook(), leaderlessLook("on", "off", "off"), "", time.Hour, 0},
		"the droplets are not seen":      {managers("on", "on", "on"), unreadable, "", time.Hour, 0},
		"the engine does not answer":     {managers("on", "on", "on"), timeout, "", time.Hour, 0},
		"all run":                        {managers("on", "on", "on"), leaderlessLook("on", "on", "on"), "", time.Hour, 0},
	} {
		now := time.Unix(1000, 0)
		s := stranded{}.see(c.before, map[string]bool{c.kept: true}, now)
		for at := time.Duration(0); at <= c.after; at += 10 * time.Second {
			now = time.Unix(1000, 0).Add(at)
			s = s.see(c.now, nil, now)
		}
		if got := s.due(now); len(got) != c.want {
			t.Errorf("%s: %+v, want %d", name, got, c.want)
		}
	}
}

// TestALeaderEndsTheCount: what was without one for a while, or was not looked at, counts anew.
func TestALeaderEndsTheCount(t *testing.T) {
	t0 := time.Unix(1000, 0)
	well, none := managers("on", "on", "on"), leaderlessLook("on", "off", "off")
	s := stranded{}.see(well, nil, t0).see(none, nil, t0)
	s = s.see(well, nil, t0.Add(30*time.Second)).see(none, nil, t0.Add(40*time.Second)).see(none, nil, t0.Add(80*time.Second))
	if got := s.due(t0.Add(80 * time.Second)); len(got) != 0 {
		t.Errorf("switched on 40 s after a leader was lost: %+v", got)
	}
	s = s.see(none, nil, t0.Add(10*time.Minute))
	if got := s.due(t0.Add(10 * time.Minute)); len(got) != 0 {
		t.Errorf("switched on without a look in nine minutes: %+v", got)
	}
	if s = s.see(well, nil, t0.Add(11*time.Minute)); s.String() != "" {
		t.Errorf("it says %s", s)
	}
}

// TestItSaysWhenAManagerIsSwitchedOn: who looks at three in the morning must not guess whether somebody does.
func TestItSaysWhenAManagerIsSwitchedOn(t *testing.T) {
	t0 := time.Date(2026, 3, 1, 2, 59, 30, 0, time.UTC)
	s := stranded{}.see(managers("on", "on", "on"), nil, t0).see(leaderlessLook("on", "off", "off"), nil, t0)
	if got := s.String(); !strings.Contains(got, "is off, and is switched on at 03:00:30 UTC if there is no leader until then") || !strings.Contains(got, "as of 02:59:30 UTC") {
		t.Errorf("it says %s", got)
	}
	id := s.managers[1].droplet
	if got := s.learn(id, t0.Add(time.Minute)).String(); !strings.Contains(got, "was switched on at 03:00:30 UTC, try 1 of ") {
		t.Errorf("it says %s", got)
	}
	s = stranded{}.see(managers("on", "on", "on"), nil, t0).see(leaderlessLook("on", "on", "off"), nil, t0)
	if got := s.String(); !strings.Contains(got, "is switched on at 03:04:30 UTC") {
		t.Errorf("while a majority runs it says %s", got)
	}
}
