package dockerd

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/versions"
)

// call is one request to one engine, handled under the world's lock.
type call struct {
	*http.Request
	engine  *Engine
	cluster *cluster // nil unless the route is a manager's
	version string
	path    string // without it
	query   url.Values
}

// answer is a handler's result: a status, and a body that is written as JSON unless it is nil. Where the mark is the same as the last time, so is the
// body.
type answer struct {
	status int
	body   any
	mark   string
}

func ok(body any) (answer, error)      { return answer{status: http.StatusOK, body: body}, nil }
func created(body any) (answer, error) { return answer{status: http.StatusCreated, body: body}, nil }
func noContent() (answer, error)       { return answer{status: http.StatusNoContent}, nil }

type handler func(*call) (answer, error)

// Handler returns the engine's HTTP API. Requests to an engine that is not up are aborted as by a cut connection; a transport that
// can refuse the dial asks Up first.
func (e *Engine) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !e.Up() {
			panic(http.ErrAbortHandler)
		}
		e.negotiate(w, r)
	})
}

// visit is where a request's answer goes, with whom it asks for what: the routes are the same for all engines.
type visit struct {
	http.ResponseWriter
	engine  *Engine
	version string
	path    string // without the version
}

// Unwrap lets the stream of events be flushed.
func (v *visit) Unwrap() http.ResponseWriter { return v.ResponseWriter }

// table is all routes, and once more those whose path has nothing to match: most requests are for them.
type table struct {
	plain map[string]http.HandlerFunc
	all   *http.ServeMux
}

func (t table) add(pattern string, h http.HandlerFunc) {
	t.all.HandleFunc(pattern, h)
	if !strings.Contains(pattern, "{") {
		t.plain[pattern] = h
	}
}

// routes are made once: a world has many engines, and there are many worlds.
var routes = sync.OnceValue(func() table {
	t := table{map[string]http.HandlerFunc{}, http.NewServeMux()}
	for pattern, h := range localRoutes() {
		t.add(pattern, serve(h, false))
	}
	for pattern, h := range managerRoutes() {
		t.add(pattern, serve(h, true))
	}
	t.add("GET /events", serveEvents)
	t.add("GET /services/{id}/logs", serveLogs)
	t.add("GET /tasks/{id}/logs", serveLogs)
	t.all.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { writeError(w, errPage) })
	return t
})

// answer finds the request's route.
func (t table) answer(v *visit, r *http.Request) {
	if h := t.plain[r.Method+" "+v.path]; h != nil {
		h(v, r)
		return
	}
	u := *r.URL
	u.Path, u.RawPath = v.path, ""
	r = r.WithContext(r.Context())
	r.URL = &u
	t.all.ServeHTTP(v, r)
}

// localRoutes are served by every engine, managerRoutes only by one that is a manager.
func localRoutes() map[string]handler {
	return map[string]handler{
		"GET /_ping": ping, "HEAD /_ping": ping, "GET /version": getVersion, "GET /info": getInfo,
		"POST /swarm/init": initSwarm, "POST /swarm/join": joinSwarm, "POST /swarm/leave": leaveSwarm, "POST /swarm/unlock": unlockSwarm,
		"GET /networks": listNetworks, "GET /networks/{id}": inspectNetwork,
		"POST /networks/create": createNetwork, "DELETE /networks/{id}": deleteNetwork,
		"GET /distribution/{rest...}": inspectDistribution, "POST /containers/{id}/kill": killContainer,
	}
}

func managerRoutes() map[string]handler {
	routes := map[string]handler{
		"GET /swarm": inspectSwarm, "POST /swarm/update": updateSwarm, "GET /swarm/unlockkey": unlockKey,
		"GET /nodes": listNodes, "GET /nodes/{id}": inspectNode, "POST /nodes/{id}/update": updateNode, "DELETE /nodes/{id}": deleteNode,
		"GET /services": listServices, "GET /services/{id}": inspectService, "POST /services/create": createService,
		"POST /services/{id}/update": updateService, "DELETE /services/{id}": deleteService,
		"GET /tasks": listTasks, "GET /tasks/{id}": inspectTask,
	}
	for _, kind := range []string{"config", "secret"} {
		routes["GET /"+kind+"s"] = listEntries(kind)
		routes["GET /"+kind+"s/{id}"] = inspectEntry(kind)
		routes["POST /"+kind+"s/create"] = createEntry(kind)
		routes["POST /"+kind+"s/{id}/update"] = updateEntry(kind)
		routes["DELETE /"+kind+"s/{id}"] = deleteEntry(kind)
	}
	return routes
}

// negotiate strips the version from the path, refuses one that the engine does not speak, and sets the headers of every answer.
func (e *Engine) negotiate(w http.ResponseWriter, r *http.Request) {
	d := e.world.dialect
	h := w.Header()
	maps.Copy(h, d.headers)
	version, path := splitVersion(r.URL.Path)
	switch {
	case version == "":
	case versions.LessThan(version, d.minAPI):
		writeError(&visit{w, e, version, path}, badRequest("client version %s is too old. Minimum supported API version is %s, "+
			"please upgrade your client to a newer version", version, d.minAPI))
		return
	case versions.GreaterThan(version, d.api):
		writeError(w, badRequest("client version %s is too new. Maximum supported API version is %s", version, d.api))
		return
	}
	if body, ok := e.again(r, version, path); ok {
		write(w, r, http.StatusOK, body)
		return
	}
	routes().answer(&visit{w, e, version, path}, r)
}

// splitVersion splits "/v1.41/nodes" into "1.41" and "/nodes".
func splitVersion(path string) (version, rest string) {
	head, tail, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	v, isVersion := strings.CutPrefix(head, "v")
	if major, minor, dot := strings.Cut(v, "."); isVersion && dot {
		_, err1 := strconv.Atoi(major)
		_, err2 := strconv.Atoi(minor)
		if err1 == nil && err2 == nil {
			return v, "/" + tail
		}
	}
	return "", path
}

// serve runs a handler on the world as it is now, and writes its answer.
func serve(h handler, manager bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := w.(*visit)
		status, body, err := v.engine.run(h, manager, r, v)
		abort(err)
		if err != nil {
			writeError(w, err)
			return
		}
		write(w, r, status, body)
	}
}

// slurp reads the body of a request that has one, so that it is here.
func slurp(r *http.Request) error {
	if r.ContentLength == 0 {
		return nil
	}
	payload, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(payload))
	return err
}

func (e *Engine) run(h handler, manager bool, r *http.Request, v *visit) (status int, body []byte, err error) {
	if err = slurp(r); err != nil { // read before the lock: a slow client must not stop the world
		return 0, nil, badRequest("%v", err)
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		e.world.lock()
	} else {
		e.world.lockForChange()
	}
	defer e.world.unlock()
	c := &call{Request: r, engine: e, version: v.version, path: v.path, query: r.URL.Query()}
	if manager {
		if c.cluster, err = e.manager(); err != nil {
			return 0, nil, err
		}
	}
	if c.cluster == nil || r.Method == http.MethodGet {
		return e.answer(h, c)
	}
	leader, deaths := c.cluster.engineOf(c.cluster.leader), c.cluster.deaths
	status, body, err = e.answer(h, c)
	if e.world.settle(); c.cluster.deaths != deaths {
		return 0, nil, e.bereaved(leader)
	}
	return status, body, err
}

func encode(body any) ([]byte, error) {
	switch b := body.(type) {
	case nil:
		return nil, nil
	case string:
		return []byte(b), nil
	case written:
		return b, nil
	case lazy:
		return b()
	}
	data, err := json.Marshal(body)
	return append(data, '\n'), err
}

// inJSON is a header's value. It is shared, as those of the dialects are: who changes a header puts another value in its place.
var inJSON = []string{"application/json"}

func write(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	if strings.HasSuffix(r.URL.Path, "/_ping") {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache, no-store, must-revalidate")
		w.Header().Set("Pragma", "no-cache")
	} else if body != nil {
		w.Header()["Content-Type"] = inJSON
	}
	if status != http.StatusNoContent {
		w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	w.WriteHeader(status)
	if v, ok := w.(*visit); ok {
		w = v.ResponseWriter
	}
	if to, ok := w.(interface{ Take(body []byte) }); ok && r.Method != http.MethodHead {
		to.Take(body)
	} else if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a client that hung up gets nothing, and nobody else minds
	}
}

// writeError writes a refusal; clients of before 1.24 get it in plain text from most releases.
func writeError(w http.ResponseWriter, err error) {
	if v, ok := w.(*visit); ok && !v.engine.world.dialect.oldInJSON && v.version != "" && versions.LessThan(v.version, "1.24") {
		http.Error(w, err.Error(), statusOf(err))
		return
	}
	body, _ := encode(map[string]string{"message": err.Error()}) // a map of strings always encodes
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(statusOf(err))
	_, _ = w.Write(body)
}

// manager returns the cluster if this engine can speak for it, or the error that tells why it cannot.
func (e *Engine) manager() (*cluster, error) {
	c := e.cluster
	switch {
	case e.joining != nil:
		return nil, errWorker
	case c == nil:
		return nil, errNotInSwarm
	}
	if c.member(e.nodeID) == nil {
		if n := c.nodes[e.nodeID]; n != nil && n.role == "manager" {
			return nil, errPreparing
		}
		return nil, errWorker
	}
	if c.leader == "" || !e.reaches(c.engineOf(c.leader)) {
		return nil, errNoLeader
	}
	return c, nil
}

// decode reads the request's JSON body.
func (c *call) decode(into any) error {
	d := c.engine.world.dialect
	if d.takesNoBody && c.ContentLength == 0 {
		return nil
	}
	err := json.NewDecoder(c.Body).Decode(into)
	if errors.Is(err, io.EOF) {
		return badRequest("%sgot EOF while reading request body", d.jsonFault)
	}
	if err != nil {
		return badRequest("%s%v", d.jsonFault, err)
	}
	return nil
}

// objectVersion reads ?version= of an update.
func (c *call) objectVersion(kind string) (uint64, error) {
	raw := c.query.Get("version")
	v, err := strconv.ParseUint(raw, 10, 64)
	if err != nil {
		return 0, badRequest("invalid %s version '%s': %v", kind, raw, err)
	}
	return v, nil
}

func (c *call) flag(name string) bool {
	s := strings.ToLower(strings.TrimSpace(c.query.Get(name)))
	return s != "" && s != "0" && s != "no" && s != "false" && s != "none"
}

// filters reads ?filters= and refuses keys that the resource does not know.
func (c *call) filters(accepted ...string) (filters.Args, error) {
	d := c.engine.world.dialect
	args, err := d.filters(c.query.Get("filters"))
	if err != nil {
		return args, err
	}
	for _, k := range args.Keys() {
		if !slices.Contains(accepted, k) {
			return args, badRequest(d.unknownKey, k)
		}
	}
	return args, nil
}
