//go:build linux

package e2e

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/lab"
)

// killedTenTimes kills the acting swarmd at random moments while workers come and go.
func (s *stage) killedTenTimes() {
	seed := uint64(time.Now().UnixNano())
	s.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	for _, workers := range []int{4, 3} {
		s.want.workers = workers
		path := s.file()
		submitted := make(chan struct{})
		go func() {
			defer close(submitted)
			s.swarmd(s.host, "apply", "-f", path, "--timeout", "5m")
		}()
		for range 5 {
			time.Sleep(time.Duration(rnd.IntN(4000)) * time.Millisecond)
			s.killActing()
		}
		<-submitted
		s.until(fmt.Sprintf("%d workers", workers), 3*time.Minute, func() (bool, string) {
			r := s.statusQuiet()
			return r.Converged, r.Result + " " + r.Error
		})
		s.wholeAndQuiet(3, workers)
	}
}

// actingDroplet returns the droplet whose swarmd holds the lease.
func (s *stage) actingDroplet() (lab.Droplet, bool) {
	configs, err := s.docker.ConfigList(s.Context(), swarm.ConfigListOptions{})
	if err != nil {
		return lab.Droplet{}, false
	}
	holder := ""
	for _, c := range configs {
		if c.Spec.Name == "swarmd.shop.lease" {
			holder, _, _ = strings.Cut(c.Spec.Labels["swarmd.lease.holder"], "/")
		}
	}
	list, err := s.docker.NodeList(s.Context(), swarm.NodeListOptions{})
	if err != nil {
		return lab.Droplet{}, false
	}
	for _, n := range list {
		if n.ID == holder {
			for _, d := range s.droplets(n.Description.Hostname) {
				return d, true
			}
		}
	}
	return lab.Droplet{}, false
}

func (s *stage) killActing() {
	s.Helper()
	for range 100 {
		if d, ok := s.actingDroplet(); ok && s.lab.KillProcess(d.ID, "swarmd") == nil {
			s.Logf("killed swarmd on %s", d.Name)
			return
		}
		time.Sleep(300 * time.Millisecond)
	}
	s.Fatalf("nobody acted for 30 s")
}
