package digitalocean

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/swarmd/swarmd/pkg/unchanged"
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

// edge is where every request of the client leaves: it adds the token, keeps the rate limits, and reads the whole answer, so that a
// cut one is an error here and not half a value later.
type edge struct {
	token string
	host  string
	next  http.RoundTripper
	limit *limits
}

func newEdge(token string, next http.RoundTripper) *edge {
	if next == nil {
		next = newTransport()
	}
	return &edge{token: token, next: next, limit: newLimits()}
}

// RoundTrip sends the request once. A refusal by the limits is an *apierr.Error; nothing was sent then.
func (e *edge) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Host != e.host {
		return nil, errHost
	}
	if err := e.limit.wait(req.Context()); err != nil {
		return nil, err
	}
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", "Bearer "+e.token)
	if req.Method != http.MethodGet {
		req.GetBody = nil // without it no transport can send the body again on its own account
	}
	resp, err := e.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	e.limit.learn(resp)
	data, err := readAll(resp, budgetOf(req.Context()))
	if err != nil {
		return nil, err
	}
	unchanged.Show(req.Context(), resp, data, "{}")
	return resp, nil
}

// readAll replaces the body by one that is already here. A 404 that is not the API's own (a proxy's page, a wrong base URL) would
// read as "the droplet is gone", so it is an error.
func readAll(resp *http.Response, left *budget) ([]byte, error) {
	most := min(maxBody, left.bytes)
	data, err := unchanged.Read(resp, most+1)
	left.bytes -= int64(len(data))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the answer: %w", err)
	case int64(len(data)) > most:
		return nil, errTooLong
	case marks(data) > maxMarks:
		return nil, errDense
	case resp.StatusCode == http.StatusNotFound && !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")):
		return nil, errNotAPI
	}
	resp.Body = io.NopCloser(bytes.NewReader(data))
	resp.ContentLength = int64(len(data))
	return data, nil
}

// marks counts what separates and begins values.
func marks(data []byte) (n int) {
	for _, mark := range []string{",", "{", "["} {
		n += bytes.Count(data, []byte(mark))
	}
	return n
}

// budget is how many bytes the pages of one listing may still have.
type budget struct{ bytes int64 }

type budgetKey struct{}

// withBudget begins a listing.
func withBudget(ctx context.Context) context.Context {
	return context.WithValue(ctx, budgetKey{}, &budget{maxListing})
}

// budgetOf is the listing's budget; a call that is none has one of its own.
func budgetOf(ctx context.Context) *budget {
	if b, ok := ctx.Value(budgetKey{}).(*budget); ok {
		return b
	}
	return &budget{maxListing}
}
