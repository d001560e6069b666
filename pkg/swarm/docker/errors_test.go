package docker

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"regexp"
	"testing"

	"github.com/swarmd/swarmd/pkg/apierr"
)

const goldenErrors = "testdata/errors.json"

// golden is what real engines answered, and what each answer means.
type golden struct {
	Engine string       `json:"engine"` // version
	API    string       `json:"api"`
	Cases  []goldenCase `json:"cases"`
}

type goldenCase struct {
	Name    string      `json:"name"`
	Write   bool        `json:"write"`
	Code    int         `json:"code"`
	Message string      `json:"message"` // ids stand as ID
	Kind    apierr.Kind `json:"kind"`
}

func readGolden(t *testing.T) golden {
	t.Helper()
	data, err := os.ReadFile(goldenErrors)
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

func TestErrorsOfARealEngineHaveTheirKind(t *testing.T) {
	g := readGolden(t)
	if len(g.Cases) < 30 || g.Engine == "" {
		t.Fatalf("the table has %d cases of engine %q", len(g.Cases), g.Engine)
	}
	for _, k := range g.Cases {
		if got := kindOf(k.Code, k.Message, k.Write); got != k.Kind {
			t.Errorf("%s: %q (%d) is %s, want %s", k.Name, k.Message, k.Code, got, k.Kind)
		}
	}
}

// TestLockedManager has the answer of a manager with autolock after its restart, as engine 28.5.2 gave it: no test can restart an engine.
func TestLockedManager(t *testing.T) {
	const text = `Swarm is encrypted and needs to be unlocked before it can be used. Please use "docker swarm unlock" to unlock it.`
	if got := kindOf(503, text, false); got != apierr.NotManager {
		t.Fatal(got)
	}
}

// TestEveryRuleIsUsed keeps the table free of rules that no real answer needed. The exceptions are codes of proxies and registries, the
// locked manager of above, and safeguards of the engine that this release does not have.
func TestEveryRuleIsUsed(t *testing.T) {
	unseen := map[string]bool{"swarm is encrypted and needs to be unlocked": true, "code = failedprecondition": true}
	unseenCodes := map[int]bool{401: true, 403: true, 429: true}
	g := readGolden(t)
	for i, r := range rules() {
		if unseen[r.text] || (r.text == "" && unseenCodes[r.code]) {
			continue
		}
		if !decides(g, i) {
			t.Errorf("rule %d %q decides no case of the table", r.code, r.text)
		}
	}
}

// decides reports whether the i-th rule is the first to match some case.
func decides(g golden, i int) bool {
	for _, k := range g.Cases {
		if firstMatch(k.Code, k.Message) == i {
			return true
		}
	}
	return false
}

func TestUnknownAnswers(t *testing.T) {
	for _, k := range []struct {
		code  int
		write bool
		want  apierr.Kind
	}{
		{500, true, apierr.Unknown}, {500, false, apierr.Unavailable}, {502, true, apierr.Unknown}, {504, false, apierr.Unavailable},
		{400, true, apierr.Invalid}, {404, true, apierr.NotFound}, {418, true, apierr.Unknown},
	} {
		if got := kindOf(k.code, "never seen before", k.write); got != k.want {
			t.Errorf("%d, write %v: %s, want %s", k.code, k.write, got, k.want)
		}
	}
}

func TestErrorTextIsTheEnginesAndBounded(t *testing.T) {
	long := make([]byte, 5000)
	for i := range long {
		long[i] = 'x'
	}
	e := classify("update node", true, exchange{tried: true, status: http.StatusBadGateway}, errors.New(string(long)))
	if len(e.Err.Error()) > textLimit+4 {
		t.Fatalf("text of %d bytes", len(e.Err.Error()))
	}
	e = classify("update node", true, exchange{tried: true, status: 500},
		errors.New("Error response from daemon: rpc error: code = Unknown desc = update out of sequence"))
	if e.Err.Error() != "update out of sequence" || e.Kind != apierr.Conflict || e.Side != "swarm" || e.Code != 500 {
		t.Fatalf("%+v", e)
	}
}

// masked hides what differs from run to run.
func masked(message string) string {
	message = regexp.MustCompile(`\b[a-z0-9]{25}\b`).ReplaceAllString(message, "ID")
	message = regexp.MustCompile(`\b[0-9a-f]{12,64}\b`).ReplaceAllString(message, "ID")
	message = regexp.MustCompile(`\d+\.\d+\.\d+\.\d+:(\d+)->\d+\.\d+\.\d+\.\d+`).ReplaceAllString(message, "ADDR->ADDR")
	return message
}
