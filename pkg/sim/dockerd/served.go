package dockerd

import (
	"bytes"
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"

	api "github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/api/types/system"
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
	e.world.enter()
	defer e.world.leave()
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

// list answers with n objects that a stamp dates with each change: where all ids and versions are as they were, and what is shown more than
// the store has, so is the whole.
func list(body any, n int, dated func(i int) (id string, m *api.Meta, more string)) (answer, error) {
	mark := make([]byte, 0, 48*n+1)
	for i := range n {
		id, m, more := dated(i)
		mark = append(mark, id...)
		mark = append(mark, ' ')
		mark = strconv.AppendUint(mark, m.Version.Index, 10)
		mark = append(mark, more...)
		mark = append(mark, ';')
	}
	return answer{http.StatusOK, body, string(append(mark, '.'))}, nil
}

// told is what an engine said of itself last.
type told struct {
	info system.Info
	body []byte
}

// anyTime stands for the time in what is kept.
const anyTime = "0000-00-00T00:00:00.000000000Z"

// tell writes out what an engine says of itself: only the time is another one with each call, the rest seldom.
func (e *Engine) tell(info system.Info) (answer, error) {
	now := info.SystemTime
	info.SystemTime = anyTime
	if e.told.body == nil || !reflect.DeepEqual(info, e.told.info) {
		body, err := json.Marshal(info)
		if err != nil {
			return answer{}, err
		}
		e.told = told{info, append(body, '\n')}
	}
	return ok(written(bytes.Replace(e.told.body, []byte(anyTime), []byte(now), 1)))
}

// written is a body that is JSON already.
type written []byte
