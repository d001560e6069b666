package explore

import (
	"errors"
	"testing"
	"time"
)

// TestDigestIsOfTheRun: whether somebody watches makes no difference to it, and it is there for every run. A call that hangs among them gets its answer
// after it was told.
func TestDigestIsOfTheRun(t *testing.T) {
	e := New()
	seen := map[uint64]string{}
	plans := []Plan{parsed(t, "add-worker/1/-"), parsed(t, "add-worker/2/-"), parsed(t, "add-worker/1/-/no-intent")}
	for _, k := range []Kind{Lost500, Lost502, Hang, CrashAfter} {
		plans = append(plans, firstOf(t, e, Plan{Workflow: "remove-worker", Seed: 1}, k))
	}
	for _, p := range plans {
		text := p.String()
		alone := e.Run(t, p)
		p.Watch = true
		watched := e.Run(t, p)
		if alone.Digest != watched.Digest {
			t.Errorf("%s: digest %x, watched it is %x", text, alone.Digest, watched.Digest)
		}
		if other, same := seen[alone.Digest]; same {
			t.Errorf("%s has the digest of %s", text, other)
		}
		seen[alone.Digest] = text
	}
}

// firstOf is the plan with a fault at the first call that such a fault can happen to.
func firstOf(t *testing.T, e *Explorer, p Plan, k Kind) Plan {
	t.Helper()
	w, _ := workflowNamed(p.Workflow)
	for i, s := range e.Run(t, p).Signs {
		if k.Applies(s, w) {
			p.Faults = []Fault{{i + 1, k}}
			return p
		}
	}
	t.Fatalf("%s: no call for %s", p, k)
	return p
}

// TestSumCoversEveryField of a call and of a note.
func TestSumCoversEveryField(t *testing.T) {
	began := time.Unix(1_000, 0)
	call := func(change func(*ticket)) sum {
		one := &ticket{proc: &process{name: "managers-aaaaa#1"}, n: 7, at: began.Add(time.Second), method: "POST", path: "/nodes/x/update", query: "version=4", status: 200}
		change(one)
		s := sumBasis
		s.call(one, began)
		return s
	}
	note := func(after time.Duration, text string) sum {
		s := sumBasis
		s.remark(after, text)
		return s
	}
	seen := map[sum]string{}
	for what, s := range map[string]sum{
		"nothing":    sumBasis,
		"the call":   call(func(*ticket) {}),
		"its number": call(func(c *ticket) { c.n = 8 }),
		"its time":   call(func(c *ticket) { c.at = c.at.Add(1) }),
		"process":    call(func(c *ticket) { c.proc = &process{name: "managers-aaaaa#2"} }),
		"method":     call(func(c *ticket) { c.method = "PUT" }),
		"path":       call(func(c *ticket) { c.path = "/nodes/y/update" }),
		"query":      call(func(c *ticket) { c.query = "version=5" }),
		"moved":      call(func(c *ticket) { c.path, c.query = c.path+"v", "ersion=4" }),
		"status":     call(func(c *ticket) { c.status = 201 }),
		"no answer":  call(func(c *ticket) { c.status = 0 }),
		"error":      call(func(c *ticket) { c.status, c.err = 0, errDead }),
		"other":      call(func(c *ticket) { c.status, c.err = 0, errors.New("reset") }),
		"fault":      call(func(c *ticket) { c.fault = Slow }),
		"a note":     note(time.Second, "armed"),
		"later":      note(2*time.Second, "armed"),
		"reworded":   note(time.Second, "disarmed"),
	} {
		if other, same := seen[s]; same {
			t.Errorf("%s and %s have the same sum", what, other)
		}
		seen[s] = what
	}
}
