//go:build linux

package e2e

import (
	"fmt"
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/lab"
)

// recovery is what it took until another machine did the work of one that was lost.
type recovery struct {
	ordered time.Duration // from the loss until the other one was created
	whole   time.Duration // from the loss until the other one answered clients
	boot    time.Duration // the fastest of the run, from a machine's creation to its node
}

const (
	// goneRule is how long a droplet must not have existed in each look until it counts as gone: no detection can be faster.
	goneRule = time.Minute
	// mostOfTheLeast is how much of the least that is possible a recovery may take.
	mostOfTheLeast = 1.5
)

// ratio compares the recovery with the least that is possible: goneRule and one boot.
func (r recovery) ratio() float64 { return r.whole.Seconds() / (goneRule + r.boot).Seconds() }

func (r recovery) String() string {
	return fmt.Sprintf("whole again after %.1f s; another machine was ordered after %.1f s, and the fastest boot takes %.1f s: %.2f of these two; %.2f of the %.0f s that are always waited for and that boot",
		r.whole.Seconds(), r.ordered.Seconds(), r.boot.Seconds(), r.whole.Seconds()/(r.ordered+r.boot).Seconds(), r.ratio(), goneRule.Seconds())
}

// workerLost destroys a worker with a task of web and waits until another one answers in its place.
func (s *stage) workerLost(gone lab.Droplet) recovery {
	s.Helper()
	known, r := s.ids("shop-workers-"), recovery{boot: s.fastestBoot()}
	at := s.destroyed(gone)
	var came lab.Droplet
	s.poll("another worker answers", 5*time.Minute, 200*time.Millisecond, func() (bool, string) {
		came = s.newcomer(known)
		ok, note := s.works(came)
		if ok {
			_, err := s.getWithin(streamTimeout, came.Public, 8080, "/")
			ok, note = err == nil, fmt.Sprint(err)
		}
		return ok, note
	})
	r.whole = time.Since(at)
	made, _ := s.lab.Cloud.Droplet(came.ID)
	r.ordered = made.Created.Sub(at)
	return r
}

// newcomer is a worker that is none of the known ones, if there is one.
func (s *stage) newcomer(known map[int]string) (came lab.Droplet) {
	for _, d := range s.droplets("shop-workers-") {
		if known[d.ID] == "" {
			came = d
		}
	}
	return came
}

// works reports whether the machine's node is as the file wants a worker's.
func (s *stage) works(d lab.Droplet) (bool, string) {
	nodes, err := s.docker.NodeList(s.Context(), swarm.NodeListOptions{})
	for _, n := range nodes {
		if n.Description.Hostname == d.Name {
			ok := n.Status.State == swarm.NodeStateReady && n.Spec.Availability == swarm.NodeAvailabilityActive && n.Spec.Labels["zone"] == "lab"
			return ok, fmt.Sprintf("%s is %s, %s, labels %v", d.Name, n.Status.State, n.Spec.Availability, n.Spec.Labels)
		}
	}
	return false, fmt.Sprintf("no node %q: %v", d.Name, err)
}

// destroyed cuts a machine's power and takes its disk away. It returns when.
func (s *stage) destroyed(d lab.Droplet) time.Time {
	s.Helper()
	at := time.Now()
	if code := s.cloud(http.MethodDelete, fmt.Sprintf("/v2/droplets/%d", d.ID), nil, nil); code != http.StatusNoContent {
		s.Fatalf("delete %s: %d", d.Name, code)
	}
	s.Logf("destroyed %s", d.Name)
	return at
}

// fastestBoot is the shortest time that one of the cluster's machines took from its creation to its node.
func (s *stage) fastestBoot() time.Duration {
	s.Helper()
	fastest := time.Duration(math.MaxInt64)
	for name, n := range s.nodes(s.docker) {
		for _, d := range s.droplets(name) {
			if made, ok := s.lab.Cloud.Droplet(d.ID); ok {
				fastest = min(fastest, n.CreatedAt.Sub(made.Created))
			}
		}
	}
	return fastest
}

// timely asserts that a recovery took little more than the least that is possible. One that took longer is played once more, alone.
func (s *stage) timely(r recovery) {
	s.Helper()
	s.Logf("report: a worker's machine is destroyed: %v", r)
	if r.ratio() <= mostOfTheLeast {
		return
	}
	alone := newStage(s.T, "alone", want{managers: 1, workers: 2, web: "1", webReplicas: 3})
	r = alone.workerLost(alone.droplets("shop-workers-")[0])
	s.Logf("report: and alone: %v", r)
	if r.ratio() > mostOfTheLeast {
		s.Errorf("a lost worker took %.2f of the least that is possible, and that twice, want at most %.1f", r.ratio(), mostOfTheLeast)
	}
}

// newStage is a cluster of its own that is as the file wants it.
func newStage(t *testing.T, name string, w want) *stage {
	t.Helper()
	b := newLab(t, labDir+"-"+name)
	b.pushImages()
	s := &stage{bench: b, want: w}
	s.must("", "bootstrap", "-f", s.file())
	s.first = s.droplets("shop-managers-")[0]
	s.host, s.docker = "ssh://root@"+s.first.Public, b.engine(s.first.ID)
	s.wholeAndQuiet(w.managers, w.workers)
	return s
}
