package health

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

const (
	maxStreams = 8                // at once; each is a connection that stays
	heartbeat  = 15 * time.Second // a line that says nothing, so that a stream that is dead is noticed
	writeTime  = 10 * time.Second // for one message to be taken
)

// events answers with the timeline after ?after=NUMBER, all without.
func (s Sources) events(w http.ResponseWriter, r *http.Request) {
	after, err := number64(r.URL.Query().Get("after"))
	switch {
	case !s.mayRead(w, r):
	case err != nil:
		http.Error(w, "after= takes the number of an event", http.StatusBadRequest)
	default:
		all, _ := s.Events(after)
		writeJSON(w, all)
	}
}

// stream sends server-sent events until the client or the server goes: "status" has the report, at once and whenever there is a new one, and "event"
// one of the timeline after ?after=NUMBER or the header Last-Event-ID.
func (s Sources) stream(w http.ResponseWriter, r *http.Request) {
	last := r.Header.Get("Last-Event-ID")
	if last == "" {
		last = r.URL.Query().Get("after")
	}
	after, err := number64(last)
	if !s.mayRead(w, r) {
		return
	}
	if err != nil {
		http.Error(w, "after= and Last-Event-ID take the number of an event", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := sse{w, http.NewResponseController(w)}
	changed := s.Changed()
	err = out.send("status", "", s.Status())
	for err == nil {
		all, more := s.Events(after)
		for _, e := range all {
			after = e.Seq
			if err = out.send("event", strconv.FormatUint(after, 10), e); err != nil {
				return
			}
		}
		select {
		case <-r.Context().Done():
			return
		case <-more:
		case <-changed:
			changed = s.Changed()
			err = out.send("status", "", s.Status())
		case <-time.After(heartbeat):
			err = out.write(": still here\n\n")
		}
	}
}

// mayRead reports whether the client may read names, and answers with the reason if it may not.
func (s Sources) mayRead(w http.ResponseWriter, r *http.Request) bool {
	switch s.reader(r) {
	case inFull:
		return true
	case refused:
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "this is not the token of --read-token-file", http.StatusUnauthorized)
	default:
		http.Error(w, "this is for the machine itself, and for who has the token of --read-token-file", http.StatusForbidden)
	}
	return false
}

// sse writes server-sent events.
type sse struct {
	w    http.ResponseWriter
	ctrl *http.ResponseController
}

func (s sse) send(kind, id string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if id != "" {
		id = "id: " + id + "\n"
	}
	return s.write(fmt.Sprintf("event: %s\n%sdata: %s\n\n", kind, id, data))
}

func (s sse) write(text string) error {
	if err := s.ctrl.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		return err
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.ctrl.Flush()
}

// number64 reads the number of an event; "" is 0.
func number64(s string) (uint64, error) {
	if s == "" {
		return 0, nil
	}
	return strconv.ParseUint(s, 10, 64)
}
