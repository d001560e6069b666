package digitalocean

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
)

// The table from answer to Kind. The texts are the API's own, as its users quote them.
func TestKinds(t *testing.T) {
	for _, tc := range []struct {
		status      int
		text        string
		read, write apierr.Kind
	}{
		{401, "Unable to authenticate you", apierr.Unauthorized, apierr.Unauthorized},
		{403, "You are not authorized to perform this operation", apierr.Forbidden, apierr.Forbidden},
		{403, "creating this/these droplet(s) will exceed your droplet limit", apierr.Limit, apierr.Limit},
		{404, "The resource you were accessing could not be found.", apierr.NotFound, apierr.NotFound},
		{400, "bad request", apierr.Invalid, apierr.Invalid},
		{408, "timeout", apierr.Unavailable, apierr.Unknown},
		{409, "conflict", apierr.Busy, apierr.Busy},
		{412, "precondition failed", apierr.Precondition, apierr.Precondition},
		{423, "locked", apierr.Busy, apierr.Busy},
		{422, "Droplet already has a pending event.", apierr.Busy, apierr.Busy},
		{422, "Droplet is currently locked.", apierr.Busy, apierr.Busy},
		{422, "Droplet is already powered off.", apierr.Precondition, apierr.Precondition},
		{422, "creating this/these droplet(s) will exceed your droplet limit", apierr.Limit, apierr.Limit},
		{422, "Size is temporarily unavailable in this region", apierr.Capacity, apierr.Capacity},
		{422, "Size is not available in this region.", apierr.Capacity, apierr.Capacity},
		{422, "Size is too large to fit on your droplet's server", apierr.Capacity, apierr.Capacity},
		{422, "The Droplet must be powered off to be resized.", apierr.Precondition, apierr.Precondition},
		{422, "Size can not decrease size of Droplet's disk image", apierr.Invalid, apierr.Invalid},
		{422, "Something went wrong, please try again", apierr.Capacity, apierr.Capacity},
		{422, "You specified an invalid size for Droplet creation.", apierr.Invalid, apierr.Invalid},
		{422, "You specified an invalid image for Droplet creation.", apierr.Invalid, apierr.Invalid},
		{429, "API Rate limit exceeded.", apierr.RateLimited, apierr.RateLimited},
		{451, "no", apierr.Invalid, apierr.Invalid},
		{500, "Server Error", apierr.Unavailable, apierr.Unknown},
		{503, "down", apierr.Unavailable, apierr.Unknown},
		{304, "", apierr.Unavailable, apierr.Unknown},
	} {
		t.Run(fmt.Sprintf("%d %s", tc.status, tc.text), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, _ := client(t, apiError(tc.status, tc.text))
				_, err := c.Droplet(t.Context(), 7)
				wantKind(t, err, tc.read)
				c, _ = client(t, apiError(tc.status, tc.text))
				_, err = c.CreateDroplet(t.Context(), request())
				wantKind(t, err, tc.write)
				var e *apierr.Error
				if !errors.As(err, &e) || e.Code != tc.status || e.Side != "cloud" || e.Op != "create droplet" || !strings.Contains(e.Error(), tc.text) {
					t.Errorf("%+v", e)
				}
			})
		})
	}
}

// K5: no text of the adapter has the token, a join token or more than a piece of a long answer in it.
func TestSecretsStayOutOfErrors(t *testing.T) {
	const join = "SWMTKN-1-aaaabbbbccccdddd-eeeeffff"
	leak := canary + " and " + join
	long := strings.Repeat("x", 5000)
	synctest.Test(t, func(t *testing.T) {
		for _, a := range []answer{
			apiError(422, leak), apiError(500, leak), {status: 404, body: leak}, {status: 500, body: leak + long}, {err: errors.New(leak)},
			{status: 401, body: `{"error":{"message":"` + leak + `"}}`}, apiError(400, long),
		} {
			c, _ := client(t, a)
			for _, call := range []func() error{
				func() error { _, err := c.Droplets(t.Context(), "swarmd:web"); return err },
				func() error { _, err := c.CreateDroplet(t.Context(), request()); return err },
				func() error { return c.DeleteDroplet(t.Context(), 7) },
			} {
				for e := call(); e != nil; e = errors.Unwrap(e) {
					text := fmt.Sprintf("%v %+v %#v", e, e, e)
					if strings.Contains(text, canary) || strings.Contains(text, join) || len(e.Error()) > 2*maxMessage {
						t.Errorf("a secret, or too much, in %s", text)
					}
				}
			}
		}
	})
}

func TestCancelledCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, w := client(t, answer{delay: time.Hour})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.CreateDroplet(ctx, request())
		wantKind(t, err, apierr.Unknown)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the cause is lost: %v", err)
		}
		start := time.Now()
		_, err = c.Droplet(t.Context(), 7)
		wantKind(t, err, apierr.Unavailable)
		if d := time.Since(start); d > callTimeout || w.requests() < 4 {
			t.Errorf("gave up after %v and %d requests", d, w.requests())
		}
	})
}

// A real connection that is cut after the request was read: neither godo nor net/http may send the create again.
func TestRealConnectionCut(t *testing.T) {
	var posts atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.Method == http.MethodGet { // leaves a kept-alive connection for the POST to use
			_, _ = io.WriteString(w, `{"account":{"uuid":"u","status":"active"}}`)
			return
		}
		posts.Add(1)
		panic(http.ErrAbortHandler)
	}))
	defer s.Close()
	c, err := New(Options{Token: canary, BaseURL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Account(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err = c.CreateDroplet(t.Context(), request())
	wantKind(t, err, apierr.Unknown)
	if posts.Load() != 1 {
		t.Errorf("%d creates were sent", posts.Load())
	}
}

func TestObserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		w := &wire{answers: []answer{{status: 500, delay: time.Second}, {status: 200, body: `{"droplet":` + dropletJSON(7) + `}`}, apiError(404, "no")}}
		c, err := New(Options{Token: canary, Transport: w, Observe: func(op string, kind apierr.Kind, d time.Duration) {
			got = append(got, fmt.Sprintf("%s/%s/%v", op, kind, d))
		}})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.Droplet(t.Context(), 7)
		_, _ = c.Droplet(t.Context(), 7)
		_, _ = c.Droplet(t.Context(), 0)
		want := "[get droplet/unavailable/1s get droplet//0s get droplet/not_found/0s]"
		if fmt.Sprint(got) != want {
			t.Errorf("observed %v, want %s", got, want)
		}
	})
}
