package docean

import (
	"math"
	"time"
)

// limiter counts requests in sliding windows: 5,000 in any hour and 250 in any minute for the account, and 10 key lists in any
// minute. Refused requests are not counted.
type limiter struct {
	hour, minute, keys window
}

type window struct {
	span time.Duration
	max  int
	at   []time.Time // of the requests still in the window, oldest first
}

// verdict is what the limits say to one request.
type verdict struct {
	allowed    bool
	limit      int
	remaining  int
	reset      time.Time     // when the oldest request leaves the hour
	retryAfter time.Duration // only when a burst was refused
}

func newLimiter(r RateLimit) limiter {
	return limiter{
		hour:   window{span: time.Hour, max: r.PerHour},
		minute: window{span: time.Minute, max: r.PerMinute},
		keys:   window{span: time.Minute, max: 10},
	}
}

func (w *window) expire(now time.Time) {
	n := 0
	for n < len(w.at) && !now.Before(w.at[n].Add(w.span)) {
		n++
	}
	w.at = w.at[n:]
}

func (w *window) left() int { return w.max - len(w.at) }

// frees is when the next request will be let through.
func (w *window) frees(now time.Time) time.Time {
	if len(w.at) == 0 {
		return now.Add(w.span)
	}
	return w.at[0].Add(w.span)
}

// take counts one request, or refuses it.
func (l *limiter) take(now time.Time, keyList bool) verdict {
	windows := []*window{&l.hour, &l.minute}
	if keyList {
		windows = append(windows, &l.keys)
	}
	v := verdict{limit: l.hour.max, allowed: true}
	for i, w := range windows {
		w.expire(now)
		if w.left() > 0 {
			continue
		}
		v.allowed = false
		if i > 0 {
			v.retryAfter = w.frees(now).Sub(now)
		}
	}
	if v.allowed {
		for _, w := range windows {
			w.at = append(w.at, now)
		}
	}
	v.remaining = max(0, l.hour.left())
	if !v.allowed {
		v.remaining = 0
	}
	v.reset = l.hour.frees(now)
	return v
}

func (v verdict) retrySeconds() int { return int(math.Ceil(v.retryAfter.Seconds())) }
