package digitalocean

import (
	"context"
	"errors"
	"fmt"

	"github.com/digitalocean/godo"

	"github.com/swarmd/swarmd/internal/clock"
	"github.com/swarmd/swarmd/pkg/apierr"
)

const (
	perPage  = 200 // the most that the API gives
	maxPages = 50  // 10,000 objects: more is a loop of links, not a fleet
	maxLists = 3   // how often a listing that changed under the reader is begun again
)

// errMoved says that a listing changed between two of its pages. Pages are live and not a snapshot: a delete on page 1 moves a
// living object from page 2 to page 1, unseen. A changed total or an object seen twice is all that shows it.
var errMoved = errors.New("the listing changed while it was read")

// page fetches one page of a listing.
type page[T any] func(context.Context, *godo.ListOptions) ([]T, *godo.Response, error)

// listAll returns every object of a listing, or an error: never a part. Kind Incomplete means that it changed under the reader
// each time.
func listAll[T any](ctx context.Context, c *Client, op string, key func(T) string, fetch page[T]) ([]T, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var err error
	for n := 1; n <= maxLists; n++ {
		var all []T
		all, err = listOnce(ctx, c, op, key, fetch)
		if err == nil || !errors.Is(err, errMoved) {
			return all, err
		}
		if clock.Sleep(ctx, c.backoff(n)) != nil {
			break
		}
	}
	return nil, &apierr.Error{Kind: apierr.Incomplete, Side: side, Op: op, Err: fmt.Errorf("read %d times: %w", maxLists, err)}
}

// listOnce reads page after page until none is linked. It fails with errMoved unless the total was the same on each page, no
// object came twice, and their number is the total.
func listOnce[T any](ctx context.Context, c *Client, op string, key func(T) string, fetch page[T]) ([]T, error) {
	ctx = beginListing(ctx)
	l := listing[T]{key: key, seen: map[string]bool{}}
	for n := 1; n <= maxPages; n++ {
		p, err := read(ctx, c, op, func(ctx context.Context) (fetched[T], error) { return fetchPage(ctx, n, fetch) })
		if err != nil {
			return nil, err
		}
		if err := l.add(p, n); err != nil {
			return nil, err
		}
		if p.last {
			return l.done()
		}
	}
	return nil, fmt.Errorf("%w: more than %d pages for %d objects", errMoved, maxPages, l.total)
}

// fetched is one page: some of the objects and what it says of the whole.
type fetched[T any] struct {
	objects []T
	total   int
	last    bool
}

func fetchPage[T any](ctx context.Context, n int, fetch page[T]) (fetched[T], error) {
	objects, resp, err := fetch(ctx, &godo.ListOptions{Page: n, PerPage: perPage})
	if err != nil {
		return fetched[T]{}, err
	}
	if resp.Meta == nil { // `{}` would read as an empty listing
		return fetched[T]{}, malformed("a listing without meta.total")
	}
	last := resp.Links == nil || resp.Links.IsLastPage()
	return fetched[T]{objects: objects, total: resp.Meta.Total, last: last}, nil
}

// listing gathers pages.
type listing[T any] struct {
	key   func(T) string
	seen  map[string]bool
	all   []T
	total int
}

func (l *listing[T]) add(p fetched[T], n int) error {
	if n > 1 && p.total != l.total {
		return fmt.Errorf("%w: its total went from %d to %d", errMoved, l.total, p.total)
	}
	l.total = p.total
	for _, o := range p.objects {
		k := l.key(o)
		if l.seen[k] {
			return fmt.Errorf("%w: %s is on two pages", errMoved, k)
		}
		l.seen[k] = true
		l.all = append(l.all, o)
	}
	return nil
}

func (l *listing[T]) done() ([]T, error) {
	if len(l.all) != l.total {
		return nil, fmt.Errorf("%w: %d of %d objects", errMoved, len(l.all), l.total)
	}
	return l.all, nil
}
