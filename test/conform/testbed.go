package conform

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/sim/dockerd"
)

// Machine is one engine: how its API is reached, and the address by which the other machines reach it.
type Machine struct {
	Transport http.RoundTripper
	Addr      string
	login     string // X-Registry-Auth of what is sent
}

// Testbed is the engines that a case is played on. Every reference that begins with Images must run there as its tag says: see Tag.
type Testbed struct {
	Machines []Machine
	Engine   dockerd.Release // what the engines are
}

// Images is the name that the cases' images have on every machine. Nobody serves a registry there: a pull fails at once, and what the
// machine has is taken.
const Images = "127.0.0.1:1/conform"

// Tag says how an image behaves.
type Tag string

// What the cases run.
const (
	Good    Tag = "good"    // runs until it is asked to stop
	Better  Tag = "better"  // the same, another image
	Crash   Tag = "crash"   // exits with code 1 half a second after its start
	Done    Tag = "done"    // exits with code 0 half a second after its start
	Sick    Tag = "sick"    // has a health check that never succeeds, and stops when it is asked to
	Missing Tag = "missing" // is nowhere
)

// Life is how long the images Crash and Done run.
const Life = 500 * time.Millisecond

// Ref is the tag's whole reference.
func (t Tag) Ref() string { return Images + ":" + string(t) }

// Spoken is the version of the API that the cases speak, whatever more an engine offers.
const Spoken = "1.41"

const apiVersion = "/v" + Spoken

// answer is what an engine said: its status, the text of a refusal, or the body.
type answer struct {
	Status  int
	Message string
	plain   bool // the refusal is no JSON
	body    []byte
}

// ask makes one call. The error is one of the transport alone; a refusal is an answer.
func (m Machine) ask(ctx context.Context, method, path string, query url.Values, body any) (answer, error) {
	var in io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return answer{}, err
		}
		in = bytes.NewReader(data)
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://engine"+apiVersion+path+"?"+query.Encode(), in)
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	if m.login != "" {
		r.Header.Set("X-Registry-Auth", m.login)
	}
	return m.send(r)
}

func (m Machine) send(r *http.Request) (answer, error) {
	resp, err := m.Transport.RoundTrip(r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	a := answer{Status: resp.StatusCode}
	if a.body, err = io.ReadAll(resp.Body); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return a, err
	}
	if a.Status >= http.StatusBadRequest {
		var refusal struct{ Message string }
		a.plain = json.Unmarshal(a.body, &refusal) != nil
		if a.Message = refusal.Message; a.plain {
			a.Message = strings.TrimSpace(string(a.body))
		}
	}
	return a, nil
}

// at is the query of a write against a version.
func at(version uint64) url.Values {
	return url.Values{"version": {strconv.FormatUint(version, 10)}}
}

// filter is the query of a list: pairs of a key and a value.
func filter(pairs ...string) url.Values {
	by := map[string][]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		by[pairs[i]] = append(by[pairs[i]], pairs[i+1])
	}
	text, err := json.Marshal(by)
	if err != nil {
		panic(err) // strings always encode
	}
	return url.Values{"filters": {string(text)}}
}
