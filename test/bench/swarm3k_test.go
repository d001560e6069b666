package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/digitalocean/godo"
	"github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/internal/cost"
	"github.com/swarmd/swarmd/pkg/cloud/digitalocean"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/sim"
	"github.com/swarmd/swarmd/pkg/sim/docean"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

// fleet is how many of each a cluster of the size of Swarm3K has, the largest swarm that was ever shown.
var fleet = map[string]int{"/nodes": 4700, "/services": 1000, "/tasks": 100_000, "/v2/droplets": 4700}

// grown answers the lists of a small simulated world with so many copies of what is in them: the simulated engine's own words, of a size that it
// would take an hour to schedule.
type grown struct {
	base  http.RoundTripper
	lists map[string][]json.RawMessage // by path
}

func (g *grown) RoundTrip(r *http.Request) (*http.Response, error) {
	list, ok := g.lists[sim.Unversioned(r.URL.Path)]
	if !ok || r.Method != http.MethodGet || strings.Contains(r.URL.RawQuery, "node") && r.URL.Path != "/nodes" {
		return g.base.RoundTrip(r)
	}
	before, after := "[", "]"
	if strings.HasPrefix(r.URL.Path, "/v2/") {
		page := max(1, atoi(r.URL.Query().Get("page")))
		size := max(1, atoi(r.URL.Query().Get("per_page")))
		next := ""
		if page*size < len(list) {
			next = fmt.Sprintf(`"pages":{"next":"https://api.digitalocean.com/v2/droplets?page=%d&per_page=%d"}`, page+1, size)
		}
		before, after = `{"droplets":[`, fmt.Sprintf(`],"links":{%s},"meta":{"total":%d}}`, next, len(list))
		list = list[(page-1)*size : min(page*size, len(list))]
	}
	return &http.Response{StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r, ContentLength: -1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(streamed(before, list, after))}, nil
}

// streamed is a list as it comes from a network: nowhere in memory as a whole.
func streamed(before string, list []json.RawMessage, after string) io.Reader {
	parts := []io.Reader{strings.NewReader(before)}
	for i, entry := range list {
		if i > 0 {
			parts = append(parts, strings.NewReader(","))
		}
		parts = append(parts, bytes.NewReader(entry))
	}
	return io.MultiReader(append(parts, strings.NewReader(after))...)
}

func atoi(s string) int { n, _ := strconv.Atoi(s); return n }

// grow takes the lists of the world, and multiplies what is in them.
func grow(tb testing.TB, w *sim.World) *grown {
	tb.Helper()
	g := &grown{base: w.TransportFrom("web-managers-aaaaa"), lists: map[string][]json.RawMessage{}}
	for path, n := range fleet {
		host := "api.moby.localhost"
		if strings.HasPrefix(path, "/v2/") {
			host = "api.digitalocean.com"
		}
		data := got(tb, g.base, "http://"+host+path, w.Token())
		var few []json.RawMessage
		if err := json.Unmarshal(data, &few); err != nil {
			var page struct{ Droplets []json.RawMessage }
			if err := json.Unmarshal(data, &page); err != nil {
				tb.Fatal(err)
			}
			few = page.Droplets
		}
		g.lists[path] = multiply(tb, few, n)
	}
	return g
}

// multiply keeps what there is and adds copies of the last one, each with an id of its own.
func multiply(tb testing.TB, few []json.RawMessage, n int) []json.RawMessage {
	tb.Helper()
	var last struct{ ID any }
	from := few[len(few)-1]
	if err := json.Unmarshal(from, &last); err != nil {
		tb.Fatal(err)
	}
	all := slices.Clone(few)
	for i := len(few); i < n; i++ {
		copied := from
		switch id := last.ID.(type) {
		case string:
			copied = bytes.ReplaceAll(copied, []byte(id), fmt.Appendf(nil, "%s%07d", id[:len(id)-7], i))
		case float64:
			copied = bytes.ReplaceAll(copied, fmt.Appendf(nil, "%.0f", id), fmt.Appendf(nil, "%.0f", id+float64(i)))
		}
		all = append(all, copied)
	}
	return all
}

// BenchmarkSwarm3K is a look at a cluster of the size of Swarm3K through both clients, beside the same answers fetched and decoded into the libraries' own
// types. Each is a new swarmd's first look: later ones decode only what is new.
func BenchmarkSwarm3K(b *testing.B) {
	o := sim.Options{Seed: 1, BootTime: -1, JoinTime: -1, ShutdownTime: -1}
	o.Cloud = docean.Options{ActionTime: -1, ListLag: -1, TagDelay: -1}
	w := sim.New(o)
	if err := w.Populate(sim.Seeded{Cluster: "web", Region: "fra1", Managers: 3, Workers: 2, Services: 2}); err != nil {
		b.Fatal(err)
	}
	time.Sleep(2 * time.Second) // the tasks start
	g := grow(b, w)
	var plain, whole cost.Cost
	idle := cost.Of(func() {}).Heap // the answers themselves
	for b.Loop() {
		plain = cost.Of(func() { g.fetch(b) })
		whole = cost.Of(func() { g.look(b, w) })
	}
	b.ReportMetric(plain.Time.Seconds(), "s-fetched")
	b.ReportMetric(whole.Time.Seconds(), "s-looked")
	b.ReportMetric(float64((plain.Heap-idle)>>20), "MB-fetched")
	b.ReportMetric(float64((whole.Heap-idle)>>20), "MB-looked")
	b.ReportMetric(0, "ns/op")
}

// fetch gets every list and decodes it.
func (g *grown) fetch(tb testing.TB) {
	tb.Helper()
	var nodes []swarm.Node
	var services []swarm.Service
	var tasks []swarm.Task
	for path, to := range map[string]any{"/nodes": &nodes, "/services": &services, "/tasks": &tasks} {
		g.decode(tb, "http://engine"+path, to)
	}
	droplets := 0
	for page := 1; droplets < fleet["/v2/droplets"]; page++ {
		var few struct{ Droplets []godo.Droplet }
		g.decode(tb, fmt.Sprintf("http://api.digitalocean.com/v2/droplets?page=%d&per_page=200", page), &few)
		droplets += len(few.Droplets)
	}
	if len(nodes) != fleet["/nodes"] || len(services) != fleet["/services"] || len(tasks) != fleet["/tasks"] {
		tb.Fatalf("%d nodes, %d services, %d tasks", len(nodes), len(services), len(tasks))
	}
}

func (g *grown) decode(tb testing.TB, url string, to any) {
	tb.Helper()
	data := got(tb, g, url, "")
	if err := json.Unmarshal(data, to); err != nil {
		tb.Fatal(err)
	}
}

// got is the whole answer to a GET.
func got(tb testing.TB, from http.RoundTripper, url, token string) []byte {
	tb.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		tb.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := from.RoundTrip(r)
	if err != nil {
		tb.Fatal(err)
	}
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		tb.Fatalf("%s: %d %v %s", url, resp.StatusCode, err, data)
	}
	return data
}

// remembered is a ledger in which nothing is open.
type remembered struct{ ledger.Ledger }

func (r remembered) Load(context.Context) (ledger.Ledger, error) { return r.Ledger, nil }

// look is a swarmd's look at all of it.
func (g *grown) look(tb testing.TB, w *sim.World) {
	tb.Helper()
	machines, err := digitalocean.New(digitalocean.Options{Token: w.Token(), Transport: g})
	if err != nil {
		tb.Fatal(err)
	}
	engine, err := docker.New(docker.Options{HTTP: &http.Client{Transport: g}})
	if err != nil {
		tb.Fatal(err)
	}
	defer engine.Close()
	seen := world.Observe(context.Background(), world.Reads{Cloud: machines, Swarm: engine, Ledger: remembered{}}, "web", nil)
	if len(seen.Gaps) > 0 || len(seen.Tasks) != fleet["/tasks"] || len(seen.Services) != fleet["/services"] {
		tb.Fatalf("gaps %v, %d tasks, %d services", seen.Gaps, len(seen.Tasks), len(seen.Services))
	}
}
