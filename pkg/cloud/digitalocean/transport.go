package digitalocean

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/swarmd/swarmd/internal/respcache"
)

// The bounds of answers. A page of 200 droplets is about 1 MB with 60,000 marks.
const (
	maxBody    = 8 << 20
	maxListing = 32 << 20 // all pages of a listing
	maxMarks   = 200_000  // commas and opening brackets in an answer: "{}," may stand for a hundred times as much in memory
)

var (
	errTooLong = fmt.Errorf("the answer is longer than %d bytes, or the listing than %d", maxBody, maxListing)
	errDense   = fmt.Errorf("the answer has more than %d values", maxMarks)
	errNotAPI  = errors.New("the answer is not the API's: no JSON object in it")
	errHost    = errors.New("a request to another host than the API's")
)

// transport is where every request of the client leaves: it adds the token, keeps the rate limits, and reads the whole answer, so that a
// cut one is an error here and not half a value later.
type transport struct {
	token string
	host  string
	next  http.RoundTripper
	limit *limits
}

func newTransport(token string, next http.RoundTripper) *transport {
	if next == nil {
		next = baseTransport()
	}
	return &transport{token: token, next: next, limit: newLimits()}
}

// RoundTrip sends the request once. A refusal by the limits is an *apierr.Error; nothing was sent then.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Host != t.host {
		return nil, errHost
	}
	if err := t.limit.wait(req.Context()); err != nil {
		return nil, err
	}
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", "Bearer "+t.token)
	if req.Method != http.MethodGet {
		req.GetBody = nil // without it no transport can send the body again on its own account
	}
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	t.limit.learn(resp)
	data, err := readAll(resp, listingRoomOf(req.Context()))
	if err != nil {
		return nil, err
	}
	respcache.Show(req.Context(), resp, data, "{}")
	return resp, nil
}

// readAll replaces the body by one that is already here. A 404 that is not the API's own (a proxy's page, a wrong base URL) would
// read as "the droplet is gone", so it is an error.
func readAll(resp *http.Response, left *listingRoom) ([]byte, error) {
	most := min(maxBody, left.bytes)
	data, err := respcache.Read(resp, most+1)
	left.bytes -= int64(len(data))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the answer: %w", err)
	case int64(len(data)) > most:
		return nil, errTooLong
	case respcache.Marks(data) > maxMarks:
		return nil, errDense
	case resp.StatusCode == http.StatusNotFound && !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")):
		return nil, errNotAPI
	}
	resp.Body = io.NopCloser(bytes.NewReader(data))
	resp.ContentLength = int64(len(data))
	return data, nil
}

// listingRoom is how many bytes the pages of one listing may still have.
type listingRoom struct{ bytes int64 }

type listingRoomKey struct{}

// beginListing begins a listing.
func beginListing(ctx context.Context) context.Context {
	return context.WithValue(ctx, listingRoomKey{}, &listingRoom{maxListing})
}

// listingRoomOf returns the room of the listing that the call is part of. Another call has one of its own.
func listingRoomOf(ctx context.Context) *listingRoom {
	if b, ok := ctx.Value(listingRoomKey{}).(*listingRoom); ok {
		return b
	}
	return &listingRoom{maxListing}
}
