// Package apierr is the one error type of both adapters (DigitalOcean and the Docker Engine). An adapter classifies each failed
// call once, by status code and, where the API leaves no other way, by message. Every room above decides by Kind alone.
package apierr

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what a failed call means to the caller.
type Kind string

// The kinds. Refused reports which of them are certain to have had no effect when a write failed with them.
const (
	Unknown      Kind = "unknown"      // the outcome of a write, or the meaning of an error, is not known: look, never repeat
	Unavailable  Kind = "unavailable"  // a read that failed for a passing reason (5xx, timeout, cut connection)
	NotFound     Kind = "not_found"    // the object does not exist
	Unauthorized Kind = "unauthorized" // credentials are wrong or revoked
	Forbidden    Kind = "forbidden"    // credentials lack a scope
	RateLimited  Kind = "rate_limited" // not before RetryAfter
	Invalid      Kind = "invalid"      // the request itself is wrong and will stay wrong
	Busy         Kind = "busy"         // the object has another action in flight, or a precondition does not hold yet
	Capacity     Kind = "capacity"     // the region's stock is exhausted
	Limit        Kind = "limit"        // the account has as many as it may have
	Conflict     Kind = "conflict"     // compare-and-swap lost: the version was stale, or the name is taken
	NoLeader     Kind = "no_leader"    // the swarm has no leader at the moment
	NotManager   Kind = "not_manager"  // the engine asked is no manager (any more)
	Precondition Kind = "precondition" // the engine protects itself: quorum, last manager, node not down, object in use
	Incomplete   Kind = "incomplete"   // a listing changed under the reader and cannot be trusted
	Braked       Kind = "braked"       // refused by our own brakes; no request was sent
)

// Refused reports whether a write that failed with this kind surely had no effect.
func (k Kind) Refused() bool {
	switch k {
	case Unknown, Unavailable, Incomplete, NoLeader:
		return false
	}
	return true
}

// Transient reports whether a call that failed with this kind may succeed later though nobody changes anything.
func (k Kind) Transient() bool {
	switch k {
	case Unavailable, NoLeader, RateLimited:
		return true
	}
	return false
}

// Denied reports whether the credentials are the trouble. Nothing helps but other ones.
func (k Kind) Denied() bool { return k == Unauthorized || k == Forbidden }

// Overtaken reports whether a refusal may say nothing about the object: a race was lost, or something is gone. The next look decides anew.
func (k Kind) Overtaken() bool {
	switch k {
	case Conflict, NotFound, NotManager:
		return true
	}
	return false
}

// Error is a failed API call.
type Error struct {
	Kind       Kind
	Side       string        // "cloud" or "swarm"
	Op         string        // the call in words: "create droplet", "update node"
	Code       int           // HTTP status, 0 if there was none
	RetryAfter time.Duration // with RateLimited: how long the API asks to wait, capped by the adapter; 0 if it did not say
	Err        error         // the cause, redacted
}

func (e *Error) Error() string {
	if e.Code != 0 {
		return fmt.Sprintf("%s: %s (%d): %v", e.Op, e.Kind, e.Code, e.Err)
	}
	return fmt.Sprintf("%s: %s: %v", e.Op, e.Kind, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the first Error in err's chain; Unknown for any other error and "" for nil.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Unknown
}
