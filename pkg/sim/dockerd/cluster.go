package dockerd

import (
	"encoding/base64"
	"encoding/hex"
	"maps"
	"slices"
	"time"

	api "github.com/docker/docker/api/types/swarm"
)

// cluster is one swarm: what its Raft store holds, and the membership. All members share it; who may read or write it is decided
// by who is linked to the leader.
type cluster struct {
	world     *Swarm
	info      api.ClusterInfo
	ca        string // stands for the root certificate's digest in the tokens
	token     api.JoinTokens
	unlockKey string // of the managers' disks, "" if they are not locked
	index     uint64 // of the last write: the version of what it wrote

	nodes    map[string]*node
	members  []*member // in the order they joined
	leader   string    // node id; "" while there is none
	ledSince time.Time // when it took over; zero for the first one
	tripped  bool      // the orchestrator met what it dies of
	deaths   int       // of leaders, by that
	led      int       // how often another one began to lead
	services map[string]*service
	tasks    map[string]*task
	ordered  []*task // the same, in the order they were made
	networks map[string]*swarmNetwork
	subnets  int // handed out
	configs  map[string]*api.Config
	secrets  map[string]*api.Secret

	pulled   map[string]bool            // node and image: what nodes have of registries that are set
	restarts map[string][]restartRecord // by slot
	objects  map[string][]byte          // written out, by version of the API and mark: all managers show the same
}

// node is a machine that joined. Spec.Role is what it is asked to be, role what it is.
type node struct {
	api.Node
	role      api.NodeRole
	engine    *Engine  // nil for the ghost of a failed join
	rewritten bool     // somebody has updated it through the API
	networks  []string // sorted ids of the networks that are attached to it
}

// member is a node in the Raft group.
type member struct {
	nodeID string
	addr   string // host:2377
}

func newCluster(s *Swarm) *cluster {
	sum := s.digest("ca")
	c := &cluster{
		world: s, ca: (hex.EncodeToString(sum[:]))[:50],
		nodes: map[string]*node{}, services: map[string]*service{}, tasks: map[string]*task{},
		networks: map[string]*swarmNetwork{}, configs: map[string]*api.Config{}, secrets: map[string]*api.Secret{},
		restarts: map[string][]restartRecord{}, pulled: map[string]bool{},
	}
	c.token = api.JoinTokens{Worker: s.newToken(c.ca), Manager: s.newToken(c.ca)}
	c.info = api.ClusterInfo{
		ID: s.newID(), Spec: defaultClusterSpec(), TLSInfo: c.tls(),
		DefaultAddrPool: []string{"10.0.0.0/8"}, SubnetSize: 24, DataPathPort: 4789,
	}
	c.stamp(&c.info.Meta, true)
	return c
}

// defaultClusterSpec is what the engine stores when an init request names nothing.
func defaultClusterSpec() api.Spec {
	history, keep := int64(5), uint64(0)
	return api.Spec{
		Annotations:   api.Annotations{Name: "default", Labels: map[string]string{}},
		Orchestration: api.OrchestrationConfig{TaskHistoryRetentionLimit: &history},
		Raft: api.RaftConfig{
			SnapshotInterval: 10000, KeepOldSnapshots: &keep, LogEntriesForSlowFollowers: 500, ElectionTick: 10, HeartbeatTick: 1,
		},
		Dispatcher: api.DispatcherConfig{HeartbeatPeriod: 5 * time.Second},
		CAConfig:   api.CAConfig{NodeCertExpiry: 90 * 24 * time.Hour},
	}
}

// zeroClusterSpec is what a request that names nothing leaves of a specification where nothing takes a default.
func zeroClusterSpec() api.Spec {
	history, keep := int64(0), uint64(0)
	return api.Spec{
		Annotations:   api.Annotations{Name: "default", Labels: map[string]string{}},
		Orchestration: api.OrchestrationConfig{TaskHistoryRetentionLimit: &history},
		Raft:          api.RaftConfig{KeepOldSnapshots: &keep},
	}
}

func (c *cluster) tls() api.TLSInfo {
	body := base64.StdEncoding.EncodeToString([]byte("simulated root of " + c.ca))
	return api.TLSInfo{
		TrustRoot:           "-----BEGIN CERTIFICATE-----\n" + body + "\n-----END CERTIFICATE-----\n",
		CertIssuerSubject:   []byte("0\x131\x110\x0f\x06\x03U\x04\x03\x13\x08swarm-ca"),
		CertIssuerPublicKey: []byte(c.ca),
	}
}

// stamp gives an object the version and time of a write that is happening now.
func (c *cluster) stamp(m *api.Meta, created bool) {
	c.index++
	m.Version.Index = c.index
	m.UpdatedAt = c.world.now.UTC()
	if created {
		m.CreatedAt = m.UpdatedAt
	}
}

// settle lets every control loop run until none has anything left to do at this instant.
func (c *cluster) settle() {
	c.watchLeader()
	c.watchNodes()
	c.runAgents()
	if c.leader == "" {
		return
	}
	for range settleRounds {
		before := c.index
		c.reconcileRoles()
		c.enforceConstraints()
		if c.orchestrate(); c.panics() {
			return
		}
		c.startDelayed()
		c.schedule()
		c.attachNodes()
		c.runAgents()
		c.reap()
		if c.index == before {
			return
		}
	}
}

// settleRounds bounds settle. Every loop writes only when something changes, so a swarm of any size settles in a few rounds.
const settleRounds = 100

func (c *cluster) sortedNodes() []*node {
	return slices.SortedFunc(maps.Values(c.nodes), func(a, b *node) int { return compareText(a.ID, b.ID) })
}

func (c *cluster) sortedServices() []*service {
	return slices.SortedFunc(maps.Values(c.services), func(a, b *service) int { return compareText(a.ID, b.ID) })
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
