//go:build linux

package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/client"
)

// TestWorlds lets swarmd wake up in worlds in which it must not take what it sees for its own: an engine of another swarm, a second cluster of
// the same name in the account, a swarm restored from an older backup; and it edits the roles of pools, which must not cost a member of Raft.
func TestWorlds(t *testing.T) {
	b := newBench(t)
	s := &stage{bench: b, want: want{managers: 1, workers: 2}}
	for _, step := range []struct {
		name string
		run  func(*stage)
	}{
		{"1 an engine of another swarm", (*stage).anotherSwarm},
		{"2 a second cluster of the name", (*stage).secondCluster},
		{"3 restored from an older backup", (*stage).olderBackup},
		{"4 pools change their roles", (*stage).rolesChange},
		{"5 destroy without a living swarm", (*stage).destroyTheDead},
	} {
		began := time.Now()
		if !t.Run(step.name, func(sub *testing.T) {
			s.T = sub
			defer func() { s.T = t }()
			step.run(s)
		}) {
			t.Fatal("the worlds build on each other: stopped")
		}
		t.Logf("%s: %v", step.name, time.Since(began).Round(100*time.Millisecond))
	}
}

// ids are those of the lab's droplets whose names begin so.
func (s *stage) ids(prefix string) map[int]string {
	out := map[int]string{}
	for _, d := range s.droplets(prefix) {
		out[d.ID] = d.Name
	}
	return out
}

// stay fails unless all of these droplets are there still.
func (s *stage) stay(was map[int]string) {
	s.Helper()
	now := s.ids("")
	for id, name := range was {
		if now[id] != name {
			s.Errorf("%s (droplet %d) is gone", name, id)
		}
	}
}

// laptop is a droplet with a swarm of its own that is nobody's business of the cluster.
func (s *stage) laptop() string {
	s.Helper()
	id := s.order("laptop", "somebodys")
	var host string
	s.until("the laptop's engine is up", 2*time.Minute, func() (bool, string) {
		d := s.droplets("laptop")[0]
		host = "ssh://root@" + d.Public
		out, err := s.lab.Exec(s.Context(), id, "sh", "-ec", "cloud-init status --wait; docker swarm init --advertise-addr "+d.Private)
		return err == nil || strings.Contains(out, "already part of a swarm"), out
	})
	return host
}

func (s *stage) anotherSwarm() {
	s.must("", "bootstrap", "-f", s.file())
	s.first = s.droplets("shop-managers-")[0]
	s.host, s.docker = "ssh://root@"+s.first.Public, s.bench.engine(s.first.ID)
	s.wholeAndQuiet(1, 2)
	was, file := s.ids("shop-"), s.want
	s.want.workers = 1
	laptop := s.laptop()
	out, code := s.swarmd(laptop, "apply", "-f", s.file(), "--timeout", "1m")
	if code == 0 || !strings.Contains(out, "none of its nodes") || !strings.Contains(out, "--take-over") {
		s.Errorf("apply on an engine of another swarm: exit %d, want a refusal that names --take-over", code)
	}
	s.stay(was)
	s.host, s.want = laptop, file
}

// secondCluster lets the cluster begin in the laptop's swarm, too, and takes it away again.
func (s *stage) secondCluster() {
	first, was := "ssh://root@"+s.first.Public, s.ids("")
	s.want.workers = 1
	s.must(s.host, "apply", "-f", s.file(), "--take-over", "--timeout", "5m")
	s.stay(was)
	made := s.ids("shop-")
	maps.DeleteFunc(made, func(id int, _ string) bool { return was[id] != "" })
	if len(made) != 2 {
		s.Errorf("the second cluster made %v, want a manager and a worker", made)
	}
	// Whose a droplet is the tags say, so with two swarms of a name a person has to say which one goes.
	if out, code := s.swarmd("", "destroy", "-f", s.file(), "--confirm", "shop"); code == 0 || !strings.Contains(out, "--swarm") {
		s.Errorf("destroy with two swarms of the name: exit %d", code)
	}
	s.stay(made)
	info, err := s.bench.engine(slices.Collect(maps.Keys(s.ids("laptop")))[0]).Info(s.Context())
	if err != nil || info.Swarm.Cluster == nil {
		s.Fatal("the laptop's swarm: ", err)
	}
	s.must(s.host, "destroy", "-f", s.file(), "--confirm", "shop", "--swarm", info.Swarm.Cluster.ID)
	s.stay(was)
	for id, name := range made {
		if s.ids("")[id] != "" {
			s.Errorf("%s of the second cluster is left", name)
		}
	}
	s.host, s.want.workers = first, 2
	s.wholeAndQuiet(1, 2)
}

// olderBackup puts the only manager's store back to what it was before a worker was added.
func (s *stage) olderBackup() {
	exec := func(script string) {
		s.Helper()
		if out, err := s.lab.Exec(s.Context(), s.first.ID, "sh", "-ec", script); err != nil {
			s.Fatalf("%s: %v\n%s", script, err, out)
		}
	}
	back := func() {
		s.until("the engine is back", time.Minute, func() (bool, string) { _, err := s.docker.Info(s.Context()); return err == nil, fmt.Sprint(err) })
	}
	exec("systemctl stop docker.socket docker; tar -C /var/lib/docker -cf /root/swarm.tar swarm; systemctl start docker")
	back()
	s.until("swarmd is whole again", 2*time.Minute, func() (bool, string) { r := s.statusQuiet(); return r.Converged, r.Result + " " + r.Error })
	known := s.ids("shop-")
	s.want.workers = 3
	s.apply()
	was := s.ids("shop-")
	if len(was) != len(known)+1 {
		s.Fatalf("%v, want one more than %v", was, known)
	}
	exec("systemctl stop docker.socket docker; rm -rf /var/lib/docker/swarm; tar -C /var/lib/docker -xf /root/swarm.tar; systemctl start docker")
	back()
	s.want.workers = 2
	s.held(was, known)
}

// held waits until swarmd has looked at the world for half a minute since it first held the droplets that the swarm does not know.
func (s *stage) held(was, known map[int]string) {
	s.Helper()
	var since time.Time
	s.until("the newer worker is held, and stays so", 3*time.Minute, func() (bool, string) {
		s.stay(was)
		r, seen := s.statusQuiet(), false
		for _, h := range r.Holds {
			for id, name := range was {
				seen = seen || known[id] == "" && h.Guard == "node-removed" && strings.Contains(h.Object+h.Text, name)
			}
		}
		switch {
		case !seen || r.Revision != 1:
			since = time.Time{}
		case since.IsZero():
			since = r.At
		}
		return !since.IsZero() && r.At.Sub(since) > 30*time.Second, fmt.Sprintf("revision %d, %s %s, holds %+v", r.Revision, r.Result, r.Error, r.Holds)
	})
	if n := len(s.nodes(s.docker)); n != 3 {
		s.Errorf("%d nodes, want the 3 of the backup", n)
	}
	for id := range was { // as the hold says
		if known[id] == "" {
			if code := s.cloud(http.MethodDelete, fmt.Sprintf("/v2/droplets/%d", id), nil, nil); code != http.StatusNoContent {
				s.Errorf("delete droplet %d: %d", id, code)
			}
		}
	}
	s.until("nothing is held", 2*time.Minute, func() (bool, string) { r := s.statusQuiet(); return r.Converged, fmt.Sprint(r.Result, r.Holds) })
}

// members watches the members of Raft through whichever of the engines answers; the returned function tells how few there were.
func (s *stage) members(engines []*client.Client) func() int {
	least := 99
	stop := s.watchNodes(engines, func(nodes []swarm.Node) {
		n := 0
		for _, node := range nodes {
			if member(node) {
				n++
			}
		}
		least = min(least, n)
	})
	return func() int { stop(); return least }
}

// watchNodes lists the nodes ten times a second through the first of the engines that answers, until the returned function is called.
func (s *stage) watchNodes(engines []*client.Client, see func([]swarm.Node)) (stop func()) {
	stopped := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		for {
			for _, c := range engines {
				if nodes, err := c.NodeList(s.Context(), swarm.NodeListOptions{}); err == nil {
					see(nodes)
					break
				}
			}
			select {
			case <-stopped:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
	return func() { close(stopped); watch.Wait() }
}

// rolesChange makes the managers' pool one of workers and a new pool the managers'.
func (s *stage) rolesChange() {
	s.want.managers, s.want.workers = 3, 1
	s.apply()
	var engines []*client.Client
	for _, d := range s.droplets("shop-managers-") {
		engines = append(engines, s.bench.engine(d.ID))
	}
	s.want.masters = 3
	least := s.members(engines)
	// The manager that is asked becomes a worker, so swarmd on the managers has to go on alone.
	out, _ := s.swarmd(s.host, "apply", "-f", s.file(), "--timeout", "10s")
	if !strings.Contains(out, "pool managers is to have workers") {
		s.Errorf("apply does not say what the change of roles means")
	}
	s.until("three machines for the new pool", 2*time.Minute, func() (bool, string) { n := len(s.droplets("shop-masters-")); return n == 3, fmt.Sprint(n) })
	masters := s.droplets("shop-masters-")
	s.host = "ssh://root@" + masters[0].Public
	s.until("all is as the file wants it", 5*time.Minute, func() (bool, string) {
		r := s.statusQuiet()
		return r.Converged, fmt.Sprint(r.Result, r.Error, r.Holds)
	})
	if n := least(); n < 3 {
		s.Errorf("%d members of Raft while the roles changed, want never fewer than 3", n)
	}
	managers := 0
	for _, n := range s.nodes(s.bench.engine(masters[0].ID)) {
		if n.ManagerStatus != nil {
			managers++
			if n.Spec.Labels["swarmd.pool"] != "masters" {
				s.Errorf("%s of pool %s is a manager", n.Description.Hostname, n.Spec.Labels["swarmd.pool"])
			}
		}
	}
	if managers != 3 {
		s.Errorf("%d managers, want 3", managers)
	}
}

// destroyTheDead cuts all machines off and takes them away by their tags alone.
func (s *stage) destroyTheDead() {
	for id := range s.ids("shop-") {
		if err := s.lab.CutLink(s.Context(), id); err != nil {
			s.Fatal(err)
		}
	}
	s.must("", "destroy", "-f", s.file(), "--confirm", "shop")
	if left := s.ids("shop-"); len(left) > 0 {
		s.Errorf("left: %v", left)
	}
	if len(s.ids("laptop")) != 1 {
		s.Error("the laptop is gone")
	}
}
