package reconcile

import "time"

// strangers are the nodes that are no machine of the cluster, by id, and since when each was one in every look. It is a value, and a memory of this
// process, so a new holder of the lease judges no node before it has looked for as long.
type strangers struct {
	since map[string]time.Time // with a monotonic reading
	last  time.Time            // look
}

// lookBreak is how long there may be no look until what was seen before it counts for nothing.
const lookBreak = 2 * time.Minute

// see returns what is remembered after a look. One that does not count, of a view with a gap or of a swarmd that does not act, ends what was seen before.
func (s strangers) see(ids []string, counts bool, now time.Time) strangers {
	next := strangers{map[string]time.Time{}, now}
	if !counts {
		return next
	}
	for _, id := range ids {
		since, known := s.since[id]
		if !known || now.Sub(s.last) > lookBreak {
			since = now
		}
		next.since[id] = since
	}
	return next
}

// ages returns for how long each has been a stranger.
func (s strangers) ages(now time.Time) map[string]time.Duration {
	out := make(map[string]time.Duration, len(s.since))
	for id, since := range s.since {
		out[id] = now.Sub(since)
	}
	return out
}
