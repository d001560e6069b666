package dockerd

import (
	"time"

	"github.com/docker/docker/api/types/network"
	api "github.com/docker/docker/api/types/swarm"
)

// Engine is one machine's dockerd.
type Engine struct {
	world     *Swarm
	config    EngineConfig
	labels    map[string]string
	up        bool
	cut       bool // partitioned from every other engine
	away      bool // on the other side of a network that fell into two
	gone      bool
	dead      bool // it died by itself and is started again by itself
	rebooted  bool // the managers have not yet heard that its containers are gone
	started   time.Time
	networks  []network.Inspect // local ones
	cluster   *cluster          // nil: in no swarm, or still joining
	nodeID    string
	advertise string // address that the managers see
	joining   *api.JoinRequest
	served    map[string]served
	told      told
}

// Name returns the host name.
func (e *Engine) Name() string { return e.config.Name }

// Addr returns the private address.
func (e *Engine) Addr() string { return e.config.Addr }

// Up reports whether the engine accepts connections. A transport turns false into a refused dial.
func (e *Engine) Up() bool {
	e.world.mu.Lock()
	defer e.world.mu.Unlock()
	return e.up
}

// Partitioned reports whether the machine is cut off from the others. Its own processes still reach its engine.
func (e *Engine) Partitioned() bool {
	e.world.mu.Lock()
	defer e.world.mu.Unlock()
	return e.cut
}

// NodeID returns the id of the engine's node, "" if it is in no swarm.
func (e *Engine) NodeID() string {
	e.world.mu.Lock()
	defer e.world.mu.Unlock()
	return e.nodeID
}

// Start powers the machine on. Containers that ran before are dead; their tasks fail.
func (e *Engine) Start() {
	e.world.lockForChange()
	defer e.world.unlock()
	if e.up || e.gone {
		return
	}
	e.boot()
}

func (e *Engine) boot() {
	e.up, e.dead, e.started = true, false, e.world.now
	e.rebooted = true
}

// Stop cuts the power.
func (e *Engine) Stop() {
	e.world.lockForChange()
	defer e.world.unlock()
	e.up, e.dead = false, false
	e.closeStreams()
}

// Partition cuts the machine off from all others, or ends that. What runs on it goes on.
func (e *Engine) Partition(on bool) {
	e.world.lockForChange()
	defer e.world.unlock()
	e.cut = on
}

// Away puts the machine on the other side of a network that falls into two, or back. Those on one side reach each other.
func (e *Engine) Away(on bool) {
	e.world.lockForChange()
	defer e.world.unlock()
	e.away = on
}

// Sees reports whether the network has the two machines on one side, whether they are up or not.
func (e *Engine) Sees(other *Engine) bool {
	e.world.mu.Lock()
	defer e.world.mu.Unlock()
	return e.away == other.away
}

// Remove destroys the machine. Its node stays in the swarm until somebody removes it.
func (e *Engine) Remove() {
	e.world.lockForChange()
	defer e.world.unlock()
	e.up, e.gone = false, true
	e.closeStreams()
	for i, other := range e.world.engines {
		if other == e {
			e.world.engines = append(e.world.engines[:i:i], e.world.engines[i+1:]...)
			break
		}
	}
}

// SetLabels changes the engine labels, as any root on the machine can with a daemon.json and a SIGHUP. The managers see it with
// the agent's next report, 20 s at most.
func (e *Engine) SetLabels(labels map[string]string) {
	e.world.lockForChange()
	defer e.world.unlock()
	e.labels = cloneMap(labels)
	e.world.after(e.world.jitter(20*time.Second), "labels/"+e.config.Name, e.report)
}

// Resize changes what the machine has, as the next start of its engine reports it.
func (e *Engine) Resize(ncpu int, memoryBytes int64) {
	e.world.lockForChange()
	defer e.world.unlock()
	e.config.NCPU, e.config.MemoryBytes = ncpu, memoryBytes
}

// report brings the node's description up to what the machine says of itself.
func (e *Engine) report() {
	if e.cluster == nil || !e.up {
		return
	}
	n := e.cluster.nodes[e.nodeID]
	if n == nil || !e.cluster.linked(n) {
		return
	}
	old := *n
	n.Description = e.description()
	e.cluster.touchNode(n, old)
}

func (e *Engine) description() api.NodeDescription {
	d := api.NodeDescription{
		Hostname:  e.config.Name,
		Platform:  api.Platform{Architecture: "x86_64", OS: "linux"},
		Resources: api.Resources{NanoCPUs: int64(e.config.NCPU) * 1e9, MemoryBytes: e.config.MemoryBytes},
		Engine:    api.EngineDescription{EngineVersion: e.world.dialect.version, Labels: cloneMap(e.labels)},
	}
	for _, p := range [][2]string{
		{"Log", "json-file"}, {"Log", "local"}, {"Log", "none"}, {"Network", "bridge"}, {"Network", "host"},
		{"Network", "ipvlan"}, {"Network", "macvlan"}, {"Network", "null"}, {"Network", "overlay"}, {"Volume", "local"},
	} {
		d.Engine.Plugins = append(d.Engine.Plugins, api.PluginDescription{Type: p[0], Name: p[1]})
	}
	if e.cluster != nil {
		d.TLSInfo = e.cluster.tls()
	}
	return d
}

// reaches reports whether the two machines are up and no partition lies between them.
func (e *Engine) reaches(other *Engine) bool {
	if e == nil || other == nil || !e.up || !other.up {
		return false
	}
	return e == other || !e.cut && !other.cut && e.away == other.away
}
