package docker

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/apierr"
)

// asTheEngineHasIt is a service with a field that no client of today knows, an untagged image, and fields that are empty.
const asTheEngineHasIt = `{"ID":"s1","Version":{"Index":7},"Spec":{"Name":"shop_web","Labels":{"a":"1"},"TaskTemplate":{"ContainerSpec":{"Image":"docker.io/library/nginx@sha256:aaaa",
"Env":["Z=1","A=2"],"Privileges":{},"FromTheFuture":{"Deep":[1,2]}},"Resources":{},"Placement":{},"ForceUpdate":18446744073709551615},"Mode":{"Replicated":{"Replicas":3}}}}`

// TestLabelsAreWrittenAndNothingElse: the rest of the specification goes back as the engine wrote it, whatever this client knows of it, and by the engine's own
// version of the API.
func TestLabelsAreWrittenAndNothingElse(t *testing.T) {
	f := newFake(t)
	f.on("GET /services/s1", func(r *http.Request) (*http.Response, error) { return reply(200, asTheEngineHasIt), nil })
	query := ""
	f.on("POST /services/s1/update", func(r *http.Request) (*http.Response, error) {
		query = r.URL.RequestURI()
		return reply(200, `{}`), nil
	})
	if err := f.client(Options{}).RelabelService(t.Context(), "s1", 7, map[string]string{"a": "1", "swarmd.cluster": "web"}); err != nil {
		t.Fatal(err)
	}
	var was, sent map[string]json.RawMessage
	var whole struct{ Spec map[string]json.RawMessage }
	if err := json.Unmarshal([]byte(asTheEngineHasIt), &whole); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(f.bodies["POST /services/s1/update"]), &sent); err != nil {
		t.Fatal(err)
	}
	was = whole.Spec
	if string(sent["Labels"]) != `{"a":"1","swarmd.cluster":"web"}` || query != "/services/s1/update?version=7" {
		t.Errorf("%s to %s", sent["Labels"], query)
	}
	for _, field := range []string{"Name", "TaskTemplate", "Mode"} {
		if diff := cmp.Diff(compact(t, was[field]), string(sent[field])); diff != "" || len(was[field]) == 0 {
			t.Errorf("%s: %s", field, diff)
		}
	}
	if len(sent) != len(was) {
		t.Errorf("sent %d fields of %d", len(sent), len(was))
	}
}

// compact is a text without its blanks.
func compact(t *testing.T, text []byte) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, text); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestLabelsThatAreNotWritten: of a service that has moved on, or that is shown without its specification, nothing is sent; what the engine refuses has the
// kind of its answer.
func TestLabelsThatAreNotWritten(t *testing.T) {
	for name, c := range map[string]struct {
		version uint64
		live    string
		status  int
		said    string
		kind    apierr.Kind
		sent    int
	}{
		"another version":  {version: 6, live: asTheEngineHasIt, kind: apierr.Conflict},
		"no specification": {version: 7, live: `{"ID":"s1","Version":{"Index":7}}`, kind: apierr.Invalid},
		"moved on between": {version: 7, live: asTheEngineHasIt, status: 500, said: `{"message":"rpc error: code = Unknown desc = update out of sequence"}`, kind: apierr.Conflict, sent: 1},
		"no leader":        {version: 7, live: asTheEngineHasIt, status: 500, said: `{"message":"The swarm does not have a leader"}`, kind: apierr.NoLeader, sent: 1},
		"a page":           {version: 7, live: asTheEngineHasIt, status: 502, said: `<html>`, kind: apierr.Unknown, sent: 1},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.on("GET /services/s1", func(*http.Request) (*http.Response, error) { return reply(200, c.live), nil })
			f.on("POST /services/s1/update", func(*http.Request) (*http.Response, error) { return reply(c.status, c.said), nil })
			err := f.client(Options{}).RelabelService(t.Context(), "s1", c.version, nil)
			if apierr.KindOf(err) != c.kind || f.count("POST /services/s1/update") != c.sent {
				t.Errorf("%v, sent %d", err, f.count("POST /services/s1/update"))
			}
		})
	}
}

// TestWhetherASecretHasAValue: the engine's refusal tells, and nothing else does.
func TestWhetherASecretHasAValue(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		said   string
		same   bool
		kind   apierr.Kind
	}{
		"equal":     {status: 500, said: "rpc error: code = Unknown desc = update out of sequence", same: true},
		"different": {status: 400, said: "rpc error: code = InvalidArgument desc = only updates to Labels are allowed"},
		"too large": {status: 400, said: "rpc error: code = InvalidArgument desc = secret data must be larger than 0", kind: apierr.Invalid},
		"gone":      {status: 404, said: "secret x not found", kind: apierr.NotFound},
		"taken":     {status: 200, kind: apierr.Incomplete},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.gives("POST /secrets/x/update", c.status, map[string]string{"message": c.said})
			same, err := f.client(Options{}).SecretIs(t.Context(), "x", "shop_token", nil, []byte("v"))
			if same != c.same || apierr.KindOf(err) != c.kind {
				t.Errorf("%v, %v", same, err)
			}
		})
	}
}
