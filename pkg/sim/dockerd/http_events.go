package dockerd

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// serveEvents streams events until the client leaves, the engine goes down, or ?until= has passed. An event reaches the stream when
// the world works off its cause: at any request, or when somebody calls Advance.
func serveEvents(w http.ResponseWriter, r *http.Request) {
	e := w.(*visit).engine
	args, err := e.world.dialect.filters(r.URL.Query().Get("filters"))
	since, err1 := eventTime(r.URL.Query().Get("since"))
	until, err2 := eventTime(r.URL.Query().Get("until"))
	if err := cmp.Or(err1, err2, err); err != nil {
		writeError(w, err) // as one that the engine did not expect
		return
	}
	if !until.IsZero() && since.After(until) {
		writeError(w, badRequest("`since` time (%s) cannot be after `until` time (%s)", r.URL.Query().Get("since"), r.URL.Query().Get("until")))
		return
	}
	e.world.lock()
	watcher, now := e.world.watch(e, args, since, until), e.world.now
	e.world.unlock()
	defer e.world.unwatch(watcher)
	ctx := r.Context()
	if !until.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, max(until.Sub(now), 0))
		defer cancel()
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	watcher.stream(ctx, e.world, w)
}

func (w *watcher) stream(ctx context.Context, s *Swarm, out http.ResponseWriter) {
	flush := http.NewResponseController(out)
	for {
		batch, closed := s.drain(w)
		if _, err := out.Write(batch); err != nil {
			return
		}
		_ = flush.Flush() // a writer that cannot flush writes at once
		if closed {
			return
		}
		select {
		case <-ctx.Done():
			batch, _ = s.drain(w)
			_, _ = out.Write(batch)
			return
		case <-w.wake:
		}
	}
}

// drain takes what is queued, encoded, and reports whether the stream has ended.
func (s *Swarm) drain(w *watcher) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	for _, m := range w.queue {
		_ = enc.Encode(m) // strings and numbers only
	}
	w.queue = nil
	return b.Bytes(), w.closed
}

func (s *Swarm) unwatch(w *watcher) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.watchers, w)
}

// eventTime reads "SECONDS[.NANOSECONDS]" since 1970 or RFC 3339; "" is the zero time.
func eventTime(raw string) (time.Time, error) {
	if raw == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339Nano, raw); err == nil {
		return t, nil
	}
	whole, fraction, _ := strings.Cut(raw, ".")
	sec, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}, err
	}
	nano, err := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
	return time.Unix(sec, nano), err
}
