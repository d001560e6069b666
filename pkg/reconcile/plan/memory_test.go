package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
)

func TestBackoffOfAPool(t *testing.T) {
	m := grown(t, 1, 1)
	to(1, 2)(m)
	in := m.input()
	in.Memory.Backoff = map[plan.Ref]plan.Backoff{{Kind: "pool", Name: "workers"}: {Until: m.now.Add(time.Minute)}}
	p := plan.Compute(in)
	if diff := cmp.Diff([]string{"backoff pool/workers"}, holds(p)); diff != "" || len(p.Steps) > 0 || p.RequeueAfter != time.Minute {
		t.Errorf("steps %v, look again in %s: -want +got\n%s", ids(p), p.RequeueAfter, diff)
	}
	in.Now = in.Now.Add(time.Minute)
	if p := plan.Compute(in); len(p.Steps) != 1 {
		t.Errorf("after the wait: %v", ids(p))
	}
}

// TestWhatIsLeftAloneIsNotLookedAtMeanwhile: a step that is refused is tried again after minutes, and a look each second until then would use up the
// account's limit of calls. What is under way besides is looked at as ever.
func TestWhatIsLeftAloneIsNotLookedAtMeanwhile(t *testing.T) {
	other := func(m *model) { m.stack = stack(service("app", "app:2", 4), service("other", "other:1", 1)) }
	boots := func(m *model) { to(1, 2)(m); homeOf(m, "web-workers-abcde"); create300(m) }
	for name, c := range map[string]struct {
		change func(*model)
		steps  int
		want   time.Duration
		holds  []string
	}{
		"nothing else":    {func(*model) {}, 0, 30 * time.Second, []string{"backoff service/web_app"}},
		"a machine boots": {boots, 0, 2 * time.Second, []string{"backoff service/web_app"}},
		"a step is left":  {other, 1, 500 * time.Millisecond, []string{"backoff service/web_app"}},
	} {
		m := grown(t, 1, 1)
		m.stack = stack(service("app", "app:2", 4))
		c.change(m)
		in := m.input()
		in.Memory.Backoff = map[plan.Ref]plan.Backoff{{Kind: "service", Name: "web_app"}: {Until: m.now.Add(30 * time.Second), Why: "no", Final: true}}
		p := plan.Compute(in)
		if len(p.Steps) != c.steps || p.RequeueAfter != c.want || p.Converged {
			t.Errorf("%s: steps %v, looked at again in %s, converged %t", name, ids(p), p.RequeueAfter, p.Converged)
		}
		for _, h := range p.Holds {
			if h.Guard == plan.GuardBackoff && (!h.Final || !h.Blocking || !strings.HasSuffix(h.Text, ": no")) {
				t.Errorf("%s: %+v", name, h)
			}
		}
		if diff := cmp.Diff(c.holds, holds(p)); diff != "" {
			t.Errorf("%s: holds -want +got\n%s", name, diff)
		}
	}
}
