package swarm

import (
	"testing"
	"time"
)

func TestUnresized(t *testing.T) {
	want := Unresized{Size: "s-2vcpu-4gb", Tries: 3, Tried: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Why: "no room for it where the droplet is"}
	if got, ok := (NodeSpec{Labels: map[string]string{LabelUnresized: want.String()}}).Unresized(); !ok || got != want {
		t.Errorf("%+v, %v", got, ok)
	}
	for _, text := range []string{"", "large", "large 1 now no", "large many 2026-03-01T12:00:00Z no"} {
		if got, ok := (NodeSpec{Labels: map[string]string{LabelUnresized: text}}).Unresized(); ok {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
}
