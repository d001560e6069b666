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
	"syscall"
	"testing"
	"time"

	"github.com/digitalocean/godo"
	"github.com/docker/docker/api/types/swarm"
	"go.uber.org/zap"

	"github.com/swarmd/swarmd/internal/cost"
	"github.com/swarmd/swarmd/pkg/access"
	"github.com/swarmd/swarmd/pkg/app"
	"github.com/swarmd/swarmd/pkg/cloud/digitalocean"
	"github.com/swarmd/swarmd/pkg/reconcile"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/sim"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/spec/file"
	words "github.com/swarmd/swarmd/pkg/swarm"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

// swarm3K is a cluster of the size of the largest swarm that was ever shown, and sown the one that it is grown from.
var (
	swarm3K = shape{managers: 3, workers: 4697, services: 1000, replicas: 100}
	sown    = shape{managers: 3, workers: 2, services: 1000, replicas: 1}
)

// counts is how many of each the shape has.
func (s shape) counts() map[string]int {
	nodes := s.managers + s.workers
	return map[string]int{"/nodes": nodes, "/services": s.services, "/tasks": s.services * s.replicas, "/v2/droplets": nodes}
}

// grown answers the lists of a small simulated world with so many copies of what is in them: the simulated engine's own words, of a size that it
// would take an hour to schedule.
type grown struct {
	base  http.RoundTripper
	shape shape
	fleet map[string]int               // how many of each
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

// grow takes the lists of the cluster, and multiplies what is in them to those of another shape: workers, and the tasks of each service.
func (c *cluster) grow(to shape) *grown {
	c.Helper()
	g := &grown{base: c.TransportFrom("web-managers-aaaaa"), shape: to, fleet: to.counts(), lists: map[string][]json.RawMessage{}}
	for path := range g.fleet {
		host := "api.moby.localhost"
		if strings.HasPrefix(path, "/v2/") {
			host = "api.digitalocean.com"
		}
		data := got(c, g.base, "http://"+host+path, c.Token())
		var few []json.RawMessage
		if err := json.Unmarshal(data, &few); err != nil {
			var page struct{ Droplets []json.RawMessage }
			if err := json.Unmarshal(data, &page); err != nil {
				c.Fatal(err)
			}
			few = page.Droplets
		}
		g.lists[path] = few
	}
	c.growMachines(g)
	c.growTasks(g)
	for path, n := range g.fleet {
		if len(g.lists[path]) != n {
			c.Fatalf("%d of %s, want %d", len(g.lists[path]), path, n)
		}
		aside(c, g.lists[path])
	}
	return g
}

// aside puts the texts into memory that the collector does not know: beside a large heap it would let as much garbage lie about.
func aside(tb testing.TB, list []json.RawMessage) {
	tb.Helper()
	size := 0
	for _, text := range list {
		size += len(text)
	}
	to, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = syscall.Munmap(to) })
	for i, text := range list {
		n := copy(to, text)
		list[i], to = to[:n:n], to[n:]
	}
}

// growMachines adds workers, each with an id, a name and an address of its own.
func (c *cluster) growMachines(g *grown) {
	c.Helper()
	var n swarm.Node
	var node, droplet json.RawMessage
	for _, text := range g.lists["/nodes"] {
		if err := json.Unmarshal(text, &n); err != nil {
			c.Fatal(err)
		}
		if node = text; n.Spec.Role == swarm.NodeRoleWorker {
			break
		}
	}
	id := n.Spec.Labels["swarmd.droplet"]
	for _, text := range g.lists["/v2/droplets"] {
		if bytes.Contains(text, []byte(`"id":`+id+",")) {
			droplet = text
		}
	}
	op := n.Description.Hostname[len(n.Description.Hostname)-5:]
	for i := len(g.lists["/nodes"]); i < g.fleet["/nodes"]; i++ {
		another := strings.NewReplacer(n.ID, numbered(n.ID, i), id, strconv.Itoa(900_000_000+i), op, numbered("b", i), `"`+n.Status.Addr+`"`, fmt.Sprintf(`"10.99.%d.%d"`, i/250, i%250+1))
		g.lists["/nodes"] = append(g.lists["/nodes"], json.RawMessage(another.Replace(string(node))))
		g.lists["/v2/droplets"] = append(g.lists["/v2/droplets"], json.RawMessage(another.Replace(string(droplet))))
	}
}

// numbered is the text with a number of four letters in place of its last bytes, or after a short one.
func numbered(text string, i int) string {
	n := []byte{'a', 'a', 'a', 'a'}
	for at := len(n) - 1; i > 0; at, i = at-1, i/26 {
		n[at] += byte(i % 26)
	}
	return text[:max(1, len(text)-len(n))] + string(n)
}

// growTasks has each service want and have as many tasks as the shape says, on one node after the other.
func (c *cluster) growTasks(g *grown) {
	c.Helper()
	ids := make([]string, len(g.lists["/nodes"]))
	for i, text := range g.lists["/nodes"] {
		ids[i] = field(c, text, "ID")
	}
	var all []json.RawMessage
	for i, text := range g.lists["/tasks"] {
		id, node := field(c, text, "ID"), field(c, text, "NodeID")
		for slot := range g.shape.replicas {
			another := strings.NewReplacer(id, numbered(id, slot), node, ids[(i*g.shape.replicas+slot)%len(ids)], `"Slot":1,`, fmt.Sprintf(`"Slot":%d,`, slot+1))
			all = append(all, json.RawMessage(another.Replace(string(text))))
		}
	}
	g.lists["/tasks"] = all
	small, large := c.read(c.shape).stack, c.read(g.shape).stack
	for i, text := range g.lists["/services"] {
		at := slices.IndexFunc(small.Services, func(s words.ServiceSpec) bool { return bytes.Contains(text, []byte(s.Labels[words.LabelHash])) })
		another := strings.NewReplacer(small.Services[at].Labels[words.LabelHash], large.Services[at].Labels[words.LabelHash],
			`"Replicas":1`, fmt.Sprintf(`"Replicas":%d`, g.shape.replicas))
		g.lists["/services"][i] = json.RawMessage(another.Replace(string(text)))
	}
}

func field(tb testing.TB, object json.RawMessage, name string) string {
	tb.Helper()
	var fields map[string]any
	if err := json.Unmarshal(object, &fields); err != nil {
		tb.Fatal(err)
	}
	return fmt.Sprint(fields[name])
}

// wanted is what a file says.
type wanted struct {
	spec  *spec.Spec
	stack words.Stack
}

func (c *cluster) read(s shape) wanted {
	c.Helper()
	var parser file.Parser
	var converter docker.Converter
	workers := s.workers
	s.workers = min(workers, 500) // a file counts no more in one pool
	d, _, err := parser.Parse("web.yaml", s.file(s.replicas))
	if err != nil {
		c.Fatal(err)
	}
	d.Pools[1].Count = workers
	stack, err := converter.ConvertFile(&d.Spec, d.Stack, d.Composed)
	if err != nil {
		c.Fatal(err)
	}
	return wanted{&d.Spec, stack}
}

// BenchmarkSwarm3K is a pass of a cluster of the size of Swarm3K that is as wanted: a look through both clients and the plan for it, beside the same
// answers fetched and decoded into the libraries' own types. Each is a new swarmd's first look: later ones decode only what is new.
func BenchmarkSwarm3K(b *testing.B) {
	c := start(b, sown)
	c.stop()
	g, want := c.grow(swarm3K), c.read(swarm3K)
	var plain, look, whole cost.Cost
	idle := cost.Of(func() {}).Heap // the answers themselves
	for b.Loop() {
		plain = cost.Of(func() { g.fetch(b) })
		look = cost.Of(func() { g.look(b, c.World) })
		whole = cost.Of(func() { g.pass(b, c.World, want) })
	}
	b.ReportMetric(plain.Time.Seconds(), "s-fetched")
	b.ReportMetric(look.Time.Seconds(), "s-looked")
	b.ReportMetric(whole.Time.Seconds(), "s-pass")
	b.ReportMetric(float64((plain.Heap-idle)>>20), "MB-fetched")
	b.ReportMetric(float64((look.Heap-idle)>>20), "MB-looked")
	b.ReportMetric(float64((whole.Heap-idle)>>20), "MB-pass")
	b.ReportMetric(0, "ns/op")
}

// TestALargePassCostsNoMoreThanItsAnswers: a whole pass takes no more processor time than to fetch what the two sides say and decode all of it, and
// 400 MB. What a busy machine does to one run it does not to each of five.
func TestALargePassCostsNoMoreThanItsAnswers(t *testing.T) {
	small, large := sown, swarm3K
	small.services, large.services, large.replicas = 50, 50, 2000 // as many tasks; a thousand services are not started for a test
	c := start(t, small)
	c.stop()
	g, want := c.grow(large), c.read(large)
	const mostHeap = 400 << 20
	idle := cost.Of(func() {}).Heap
	var plain, whole cost.Cost
	for range 5 {
		plain, whole = cost.Of(func() { g.fetch(t) }), cost.Of(func() { g.pass(t, c.World, want) })
		t.Logf("fetched %s, a pass %s, idle %d MB", plain, whole, idle>>20)
		if whole.Time <= plain.Time && whole.Heap-idle <= mostHeap {
			return
		}
	}
	t.Errorf("a pass took %s, to fetch and decode %s", whole, plain)
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
	for page := 1; droplets < g.fleet["/v2/droplets"]; page++ {
		var few struct{ Droplets []godo.Droplet }
		g.decode(tb, fmt.Sprintf("http://api.digitalocean.com/v2/droplets?page=%d&per_page=200", page), &few)
		droplets += len(few.Droplets)
	}
	if len(nodes) != g.fleet["/nodes"] || len(services) != g.fleet["/services"] || len(tasks) != g.fleet["/tasks"] {
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

// look is a swarmd's look at all of it.
func (g *grown) look(tb testing.TB, w *sim.World) world.World {
	tb.Helper()
	swarmd, err := app.New(app.Options{Cluster: "web", Version: "measured", Log: zap.NewNop(),
		Cloud: func(observe access.Observe) (*digitalocean.Client, error) {
			return digitalocean.New(digitalocean.Options{Token: w.Token(), Transport: g, Observe: observe})
		},
		Engine: func(observe access.Observe) (*docker.Client, func(), error) {
			engine, err := docker.New(docker.Options{HTTP: &http.Client{Transport: g}, Observe: observe})
			return engine, func() { engine.Close() }, err
		}})
	if err != nil {
		tb.Fatal(err)
	}
	defer swarmd.Close()
	seen := world.Observe(context.Background(), world.Reads{Cloud: swarmd.Cloud, Swarm: swarmd.Swarm, Ledger: swarmd.Store}, "web", nil)
	if len(seen.Gaps) > 0 || len(seen.Tasks) != g.fleet["/tasks"] || len(seen.Services) != g.fleet["/services"] {
		tb.Fatalf("gaps %v, %d tasks, %d services", seen.Gaps, len(seen.Tasks), len(seen.Services))
	}
	return seen
}

// pass is a look, and the plan for it.
func (g *grown) pass(tb testing.TB, w *sim.World, want wanted) {
	tb.Helper()
	seen := g.look(tb, w)
	p := plan.Compute(plan.Input{Now: time.Now(), Spec: want.spec, Stack: want.stack, Revision: seen.Ledger.Revision, World: seen, Holder: seen.Self.NodeID, OpIDs: reconcile.RandomOpIDs(100)})
	if !p.Converged || len(p.Steps) > 0 {
		tb.Fatalf("%d steps, %d holds, first %v %v", len(p.Steps), len(p.Holds), p.Steps[:min(len(p.Steps), 3)], p.Holds[:min(len(p.Holds), 3)])
	}
}
