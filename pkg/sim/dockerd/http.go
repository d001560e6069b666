package dockerd

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/versions"
)

// minAPIVersion is the lowest version that an engine of the simulated kind accepts.
const minAPIVersion = "1.12"

// call is one request to one engine, handled under the world's lock.
type call struct {
	*http.Request
	engine  *Engine
	cluster *cluster // nil unless the route is a manager's
	version string
	query   url.Values
}

// answer is a handler's result: a status, and a body that is written as JSON unless it is nil.
type answer struct {
	status int
	body   any
}

func ok(body any) (answer, error)      { return answer{http.StatusOK, body}, nil }
func created(body any) (answer, error) { return answer{http.StatusCreated, body}, nil }
func noContent() (answer, error)       { return answer{http.StatusNoContent, nil}, nil }

type handler func(*call) (answer, error)

// Handler returns the engine's HTTP API. Requests to an engine that is not up are aborted as by a cut connection; a transport that
// can refuse the dial asks Up first.
func (e *Engine) Handler() http.Handler { return e.handler }

func (e *Engine) newHandler() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range e.localRoutes() {
		mux.HandleFunc(pattern, e.serve(h, false))
	}
	for pattern, h := range managerRoutes() {
		mux.HandleFunc(pattern, e.serve(h, true))
	}
	mux.HandleFunc("GET /events", e.serveEvents)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { writeError(w, errPage) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !e.Up() {
			panic(http.ErrAbortHandler)
		}
		e.negotiate(w, r, mux)
	})
}

// localRoutes are served by every engine, managerRoutes only by one that is a manager.
func (e *Engine) localRoutes() map[string]handler {
	return map[string]handler{
		"GET /_ping": ping, "HEAD /_ping": ping, "GET /version": getVersion, "GET /info": getInfo,
		"POST /swarm/init": initSwarm, "POST /swarm/join": joinSwarm, "POST /swarm/leave": leaveSwarm, "POST /swarm/unlock": unlockSwarm,
		"GET /networks": listNetworks, "GET /networks/{id}": inspectNetwork,
		"POST /networks/create": createNetwork, "DELETE /networks/{id}": deleteNetwork,
		"GET /distribution/{rest...}": inspectDistribution,
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
func (e *Engine) negotiate(w http.ResponseWriter, r *http.Request, next http.Handler) {
	o := e.world.opt
	h := w.Header()
	h.Set("Api-Version", o.APIVersion)
	h.Set("Docker-Experimental", "false")
	h.Set("Ostype", "linux")
	h.Set("Server", "Docker/"+o.EngineVersion+" (linux)")
	version, path := splitVersion(r.URL.Path)
	switch {
	case version == "":
	case versions.LessThan(version, minAPIVersion):
		writeError(w, badRequest("client version %s is too old. Minimum supported API version is %s, "+
			"please upgrade your client to a newer version", version, minAPIVersion))
		return
	case versions.GreaterThan(version, o.APIVersion):
		writeError(w, badRequest("client version %s is too new. Maximum supported API version is %s", version, o.APIVersion))
		return
	}
	u := *r.URL
	u.Path, u.RawPath = path, ""
	r2 := r.Clone(r.Context())
	r2.URL = &u
	r2.Header.Set("X-Sim-Api-Version", version)
	next.ServeHTTP(w, r2)
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
func (e *Engine) serve(h handler, manager bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		status, body, err := e.run(h, manager, r)
		if err != nil {
			writeError(w, err)
			return
		}
		write(w, r, status, body)
	}
}

func (e *Engine) run(h handler, manager bool, r *http.Request) (int, []byte, error) {
	payload, err := io.ReadAll(r.Body) // before the lock: a slow client must not stop the world
	if err != nil {
		return 0, nil, badRequest("%v", err)
	}
	r.Body = io.NopCloser(strings.NewReader(string(payload)))
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		e.world.enter()
	} else {
		e.world.change()
	}
	defer e.world.leave()
	c := &call{Request: r, engine: e, version: r.Header.Get("X-Sim-Api-Version"), query: r.URL.Query()}
	if manager {
		if c.cluster, err = e.manager(); err != nil {
			return 0, nil, err
		}
	}
	a, err := h(c)
	if err != nil {
		return 0, nil, err
	}
	body, err := encode(a.body)
	return a.status, body, err
}

func encode(body any) ([]byte, error) {
	switch b := body.(type) {
	case nil:
		return nil, nil
	case string:
		return []byte(b), nil
	}
	data, err := json.Marshal(body)
	return append(data, '\n'), err
}

func write(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	if strings.HasSuffix(r.URL.Path, "/_ping") {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache, no-store, must-revalidate")
		w.Header().Set("Pragma", "no-cache")
	} else if body != nil {
		w.Header().Set("Content-Type", "application/json")
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if status == http.StatusNoContent {
		w.Header().Del("Content-Length")
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a client that hung up gets nothing, and nobody else minds
	}
}

func writeError(w http.ResponseWriter, err error) {
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
	case c == nil || e.failed != "":
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
	err := json.NewDecoder(c.Body).Decode(into)
	if errors.Is(err, io.EOF) {
		return badRequest("got EOF while reading request body")
	}
	if err != nil {
		return badRequest("%v", err)
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
	args, err := filters.FromJSON(c.query.Get("filters"))
	if err != nil {
		return args, &apiError{http.StatusInternalServerError, err.Error()}
	}
	known := map[string]bool{}
	for _, k := range accepted {
		known[k] = true
	}
	for _, k := range args.Keys() {
		if !known[k] {
			return args, badRequest("Invalid filter '%s'", k)
		}
	}
	return args, nil
}
