package swarm

import (
	"cmp"
	"strings"
	"time"
)

// HandsOff is why swarmd leaves something alone: a person said so, with swarmd pause or swarmd protect. It is the value of the node labels LabelPaused
// and LabelProtected, and of what the ledger has of the cluster, pools and services.
type HandsOff struct {
	Since time.Time // zero: nobody wrote it down
	Until time.Time // zero: until a person ends it
	By    string    // who said so, for people; without spaces
	Why   string    // one line for people, "" if none was given
}

// ProtectedByFile is the value of a service's label LabelProtected where the file says it.
const ProtectedByFile = "file"

// Active reports whether it counts at that time.
func (h HandsOff) Active(now time.Time) bool { return h.Until.IsZero() || now.Before(h.Until) }

// noEnd stands for a zero time.
const noEnd = "-"

// String is the value: "SINCE UNTIL WHO WHY", the times as in RFC 3339, "-" for one that is zero.
func (h HandsOff) String() string {
	if h.Since.IsZero() && h.Until.IsZero() && h.Why == "" {
		return h.By
	}
	return strings.TrimSpace(stamp(h.Since) + " " + stamp(h.Until) + " " + cmp.Or(strings.Join(strings.Fields(h.By), "_"), noEnd) + " " + h.Why)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return noEnd
	}
	return t.UTC().Format(time.RFC3339)
}

// ParseHandsOff reads a value. One that a person wrote by hand counts, too, without an end.
func ParseHandsOff(value string) HandsOff {
	parts := strings.SplitN(value, " ", 4)
	if len(parts) < 3 {
		return HandsOff{By: value}
	}
	since, ok := stamped(parts[0])
	until, ends := stamped(parts[1])
	if !ok || !ends {
		return HandsOff{By: value}
	}
	h := HandsOff{Since: since, Until: until, By: parts[2]}
	if len(parts) == 4 {
		h.Why = parts[3]
	}
	return h
}

func stamped(s string) (time.Time, bool) {
	if s == noEnd {
		return time.Time{}, true
	}
	t, err := time.Parse(time.RFC3339, s)
	return t, err == nil
}

// Paused reads the node's label LabelPaused. Whether it counts now is for Active to say.
func (s NodeSpec) Paused() (HandsOff, bool) { return s.handsOff(LabelPaused) }

// Protected reads the node's label LabelProtected.
func (s NodeSpec) Protected() (HandsOff, bool) { return s.handsOff(LabelProtected) }

func (s NodeSpec) handsOff(label string) (HandsOff, bool) {
	value, ok := s.Labels[label]
	return ParseHandsOff(value), ok
}
