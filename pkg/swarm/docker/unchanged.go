package docker

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"sync"

	"github.com/docker/docker/api/types/network"
	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/internal/respcache"
	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// memory is the last answer to a read, the mark of how it came and what it means. While nothing happens an engine says the same again and again, and to
// decode that costs more than all else of a look at a cluster. The values are shared: who gets one must not change what is in it.
type memory[T any] struct {
	mu    sync.Mutex
	mark  []byte
	value T
	part  func(body []byte) []byte // what is of interest of an answer; nil: all
	means *respcache.Common[T]     // what others have understood; nil: nobody has
}

// maxKept bounds an answer that is kept, in bytes. A swarm of 1,000 tasks answers with less. Of one that is longer a hash is kept, up to maxCompared:
// while nothing happens it need not be decoded, and it is in memory only while it is read.
const (
	maxKept     = respcache.Long
	maxCompared = 16 << 20
)

// unlessSame makes a read and understands its answer, or returns what it returned the last time if the engine has said the same, byte for byte.
func unlessSame[A, T any](ctx context.Context, c *Client, op string, m *memory[T], ask func(context.Context) (A, error), understand func(A) (T, error)) (T, error) {
	m.mu.Lock()
	before, last := m.mark, m.value
	m.mu.Unlock()
	var none, value T
	var now *respcache.Answer
	var answer A
	err := c.read(ctx, op, func(ctx context.Context) (err error) {
		ctx, now = respcache.Watch(ctx, before)
		now.Part(m.part)
		value = last
		if m.means != nil {
			now.Known(func(mark []byte) bool {
				other, known := m.means.Get(string(mark))
				if known {
					value = other
				}
				return known
			})
		}
		answer, err = ask(ctx)
		return err
	})
	if err != nil {
		return none, err
	}
	if !now.Same() {
		if value, err = understand(answer); err != nil {
			return none, err
		}
		if m.means != nil {
			m.means.Put(string(now.Mark()), value)
		}
	}
	m.keep(now.Mark(), value)
	return value, nil
}

// keep keeps what an answer meant, unless it has no mark: it could not be known again, and 100,000 tasks would be in memory once more.
func (m *memory[T]) keep(mark []byte, value T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if mark == nil {
		var none T
		value = none
	}
	m.mark, m.value = mark, value
}

// listMemory is what a list of E said last, and what each of its elements did: of a list that has changed mostly one or two have.
type listMemory[E, T any] struct {
	memory[T]
	known  map[string]E
	common *respcache.Common[E]
}

// Common is what the clients of one program share: what nodes, tasks and so on mean, by the text that an engine gave. The zero value is ready.
type Common struct {
	nodes    respcache.Common[api.Node]
	tasks    respcache.Common[swarm.Task]
	networks respcache.Common[network.Inspect]
	services respcache.Common[api.Service]
	configs  respcache.Common[api.Config]
	cluster  respcache.Common[swarm.Cluster]
	info     respcache.Common[swarm.Info]
}

// share has the client use what others have decoded.
func (c *Client) share(with *Common) {
	if with != nil {
		c.nodes.common, c.tasks.common, c.networks.common = &with.nodes, &with.tasks, &with.networks
		c.services.common, c.listed.common = &with.services, &with.configs
		c.cluster.means, c.info.means = &with.cluster, &with.info
	}
}

// unlessSameList is unlessSame for a list; only those of its elements are decoded that were not there the last time.
func unlessSameList[E, T any](ctx context.Context, c *Client, op string, m *listMemory[E, T], b bounds[E], ask func(context.Context) ([]E, error), understand func([]E) (T, error)) (T, error) {
	m.mu.Lock()
	known := m.known
	m.mu.Unlock()
	var in *asking[E]
	return unlessSame(ctx, c, op, &m.memory, func(ctx context.Context) ([]E, error) {
		in = &asking[E]{Context: ctx, incoming: incoming[E]{bounds: b, op: op}, list: respcache.List[E]{Known: known, Common: m.common}}
		respcache.Cut(ctx, func(body []byte) []byte {
			if len(body) > maxKept {
				return nil
			}
			fresh, ok := in.list.Fresh(string(body))
			if !ok {
				return nil
			}
			return []byte(fresh)
		})
		fresh, err := ask(in)
		if err != nil || !in.taken {
			return fresh, err
		}
		return in.items, in.cut
	}, func(fresh []E) (T, error) {
		var none T
		if in.bad != nil {
			return none, in.bad
		}
		all, now, err := in.list.Whole(fresh)
		if err != nil {
			return none, &apierr.Error{Kind: apierr.Unavailable, Side: "swarm", Op: op, Err: err}
		}
		value, err := understand(all)
		if err != nil {
			return none, err
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.known = now
		return value, nil
	})
}

// requireIDs refuses a list with an entry that has no id: what says so is no engine, or did not say all, and zero values must not be taken for objects.
func requireIDs[T any](op string, list []T, id func(T) string) error {
	for i, v := range list {
		if id(v) == "" {
			return &apierr.Error{Kind: apierr.Unavailable, Side: "swarm", Op: op, Err: fmt.Errorf("entry %d of %d has no id", i+1, len(list))}
		}
	}
	return nil
}

// show reads an answer that somebody watches, whole, and shows it. One that is cut is passed on as it came.
func show(ctx context.Context, resp *http.Response) {
	if !respcache.Watched(ctx) || resp.StatusCode != http.StatusOK {
		return
	}
	body, limit := resp.Body, int64(math.MaxInt64) // what is no list is bounded already
	if list, ok := ctx.Value(incomingKey{}).(taker); ok {
		limit = maxCompared + 1
		if _, here := body.(interface{ Bytes() []byte }); !here {
			resp.Body = list.hold(body)
		}
	}
	defer body.Close()
	data, err := respcache.Read(resp, limit)
	if long := len(data) > maxKept && int64(len(data)) < limit; err == nil && long && respcache.Show(ctx, resp, data, "null") {
		return
	}
	if err == nil && overflow(ctx, data, body) {
		resp.Body, resp.ContentLength = io.NopCloser(strings.NewReader("null")), -1
		return
	}
	if err != nil {
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(data), broken{err}))
		return
	}
	resp.Body = io.NopCloser(bytes.NewReader(data))
	respcache.Show(ctx, resp, data, "null")
}

// broken is the end of an answer that was cut.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }
