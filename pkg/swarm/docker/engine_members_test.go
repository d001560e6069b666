package docker

import (
	"context"
	"encoding/json"
	"time"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/mount"
	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/internal/clock"
	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// plain is the least service that an engine takes. It runs nothing: no node fits it.
func plain(name string) swarm.ServiceSpec {
	none := uint64(0)
	raw, err := json.Marshal(api.ServiceSpec{
		Annotations:  api.Annotations{Name: name},
		TaskTemplate: api.TaskSpec{ContainerSpec: &api.ContainerSpec{Image: "app:1"}},
		Mode:         api.ServiceMode{Replicated: &api.ReplicatedService{Replicas: &none}},
	})
	if err != nil {
		panic(err)
	}
	return swarm.ServiceSpec{Name: name, Image: "app:1", Base: swarm.NewBase(nil, raw, swarm.Pin{})}
}

// edited is the specification with other bytes to send.
func edited(s swarm.ServiceSpec, f func(*api.ServiceSpec)) swarm.ServiceSpec {
	var spec api.ServiceSpec
	if err := json.Unmarshal(s.Base.Raw(), &spec); err != nil {
		panic(err)
	}
	f(&spec)
	out, err := json.Marshal(spec)
	if err != nil {
		panic(err)
	}
	s.Base = swarm.NewBase(nil, out, swarm.Pin{})
	return s
}

func tmpfs(target string) mount.Mount { return mount.Mount{Type: mount.TypeTmpfs, Target: target} }

func (s *scene) node(i int) swarm.Node {
	s.t.Helper()
	nodes, err := s.hosts[0].Nodes(s.ctx())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, n := range nodes {
		if n.Addr == s.addrs[i] || (n.Manager != nil && n.Manager.Addr == s.addrs[i]+":2377") {
			return n
		}
	}
	s.t.Fatalf("no node at %s: %+v", s.addrs[i], nodes)
	return swarm.Node{}
}

func (s *scene) setRole(i int, role swarm.Role) error {
	n := s.node(i)
	n.Spec.Role = role
	return s.hosts[0].UpdateNode(s.ctx(), n.ID, n.Version, n.Spec)
}

// until waits for a node to be so; the engines are real, so is their time.
func (s *scene) until(i int, what string, ok func(swarm.Node) bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.ctx(), time.Minute)
	defer cancel()
	for !ok(s.node(i)) {
		if clock.Sleep(ctx, 200*time.Millisecond) != nil {
			s.t.Fatalf("node %d is not %s: %+v", i, what, s.node(i))
		}
	}
}

func (s *scene) join(i int) error {
	cluster, err := s.hosts[0].Cluster(s.ctx())
	if err != nil {
		s.t.Fatal(err)
	}
	return s.raw(s.hosts[i], func(ctx context.Context) error {
		return s.hosts[i].api.SwarmJoin(ctx, api.JoinRequest{ListenAddr: s.addrs[i], AdvertiseAddr: s.addrs[i], DataPathAddr: s.addrs[i],
			RemoteAddrs: []string{s.addrs[0]}, JoinToken: cluster.WorkerToken})
	})
}

// nodes has the refusals of a swarm of one.
func (s *scene) nodes() {
	c, self := s.hosts[0], s.node(0)
	s.refused("node at a stale version", true, apierr.Conflict, c.UpdateNode(s.ctx(), self.ID, 1, self.Spec))
	s.refused("node not there, update", true, apierr.NotFound, c.UpdateNode(s.ctx(), "nothere", 1, self.Spec))
	s.refused("node not there, remove", true, apierr.NotFound, c.RemoveNode(s.ctx(), "nothere"))
	s.refused("remove the only manager", true, apierr.Precondition, c.RemoveNode(s.ctx(), self.ID))
	s.refused("demote the only manager", true, apierr.Precondition, s.setRole(0, swarm.Worker))
	bad := self.Spec
	bad.Availability = "sometimes"
	s.refused("bad availability", true, apierr.Invalid, c.UpdateNode(s.ctx(), self.ID, self.Version, bad))
	s.refused("nodes by a filter that is none", false, apierr.Invalid, c.read(s.ctx(), "raw", func(ctx context.Context) error {
		_, err := c.api.NodeList(ctx, api.NodeListOptions{Filters: filters.NewArgs(filters.Arg("colour", "red"))})
		return err
	}))
	s.refused("leave as the only manager", true, apierr.Precondition, s.raw(c, func(ctx context.Context) error { return c.api.SwarmLeave(ctx, false) }))
}

// rotation replaces the worker token, and leaves all else of the swarm as it is.
func (s *scene) rotation() {
	c := s.hosts[0]
	was, err := c.Cluster(s.ctx())
	s.must("", err)
	s.refused("rotate at a stale version", true, apierr.Conflict, c.RotateWorkerToken(s.ctx(), was.Version-1, was.Spec))
	s.must("", c.RotateWorkerToken(s.ctx(), was.Version, was.Spec))
	now, err := c.Cluster(s.ctx())
	s.must("", err)
	if now.WorkerToken == was.WorkerToken || now.Version <= was.Version || string(now.Spec) != string(was.Spec) || now.ID != was.ID {
		s.t.Errorf("another token: %t; version %d, was %d; %s, was %s", now.WorkerToken != was.WorkerToken, now.Version, was.Version, now.Spec, was.Spec)
	}
}

// membership joins the two other engines, makes them managers and loses first one, then the quorum.
func (s *scene) membership() {
	c := s.hosts[0]
	for i := 1; i < 3; i++ {
		s.must("", s.join(i))
		s.until(i, "ready", func(n swarm.Node) bool { return n.State == swarm.NodeReady })
	}
	s.refused("join twice", true, apierr.Precondition, s.join(1))
	_, err := s.hosts[1].Nodes(s.ctx())
	s.refused("nodes of a worker", false, apierr.NotManager, err)
	_, err = s.hosts[1].CreateConfig(s.ctx(), "x", nil, []byte("x"))
	s.refused("config on a worker", true, apierr.NotManager, err)
	_, err = s.hosts[1].CreateNetwork(s.ctx(), swarm.NetworkSpec{Name: "x", Raw: []byte(`{"Driver":"overlay"}`)})
	s.refused("network on a worker", true, apierr.NotManager, err)
	s.refused("remove a worker that is ready", true, apierr.Precondition, c.RemoveNode(s.ctx(), s.node(1).ID))
	for i := 1; i < 3; i++ {
		s.must("", s.setRole(i, swarm.Manager))
		s.until(i, "reachable", func(n swarm.Node) bool { return n.Manager != nil && n.Manager.Reachability == "reachable" })
	}
	s.refused("remove a manager", true, apierr.Precondition, c.RemoveNode(s.ctx(), s.node(1).ID))
	s.must("", s.raw(s.hosts[2], func(ctx context.Context) error { return s.hosts[2].api.SwarmLeave(ctx, true) }))
	s.until(2, "unreachable", func(n swarm.Node) bool { return n.Manager != nil && n.Manager.Reachability == "unreachable" })
	s.refused("demote the second of three managers, the third is gone", true, apierr.Precondition, s.setRole(1, swarm.Worker))
	s.must("", s.raw(s.hosts[1], func(ctx context.Context) error { return s.hosts[1].api.SwarmLeave(ctx, true) }))
	s.noQuorum()
}

func (s *scene) noQuorum() {
	c := s.hosts[0]
	ctx, cancel := context.WithTimeout(s.ctx(), time.Minute)
	defer cancel()
	var err error
	for err == nil && clock.Sleep(ctx, 500*time.Millisecond) == nil {
		_, err = c.Nodes(ctx)
	}
	s.refused("nodes without a leader", false, apierr.NoLeader, err)
	_, err = c.CreateConfig(s.ctx(), "x", nil, []byte("x"))
	s.refused("config without a leader", true, apierr.NoLeader, err)
}
