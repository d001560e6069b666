//go:build linux

package e2e

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/client"

	"github.com/swarmd/swarmd/pkg/lab"
)

// cutOff takes the acting swarmd's machine off the network: another one must take over and carry on without a file of its own.
func (s *stage) cutOff() {
	acting := s.seenFromElsewhere()
	if err := s.lab.CutLink(s.Context(), acting.ID); err != nil {
		s.Fatal(err)
	}
	s.takenOver(acting)
	svc := s.service("shop_web")
	five := uint64(5)
	svc.Spec.Mode.Replicated.Replicas = &five
	if _, err := s.docker.ServiceUpdate(s.Context(), svc.ID, svc.Version, svc.Spec, swarm.ServiceUpdateOptions{}); err != nil {
		s.Fatal(err)
	}
	s.until("the new holder puts drift back", time.Minute, func() (bool, string) {
		svc, _, err := s.docker.ServiceInspectWithRaw(s.Context(), "shop_web", swarm.ServiceInspectOptions{})
		return err == nil && *svc.Spec.Mode.Replicated.Replicas == uint64(s.want.webReplicas), fmt.Sprint(err)
	})
	if err := s.lab.RestoreLink(s.Context(), acting.ID); err != nil {
		s.Fatal(err)
	}
	s.until("the machine is back and all is well", 3*time.Minute, func() (bool, string) {
		r := s.statusQuiet()
		return r.Converged, r.Result + " " + r.Error
	})
}

// seenFromElsewhere returns the machine that acts, and goes on looking through another manager.
func (s *stage) seenFromElsewhere() lab.Droplet {
	acting, ok := s.actingDroplet()
	if !ok {
		s.Fatal("nobody acts")
	}
	for _, d := range s.droplets("shop-managers-") {
		if d.ID != acting.ID {
			s.docker, s.host = s.bench.engine(d.ID), "ssh://root@"+d.Public
		}
	}
	return acting
}

// takenOver waits until another machine acts: within 45 s, or soon after the swarm has a leader again. Until Swarm has elected one, nobody can take a lease, and
// on a machine that is busy that alone may take most of a minute.
func (s *stage) takenOver(from lab.Droplet) {
	began, leaderless := time.Now(), time.Duration(0)
	took := s.until("another swarmd takes the lease", 2*time.Minute, func() (bool, string) {
		if _, err := s.docker.NodeList(s.Context(), swarm.NodeListOptions{}); err != nil {
			leaderless = time.Since(began)
		}
		d, ok := s.actingDroplet()
		return ok && d.ID != from.ID, d.Name
	})
	if most := max(45*time.Second, leaderless+15*time.Second); took > most {
		s.Errorf("the lease was taken after %v, want %v; there was no leader for %v", took, most, leaderless)
	}
}

// machinesLost destroys the acting swarmd's machine with its disk, and a worker's as soon as another swarmd acts, while clients ask every node. Both are
// replaced, and nobody else does anything.
func (s *stage) machinesLost() {
	s.want.webReplicas = s.want.managers + s.want.workers // one on each node, so that a lost node's task waits for the node that comes
	s.apply()
	s.answers(s.want.webReplicas, "v2")
	acting, all, workers := s.seenFromElsewhere(), slices.Concat(s.droplets("shop-managers-"), s.droplets("shop-workers-")), s.droplets("shop-workers-")
	gone := workers[0]
	others := slices.DeleteFunc(slices.Clone(all), func(d lab.Droplet) bool { return d.ID == acting.ID || d.ID == gone.ID })
	tasks, end, majority := s.tasksOn(others), s.stream(8080, all...), s.majority(acting)
	began := time.Now()
	s.destroyed(acting)
	s.takenOver(acting)
	r := s.workerLost(gone)
	s.until("all is well", 5*time.Minute, func() (bool, string) {
		r := s.statusQuiet()
		return r.Converged, r.Result + " " + r.Error
	})
	s.Logf("report: the acting swarmd's machine is destroyed and a worker's when another one acts: whole again after %.0f s, nothing done by hand", time.Since(began).Seconds())
	s.wholeAndQuiet(s.want.managers, s.want.workers)
	s.answers(s.want.webReplicas, "v2")
	s.onlyTheLostFail("two machines were lost and replaced", end(), others)
	if now := s.tasksOn(others); !maps.Equal(now, tasks) {
		s.Errorf("the tasks on the other nodes were %v and are %v", tasks, now)
	}
	if spare, looks := majority(); spare < 0 || looks < 10 {
		s.Errorf("in the worst of %d looks the managers that live were %d short of a majority", looks, -spare)
	}
	s.timely(r)
}

// longestPause is how long a node that is not lost may leave requests unanswered in time: this machine may be busy with booting others.
const longestPause = 10 * time.Second

// onlyTheLostFail judges what clients saw. Plain Swarm leaves the tasks on other nodes alone when a node is lost, so none of their requests is refused or
// broken off.
func (s *stage) onlyTheLostFail(when string, seen tallies, others []lab.Droplet) {
	s.Helper()
	var all tally
	for _, d := range others {
		one := seen.node[d.Name]
		all = tally{all.answered + one.answered, all.failed + one.failed, all.late + one.late, max(all.gap, one.gap)}
	}
	s.Logf("report: while %s, requests to the other nodes: %v", when, all)
	if all.answered == 0 || all.failed > all.late || all.gap > longestPause {
		s.Errorf("requests to nodes that were not lost were refused or long unanswered:\n%v", seen)
	}
}

// tasksOn are the ids of web's running tasks on these machines, by the machines' names.
func (s *stage) tasksOn(machines []lab.Droplet) map[string]string {
	s.Helper()
	nodes, out := s.nodes(s.docker), map[string]string{}
	for _, t := range s.running(s.docker, "shop_web") {
		for _, d := range machines {
			if nodes[d.Name].ID == t.NodeID {
				out[d.Name] = t.ID
			}
		}
	}
	return out
}

// majority watches the managers through those that are not lost; the returned function tells by how many those that live exceeded a majority in the worst
// of so many looks.
func (s *stage) majority(lost lab.Droplet) (end func() (spare, looks int)) {
	var engines []*client.Client
	for _, d := range s.droplets("shop-managers-") {
		if d.ID != lost.ID {
			engines = append(engines, s.bench.engine(d.ID))
		}
	}
	least, looks := 99, 0
	stop := s.watchNodes(engines, func(nodes []swarm.Node) { least, looks = min(least, spareManagers(nodes, lost.Name)), looks+1 })
	return func() (int, int) { stop(); return least, looks }
}

// spareManagers is by how many the managers that live exceed a majority: what happens to that is by somebody's hand, whatever Swarm reaches at the moment.
func spareManagers(nodes []swarm.Node, lost string) int {
	members, living := 0, 0
	for _, n := range nodes {
		if member(n) {
			members++
			if n.Description.Hostname != lost {
				living++
			}
		}
	}
	return living - (members/2 + 1)
}

// TestSpareManagers needs no machine.
func TestSpareManagers(t *testing.T) {
	of := func(names ...string) (nodes []swarm.Node) {
		for _, name := range names {
			n := swarm.Node{Description: swarm.NodeDescription{Hostname: name}, Spec: swarm.NodeSpec{Role: swarm.NodeRoleManager}, ManagerStatus: &swarm.ManagerStatus{}}
			nodes = append(nodes, n)
		}
		return append(nodes, swarm.Node{Spec: swarm.NodeSpec{Role: swarm.NodeRoleWorker}})
	}
	for _, c := range []struct {
		nodes []swarm.Node
		want  int
	}{{of("a", "b", "lost"), 0}, {of("a", "b"), 0}, {of("a", "b", "c"), 1}, {of("a", "lost"), -1}} {
		if got := spareManagers(c.nodes, "lost"); got != c.want {
			t.Errorf("%d, want %d: %+v", got, c.want, c.nodes)
		}
	}
}
