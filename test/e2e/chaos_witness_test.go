//go:build linux

package e2e

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/sim/docean"
)

// loss is a kind of what must never happen.
type loss string

const (
	lostForeign  loss = "foreign touched"   // a droplet, a service, a label, a config that is not the cluster's
	lostDelete   loss = "unpermitted"       // a droplet deleted, or a manager removed, that no edit permitted
	lostSurge    loss = "overshoot"         // a droplet more than the file wants and edits let go
	lostQuorum   loss = "quorum"            // the managers' majority lost, or put at risk by a removal
	lostOrder    loss = "out of order"      // a droplet deleted while its node was in the swarm
	lostSecret   loss = "secret seen"       // in a container's log or on a page
	lostProgress loss = "not converged"     // the faults are over, and the file does not come true in time
	lostCalm     loss = "not still"         // converged, and something but the lease was written
	lostEdit     loss = "edit not accepted" // although a majority of managers was well
)

var losses = [...]loss{lostForeign, lostDelete, lostSurge, lostQuorum, lostOrder, lostSecret, lostProgress, lostCalm, lostEdit}

// witness judges by what the lab and the engines themselves show, never by swarmd's word. It is safe for use by several goroutines.
type witness struct {
	mu       sync.Mutex
	stranger string         // name of the droplet with the cluster's tag that is somebody's own
	wanted   map[string]int // machines by pool, as the file says
	leave    map[string]int // machines by pool that edits let go and that are not gone yet
	living   map[string]map[int]bool
	gone     map[string]time.Time // names of deleted droplets
	marks    *marks
	before   []swarm.Node // the last scene's nodes
	created  int
	deleted  int
	scenes   int
	seenAt   time.Time // of the last scene
	findings map[loss][]string
}

func newWitness(stranger string) *witness {
	return &witness{stranger: stranger, wanted: map[string]int{}, leave: map[string]int{}, living: map[string]map[int]bool{"managers": {}, "workers": {}},
		gone: map[string]time.Time{}, findings: map[loss][]string{}}
}

// marks are somebody's own things in the swarm, as they were made.
type marks struct {
	service    swarm.ServiceSpec
	config     swarm.ConfigSpec
	node       string // id of the node with the label
	key, value string
}

// scene is what an engine showed at one moment.
type scene struct {
	at       time.Time // before it was asked
	nodes    []swarm.Node
	services []swarm.Service
	configs  []swarm.Config
}

func (w *witness) lose(l loss, format string, args ...any) {
	w.findings[l] = append(w.findings[l], time.Now().Format("15:04:05.0 ")+fmt.Sprintf(format, args...))
}

// find notes what somebody else saw.
func (w *witness) find(l loss, format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lose(l, format, args...)
}

// edited is told of each edit before it is handed in.
func (w *witness) edited(f want) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for pool, n := range map[string]int{"managers": f.managers, "workers": f.workers} {
		w.leave[pool] += max(0, w.wanted[pool]-n)
		w.wanted[pool] = n
	}
}

// rested is told when the file is true: then nobody is on the way out.
func (w *witness) rested() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.leave)
}

// event judges what befell a droplet, at the moment of the effect.
func (w *witness) event(e docean.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	d := e.Droplet
	pool := w.poolOf(d.Name)
	switch {
	case pool == "" && e.Kind == docean.Deleted:
		w.lose(lostForeign, "droplet %s was deleted", d.Name)
	case pool == "":
	case e.Kind == docean.Created:
		w.created++
		w.living[pool][d.ID] = true
		if n := len(w.living[pool]); n > w.wanted[pool]+w.leave[pool] {
			w.lose(lostSurge, "%s is number %d of pool %s; the file wants %d and %d may be on the way out", d.Name, n, pool, w.wanted[pool], w.leave[pool])
		}
	default:
		w.deleted++
		delete(w.living[pool], d.ID)
		w.gone[d.Name] = time.Now()
		if w.leave[pool]--; w.leave[pool] < 0 {
			w.lose(lostDelete, "droplet %s was deleted, and no edit lets one of pool %s go", d.Name, pool)
			w.leave[pool] = 0
		}
	}
}

// poolOf returns the pool of one of the cluster's own droplets, "" for any other.
func (w *witness) poolOf(name string) string {
	for _, pool := range []string{"managers", "workers"} {
		if name != w.stranger && strings.HasPrefix(name, "shop-"+pool+"-") {
			return pool
		}
	}
	return ""
}

// look judges a scene.
func (w *witness) look(s scene) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fresh := s.at.Sub(w.seenAt) < 10*time.Second
	w.scenes++
	w.seenAt = s.at
	w.left(s)
	if w.marks != nil {
		w.foreigners(s)
	}
	w.quorum(s, fresh)
	w.before = s.nodes
}

// left: a machine leaves the swarm before its droplet is deleted.
func (w *witness) left(s scene) {
	for _, n := range s.nodes {
		if at, ok := w.gone[n.Description.Hostname]; ok && at.Before(s.at) {
			w.lose(lostOrder, "droplet %s was deleted, and its node is in the swarm, %s", n.Description.Hostname, n.Status.State)
			delete(w.gone, n.Description.Hostname) // once is enough
		}
	}
}

// foreigners: what is somebody's own stays as it is.
func (w *witness) foreigners(s scene) {
	i := slices.IndexFunc(s.services, func(v swarm.Service) bool { return v.Spec.Name == w.marks.service.Name })
	if i < 0 {
		w.lose(lostForeign, "service %s is gone", w.marks.service.Name)
	} else if !reflect.DeepEqual(s.services[i].Spec, w.marks.service) {
		w.lose(lostForeign, "service %s was changed: %+v", w.marks.service.Name, s.services[i].Spec)
	}
	i = slices.IndexFunc(s.configs, func(c swarm.Config) bool { return c.Spec.Name == w.marks.config.Name })
	if i < 0 || !reflect.DeepEqual(s.configs[i].Spec, w.marks.config) {
		w.lose(lostForeign, "config %s is gone or changed", w.marks.config.Name)
	}
	for _, n := range s.nodes {
		if n.ID == w.marks.node && n.Spec.Labels[w.marks.key] != w.marks.value {
			w.lose(lostForeign, "label %s of %s is %q", w.marks.key, n.Description.Hostname, n.Spec.Labels[w.marks.key])
		}
	}
}

// quorum: a manager leaves only if an edit lets one go, and if those that remain have a majority of them reachable. Who was reachable is
// known only if the scene before is fresh.
func (w *witness) quorum(s scene, fresh bool) {
	for _, was := range w.before {
		if !member(was) || slices.ContainsFunc(s.nodes, func(n swarm.Node) bool { return n.ID == was.ID && member(n) }) {
			continue
		}
		remain, reachable := 0, 0
		for _, o := range w.before {
			if o.ID != was.ID && member(o) {
				remain++
				reachable += map[bool]int{true: 1}[o.ManagerStatus.Reachability == swarm.ReachabilityReachable]
			}
		}
		if fresh && reachable < remain/2+1 {
			w.lose(lostQuorum, "manager %s was demoted or removed; of the other %d only %d were reachable", was.Description.Hostname, remain, reachable)
		}
		if w.leave["managers"] == 0 {
			w.lose(lostDelete, "manager %s was demoted or removed, and no edit lets one go", was.Description.Hostname)
		}
	}
}

func member(n swarm.Node) bool { return n.ManagerStatus != nil && n.Spec.Role == swarm.NodeRoleManager }

// read looks for secrets in texts; both are keyed by what they are.
func (w *witness) read(texts map[string][]byte, secrets map[string]string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for where, text := range texts {
		for what, secret := range secrets {
			if bytes.Contains(text, []byte(secret)) {
				w.lose(lostSecret, "%s is in %s", what, where)
			}
		}
	}
}

// lost counts what was found.
func (w *witness) lost() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, f := range w.findings {
		n += len(f)
	}
	return n
}

// verdict is what was seen, and a line for each loss with what was found.
func (w *witness) verdict() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "droplets created %d, deleted %d; the engines were looked at %d times\nlost:\n", w.created, w.deleted, w.scenes)
	for _, l := range losses {
		fmt.Fprintf(&b, "  %-18s %d\n", l, len(w.findings[l]))
		for _, f := range w.findings[l][:min(5, len(w.findings[l]))] {
			fmt.Fprintf(&b, "    %s\n", f)
		}
	}
	return b.String()
}
