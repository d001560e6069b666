package digitalocean

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/swarmd/swarmd/internal/clock"
	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
)

// How the client spreads what it may send, see cloud.CallsPerMinute. A token bucket lets through its burst at once and refills with the rest, so
// that the two together are what may be sent in any minute, and in any hour.
const (
	minuteBurst  = 80
	minuteRefill = rate.Limit(cloud.CallsPerMinute-minuteBurst) / 60
	hourBurst    = 1000
	hourRefill   = rate.Limit(cloud.CallsPerHour-hourBurst) / 3600
)

const (
	maxQueue          = 5 * time.Second  // a request waits this long for the client's own limits; over it, it is refused
	maxRetryAfter     = 5 * time.Minute  // the longest wait that the API is believed; then one request asks again
	defaultRetryAfter = 30 * time.Second // with a 429 that does not say when
)

// limits keeps the client under the API's rate limits and silent while the API says that they are used up.
type limits struct {
	minute, hour *rate.Limiter

	mu    sync.Mutex
	until time.Time // nothing is sent before
}

func newLimits() *limits {
	return &limits{minute: rate.NewLimiter(minuteRefill, minuteBurst), hour: rate.NewLimiter(hourRefill, hourBurst)}
}

// wait returns when a request may be sent. It refuses at once, with Kind RateLimited, if that is more than a few seconds off or
// beyond the context's deadline.
func (l *limits) wait(ctx context.Context) error {
	now := time.Now()
	if d := l.blocked(now); d > 0 {
		return limited(d, "the API's limit is used up")
	}
	minute, hour := l.minute.ReserveN(now, 1), l.hour.ReserveN(now, 1)
	d := max(minute.DelayFrom(now), hour.DelayFrom(now))
	deadline, has := ctx.Deadline()
	if d > maxQueue || has && now.Add(d).After(deadline) {
		minute.CancelAt(now)
		hour.CancelAt(now)
		return limited(d, "our own limit is used up")
	}
	if err := clock.Sleep(ctx, d); err != nil {
		return &apierr.Error{Kind: apierr.RateLimited, Side: side, Err: fmt.Errorf("waiting for its turn: %w; nothing was sent", err)}
	}
	return nil
}

func limited(d time.Duration, why string) error {
	return &apierr.Error{Kind: apierr.RateLimited, Side: side, RetryAfter: d, Err: errors.New(why + "; nothing was sent")}
}

func (l *limits) blocked(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.until.Sub(now)
}

// learn takes the limits from an answer: after a 429, or with nothing remaining, nothing is sent until the API says so.
func (l *limits) learn(resp *http.Response) {
	now := time.Now()
	d, ok := pause(resp.StatusCode, resp.Header, now)
	if !ok {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := now.Add(d); until.After(l.until) {
		l.until = until
	}
}

// pause says for how long an answer's headers ask to send nothing; false if they do not ask. retry-after comes only with the burst
// limit, ratelimit-reset is when the oldest request expires, so with an hourly limit one more may be sent then.
func pause(status int, h http.Header, now time.Time) (time.Duration, bool) {
	remaining, err := strconv.Atoi(h.Get("ratelimit-remaining"))
	usedUp := err == nil && remaining <= 0
	if status != http.StatusTooManyRequests && !usedUp {
		return 0, false
	}
	if d, ok := retryAfter(h.Get("retry-after"), now); ok {
		return d, true
	}
	if d, ok := untilReset(h, now); ok {
		return d, true
	}
	if status == http.StatusTooManyRequests {
		return defaultRetryAfter, true
	}
	return 0, false
}

// retryAfter reads the header's two forms, seconds and an HTTP date; false if it is absent, negative or neither.
func retryAfter(v string, now time.Time) (time.Duration, bool) {
	if s, err := strconv.ParseFloat(v, 64); err == nil {
		if s < 0 || s != s {
			return 0, false
		}
		return time.Duration(min(s, maxRetryAfter.Seconds()) * float64(time.Second)), true
	}
	if t, err := http.ParseTime(v); err == nil && t.After(now) {
		return min(t.Sub(now), maxRetryAfter), true
	}
	return 0, false
}

// untilReset reads ratelimit-reset, seconds since 1970 by the API's clock: the answer's date is set against it, if there is one.
func untilReset(h http.Header, now time.Time) (time.Duration, bool) {
	s, err := strconv.ParseInt(h.Get("ratelimit-reset"), 10, 64)
	if err != nil || s <= 0 {
		return 0, false
	}
	if date, err := http.ParseTime(h.Get("date")); err == nil {
		now = date
	}
	d := time.Unix(s, 0).Sub(now)
	return min(d, maxRetryAfter), d > 0
}
