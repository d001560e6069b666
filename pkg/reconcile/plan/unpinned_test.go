package plan_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// A registry that gave no digest is asked again with the next change, and until then it is said that the image has none.
func TestAnImageWithoutADigestIsNamedAndAskedForAgain(t *testing.T) {
	m := grown(t, 1, 1)
	m.step(time.Minute)
	if p := plan.Compute(m.input()); len(p.Holds) > 0 {
		t.Fatalf("pinned: %v", holds(p))
	}
	live(m).Spec = stored(live(m).Spec, swarm.Pin{})
	p := plan.Compute(m.input())
	if !slices.Equal(holds(p), []string{"~unpinned service/web_app"}) || !p.Converged || !strings.Contains(p.Holds[0].Text, "the next change of the service asks again") {
		t.Errorf("%+v, converged %t", p.Holds, p.Converged)
	}
	if images := plan.Unpinned(m.input().Stack, m.input().World.Services); len(images) > 0 {
		t.Errorf("the registry answered that it does not give it, and %v are asked for again", images)
	}
	wants(service("app", "app:1", 6))(m)
	if a := written(t, m); !a.ResolveImage || a.Spec.Pin().Digest != "" || a.Spec.Labels[swarm.LabelUnpinned] != "" {
		t.Errorf("%+v", a)
	}
}

// waiting is a service that was written without a digest because its registry did not answer, at noon.
func waiting(m *model) {
	live(m).Spec = stored(live(m).Spec, swarm.Pin{})
	live(m).Spec.Labels[swarm.LabelUnpinned] = "2026-11-30T12:00:00Z"
}

func TestAnImageWhoseRegistryDidNotAnswerIsLookedUpAgain(t *testing.T) {
	noon := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	known := map[string]plan.Looked{"app:1": {Pin: swarm.Pin{Digest: "sha256:app:1"}, Again: noon}}
	for _, c := range []struct {
		name   string
		change func(*model)
		looked map[string]plan.Looked
		says   string // "" if the digest is rolled out
	}{
		{"no word of it", waiting, nil, "since 12:00:00 UTC, when its registry did not answer; it is asked again from time to time"},
		{"asked again", waiting, map[string]plan.Looked{"app:1": {Again: noon.Add(time.Hour)}}, "since 12:00:00 UTC, when its registry did not answer; it is asked again at 13:00:00 UTC"},
		{"told", waiting, known, ""},
		{"told, and a task is missing", both(waiting, func(m *model) { m.tasks = m.tasks[1:] }), known, "rolled out when nothing else is and all tasks run"},
		{"told, and a roll-out runs", both(waiting, state(swarm.Updating)), known, "rolled out when nothing else is and all tasks run"},
		{"told, and it was taken back", both(waiting, state(swarm.RollbackCompleted), failed("", "1")), known, "was taken back"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := grown(t, 1, 1)
			m.step(time.Minute)
			c.change(m)
			in := m.input()
			in.Memory.Looked = c.looked
			if images := plan.Unpinned(in.Stack, in.World.Services); !slices.Equal(images, []string{"app:1"}) {
				t.Errorf("%v are asked for again", images)
			}
			p := plan.Compute(in)
			says := ""
			for _, h := range p.Holds {
				if h.Guard == plan.GuardUnpinned {
					says = h.Text
				}
			}
			if (c.says == "") != (says == "") || !strings.Contains(says, c.says) {
				t.Errorf("it says %q, want %q", says, c.says)
			}
			if c.says != "" {
				if slices.Contains(ids(p), "service/web_app") {
					t.Errorf("steps %v", ids(p))
				}
				return
			}
			a := p.Steps[len(p.Steps)-1].Action.(plan.UpdateService)
			if a.Spec.Pin().Digest != "sha256:app:1" || a.ResolveImage || a.Spec.Labels[swarm.LabelUnpinned] != "" || p.Converged ||
				!slices.Equal(a.Changes, []swarm.Change{{Key: "image", From: "app:1", To: "app:1@sha256:app:1"}}) {
				t.Errorf("%+v", a)
			}
		})
	}
}

// TestDigestsAreRolledOutOneServiceAfterTheOther: a registry that comes back must not restart everything at once.
func TestDigestsAreRolledOutOneServiceAfterTheOther(t *testing.T) {
	m := grown(t, 1, 1)
	m.stack = stack(service("app", "app:1", 4), service("other", "app:1", 2))
	m.settle(time.Hour)
	m.step(time.Minute)
	for _, s := range m.services {
		s.Spec = stored(s.Spec, swarm.Pin{})
		s.Spec.Labels[swarm.LabelUnpinned] = "2026-11-30T12:00:00Z"
	}
	in := m.input()
	in.Memory.Looked = map[string]plan.Looked{"app:1": {Pin: swarm.Pin{Digest: "sha256:app:1"}}}
	p := plan.Compute(in)
	if !slices.Equal(ids(p), []string{"service/web_app"}) || !slices.Equal(holds(p), []string{"~unpinned service/web_other"}) {
		t.Errorf("steps %v, holds %v", ids(p), holds(p))
	}
	for _, s := range m.services {
		if s.Spec.Name == "web_app" {
			s.Spec, s.Update = stored(s.Spec, swarm.Pin{Digest: "sha256:app:1"}), swarm.Updating
		}
	}
	in = m.input()
	in.Memory.Looked = map[string]plan.Looked{"app:1": {Pin: swarm.Pin{Digest: "sha256:app:1"}}}
	if p := plan.Compute(in); slices.Contains(ids(p), "service/web_other") {
		t.Errorf("while one is rolled out: %v", ids(p))
	}
}

// TestADigestThatIsStillMissingKeepsItsSince, with an edit that the registry did not answer for either.
func TestADigestThatIsStillMissingKeepsItsSince(t *testing.T) {
	m := grown(t, 1, 1)
	m.step(time.Minute)
	waiting(m)
	wants(service("app", "app:1", 6))(m)
	if a := written(t, m); !a.ResolveImage || a.Spec.Labels[swarm.LabelUnpinned] != "2026-11-30T12:00:00Z" {
		t.Errorf("%+v", a)
	}
	wants(service("app", "app:2", 6))(m)
	if a := written(t, m); a.Spec.Labels[swarm.LabelUnpinned] != "" {
		t.Errorf("another image: %+v", a)
	}
}
