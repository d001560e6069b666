package execute_test

import (
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
	return step(name, plan.CreateService{Spec: swarm.ServiceSpec{Name: name, Image: image}})
}

func (b *bench) resolved() int { return strings.Count(strings.Join(b.calls, ","), "resolve ") }

func TestImageIsResolvedOncePerRevision(t *testing.T) {
	b := newBench(t)
	b.run(t.Context(), service("a", "app:1"), service("b", "app:1"), service("c", "db:1"), service("d", "pinned@sha256:0"))
	b.run(t.Context(), service("e", "app:1"))
	if n := b.resolved(); n != 2 {
		t.Fatalf("asked %d times for two images", n)
	}
	for _, s := range b.specs {
		if want := !strings.Contains(s.Image, "@"); (s.Digest == "sha256:d1") != want {
			t.Fatalf("%s has digest %q", s.Image, s.Digest)
		}
	}
	b.exec.Run(t.Context(), execute.Order{Plan: plan.Plan{Steps: []plan.Step{service("f", "app:1")}}, At: time.Now(), Epoch: epoch, Revision: 2})
	if n := b.resolved(); n != 3 {
		t.Fatalf("asked %d times: a tag may mean another image to the next revision", n)
	}
}

func TestUpdateResolvesOnlyWhenAsked(t *testing.T) {
	b := newBench(t)
	b.run(t.Context(), step("keep", plan.UpdateService{ID: "1", Version: 5, Spec: swarm.ServiceSpec{Name: "s", Image: "app:1", Digest: "sha256:old"}}))
	b.run(t.Context(), step("renew", plan.UpdateService{ID: "1", Version: 6, Spec: swarm.ServiceSpec{Name: "s", Image: "app:1"}, ResolveImage: true}))
	diff(t, []string{"update service 1 at 5", "resolve app:1", "update service 1 at 6"}, b.calls)
	diff(t, []string{"sha256:old", "sha256:d1"}, []string{b.specs[0].Digest, b.specs[1].Digest})
}

func TestADigestThatIsThereIsKept(t *testing.T) {
	b := newBench(t)
	pinned := swarm.ServiceSpec{Name: "s", Image: "app:1", Digest: "sha256:named"}
	b.run(t.Context(), step("create", plan.CreateService{Spec: pinned}))
	b.run(t.Context(), step("update", plan.UpdateService{ID: "1", Version: 5, Spec: pinned, ResolveImage: true}))
	if n := b.resolved(); n != 0 {
		t.Errorf("asked %d times", n)
	}
	diff(t, []string{"sha256:named", "sha256:named"}, []string{b.specs[0].Digest, b.specs[1].Digest})
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
				rs := b.run(t.Context(), service("s", "app:1"), service("s2", "app:1"))
				want := execute.Refused
				if i == c.tries {
					want = execute.Done
				}
				diff(t, []string{fmt.Sprint("s ", want), fmt.Sprint("s2 ", want)}, outcomes(rs))
				if (rs[0].Warning != "") != (want == execute.Done) {
					t.Fatalf("warning %q", rs[0].Warning)
				}
				if n := b.resolved(); n != i {
					t.Fatalf("asked %d times in %d runs", n, i)
				}
			}
			if s := b.specs[0]; len(b.specs) != 2 || s.Digest != "" {
				t.Fatalf("%+v", b.specs)
			}
		})
	}
}
