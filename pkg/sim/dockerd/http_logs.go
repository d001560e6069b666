package dockerd

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types"
	api "github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/api/types/versions"
	"github.com/docker/docker/pkg/stdcopy"
)

// logPace is how often a log that is followed is looked at.
const logPace = 250 * time.Millisecond

// logTime is how the engine writes a line's time: always as long.
const logTime = "2006-01-02T15:04:05.000000000Z07:00"

// logLine is one line of a task's container.
type logLine struct {
	at     time.Time
	task   *task
	stderr bool
	text   string
}

// logRequest is what is asked for.
type logRequest struct {
	call
	stdout, stderr, follow, times, details, raw bool

	tail  int // lines of each task, -1 for all
	since time.Time
}

// serveLogs streams what the containers of a service, or of one task, have written. A simulated container writes a line when it starts and one when it
// ends by itself.
func serveLogs(w http.ResponseWriter, r *http.Request) {
	v := w.(*visit)
	q, err := v.engine.logRequest(r, v)
	var lines []logLine
	if err == nil {
		lines, err = q.lines()
	}
	if err != nil {
		writeError(w, err)
		return
	}
	kind := types.MediaTypeRawStream
	if !q.raw && versions.GreaterThanOrEqualTo(cmp.Or(v.version, v.engine.world.dialect.api), "1.42") {
		kind = types.MediaTypeMultiplexedStream
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(http.StatusOK)
	q.stream(w, lines)
}

// stream writes the lines, and those that come later if the log is followed, until the client or the service is gone.
func (q *logRequest) stream(w http.ResponseWriter, lines []logLine) {
	flush, told := http.NewResponseController(w), time.Time{}
	for {
		for _, l := range lines {
			if _, err := w.Write(q.written(l)); err != nil {
				return
			}
			told = l.at
		}
		_ = flush.Flush() // a writer that cannot flush writes at once
		if !q.follow || !pauseFor(q.Request, logPace) {
			return
		}
		q.tail = -1
		var err error
		if lines, err = q.lines(); err != nil {
			return
		}
		lines = slices.DeleteFunc(lines, func(l logLine) bool { return !l.at.After(told) })
	}
}

// pauseFor reports whether the client is still there after the pause.
func pauseFor(r *http.Request, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

func (e *Engine) logRequest(r *http.Request, v *visit) (q *logRequest, err error) {
	q = &logRequest{call: call{Request: r, engine: e, version: v.version, path: v.path, query: r.URL.Query()}, tail: -1}
	q.stdout, q.stderr, q.follow, q.times, q.details = q.flag("stdout"), q.flag("stderr"), q.flag("follow"), q.flag("timestamps"), q.flag("details")
	if !q.stdout && !q.stderr {
		return nil, unexpected("Bad parameters: you must choose at least one stream")
	}
	e.world.lock()
	defer e.world.unlock()
	if q.cluster, err = e.manager(); err != nil {
		return nil, err
	}
	if _, err := q.tasks(); err != nil {
		return nil, err
	}
	if tail := q.query.Get("tail"); tail != "" && tail != "all" {
		if q.tail, err = strconv.Atoi(tail); err != nil {
			return nil, unexpected(`tail value must be a positive integer or "all"`)
		} else if q.tail < 0 {
			return nil, unexpected("negative tail values not supported")
		}
	}
	q.since, err = eventTime(q.query.Get("since"))
	return q, err
}

// unexpected is an error that the engine did not expect.
func unexpected(text string) error { return &apiError{http.StatusInternalServerError, text} }

// tasks are those whose lines are asked for, and whether they have a terminal, which writes unframed.
func (q *logRequest) tasks() ([]*task, error) {
	id := q.PathValue("id")
	if strings.HasPrefix(q.path, "/tasks/") {
		t, err := q.cluster.findTask(id)
		if err != nil {
			return nil, err
		}
		q.raw = t.Spec.ContainerSpec.TTY
		return []*task{t}, nil
	}
	s, err := q.cluster.findService(id)
	if err != nil {
		return nil, err
	}
	q.raw = s.Spec.TaskTemplate.ContainerSpec.TTY
	return slices.DeleteFunc(slices.Clone(q.cluster.ordered), func(t *task) bool { return t.ServiceID != s.ID }), nil
}

// lines are what the containers have written until now, in the order they wrote it.
func (q *logRequest) lines() ([]logLine, error) {
	q.engine.world.lock()
	defer q.engine.world.unlock()
	tasks, err := q.tasks()
	if err != nil {
		return nil, err
	}
	var out []logLine
	for _, t := range tasks {
		mine := slices.DeleteFunc(t.log(), func(l logLine) bool { return l.stderr && !q.stderr || !l.stderr && !q.stdout || l.at.Before(q.since) })
		if q.tail >= 0 && len(mine) > q.tail {
			mine = mine[len(mine)-q.tail:]
		}
		out = append(out, mine...)
	}
	slices.SortStableFunc(out, func(a, b logLine) int { return a.at.Compare(b.at) })
	return out, nil
}

// log is what the task's container has written.
func (t *task) log() []logLine {
	if t.began.IsZero() {
		return nil
	}
	out := []logLine{{at: t.began, task: t, text: "simulated container of " + t.image() + " started"}}
	switch t.Status.State {
	case api.TaskStateComplete:
		out = append(out, logLine{at: t.Status.Timestamp, task: t, text: "simulated container is done"})
	case api.TaskStateFailed:
		out = append(out, logLine{t.Status.Timestamp, t, true, fmt.Sprintf("simulated container ends with exit code %d", t.Status.ContainerStatus.ExitCode)})
	}
	return out
}

// written is a line as it is sent: with its details and time if these are asked for, and in a frame that says which stream it is of, unless the container
// has a terminal.
func (q *logRequest) written(l logLine) []byte {
	text := l.text + "\n"
	if q.details {
		of := url.Values{"com.docker.swarm.node.id": {l.task.NodeID}, "com.docker.swarm.service.id": {l.task.ServiceID}, "com.docker.swarm.task.id": {l.task.ID}}
		text = strings.ReplaceAll(of.Encode(), "&", ",") + " " + text
	}
	if q.times {
		text = l.at.Format(logTime) + " " + text
	}
	if q.raw {
		return []byte(text)
	}
	head := make([]byte, 8) // the stream, three zeros, the length
	head[0] = byte(stdcopy.Stdout)
	if l.stderr {
		head[0] = byte(stdcopy.Stderr)
	}
	binary.BigEndian.PutUint32(head[4:], uint32(len(text)))
	return append(head, text...)
}
