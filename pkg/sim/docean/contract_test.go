package docean_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// deviations are where DigitalOcean's answers are known to differ from its description, each by name.
var deviations = map[string]func(*openapi3.T){
	// The description says nullable, and takes it back by wrapping that schema in an allOf with one that is not.
	"droplet.next_backup_window is null": func(doc *openapi3.T) {
		for _, part := range doc.Components.Schemas["droplet"].Value.Properties["next_backup_window"].Value.AllOf {
			part.Value.Nullable = true
		}
	},
}

// official is DigitalOcean's own description, loaded once because that takes most of a second.
var official = sync.OnceValues(func() (routers.Router, error) {
	dir := os.Getenv("SWARMD_SPECS")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared", "specs")
	}
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromFile(filepath.Join(dir, "digitalocean-v2.json"))
	if err != nil {
		return nil, err
	}
	doc.Servers = nil
	for _, allow := range deviations {
		allow(doc)
	}
	return legacy.NewRouter(doc, openapi3.DisableExamplesValidation())
})

// contract returns the check of every answer against the official description, or nil where that is not to be had.
func contract(t *testing.T) func(*http.Request, *http.Response) error {
	t.Helper()
	router, err := official()
	if os.IsNotExist(err) {
		t.Logf("NOT CHECKED against DigitalOcean's description: %v", err)
		return nil
	}
	if err != nil {
		t.Fatalf("load DigitalOcean's description: %v", err)
	}
	return func(r *http.Request, resp *http.Response) error { return conforms(router, r, resp) }
}

// conforms checks status, headers and body; what the description doesn't know must be answered with 404.
func conforms(router routers.Router, r *http.Request, resp *http.Response) error {
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	route, params, err := router.FindRoute(r)
	if err != nil {
		if resp.StatusCode == http.StatusNotFound {
			return nil
		}
		return fmt.Errorf("contract: %s %s is not in the description: %w", r.Method, r.URL.Path, err)
	}
	in := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route},
		Status:                 resp.StatusCode, Header: resp.Header,
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	}
	in.SetBodyBytes(body)
	if err := openapi3filter.ValidateResponse(r.Context(), in); err != nil {
		return fmt.Errorf("contract: %s %s: %w\n%s", r.Method, r.URL.Path, err, body)
	}
	return nil
}

// TestContractCheckBites shows that an answer which breaks the description would be found; all other tests rely on it.
func TestContractCheckBites(t *testing.T) {
	check := contract(t)
	if check == nil {
		t.Skip("DigitalOcean's description is not to be had (set SWARMD_SPECS): no answer was checked against it")
	}
	for name, c := range map[string]struct{ path, body string }{
		"missing fields": {"/v2/droplets/1", `{"droplet":{"id":1}}`},
		"wrong type":     {"/v2/account", `{"account":{"uuid":7}}`},
		"no total":       {"/v2/sizes", `{"sizes":[],"links":{}}`},
		"unknown call":   {"/v2/nothing", `{}`},
	} {
		r := httptest.NewRequest(http.MethodGet, "https://api.digitalocean.com"+c.path, nil)
		resp := &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(c.body))}
		if check(r, resp) == nil {
			t.Errorf("%s: not found", name)
		}
	}
}
