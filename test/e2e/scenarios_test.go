//go:build linux

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/client"

	"github.com/swarmd/swarmd/pkg/lab"
	"github.com/swarmd/swarmd/pkg/sim/docean"
)

// stage is a cluster under test.
type stage struct {
	*bench
	want    want
	first   lab.Droplet    // the first manager
	docker  *client.Client // the first manager's engine
	foreign int            // a droplet with the cluster's tag that is not the cluster's
}

func (s *stage) file() string { return s.write("shop.yaml", s.want.yaml(s.state.SSHKeyID)) }

// apply hands the file in and follows until it is true.
func (s *stage) apply() { s.Helper(); s.must(s.host, "apply", "-f", s.file(), "--timeout", "5m") }

// nextToken is another token of the account, that comes after the first.
const nextToken = "the-next-token-8f3a61c05d"

func TestScenarios(t *testing.T) {
	b := newBench(t, func(o *docean.Options) { o.OtherTokens = append(o.OtherTokens, docean.Token{Secret: nextToken}) })
	s := &stage{bench: b, want: want{managers: 1, workers: 0}}
	steps := []struct {
		name string
		run  func(*stage)
	}{
		{"foreign droplet with the cluster's tag", (*stage).makeForeign},
		{"1 from nothing to three managers and three workers", (*stage).fromNothing},
		{"2 services", (*stage).services},
		{"a worker leaves and one comes, and never fewer tasks run", (*stage).moveWithoutLoss},
		{"3 workers leave", (*stage).workersLeave},
		{"a worker is resized in place", (*stage).resized},
		{"4 killed ten times", (*stage).killedTenTimes},
		{"5 the acting machine is cut off", (*stage).cutOff},
		{"6 the acting machine is destroyed, and a worker's", (*stage).machinesLost},
		{"7 a broken edit and a stale file", (*stage).brokenEdit},
		{"8 a forged label", (*stage).forgedLabel},
		{"9 destroy", (*stage).destroy},
	}
	for _, step := range steps {
		began := time.Now()
		if !t.Run(step.name, func(sub *testing.T) {
			s.T = sub
			defer func() { s.T = t }()
			step.run(s)
			s.foreignUntouched()
			s.complaints(began)
		}) {
			t.Fatal("the scenarios build on each other: stopped")
		}
		t.Logf("%s: %v", step.name, time.Since(began).Round(100*time.Millisecond))
	}
}

// makeForeign orders a droplet with the cluster's tag past swarmd, as somebody else would.
func (s *stage) makeForeign() { s.foreign = s.order("shop-jumphost", "swarmd:shop") }

// complaints shows what the daemons warned of since then; it asserts only that none panicked.
func (s *stage) complaints(since time.Time) {
	s.Helper()
	for _, d := range s.droplets("shop-managers-") {
		out, _ := s.lab.Exec(s.Context(), d.ID, "sh", "-c", fmt.Sprintf(
			`for c in $(docker ps -aq --filter name=swarmd-shop); do docker logs --since %d $c 2>&1; done | grep -E '"level":"(warn|error|panic)"' | tail -n 12`, since.Unix()))
		if out != "" {
			s.Logf("%s complained:\n%s", d.Name, out)
		}
		if strings.Contains(out, "panic") {
			s.Errorf("swarmd panicked on %s", d.Name)
		}
	}
}

func (s *stage) foreignUntouched() {
	s.Helper()
	for _, d := range s.lab.Status().Droplets {
		if d.ID == s.foreign {
			if d.State != "active" && d.State != "new" {
				s.Errorf("the foreign droplet is %s", d.State)
			}
			return
		}
	}
	s.Errorf("the foreign droplet is gone")
}

func (s *stage) fromNothing() {
	s.must("", "bootstrap", "-f", s.file())
	managers := s.droplets("shop-managers-")
	if len(managers) != 1 {
		s.Fatalf("%d managers after bootstrap, want 1", len(managers))
	}
	s.first = managers[0]
	s.host, s.docker = "ssh://root@"+s.first.Public, s.bench.engine(s.first.ID)
	before := s.service("swarmd-shop")
	if out := s.must("", "bootstrap", "-f", s.file()); !strings.Contains(out, "already there") {
		s.Errorf("a second bootstrap does not say that the cluster is there")
	}
	if after := s.service("swarmd-shop"); after.Version != before.Version {
		s.Errorf("a second bootstrap wrote swarmd's service: version %d → %d", before.Version.Index, after.Version.Index)
	}
	s.anotherToken(before)
	s.want.managers, s.want.workers = 3, 3
	s.apply()
	s.wholeAndQuiet(3, 3)
	s.until("a swarmd on each manager", time.Minute, func() (bool, string) {
		n := len(s.running(s.docker, "swarmd-shop"))
		return n == 3, fmt.Sprint(n)
	})
	s.nothingButTheLease()
	s.foreignMarks()
}

// service is a service as the engine has it.
func (s *stage) service(name string) swarm.Service {
	s.Helper()
	service, _, err := s.docker.ServiceInspectWithRaw(s.Context(), name, swarm.ServiceInspectOptions{})
	if err != nil {
		s.Fatal(err)
	}
	return service
}

// anotherToken runs bootstrap with another token of the account: swarmd works with it from then on, and the old one is nowhere any more.
func (s *stage) anotherToken(before swarm.Service) {
	s.Helper()
	s.state.Token = nextToken
	was := before.Spec.TaskTemplate.ContainerSpec.Secrets[0].SecretName
	if out := s.must("", "bootstrap", "-f", s.file()); !strings.Contains(out, "the secret "+was+" was removed") {
		s.Errorf("a bootstrap with another token does not say that it removed %s", was)
	}
	secrets, err := s.docker.SecretList(s.Context(), swarm.SecretListOptions{})
	var names []string
	for _, secret := range secrets {
		names = append(names, secret.Spec.Name)
	}
	slices.Sort(names)
	if now := s.service("swarmd-shop").Spec.TaskTemplate.ContainerSpec.Secrets[0].SecretName; err != nil || now == was || !slices.Equal(names, []string{"swarmd.shop.read-token", now}) {
		s.Errorf("secrets %q, swarmd has %s, it had %s: %v", names, now, was, err)
	}
	out, err := s.lab.Exec(s.Context(), s.first.ID, "sh", "-c", `cat /proc/$(docker inspect -f '{{.State.Pid}}' $(docker ps -q --filter name=swarmd-shop))/root/run/secrets/digitalocean-token`)
	if err != nil || out != nextToken {
		s.Errorf("swarmd's token is another one (%d bytes): %v", len(out), err)
	}
}

// wholeAndQuiet asserts that the swarm has exactly these nodes, all as the file wants them.
func (s *stage) wholeAndQuiet(managers, workers int) {
	s.Helper()
	nodes := s.nodes(s.docker)
	if len(nodes) != managers+workers {
		s.Errorf("%d nodes, want %d", len(nodes), managers+workers)
	}
	for name, n := range nodes {
		pool := n.Spec.Labels["swarmd.pool"]
		if n.Status.State != swarm.NodeStateReady || n.Spec.Availability != swarm.NodeAvailabilityActive || n.Spec.Labels["swarmd.droplet"] == "" {
			s.Errorf("node %s: %s, %s, labels %v", name, n.Status.State, n.Spec.Availability, n.Spec.Labels)
		}
		if (n.ManagerStatus != nil) != (pool == "managers") || (n.Spec.Labels["zone"] == "lab") != (pool == "workers") {
			s.Errorf("node %s of pool %q: manager %v, labels %v", name, pool, n.ManagerStatus != nil, n.Spec.Labels)
		}
	}
	if got := len(s.droplets("shop-managers-")) + len(s.droplets("shop-workers-")); got != managers+workers {
		s.Errorf("%d droplets of the cluster, want %d", got, managers+workers)
	}
}

// foreignMarks puts a label on a node and a service into the swarm that are nobody's business of swarmd.
func (s *stage) foreignMarks() {
	s.Helper()
	for _, n := range s.nodes(s.docker) {
		if n.ID == s.nodes(s.docker)[s.first.Name].ID {
			n.Spec.Labels["somebody.else"] = "wrote this"
			if err := s.docker.NodeUpdate(s.Context(), n.ID, n.Version, n.Spec); err != nil {
				s.Fatal(err)
			}
		}
	}
	one := uint64(1)
	_, err := s.docker.ServiceCreate(s.Context(), swarm.ServiceSpec{Annotations: swarm.Annotations{Name: "foreign"},
		TaskTemplate: swarm.TaskSpec{ContainerSpec: &swarm.ContainerSpec{Image: webImage + ":1"}}, Mode: swarm.ServiceMode{Replicated: &swarm.ReplicatedService{Replicas: &one}}}, swarm.ServiceCreateOptions{})
	if err != nil {
		s.Fatal(err)
	}
}

func (s *stage) foreignMarksUntouched() {
	s.Helper()
	if got := s.nodes(s.docker)[s.first.Name].Spec.Labels["somebody.else"]; got != "wrote this" {
		s.Errorf("the foreign label is %q", got)
	}
	if len(s.running(s.docker, "foreign")) != 1 {
		s.Errorf("the foreign service does not run")
	}
}

func (s *stage) services() {
	s.want.web, s.want.webReplicas = "1", 4
	s.apply()
	s.answers(4, "v1")
	s.want.webReplicas, s.want.queue = 6, "1"
	s.apply()
	s.answers(6, "v1")
	s.pinned("shop_web")
	s.rollsInOrder()
	s.putBack()
	s.want.queue = ""
	s.apply()
	s.until("the removed service is gone", 30*time.Second, func() (bool, string) {
		_, _, err := s.docker.ServiceInspectWithRaw(s.Context(), "shop_queue", swarm.ServiceInspectOptions{})
		return cerrdefs.IsNotFound(err), fmt.Sprint(err)
	})
	s.foreignMarksUntouched()
}

// answers asks every node that runs a task of web for its page.
func (s *stage) answers(n int, version string) {
	s.Helper()
	s.until(fmt.Sprintf("web answers %s on %d nodes", version, n), time.Minute, func() (bool, string) {
		byID := map[string]string{}
		for name, node := range s.nodes(s.docker) {
			byID[node.ID] = name
		}
		good, last := 0, ""
		for _, task := range s.running(s.docker, "shop_web") {
			for _, d := range s.droplets(byID[task.NodeID]) {
				body, err := s.get(d.Public, 8080, "/")
				if err == nil && strings.HasPrefix(body, version+" ") {
					good++
				}
				last = fmt.Sprintf("%q %v", body, err)
			}
		}
		return good == n, fmt.Sprintf("%d good, last %s", good, last)
	})
}

// pinned asserts that the service runs one digest, the registry's: a scale did not ask for another.
func (s *stage) pinned(service string) {
	s.Helper()
	svc := s.service(service)
	if image := svc.Spec.TaskTemplate.ContainerSpec.Image; !strings.HasPrefix(image, webImage+":1@sha256:") {
		s.Errorf("%s runs %s, want a digest", service, image)
	}
	for _, task := range s.running(s.docker, service) {
		if task.Spec.ContainerSpec.Image != svc.Spec.TaskTemplate.ContainerSpec.Image {
			s.Errorf("a task runs %s", task.Spec.ContainerSpec.Image)
		}
	}
}

// rollsInOrder changes both images and watches: web never has more tasks than wanted (stop-first), queue never fewer (start-first).
func (s *stage) rollsInOrder() {
	s.Helper()
	stop, watched := make(chan struct{}), make(chan [2]int)
	go func() {
		webMost, queueLeast := 0, 99
		for {
			select {
			case <-stop:
				watched <- [2]int{webMost, queueLeast}
				return
			case <-time.After(100 * time.Millisecond):
				if web := len(s.running(s.docker, "shop_web")); web > webMost {
					webMost = web
				}
				if queue := len(s.running(s.docker, "shop_queue")); queue > 0 && queue < queueLeast {
					queueLeast = queue
				}
			}
		}
	}()
	s.want.web, s.want.queue = "2", "2"
	s.apply()
	close(stop)
	got := <-watched
	if got[0] > 6 || got[1] < 6 {
		s.Errorf("during the roll-out web had up to %d tasks (want at most 6), queue down to %d (want at least 6)", got[0], got[1])
	}
	s.answers(6, "v2")
}

// putBack scales by hand and waits for swarmd to put it back.
func (s *stage) putBack() {
	s.Helper()
	svc := s.service("shop_web")
	two := uint64(2)
	svc.Spec.Mode.Replicated.Replicas = &two
	if _, err := s.docker.ServiceUpdate(s.Context(), svc.ID, svc.Version, svc.Spec, swarm.ServiceUpdateOptions{}); err != nil {
		s.Fatal(err)
	}
	s.until("scaled by hand, put back", time.Minute, func() (bool, string) {
		svc, _, err := s.docker.ServiceInspectWithRaw(s.Context(), "shop_web", swarm.ServiceInspectOptions{})
		return err == nil && *svc.Spec.Mode.Replicated.Replicas == 6 && len(s.running(s.docker, "shop_web")) == 6, fmt.Sprint(err)
	})
}

func (s *stage) workersLeave() {
	s.want.workers, s.want.webReplicas = 1, 3
	s.apply()
	s.wholeAndQuiet(3, 1)
	s.foreignMarksUntouched()
}

// brokenEdit: with the service the file arrives by apply, so a broken one is refused there, and a stale one is told by status.
func (s *stage) brokenEdit() {
	before := s.status(s.host).Revision
	s.write("broken.yaml", strings.Replace(s.want.yaml(s.state.SSHKeyID), "replicas:", "replicsa:", 1))
	out, code := s.swarmd(s.host, "apply", "-f", s.dir+"/broken.yaml")
	if code != 1 || !strings.Contains(out, "broken.yaml:") || !strings.Contains(out, "replicas") {
		s.Errorf("exit %d, want 1 and one clear error with the nearest key", code)
	}
	if after := s.status(s.host).Revision; after != before {
		s.Errorf("revision %d → %d by a broken edit", before, after)
	}
	old, err := os.ReadFile(s.file())
	if err != nil {
		s.Fatal(err)
	}
	s.want.webReplicas = 2
	s.apply()
	s.write("stale.yaml", string(old))
	if out, _ := s.swarmd(s.host, "status", "-f", s.dir+"/stale.yaml"); !strings.Contains(out, "stale") {
		s.Errorf("status does not say that the file is stale")
	}
	if n := len(s.running(s.docker, "shop_web")); n != 2 {
		s.Errorf("%d tasks of web, want 2", n)
	}
}

// forgedLabel lets a worker claim a manager's droplet.
func (s *stage) forgedLabel() {
	workers, managers := s.droplets("shop-workers-"), s.droplets("shop-managers-")
	before := len(s.lab.Status().Droplets)
	forge := fmt.Sprintf(`sed -i 's/swarmd.droplet=[0-9]*/swarmd.droplet=%d/' /etc/docker/daemon.json && systemctl reload docker`, managers[0].ID)
	if out, err := s.lab.Exec(s.Context(), workers[0].ID, "sh", "-c", forge); err != nil {
		s.Fatalf("%v: %s", err, out)
	}
	s.until("the forged label is reported", 90*time.Second, func() (bool, string) {
		out, _ := json.Marshal(s.statusQuiet().Holds)
		return strings.Contains(string(out), "identity"), string(out)
	})
	if after := len(s.lab.Status().Droplets); after != before {
		s.Errorf("%d droplets → %d", before, after)
	}
	undo := strings.Replace(forge, fmt.Sprintf("=%d/", managers[0].ID), fmt.Sprintf("=%d/", workers[0].ID), 1)
	if out, err := s.lab.Exec(s.Context(), workers[0].ID, "sh", "-c", undo); err != nil {
		s.Fatalf("%v: %s", err, out)
	}
	s.until("the label is right again", 90*time.Second, func() (bool, string) { r := s.statusQuiet(); return r.Converged, r.Result })
}

func (s *stage) destroy() {
	if _, code := s.swarmd(s.host, "destroy", "-f", s.file(), "--confirm", "shap"); code != 1 {
		s.Errorf("destroy with a wrong name: exit %d", code)
	}
	if len(s.droplets("shop-managers-")) != 3 {
		s.Fatalf("managers are gone without a confirmation")
	}
	s.must(s.host, "destroy", "-f", s.file(), "--confirm", "shop")
	if left := append(s.droplets("shop-managers-"), s.droplets("shop-workers-")...); len(left) > 0 {
		s.Errorf("left: %v", left)
	}
	saved, _ := os.ReadDir(s.dir + "/state")
	found := false
	for _, f := range saved {
		found = found || strings.Contains(f.Name(), "destroy")
	}
	if !found {
		s.Errorf("no list of ids was saved")
	}
}
