package dockerd

import (
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	api "github.com/docker/docker/api/types/swarm"
)

// Join makes the engine part of a swarm, as POST /swarm/join would; availability "" is active. Only the first of remotes is tried.
// While that one does not answer, the error is the engine's time-out and the attempt goes on in the background, as the real one's.
func (e *Engine) Join(token, availability string, remotes []string) error {
	e.world.lockForChange()
	defer e.world.unlock()
	return e.join(api.JoinRequest{
		JoinToken: token, Availability: api.NodeAvailability(availability), RemoteAddrs: remotes,
		ListenAddr: "0.0.0.0:" + raftPort, AdvertiseAddr: e.config.Addr,
	})
}

// Init makes the engine the first manager of a new swarm and returns its node id.
func (e *Engine) Init() (string, error) {
	e.world.lockForChange()
	defer e.world.unlock()
	return e.init(api.InitRequest{ListenAddr: "0.0.0.0:" + raftPort, AdvertiseAddr: e.config.Addr})
}

// Leave takes the engine out of its swarm. A manager is refused without force.
func (e *Engine) Leave(force bool) error {
	e.world.lockForChange()
	defer e.world.unlock()
	return e.leaveSwarm(force)
}

func (e *Engine) join(r api.JoinRequest) error {
	if e.cluster != nil || e.joining != nil {
		return errInSwarm
	}
	if err := validJoin(r); err != nil {
		return err
	}
	remote := e.world.managerAt(r.RemoteAddrs[0])
	if !e.reaches(remote) || remote.cluster == nil || remote.cluster.leader == "" {
		e.joining = &r
		e.retryJoin()
		return errJoinSlow
	}
	return e.enroll(remote.cluster, r)
}

var joinToken = regexp.MustCompile(`^SWMTKN-1-[0-9a-z]{50}-[0-9a-z]{25}$`)

func validJoin(r api.JoinRequest) error {
	if r.ListenAddr == "" {
		return badRequest(`invalid ListenAddr "": invalid empty address`)
	}
	if len(r.RemoteAddrs) == 0 {
		return badRequest("at least 1 RemoteAddr is required to join")
	}
	if slices.Contains(r.RemoteAddrs, "") {
		return badRequest(`invalid remoteAddr "": invalid empty address`)
	}
	if r.JoinToken != "" && !joinToken.MatchString(r.JoinToken) {
		return errTokenForm
	}
	return nil
}

// retryJoin goes on with a join whose remote did not answer.
func (e *Engine) retryJoin() {
	e.world.after(5*time.Second, "join/"+e.config.Name, func() {
		r := e.joining
		if r == nil || e.gone {
			return
		}
		e.joining = nil
		if e.up && e.join(*r) == nil {
			return
		}
		e.joining = r
		e.retryJoin()
	})
}

func (e *Engine) enroll(c *cluster, r api.JoinRequest) error {
	role := api.NodeRoleWorker
	switch r.JoinToken {
	case c.token.Worker:
	case c.token.Manager:
		role = api.NodeRoleManager
	default:
		if r.JoinToken != "" && !strings.HasPrefix(r.JoinToken, "SWMTKN-1-"+c.ca+"-") {
			root, _ := new(big.Int).SetString(strings.Split(r.JoinToken, "-")[2], 36)
			return &apiError{http.StatusInternalServerError, fmt.Sprintf("remote CA does not match fingerprint. Expected: %064x", root)}
		}
		return errBadToken
	}
	e.advertise = e.address(r.AdvertiseAddr)
	n := c.newNode(e, role, r.Availability)
	n.role = api.NodeRoleWorker
	c.world.after(c.world.opt.JoinTime, "ready/"+n.ID, func() { c.markReady(n) })
	return nil
}

// newNode stores a node for the engine, in state unknown and without a description until its agent reports.
func (c *cluster) newNode(e *Engine, role api.NodeRole, availability api.NodeAvailability) *node {
	if availability == "" {
		availability = api.NodeAvailabilityActive
	}
	n := &node{engine: e, role: role}
	n.ID = c.world.newID()
	n.Spec = api.NodeSpec{Annotations: api.Annotations{Labels: map[string]string{}}, Role: role, Availability: availability}
	n.Status = api.NodeStatus{State: api.NodeStateUnknown, Addr: e.advertise}
	c.nodes[n.ID] = n
	e.cluster, e.nodeID = c, n.ID
	e.addGateway()
	c.stamp(&n.Meta, true)
	c.publish(nodeEvent("create", n, nil, c.world.now))
	return n
}

func (e *Engine) init(r api.InitRequest) (string, error) {
	if (e.cluster != nil || e.joining != nil) && !r.ForceNewCluster {
		return "", errInSwarm
	}
	if e.cluster != nil {
		return e.forceNewCluster()
	}
	if r.ListenAddr == "" {
		return "", badRequest(`invalid ListenAddr "": invalid empty address`)
	}
	if host := e.address(r.ListenAddr); !slices.Contains([]string{"0.0.0.0", "127.0.0.1", e.config.Addr}, host) {
		return "", &apiError{http.StatusInternalServerError, "manager stopped: failed to listen on remote API address: listen tcp " +
			net.JoinHostPort(host, raftPort) + ": bind: cannot assign requested address"}
	}
	for _, pool := range r.DefaultAddrPool {
		if _, err := netip.ParsePrefix(pool); err != nil {
			return "", badRequest("invalid CIDR address: %s", pool)
		}
	}
	e.advertise = e.address(r.AdvertiseAddr)
	c := newCluster(e.world)
	if len(r.DefaultAddrPool) > 0 {
		c.info.DefaultAddrPool = r.DefaultAddrPool
	}
	if r.SubnetSize > 0 {
		c.info.SubnetSize = r.SubnetSize
	}
	mergeClusterSpec(&c.info.Spec, r.Spec)
	c.info.Spec.EncryptionConfig.AutoLockManagers = r.Spec.EncryptionConfig.AutoLockManagers || r.AutoLockManagers
	c.lock(false)
	e.world.clusters = append(e.world.clusters, c)
	n := c.newNode(e, api.NodeRoleManager, r.Availability)
	c.addMember(n)
	c.leader = n.ID
	c.createFirstNetworks()
	c.markReady(n)
	return n.ID, nil
}

// forceNewCluster makes the engine the only member of the swarm that it is in. The entries of the others stay as they are: those that were managers are
// no members any more, and become members again when their machine is back (seen on 26.1: two that had been off were reachable managers after a minute,
// and one that had been cut off). The containers of its own tasks are taken away, and others begin (seen on 26.1); those on workers go on.
func (e *Engine) forceNewCluster() (string, error) {
	c := e.cluster
	n := c.nodes[e.nodeID]
	if n == nil || c.member(e.nodeID) == nil {
		return "", errWorker
	}
	c.members = []*member{c.member(e.nodeID)}
	c.lead(n.ID)
	c.markReady(n)
	for _, t := range c.ordered {
		if t.NodeID == n.ID && t.Status.State == api.TaskStateRunning && t.wanted() {
			c.setTask(t, api.TaskStateFailed, "started", "No such container: "+t.serviceName+"."+t.slotKey()+"."+t.ID)
		}
	}
	return n.ID, nil
}

func (e *Engine) leaveSwarm(force bool) error {
	c := e.cluster
	if c == nil && e.joining == nil {
		return errNoSwarm
	}
	if c != nil && c.member(e.nodeID) != nil && !force {
		return unavailable(c.leaveWarning())
	}
	e.joining = nil
	e.world.queue.cancel("join/" + e.config.Name)
	e.cluster, e.nodeID, e.advertise = nil, "", ""
	return nil
}

func (c *cluster) leaveWarning() string {
	text := "You are attempting to leave the swarm on a node that is participating as a manager. "
	reachable, all := 0, len(c.members)
	for _, m := range c.members {
		reachable += btoi(c.reachable(m))
	}
	switch {
	case c.leader == "":
		text += "Doing so may lose the consensus of your cluster. "
	case all == 1:
		return text + "Removing the last manager erases all current state of the swarm. Use `--force` to ignore this message. "
	case reachable-2 < all/2:
		text += fmt.Sprintf("Removing this node leaves %d managers out of %d. "+
			"Without a Raft quorum your swarm will be inaccessible. ", reachable-1, all)
	}
	return text + "The only way to restore a swarm that has lost consensus is to reinitialize it with `--force-new-cluster`. " +
		"Use `--force` to suppress this message."
}

// managerAt returns the engine that answers at host[:port], nil if none has this address.
func (s *Swarm) managerAt(addr string) *Engine {
	host, _, err := net.SplitHostPort(strings.TrimPrefix(addr, "tcp://"))
	if err != nil {
		host = addr
	}
	for _, e := range s.engines {
		if e.config.Addr == host && e.cluster != nil && e.cluster.member(e.nodeID) != nil {
			return e
		}
	}
	return nil
}

// address is the host part of an advertise address. An interface name or nothing means the machine's own.
func (e *Engine) address(advertise string) string {
	host, _, err := net.SplitHostPort(advertise)
	if err != nil {
		host = advertise
	}
	if net.ParseIP(host) == nil {
		return e.config.Addr
	}
	return host
}
