package explore

import (
	"encoding/json"
	"hash/fnv"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/swarmd/swarmd/pkg/sim/docean"
	"github.com/swarmd/swarmd/pkg/spec"
)

// checks are the invariants and what they remember. They look at the ground truth before and after every call that may change it.
type checks struct {
	run        *run
	noLeader   time.Time         // since when the swarm has no leader; zero: it has one
	unled, led time.Time         // when it had none last, from and to
	theirs     map[string]string // node id → the label that a person put on it
	most       map[string]int    // pool → the most that any file wanted since all was as wanted
	least      map[string]int    // pool → the least
	extra      map[string]int    // pool → the most replacements that were open at once since then
	asked      map[int]bool      // droplets that a person asked another one for

	templates map[string]spec.Template // by pool: as the last file has it
	managers  span                     // that files wanted since then, in all pools
	allowed   int                      // deletes that edits permit
	deleted   []time.Time
	created   map[string][]time.Time // pool → when droplets of it were made
	cluster   string                 // id of the swarm
	leases    map[string]uint64
	cycled    map[int]cycled         // by droplet: when its power was cycled last, and by which process
	acted     uint64                 // the highest epoch under which the cloud was written to
	listed    map[string]sighting    // process → what it last saw completely
	calls     map[string][]time.Time // process → its cloud calls of the last minute
	pushes    map[string]int         // service, hash, revision → effective updates
	taken     int                    // writes that asked for a port which another service had
	isQuiet   bool
	unpinned  bool            // the registry could not be asked
	reached   map[uint64]bool // digests of the states that were visited
	meddled   time.Time       // when a person changed swarmd's own configs
	token     string          // the worker's, at the last look
	handed    []string        // the worker's tokens that user-data had
	byHand    bool            // a person replaced it since
	actor     actor
	tallies   map[string]tally // by process
	sized     sizedAt
	removed   removed
	deeds     sum // see Outcome.Deeds
	hands     hands

	gone   map[int]bool // droplets that people deleted
	doomed map[int]bool // droplets that a person has confirmed to destroy
	lost   map[int]bool // droplets that run on and that the restored swarm does not know

	mu     sync.Mutex
	events []docean.Event // since the last look
}

// sighting is when a process last saw something without an error.
type sighting struct {
	droplets, nodes time.Time
	gets            map[int]time.Time
	acted           map[int]bool // droplets on which an action of its own was accepted
}

func newChecks(r *run) *checks {
	return &checks{run: r, created: map[string][]time.Time{}, theirs: map[string]string{}, most: map[string]int{}, least: map[string]int{}, extra: map[string]int{}, asked: map[int]bool{}, templates: map[string]spec.Template{},
		leases: map[string]uint64{}, cycled: map[int]cycled{}, tallies: map[string]tally{}, listed: map[string]sighting{},
		calls: map[string][]time.Time{}, pushes: map[string]int{}, reached: map[uint64]bool{}, sized: sizedAt{}, gone: map[int]bool{}, lost: map[int]bool{}, doomed: map[int]bool{}}
}

// begin takes in what the world starts with: the cluster, and what is not the cluster's.
func (c *checks) begin() {
	c.run.faults.people.order()
	if !c.run.workflow.Empty {
		c.run.faults.people.employ()
	}
	c.wants(c.run.want)
	s := c.run.observe()
	c.cluster = s.swarm.ID
	c.clear()
}

func (c *checks) clear() []docean.Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	events := c.events
	c.events = nil
	return events
}

// droplet hears of each droplet made or destroyed.
func (c *checks) droplet(e docean.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events = append(c.events, e)
}

// wants takes in a file that may be accepted from now on.
func (c *checks) wants(f file) {
	s, err := c.run.parse(f)
	if err != nil {
		return // a bad file wants nothing
	}
	for _, p := range s.Pools {
		c.allowed += max(0, c.last(p)-p.Count) + c.rolls(p)
		c.most[p.Name] = max(c.most[p.Name], p.Count)
		if least, known := c.least[p.Name]; !known || p.Count < least {
			c.least[p.Name] = p.Count
		}
	}
	c.counts(&s.Spec)
	c.managers.add(managersOf(&s.Spec))
}

// settled: all is as the last file wants it, and those before matter no more.
func (c *checks) settled() {
	clear(c.extra)
	c.most, c.least = maps.Clone(c.run.counts), maps.Clone(c.run.counts)
	c.managers = span{c.managers.last, c.managers.last, c.managers.last, true}
}

// last is what the file before wanted of the pool.
func (c *checks) last(p spec.Pool) int { return c.run.counts[p.Name] }

func (c *checks) counts(s *spec.Spec) {
	for _, p := range s.Pools {
		c.run.counts[p.Name] = p.Count
	}
}

// before looks at the world before a call that may change it.
func (c *checks) before(t *ticket) *state {
	if !t.write() || t.proc.isDead() {
		return nil
	}
	s := c.run.observe()
	c.clear()
	c.writes(s, t)
	return s
}

// after looks at the world after a call.
func (c *checks) after(was *state, t *ticket) {
	c.run.faults.answered(t)
	c.reads(t)
	c.budget(t)
	if was == nil {
		return
	}
	if !strings.HasPrefix(t.path, "/configs/") {
		c.deeds.deed(t)
	}
	now := c.run.observe()
	c.always(now)
	c.changes(was, now, t)
	c.visit(now)
}

// tick looks at the world when time has gone on.
func (c *checks) tick() {
	s := c.run.observe()
	c.always(s)
	c.attended(s)
}

// always is what must hold at any time.
func (c *checks) always(s *state) {
	if c.cluster == "" {
		if c.cluster = s.swarm.ID; c.cluster == "" {
			return // a bootstrap has not come so far
		}
	}
	if s.swarm.ID != c.cluster {
		c.run.violate("identity", "the swarm is %s, it was %s", s.swarm.ID, c.cluster)
	}
	c.leaderless(s, "")
	if s.margin() < 0 && !c.run.workflow.Leaderless && len(c.run.faults.down) == 0 && len(c.doomed) == 0 {
		c.run.stop("quorum", "%d of %d managers are alive", s.swarm.Alive, len(s.swarm.Members))
	}
	if len(s.swarm.Members) > c.managers.most+1 {
		c.run.violate("raft-size", "%d members, %d wanted at most", len(s.swarm.Members), c.managers.most)
	}
	c.replacing(s)
	c.surge(s)
	c.whole(s)
	c.bindings(s)
	c.tokens(s)
}

// surge: no pool has more droplets than it ever wanted since all was as wanted, and one for each that is replaced, save for those that leave.
func (c *checks) surge(s *state) {
	have := c.staying(s)
	for _, pool := range slices.Sorted(maps.Keys(have)) {
		if n := have[pool]; n > c.most[pool]+c.extra[pool] {
			c.run.violate("surge", "pool %s has %d droplets that do not leave, %d wanted at most", pool, n, c.most[pool])
		}
	}
}

// staying counts the droplets of each pool that do not leave.
func (c *checks) staying(s *state) map[string]int {
	have := map[string]int{}
	for _, d := range s.droplets {
		if pool := poolOf(c.run.cluster, d); pool != "" && !s.leaving(d.ID) && s.ledger.KeptDroplet(d.ID) == nil && !c.lost[d.ID] && !c.spare(d) {
			have[pool]++
		}
	}
	return have
}

// bindings: a node that is bound to a droplet is the one on it, and the only one.
func (c *checks) bindings(s *state) {
	bound := map[int]string{}
	for _, n := range s.swarm.Nodes {
		if want := c.theirs[n.ID]; want != "" && n.Spec.Labels["theirs"] != want {
			c.run.violate("preserve", "the label that a person put on node %s is gone", n.ID)
			delete(c.theirs, n.ID)
		}
		id := boundTo(n.Spec.Labels)
		if id == 0 {
			continue
		}
		if n.Status.State != "down" { // an answer that hides a node that is down cannot be told from its end
			if other := bound[id]; other != "" {
				c.run.violate("identity", "nodes %s and %s are bound to droplet %d", other, n.ID, id)
			}
			bound[id] = n.ID
		}
		if d, ok := c.run.world.Cloud.Droplet(id); !ok || d.Private.Addr().String() != n.Status.Addr {
			c.run.violate("identity", "node %s at %s is bound to droplet %d at %s", n.ID, n.Status.Addr, id, d.Private.Addr())
		}
	}
}

// visit counts the states that were visited, as far as the planner could tell them apart.
func (c *checks) visit(s *state) { c.reached[c.digest(s)] = true }

// digest of a state.
func (c *checks) digest(s *state) uint64 {
	text := make([]byte, 0, 1024)
	for i := range s.droplets {
		text = append(append(append(text, 'd'), poolOf(c.run.cluster, s.droplets[i])...), ' ')
	}
	for i := range s.swarm.Nodes {
		n := &s.swarm.Nodes[i]
		text = append(append(append(append(text, 'n'), n.Spec.Role...), n.Spec.Availability...), n.Status.State...)
		text = append(strconv.AppendBool(strconv.AppendBool(text, s.member(n.ID)), boundTo(n.Spec.Labels) != 0), ' ')
	}
	for i := range s.ledger.Ops {
		op := &s.ledger.Ops[i]
		text = append(append(append(text, 'o'), op.Kind...), op.Pool...)
		text = append(strconv.AppendBool(strconv.AppendBool(text, op.DropletID != 0), op.Shutdown.IsZero()), ' ')
	}
	for i := range s.swarm.Services {
		v := &s.swarm.Services[i]
		text = append(append(append(text, 's'), v.Spec.Name...), v.Spec.Labels["swarmd.hash"]...)
		if u := v.UpdateStatus; u != nil {
			text = append(append(append(append(text, ' '), u.State...), ' '), u.Message...)
		}
		text = append(text, ' ')
	}
	text = s.appendTasks(text)
	text = strconv.AppendInt(append(text, 'r'), int64(s.ledger.Revision), 10)
	text = strconv.AppendInt(append(text, 'e'), int64(s.ledger.DeleteBudget), 10)
	text = strconv.AppendBool(append(text, 'h'), s.holder != "")
	h := fnv.New64a()
	_, _ = h.Write(text) // never fails, see hash.Hash
	return h.Sum64()
}

// quiet forbids every write but the lease's.
func (c *checks) quiet(on bool) { c.isQuiet = on }

// reads remembers what a process has seen.
func (c *checks) reads(t *ticket) {
	if t.sign.Call == "GET /distribution/ID/json" && strings.Contains(c.run.want.services, "best-effort") && (t.status != http.StatusOK || t.fault != "") {
		c.unpinned = true
	}
	call := t.sign.Call
	answered := t.status == http.StatusOK || t.status == http.StatusNotFound || t.fault == Slow // its answer is on the way
	if t.write() && (call != actOnDroplet || t.status != http.StatusCreated) || !t.write() && !answered {
		return
	}
	seen := c.listed[t.proc.name]
	if seen.gets == nil {
		seen.gets, seen.acted = map[int]time.Time{}, map[int]bool{}
	}
	switch call {
	case actOnDroplet:
		seen.acted[dropletIn(t.path)] = true
	case listDroplets:
		seen.droplets = time.Now()
	case "GET /nodes":
		seen.nodes = time.Now()
	case getDroplet:
		seen.gets[dropletIn(t.path)] = time.Now()
	}
	c.listed[t.proc.name] = seen
}

// budget: no process makes more than 200 calls to the cloud in any minute.
func (c *checks) budget(t *ticket) {
	if !strings.HasPrefix(t.path, "/v2/") {
		return
	}
	c.counted(t)
	now := time.Now()
	recent := slices.DeleteFunc(append(c.calls[t.proc.name], now), func(at time.Time) bool { return now.Sub(at) >= time.Minute })
	c.calls[t.proc.name] = recent
	if len(recent) > 200 {
		c.run.violate("budget", "%s made %d calls in a minute", t.proc.name, len(recent))
	}
}

func dropletIn(path string) int {
	parts := strings.Split(path, "/")
	if len(parts) < 4 {
		return 0
	}
	id, err := strconv.Atoi(parts[3])
	if err != nil {
		return 0
	}
	return id
}

// writes judges a call before it goes, by the truth of that moment.
func (c *checks) writes(s *state, t *ticket) {
	if h := c.run.actors.handOf(t.proc); h != nil {
		c.handWrite(s, t, h)
		return
	}
	if c.isQuiet && !c.renews(s, t) && !c.notes(s, t) {
		c.run.violate("still", "%s writes %s %s when all was as wanted", t.proc.name, t.method, t.path)
	}
	c.keepsOff(s, t)
	switch {
	case strings.HasPrefix(t.path, "/v2/"):
		c.cloudWrite(s, t)
	case t.path == "/swarm/update" && t.fault != EngineDown && t.fault != LeaderChange:
		c.rotation(s, t)
	case strings.HasPrefix(t.path, "/swarm/") && t.path != "/swarm/update":
		c.run.violate("engine", "%s calls %s", t.proc.name, t.path)
	case strings.HasPrefix(t.path, "/nodes/") && t.fault != EngineDown && t.fault != LeaderChange: // then it is not the world that was looked at
		c.nodeWrite(s, t)
	case strings.HasPrefix(t.path, "/services/"):
		c.serviceWrite(s, t)
	}
}

// notes reports whether the call is the one thing that a swarmd writes that does not act: that its own file is an older one.
func (c *checks) notes(s *state, t *ticket) bool {
	return strings.HasPrefix(t.path, "/configs/") && s.configs[objectIn(t.path)] == "swarmd."+c.run.cluster && !strings.HasSuffix(s.holder, "/"+t.proc.name)
}

// renews reports whether the call is a write of the lease: one that was seen to be gone may be made.
func (c *checks) renews(s *state, t *ticket) bool {
	lease := "swarmd." + c.run.cluster + ".lease"
	if t.path == "/configs/create" {
		var made struct{ Name string }
		return json.Unmarshal(t.body, &made) == nil && made.Name == lease
	}
	return strings.HasPrefix(t.path, "/configs/") && s.configs[objectIn(t.path)] == lease
}

func objectIn(path string) string {
	parts := strings.Split(path, "/")
	if len(parts) < 3 {
		return ""
	}
	return parts[2]
}
