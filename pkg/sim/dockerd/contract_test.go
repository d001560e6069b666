package dockerd_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
	"sigs.k8s.io/yaml"

	"github.com/swarmd/swarmd/pkg/sim/dockerd"
)

// contract is Docker's own description of one version of its API.
type contract struct {
	routes []route
	mu     sync.Mutex
	seen   map[string]bool // "METHOD PATTERN STATUS" that were validated
}

type route struct {
	method, pattern string
	match           *regexp.Regexp
	op              *openapi3.Operation
}

// descriptions are the contracts of the versions that the releases speak, each loaded once for all tests.
var descriptions = func() map[string]func() (*contract, error) {
	out := map[string]func() (*contract, error){}
	for _, r := range dockerd.Releases() {
		version, _ := r.API()
		out[version] = sync.OnceValues(func() (*contract, error) { return loadContract(version) })
	}
	return out
}()

var versioned = regexp.MustCompile(`^/v(1\.\d+)`)

// description is the contract of the version that a path asks for.
func description(path string) (*contract, error) {
	m := versioned.FindStringSubmatch(path)
	if m == nil || descriptions[m[1]] == nil {
		return nil, fmt.Errorf("%s: asks for no version whose description was read", path)
	}
	return descriptions[m[1]]()
}

func loadContract(version string) (*contract, error) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/docker/docker").Output()
	if err != nil {
		return nil, fmt.Errorf("find the Docker module: %w", err)
	}
	data, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "docs", "api", "v"+version+".yaml"))
	if err != nil {
		return nil, err
	}
	data, err = yaml.YAMLToJSON(data)
	if err != nil {
		return nil, err
	}
	var v2 openapi2.T
	if err := json.Unmarshal(data, &v2); err != nil {
		return nil, err
	}
	doc, err := openapi2conv.ToV3(&v2)
	if err != nil {
		return nil, err
	}
	c := &contract{seen: map[string]bool{}}
	for pattern, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			c.routes = append(c.routes, newRoute(method, pattern, op))
		}
	}
	slices.SortFunc(c.routes, func(a, b route) int { // the literal pattern before the one with a parameter
		return strings.Compare(strings.ReplaceAll(a.pattern, "{", "~"), strings.ReplaceAll(b.pattern, "{", "~"))
	})
	return c, nil
}

func newRoute(method, pattern string, op *openapi3.Operation) route {
	expr := regexp.MustCompile(`\\\{[^}]*\\\}`).ReplaceAllString(regexp.QuoteMeta(pattern), `[^/]+`)
	expr = strings.ReplaceAll(expr, "/distribution/[^/]+/json", "/distribution/.+/json")
	return route{method, pattern, regexp.MustCompile("^" + expr + "$"), op}
}

func (c *contract) find(method, path string) (route, bool) {
	path = versioned.ReplaceAllString(path, "")
	i := slices.IndexFunc(c.routes, func(r route) bool { return r.method == method && r.match.MatchString(path) })
	if i < 0 {
		return route{}, false
	}
	return c.routes[i], true
}

// violations are where a response departs from the description, as "METHOD PATTERN /POINTER: RULE" with * for an index or an id.
func (c *contract) violations(method, path string, status int, body []byte) []string {
	r, ok := c.find(method, path)
	if !ok {
		return []string{method + " " + path + ": not in the description"}
	}
	where := method + " " + r.pattern
	c.mu.Lock()
	c.seen[fmt.Sprintf("%s %d", where, status)] = true
	c.mu.Unlock()
	response := r.op.Responses.Status(status)
	if response == nil {
		return []string{fmt.Sprintf("%s: status %d", where, status)}
	}
	media := response.Value.Content.Get("application/json")
	if media == nil || media.Schema == nil || len(body) == 0 {
		return nil
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return []string{where + ": not JSON: " + err.Error()}
	}
	return flatten(where, media.Schema.Value.VisitJSON(value, openapi3.MultiErrors(), openapi3.VisitAsResponse()))
}

func flatten(where string, err error) []string {
	if err == nil {
		return nil
	}
	var all openapi3.MultiError
	if errors.As(err, &all) {
		var out []string
		for _, e := range all {
			out = append(out, flatten(where, e)...)
		}
		return out
	}
	var e *openapi3.SchemaError
	if !errors.As(err, &e) {
		return []string{where + ": " + err.Error()}
	}
	if e.Origin != nil && e.SchemaField == "allOf" {
		return flatten(where, e.Origin)
	}
	parts := e.JSONPointer()
	for i, p := range parts {
		if regexp.MustCompile(`^\d+$`).MatchString(p) {
			parts[i] = "*"
		}
	}
	return []string{fmt.Sprintf("%s /%s: %s", where, strings.Join(parts, "/"), e.SchemaField)}
}

// checked is a transport that holds every JSON answer to the contract.
func checked(t testing.TB, next http.RoundTripper) http.RoundTripper {
	t.Helper()
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		resp, err := next.RoundTrip(r)
		if err != nil || strings.HasSuffix(r.URL.Path, "/events") || strings.HasSuffix(r.URL.Path, "/logs") || strings.HasSuffix(r.URL.Path, "/_ping") {
			return resp, err
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, err
		}
		c, err := description(r.URL.Path)
		if err != nil {
			return nil, err
		}
		resp.Body = io.NopCloser(bytes.NewReader(body))
		for _, v := range c.violations(r.Method, r.URL.Path, resp.StatusCode, body) {
			if !slices.Contains(deviations(), v) && !slices.Contains(elsewhere(), v) {
				t.Errorf("against the description: %s\n%.300s", v, body)
			}
		}
		return resp, nil
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// elsewhere are deviations of a real 20.10.24 that no single call shows: a manager without a leader describes an empty cluster, and
// the description does not know the states of a rollback.
func elsewhere() []string {
	return []string{
		"GET /info /Swarm/Cluster/DefaultAddrPool: nullable",
		"GET /info /Swarm/Cluster/Spec/Labels: nullable",
		"GET /services /*/UpdateStatus/State: enum",
		"GET /services/{id} /UpdateStatus/State: enum",
	}
}

// deviations are where a real 20.10.24 departs from its description, recorded by TestTheDeviationsAreARealEngines, and the
// simulation with it (traps 17).
func deviations() []string {
	return []string{
		"DELETE /networks/{id}: status 400", // in use
		"DELETE /nodes/{id}: status 400",    // ready, or a manager
		"GET /info /GenericResources: nullable",
		"GET /info /Plugins/Authorization: nullable",
		"GET /networks /*/Containers: nullable",
		"GET /networks /*/IPAM/Options: nullable",
		"GET /networks /*/Labels: nullable",
		"GET /networks/{id} /Containers: nullable",
		"GET /networks/{id} /IPAM/Options: nullable",
		"GET /networks/{id} /Labels: nullable",
		"POST /configs/create /Id: required", // it answers "ID"
		"POST /networks/create: status 409",  // the name is taken
		"POST /secrets/create /Id: required", // it answers "ID"
		"POST /services/{id}/update /Warnings: nullable",
		"POST /swarm/unlock: status 409", // not locked
	}
}
