package dockerd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	api "github.com/docker/docker/api/types/swarm"
)

// served is an answer to a read that was written out. It is good until the world changes, and afterwards for as long as the mark stays: clients
// ask for the same lists all the time, and writing them out takes longer than all else.
type served struct {
	changes uint64
	mark    string
	body    []byte
}

// maxServed bounds what an engine keeps for strangers who ask for everything by id.
const maxServed = 100

// servedAs is what an answer is kept under.
func servedAs(r *http.Request, version, path string) string {
	return version + " " + path + "?" + r.URL.RawQuery
}

// again returns the answer to a read that was made before, if nothing has changed since.
func (e *Engine) again(r *http.Request, version, path string) ([]byte, bool) {
	if r.Method != http.MethodGet {
		return nil, false
	}
	e.world.lock()
	defer e.world.unlock()
	s, known := e.served[servedAs(r, version, path)]
	return s.body, known && s.changes == e.world.changes
}

// answer runs the handler and writes its answer out, unless that was done before.
func (e *Engine) answer(h handler, c *call) (int, []byte, error) {
	a, err := h(c)
	if err != nil {
		return 0, nil, err
	}
	if c.Method != http.MethodGet || a.status != http.StatusOK || c.path == "/info" { // which tells the time
		body, err := encode(a.body)
		return a.status, body, err
	}
	key := servedAs(c.Request, c.version, c.path)
	s, known := e.served[key]
	if !known || a.mark == "" || a.mark != s.mark {
		if s.body, err = encode(a.body); err != nil {
			return 0, nil, err
		}
	}
	if len(e.served) > maxServed {
		clear(e.served)
	}
	e.served[key] = served{e.world.changes, a.mark, s.body}
	return a.status, s.body, nil
}

// list answers with objects that a stamp dates with each change: where all ids and versions are as they were, and what is shown more than
// the store has, so is the whole; and where those of one object are, so is what is written of it.
func list[T any](c *call, all []T, dated func(i int) (id string, m *api.Meta, more string)) (answer, error) {
	marks := make([]byte, 0, 48*len(all)+1)
	ends := make([]int, len(all))
	for i := range all {
		id, m, more := dated(i)
		marks = append(marks, id...)
		marks = append(marks, ' ')
		marks = strconv.AppendUint(marks, m.Version.Index, 10)
		marks = append(marks, more...)
		marks = append(marks, ';')
		ends[i] = len(marks)
	}
	mark := string(append(marks, '.'))
	return answer{http.StatusOK, lazy(func() ([]byte, error) {
		return c.cluster.writeOut(len(all), func(i int) (string, any) {
			from := 0
			if i > 0 {
				from = ends[i-1]
			}
			return c.version + mark[from:ends[i]], &all[i]
		})
	}), mark}, nil
}

// lazy is a body that is written out only if it is needed.
type lazy func() ([]byte, error)

// writeOut writes a list, of whose objects only those anew that were not written before.
func (c *cluster) writeOut(n int, object func(i int) (mark string, body any)) ([]byte, error) {
	texts, length := make([][]byte, n), n+2
	for i := range n {
		mark, body := object(i)
		text, known := c.objects[mark]
		if !known {
			var err error
			if text, err = json.Marshal(body); err != nil {
				return nil, err
			}
			if c.objects == nil || len(c.objects) >= maxObjects {
				c.objects = map[string][]byte{}
			}
			c.objects[mark] = text
		}
		texts[i], length = text, length+len(text)
	}
	out := append(make([]byte, 0, length), '[')
	for i, text := range texts {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, text...)
	}
	return append(out, ']', '\n'), nil
}

// maxObjects bounds what a cluster keeps of objects written out, old versions too.
const maxObjects = 2000

// told is what an engine said of itself last.
type told struct {
	changes uint64 // of the world, when it was looked at
	mark    string
	body    []byte
	now     int // where the time is in the body
}

// mark is equal for what is equal. The cluster's own object is dated by its version.
func (v varying) mark() string {
	m := fmt.Appendf(nil, "%q %d %d %d %s %s %s %t %q %d %d", v.labels, v.running, v.cpus, v.memory, v.swarm.NodeID, v.swarm.NodeAddr, v.swarm.LocalNodeState,
		v.swarm.ControlAvailable, v.swarm.Error, v.swarm.Nodes, v.swarm.Managers)
	for _, p := range v.swarm.RemoteManagers {
		m = append(append(append(append(m, ' '), p.NodeID...), '@'), p.Addr...)
	}
	if c := v.swarm.Cluster; c != nil {
		m = strconv.AppendUint(append(append(m, ' '), c.ID...), c.Version.Index, 10)
	}
	return string(m)
}

// anyTime stands for the time in what is kept.
const anyTime = "0000-00-00T00:00:00.000000000Z"

// describe writes out what an engine says of itself, unless that is as it was.
func (e *Engine) describe(v varying) error {
	if mark := v.mark(); e.told.body == nil || mark != e.told.mark {
		body, err := json.Marshal(e.info(v))
		if err != nil {
			return err
		}
		e.told = told{0, mark, append(body, '\n'), bytes.Index(body, []byte(anyTime))}
	}
	e.told.changes = e.world.changes
	return nil
}

// tell is what the engine says of itself now: only the time is another one with each call, the rest seldom.
func (e *Engine) tell() (answer, error) {
	body := bytes.Clone(e.told.body)
	e.world.now.UTC().AppendFormat(body[:e.told.now], "2006-01-02T15:04:05.000000000Z07:00")
	return ok(written(body))
}

// written is a body that is JSON already.
type written []byte
