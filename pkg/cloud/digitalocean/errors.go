package digitalocean

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/digitalocean/godo"

	"github.com/swarmd/swarmd/pkg/apierr"
)

// side names this side in errors.
const side = "cloud"

// maxMessage bounds the part of an answer that is shown in an error.
const maxMessage = 300

// The messages by which the API tells apart what it gives one status code for. This is the only place that matches text.
var (
	busyText     = regexp.MustCompile(`(?i)pending event|already in progress|is (currently )?locked`)
	stateText    = regexp.MustCompile(`(?i)already (powered )?(on|off)\b|is (currently )?powered (on|off)|must be (powered )?off`)
	limitText    = regexp.MustCompile(`(?i)droplet limit`)
	capacityText = regexp.MustCompile(`(?i)try again|unavailable|capacity|sold out|out of stock|size is not available|too large to fit`)
)

// classify makes an *apierr.Error of a failed call. now is for headers that name a time.
func (c *Client) classify(op string, write bool, err error, now time.Time) *apierr.Error {
	var known *apierr.Error
	if errors.As(err, &known) { // by limits: nothing was sent
		e := *known
		e.Op = op
		return &e
	}
	e := &apierr.Error{Kind: passing(write), Side: side, Op: op}
	var answer *godo.ErrorResponse
	var argument *godo.ArgError
	switch {
	case errors.As(err, &answer) && answer.Response != nil:
		e.Code = answer.Response.StatusCode
		e.Kind = kindOf(e.Code, message(answer), write)
		if e.Kind == apierr.RateLimited {
			e.RetryAfter, _ = pause(e.Code, answer.Response.Header, now)
		}
		err = errors.New(shorten(message(answer)))
	case errors.As(err, &argument), errors.Is(err, errInvalid):
		e.Kind = apierr.Invalid
	}
	e.Err = c.scrub(err)
	return e
}

// passing is the kind of a failure that says nothing about the request: a read may be repeated, a write has an unknown outcome.
func passing(write bool) apierr.Kind {
	if write {
		return apierr.Unknown
	}
	return apierr.Unavailable
}

// kindOf is the table from status and message to Kind.
func kindOf(code int, text string, write bool) apierr.Kind {
	switch code {
	case http.StatusUnauthorized:
		return apierr.Unauthorized
	case http.StatusForbidden:
		switch {
		case limitText.MatchString(text):
			return apierr.Limit
		case capacityText.MatchString(text):
			return apierr.Capacity
		}
		return apierr.Forbidden
	case http.StatusNotFound:
		return apierr.NotFound
	case http.StatusConflict, http.StatusLocked:
		return apierr.Busy
	case http.StatusPreconditionFailed:
		return apierr.Precondition
	case http.StatusUnprocessableEntity:
		return kindOf422(text)
	case http.StatusTooManyRequests:
		return apierr.RateLimited
	case http.StatusRequestTimeout:
		return passing(write)
	}
	if code >= 400 && code < 500 {
		return apierr.Invalid
	}
	return passing(write)
}

// kindOf422 sorts the answers that the API gives for whatever it does not want to do.
func kindOf422(text string) apierr.Kind {
	switch {
	case busyText.MatchString(text):
		return apierr.Busy
	case stateText.MatchString(text):
		return apierr.Precondition
	case limitText.MatchString(text):
		return apierr.Limit
	case capacityText.MatchString(text):
		return apierr.Capacity
	}
	return apierr.Invalid
}

func message(r *godo.ErrorResponse) string {
	if r.Message == "" && r.NestedError != nil {
		return r.NestedError.Message
	}
	if r.Message == "" {
		return http.StatusText(r.Response.StatusCode)
	}
	return r.Message
}

func shorten(s string) string {
	if len(s) > maxMessage {
		return s[:maxMessage] + "…"
	}
	return s
}

// scrub returns an error with err's text without secrets. Of err's chain only the context's errors remain: anything else could
// still show what was taken out.
func (c *Client) scrub(err error) error {
	text := c.redact.String(shorten(err.Error()))
	for _, cause := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, cause) {
			return &scrubbed{text: text, cause: cause}
		}
	}
	return errors.New(text)
}

type scrubbed struct {
	text  string
	cause error
}

func (s *scrubbed) Error() string { return s.text }
func (s *scrubbed) Unwrap() error { return s.cause }

// errInvalid marks a request that is wrong before it is sent.
var errInvalid = errors.New("nothing was sent")

func invalid(format string, args ...any) error {
	return fmt.Errorf(format+"; %w", append(args, errInvalid)...)
}

// malformed is an answer that says success and has nothing usable in it.
func malformed(what string) error { return fmt.Errorf("malformed answer: %s", what) }
