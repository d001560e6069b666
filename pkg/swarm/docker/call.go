package docker

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/swarmd/swarmd/internal/clock"
	"github.com/swarmd/swarmd/pkg/apierr"
)

// Deadlines. The engine itself gives a request to the swarm 20 s.
const (
	attemptTimeout = 10 * time.Second // one attempt of a read
	readTimeout    = 20 * time.Second // a read with all its attempts
	writeTimeout   = 25 * time.Second
	registryTime   = 15 * time.Second // the engine asking a registry
	readAttempts   = 3
	retryPause     = 200 * time.Millisecond // doubled after each attempt
)

// exchange is what one call saw on the wire. The Docker client keeps neither the status code nor the cause of a failed connection.
type exchange struct {
	tried  bool // a request left for the transport
	status int  // of the last response, 0 if there was none
	err    error
}

type exchangeKey struct{}

// recorder notes each response in its call's exchange.
type recorder struct{ base http.RoundTripper }

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	base := r.base
	if base == nil {
		base = http.DefaultTransport
	}
	resp, err := base.RoundTrip(req)
	if x, ok := req.Context().Value(exchangeKey{}).(*exchange); ok {
		x.tried, x.status, x.err = true, 0, err
		if resp != nil {
			x.status = resp.StatusCode
		}
	}
	if resp != nil {
		receive(req, resp)
	}
	return resp, err
}

// refused reports whether the connection was never made, so that the request surely did not arrive.
func (x exchange) refused() bool {
	var op *net.OpError
	return errors.As(x.err, &op) && op.Op == "dial"
}

// attempt makes one call within its deadline and classifies its error.
func (c *Client) attempt(ctx context.Context, op string, write bool, limit time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := c.ready(ctx, op); err != nil {
		return err
	}
	var x exchange
	err := f(context.WithValue(ctx, exchangeKey{}, &x))
	var own *apierr.Error
	if err == nil || errors.As(err, &own) {
		return err
	}
	return classify(op, write, x, err)
}

// ready settles the API version. If that fails the call itself was not sent, so the error is a read's also for a write.
func (c *Client) ready(ctx context.Context, op string) error {
	if c.negotiated.Load() {
		return nil
	}
	var x exchange
	if err := c.negotiate(context.WithValue(ctx, exchangeKey{}, &x), op); err != nil {
		x.tried = true
		return classify(op, false, x, err)
	}
	return nil
}

// read makes a call without effect. What fails for a passing reason is tried again, a bounded number of times and within a bounded time.
func (c *Client) read(ctx context.Context, op string, f func(context.Context) error) error {
	start := time.Now()
	err := c.attempt(ctx, op, false, attemptTimeout, f) // which is over before readTimeout is
	if apierr.KindOf(err) == apierr.Unavailable {
		err = c.repeat(ctx, op, err, start.Add(readTimeout), f)
	}
	c.report(op, err, start)
	return err
}

// repeat makes a read again that has failed for a passing reason.
func (c *Client) repeat(ctx context.Context, op string, err error, until time.Time, f func(context.Context) error) error {
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	pause := retryPause
	for n := 1; n < readAttempts && apierr.KindOf(err) == apierr.Unavailable && clock.Sleep(ctx, pause) == nil; n++ {
		err = c.attempt(ctx, op, false, attemptTimeout, f)
		pause *= 2
	}
	return err
}

// once makes a call without effect that is too slow to repeat.
func (c *Client) once(ctx context.Context, op string, limit time.Duration, f func(context.Context) error) error {
	start := time.Now()
	err := c.attempt(ctx, op, false, limit, f)
	c.report(op, err, start)
	return err
}

// write makes a call with an effect, once.
func (c *Client) write(ctx context.Context, op string, f func(context.Context) error) error {
	start := time.Now()
	err := c.attempt(ctx, op, true, writeTimeout, f)
	c.report(op, err, start)
	return err
}

func (c *Client) report(op string, err error, start time.Time) {
	if c.observe != nil {
		c.observe(op, apierr.KindOf(err), time.Since(start))
	}
}
