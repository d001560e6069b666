package digitalocean

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
)

func TestRetryAfterForms(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	unix := func(d time.Duration) string { return strconv.FormatInt(now.Add(d).Unix(), 10) }
	for name, tc := range map[string]struct {
		status int
		h      map[string]string
		want   time.Duration
		ok     bool
	}{
		"seconds":                   {429, map[string]string{"retry-after": "29"}, 29 * time.Second, true},
		"zero":                      {429, map[string]string{"retry-after": "0"}, 0, true},
		"an hour is capped":         {429, map[string]string{"retry-after": "3600"}, maxRetryAfter, true},
		"beyond numbers":            {429, map[string]string{"retry-after": "1e300"}, maxRetryAfter, true},
		"not a number":              {429, map[string]string{"retry-after": "NaN"}, defaultRetryAfter, true},
		"negative":                  {429, map[string]string{"retry-after": "-5"}, defaultRetryAfter, true},
		"absent":                    {429, nil, defaultRetryAfter, true},
		"nonsense":                  {429, map[string]string{"retry-after": "soon"}, defaultRetryAfter, true},
		"a date":                    {429, map[string]string{"retry-after": now.Add(90 * time.Second).Format(http.TimeFormat)}, 90 * time.Second, true},
		"a date gone by":            {429, map[string]string{"retry-after": now.Add(-time.Hour).Format(http.TimeFormat)}, defaultRetryAfter, true},
		"absent with reset":         {429, map[string]string{"ratelimit-reset": unix(45 * time.Second)}, 45 * time.Second, true},
		"a reset gone by":           {429, map[string]string{"ratelimit-reset": unix(-time.Second)}, defaultRetryAfter, true},
		"used up":                   {200, map[string]string{"ratelimit-remaining": "0", "ratelimit-reset": unix(20 * time.Second)}, 20 * time.Second, true},
		"used up without a reset":   {200, map[string]string{"ratelimit-remaining": "0"}, 0, false},
		"used up, reset far off":    {200, map[string]string{"ratelimit-remaining": "0", "ratelimit-reset": unix(time.Hour)}, maxRetryAfter, true},
		"plenty":                    {200, map[string]string{"ratelimit-remaining": "12", "ratelimit-reset": unix(time.Hour)}, 0, false},
		"no headers":                {200, nil, 0, false},
		"the API's clock is behind": {429, map[string]string{"ratelimit-reset": unix(-time.Hour + 10*time.Second), "date": now.Add(-time.Hour).Format(http.TimeFormat)}, 10 * time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.Header{}
			for k, v := range tc.h {
				h.Set(k, v)
			}
			if got, ok := pause(tc.status, h, now); got != tc.want || ok != tc.ok {
				t.Errorf("pause is %v, %v; want %v, %v", got, ok, tc.want, tc.ok)
			}
		})
	}
}

// After a 429, and with nothing remaining, nothing is sent until the API's time is up.
func TestSilentWhileLimited(t *testing.T) {
	for name, first := range map[string]answer{
		"429":         {status: 429, body: `{"id":"too_many_requests","message":"API Rate limit exceeded."}`, header: map[string]string{"retry-after": "40"}},
		"0 remaining": {status: 404, body: `{}`, header: map[string]string{"ratelimit-remaining": "0", "retry-after": "40"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, w := client(t, first, answer{status: 204})
				_, err := c.Droplet(t.Context(), 7)
				if err == nil {
					t.Fatal("no error")
				}
				time.Sleep(15 * time.Second)
				err = c.DeleteDroplet(t.Context(), 7)
				wantKind(t, err, apierr.RateLimited)
				var e *apierr.Error
				if !errors.As(err, &e) || e.RetryAfter != 25*time.Second || e.Op != "delete droplet" || w.requests() != 1 {
					t.Fatalf("%+v after %d requests", e, w.requests())
				}
				time.Sleep(e.RetryAfter)
				if err := c.DeleteDroplet(t.Context(), 7); err != nil || w.requests() != 2 {
					t.Errorf("%v after %d requests", err, w.requests())
				}
			})
		})
	}
}

// K4: at most 200 requests in any 60 s and 4,000 in any hour, however many are wanted.
func TestOwnLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := client(t, answer{status: 200, body: `{"account":{"uuid":"u","status":"active"}}`})
		var sent []time.Time
		for start := time.Now(); time.Since(start) < 2*time.Hour; {
			_, err := c.Account(t.Context())
			if err == nil {
				sent = append(sent, time.Now())
				continue
			}
			wantKind(t, err, apierr.RateLimited)
			time.Sleep(time.Second)
		}
		if n := most(sent, time.Minute); n > 200 || n < 100 {
			t.Errorf("%d requests in a minute", n)
		}
		if n := most(sent, time.Hour); n > 4000 || n < 3500 {
			t.Errorf("%d requests in an hour", n)
		}
	})
}

// most is the largest number of times within one window.
func most(times []time.Time, window time.Duration) int {
	best, from := 0, 0
	for to := range times {
		for times[to].Sub(times[from]) >= window {
			from++
		}
		best = max(best, to-from+1)
	}
	return best
}

// A call that is given up while it waits for its turn surely had no effect.
func TestGivenUpWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, w := client(t, answer{status: 204})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := c.DeleteDroplet(ctx, 7)
		if !apierr.KindOf(err).Refused() || !errors.Is(err, context.Canceled) || w.requests() != 0 {
			t.Errorf("%v after %d requests", err, w.requests())
		}
	})
}
