package apierr

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestKindOf(t *testing.T) {
	e := &Error{Kind: Busy, Op: "power off droplet", Code: 422, Err: errors.New("pending event")}
	for name, tc := range map[string]struct {
		err  error
		want Kind
	}{
		"nil":       {nil, ""},
		"stranger":  {errors.New("x"), Unknown},
		"plain":     {e, Busy},
		"wrapped":   {fmt.Errorf("step: %w", e), Busy},
		"joined":    {errors.Join(errors.New("x"), e), Busy},
		"two kinds": {&Error{Kind: NotFound, Err: e}, NotFound},
	} {
		if got := KindOf(tc.err); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

var kinds = []Kind{Unknown, Unavailable, NotFound, Unauthorized, Forbidden, RateLimited, Invalid, Busy, Capacity, Limit, Conflict, NoLeader, NotManager,
	Precondition, Incomplete, Braked}

// A write that failed with one of these may have had its effect. Every other kind is certain.
func TestRefused(t *testing.T) {
	uncertain := map[Kind]bool{Unknown: true, Unavailable: true, Incomplete: true, NoLeader: true}
	for _, k := range kinds {
		if k.Refused() == uncertain[k] {
			t.Errorf("%s: refused is %v", k, k.Refused())
		}
	}
}

// Each word about a kind is true of the kinds that are listed, and of no other.
func TestWhatAKindMeans(t *testing.T) {
	for name, c := range map[string]struct {
		is   func(Kind) bool
		want []Kind
	}{
		"transient": {Kind.Transient, []Kind{Unavailable, RateLimited, NoLeader}},
		"denied":    {Kind.Denied, []Kind{Unauthorized, Forbidden}},
		"overtaken": {Kind.Overtaken, []Kind{NotFound, Conflict, NotManager}},
	} {
		var got []Kind
		for _, k := range kinds {
			if c.is(k) {
				got = append(got, k)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestErrorText(t *testing.T) {
	e := &Error{Kind: RateLimited, Op: "list droplets", RetryAfter: time.Second, Err: context.Canceled}
	if got, want := e.Error(), "list droplets: rate_limited: context canceled"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	e.Code = 429
	if got, want := e.Error(), "list droplets: rate_limited (429): context canceled"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if !errors.Is(e, context.Canceled) {
		t.Error("the cause is lost")
	}
}
