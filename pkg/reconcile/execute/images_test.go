package execute_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

func service(name, image string) plan.Step {
	return step(name, plan.CreateService{Spec: swarm.ServiceSpec{Name: name, Image: image, Labels: map[string]string{"team": "shop"}}})
}

// contented is a service that is written without its image's digest where the registry does not tell it.
func contented(name, image string) plan.Step {
	return step(name, plan.CreateService{Spec: swarm.ServiceSpec{Name: name, Image: image, Labels: map[string]string{"team": "shop"}}, BestEffort: true})
}

func (b *bench) resolved() int { return strings.Count(strings.Join(b.calls, ","), "resolve ") }

func TestImageIsResolvedOncePerRevision(t *testing.T) {
	b := newBench(t)
	b.run(t.Context(), service("a", "app:1"), service("b", "app:1"), service("c", "db:1"))
	b.run(t.Context(), service("e", "app:1"))
	if n := b.resolved(); n != 2 {
		t.Fatalf("asked %d times for two images", n)
	}
	for _, s := range b.specs {
		if s.Pin().Digest != "sha256:d1" || len(s.Pin().Platforms) != 1 {
			t.Fatalf("%s has %+v", s.Image, s.Pin())
		}
	}
	b.exec.Run(t.Context(), execute.Order{Plan: plan.Plan{Steps: []plan.Step{service("f", "app:1")}}, At: time.Now(), Epoch: epoch, Revision: 2})
	if n := b.resolved(); n != 3 {
		t.Fatalf("asked %d times: a tag may mean another image to the next revision", n)
	}
}

func TestUpdateResolvesOnlyWhenAsked(t *testing.T) {
	b := newBench(t)
	b.run(t.Context(), step("keep", plan.UpdateService{ID: "1", Version: 5, Spec: swarm.ServiceSpec{Name: "s", Image: "app:1", Base: swarm.NewBase(nil, nil, swarm.Pin{Digest: "sha256:old"})}}))
	b.run(t.Context(), step("renew", plan.UpdateService{ID: "1", Version: 6, Spec: swarm.ServiceSpec{Name: "s", Image: "app:1"}, ResolveImage: true}))
	diff(t, []string{"update service 1 at 5", "resolve app:1", "update service 1 at 6"}, b.calls)
	diff(t, []string{"sha256:old", "sha256:d1"}, []string{b.specs[0].Pin().Digest, b.specs[1].Pin().Digest})
}

// TestADigestThatTheFileNamesIsKept: the registry is asked for the platforms of just that one, and cannot keep the service from being written.
func TestADigestThatTheFileNamesIsKept(t *testing.T) {
	b := newBench(t)
	named := swarm.ServiceSpec{Name: "s", Image: "app:1", Base: swarm.NewBase(nil, nil, swarm.Pin{Digest: "sha256:named"})}
	b.run(t.Context(), step("create", plan.CreateService{Spec: named}))
	lost := swarm.ServiceSpec{Name: "s", Image: "app:1", Base: swarm.NewBase(nil, nil, swarm.Pin{Digest: "sha256:lost"})}
	b.broken["resolve app:1@sha256:lost"] = fault(apierr.Unavailable)
	rs := b.run(t.Context(), step("update", plan.UpdateService{ID: "1", Version: 5, Spec: lost, ResolveImage: true}))
	diff(t, []string{"resolve app:1@sha256:named", "create service s", "resolve app:1@sha256:lost", "update service 1 at 5"}, b.calls)
	diff(t, []string{"sha256:named", "sha256:lost"}, []string{b.specs[0].Pin().Digest, b.specs[1].Pin().Digest})
	if len(b.specs[0].Pin().Platforms) != 1 || len(b.specs[1].Pin().Platforms) != 0 || !strings.Contains(rs[0].Warning, "platforms of image app:1@sha256:lost are not known") {
		t.Errorf("%+v, %+v, %q", b.specs[0], b.specs[1], rs[0].Warning)
	}
}

func TestImageWithoutADigest(t *testing.T) {
	cases := []struct {
		kind  apierr.Kind
		tries int // runs until the service is written without a digest
	}{
		{apierr.NotFound, 1}, {apierr.Unauthorized, 1}, {apierr.Forbidden, 1}, {apierr.Invalid, 1},
		{apierr.Unavailable, 3}, {apierr.Unknown, 3}, {apierr.RateLimited, 3}, {apierr.NoLeader, 3},
	}
	for _, c := range cases {
		t.Run(string(c.kind), func(t *testing.T) {
			b := newBench(t)
			b.broken["resolve app:1"] = fault(c.kind)
			for i := 1; i <= c.tries; i++ {
				rs := b.run(t.Context(), contented("s", "app:1"), contented("s2", "app:1"))
				want := execute.Refused
				if i == c.tries {
					want = execute.Done
				}
				diff(t, []string{fmt.Sprint("s ", want), fmt.Sprint("s2 ", want)}, outcomes(rs))
				if (rs[0].Warning != "") != (want == execute.Done) {
					t.Fatalf("warning %q", rs[0].Warning)
				}
				asked := i
				if c.kind == apierr.RateLimited {
					asked = 1 // it asked for a pause
				}
				if n := b.resolved(); n != asked {
					t.Fatalf("asked %d times in %d runs", n, i)
				}
			}
			if s := b.specs[0]; len(b.specs) != 2 || s.Pin().Digest != "" || (s.Labels[swarm.LabelUnpinned] != "") != (c.tries > 1) {
				t.Fatalf("%+v", b.specs)
			}
		})
	}
}

// TestSinceWhenADigestIsMissingIsKept: it stays what it was as long as the registry does not tell the digest, and goes with it.
func TestSinceWhenADigestIsMissingIsKept(t *testing.T) {
	b := newBench(t)
	again := step("again", plan.UpdateService{ID: "1", Version: 5, ResolveImage: true, BestEffort: true,
		Spec: swarm.ServiceSpec{Name: "s", Image: "app:1", Labels: map[string]string{swarm.LabelUnpinned: "2026-11-30T12:00:00Z"}}})
	b.broken["resolve app:1"] = fault(apierr.Unavailable)
	for range 3 {
		b.run(t.Context(), again)
	}
	delete(b.broken, "resolve app:1")
	b.run(t.Context(), again)
	var since []string
	for _, s := range b.specs {
		since = append(since, s.Labels[swarm.LabelUnpinned]+" "+s.Pin().Digest)
	}
	diff(t, []string{"2026-11-30T12:00:00Z ", " sha256:d1"}, since)
	if again.Action.(plan.UpdateService).Spec.Labels[swarm.LabelUnpinned] == "" {
		t.Error("the executor wrote into the plan")
	}
}

// TestNothingIsWrittenWithABareTag: whatever the registry answers, and however often, unless the file is content with that. Each refusal says what to do.
func TestNothingIsWrittenWithABareTag(t *testing.T) {
	for kind, says := range map[apierr.Kind]string{
		apierr.NotFound: "push the image, or correct its tag", apierr.Unauthorized: "it wants a login, or has no such image: name one under registries.docker.io",
		apierr.Forbidden: "it wants a login", apierr.RateLimited: "Docker Hub counts who logs in for themselves", apierr.Unavailable: "x-swarmd: { resolve: best-effort }",
	} {
		b := newBench(t)
		b.broken["resolve app:1"] = fault(kind)
		private := step("s", plan.CreateService{Spec: swarm.ServiceSpec{Name: "s", Image: "app:1", Registry: "docker.io"}})
		for range 6 {
			rs := b.run(t.Context(), private)
			diff(t, []string{fmt.Sprint("s ", execute.Refused)}, outcomes(rs))
			var unresolved *execute.UnresolvedError
			if !errors.As(rs[0].Err, &unresolved) || unresolved.Kind != kind || !strings.Contains(rs[0].Err.Error(), says) {
				t.Errorf("%s: %v", kind, rs[0].Err)
			}
			if said := (*apierr.Error)(nil); kind == apierr.RateLimited && (!errors.As(rs[0].Err, &said) || said.RetryAfter < 50*time.Second) {
				t.Errorf("asked again too soon: %v", rs[0].Err)
			}
		}
		if len(b.specs) != 0 {
			t.Errorf("%s: written %+v", kind, b.specs)
		}
	}
}
