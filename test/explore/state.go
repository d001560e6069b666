package explore

import (
	"slices"
	"strconv"
	"strings"
	"time"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/sim/docean"
	"github.com/swarmd/swarmd/pkg/sim/dockerd"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// state is the truth about the world at one instant. It is good only until the next call.
type state struct {
	at       time.Time
	droplets []docean.Droplet // living
	swarm    dockerd.Truth
	ledger   ledger.Ledger
	recorded bool   // there is a ledger
	holder   string // of the lease
	epoch    uint64
	renewed  uint64
	configs  map[string]string // id → name
	files    map[int]string    // revision → file
}

// observe takes the truth. What the store's configs say is taken over from the last look while they are the same.
func (r *run) observe() *state {
	s := &state{at: time.Now(), droplets: r.world.Cloud.Droplets()}
	s.swarm, _ = r.world.Swarm.Glance()
	if was := r.seen; was != nil && slices.EqualFunc(was.swarm.Configs, s.swarm.Configs, func(a, b api.Config) bool { return a.ID == b.ID && a.Version == b.Version }) {
		s.ledger, s.recorded, s.configs, s.files = was.ledger, was.recorded, was.configs, was.files
		s.holder, s.epoch, s.renewed = was.holder, was.epoch, was.renewed
	} else {
		s.read(r.cluster)
	}
	r.seen = s
	r.check.hands.leads(s)
	return s
}

// read takes in what the configs say.
func (s *state) read(cluster string) {
	s.configs, s.files = map[string]string{}, map[int]string{}
	for _, c := range s.swarm.Configs {
		s.configs[c.ID] = c.Spec.Name
		if n, ok := strings.CutPrefix(c.Spec.Name, "swarmd."+cluster+".spec."); ok {
			revision, _ := strconv.Atoi(n) // a name without a number is nobody's revision
			s.files[revision] = string(c.Spec.Data)
		}
		switch c.Spec.Name {
		case "swarmd." + cluster:
			if l, _, err := ledger.Decode(c.Spec.Labels); err == nil {
				s.ledger, s.recorded = l, true
			}
		case "swarmd." + cluster + ".lease":
			s.holder = c.Spec.Labels["swarmd.lease.holder"]
			s.epoch, _ = strconv.ParseUint(c.Spec.Labels["swarmd.lease.epoch"], 10, 64)
			s.renewed, _ = strconv.ParseUint(c.Spec.Labels["swarmd.lease.renewed"], 10, 64)
		}
	}
}

// lease is a digest of who has the lease. Renewals leave it as it is.
func (s *state) lease() uint64 {
	h := sumBasis
	h.text(s.holder)
	h.number(s.epoch)
	return uint64(h)
}

// member reports whether the node is in the Raft group.
func (s *state) member(nodeID string) bool {
	for _, m := range s.swarm.Members {
		if m == nodeID {
			return true
		}
	}
	return false
}

// margin is how many more managers may fail before quorum is lost; below 0 it is lost.
func (s *state) margin() int { return s.swarm.Alive - (len(s.swarm.Members)/2 + 1) }

// poolOf returns the pool that a droplet of the cluster was made for, "" for a stranger's and for another swarm's of the name.
func poolOf(cluster string, d docean.Droplet) string {
	op := opOf(d)
	if beside(op) {
		return ""
	}
	rest, ok := strings.CutPrefix(d.Name, cluster+"-")
	if !ok || len(op) < 5 {
		return ""
	}
	pool, ok := strings.CutSuffix(rest, "-"+op[:5])
	if !ok {
		return ""
	}
	return pool
}

func opOf(d docean.Droplet) string {
	for _, t := range d.Tags {
		if op, ok := strings.CutPrefix(t, cloud.OpTagPrefix); ok {
			return op
		}
	}
	return ""
}

// nodeOn returns the index in s.swarm.Nodes of the node at the droplet's private address, -1 if there is none.
func (s *state) nodeOn(d docean.Droplet) int {
	for i, n := range s.swarm.Nodes {
		if n.Status.Addr == d.Private.Addr().String() {
			return i
		}
	}
	return -1
}

// leaving reports whether a Delete operation is open on the droplet.
func (s *state) leaving(id int) bool { return s.ledger.ByDroplet(ledger.Delete, id) != nil }

// boundTo returns the droplet that a node is bound to by its label, 0 if it is to none.
func boundTo(labels map[string]string) int {
	id, err := strconv.Atoi(labels[swarm.LabelDroplet])
	if err != nil {
		return 0
	}
	return id
}

// appendTasks appends how many tasks of each service are in which states.
func (s *state) appendTasks(text []byte) []byte {
	keys := make([]string, len(s.swarm.Tasks))
	for i := range s.swarm.Tasks {
		k := &s.swarm.Tasks[i]
		keys[i] = k.ServiceID + string(k.DesiredState) + string(k.Status.State)
	}
	slices.Sort(keys)
	for i := 0; i < len(keys); {
		from := i
		for i < len(keys) && keys[i] == keys[from] {
			i++
		}
		text = strconv.AppendInt(append(append(append(text, ' '), keys[from]...), ':'), int64(i-from), 10)
	}
	return text
}
