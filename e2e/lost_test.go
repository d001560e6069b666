package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/docker/docker/api/types/swarm"

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

// takenOver waits until another machine acts.
func (s *stage) takenOver(from lab.Droplet) {
	took := s.until("another swarmd takes the lease", time.Minute, func() (bool, string) {
		d, ok := s.actingDroplet()
		return ok && d.ID != from.ID, d.Name
	})
	if took > 45*time.Second {
		s.Errorf("the lease was taken after %v, want 45 s", took)
	}
}

// machinesLost: another machine's swarmd acts, powers the one on again, and has another machine take the other one's place. Nobody else does anything.
func (s *stage) machinesLost() {
	acting := s.seenFromElsewhere()
	before := s.droplets("shop-")
	workers := s.droplets("shop-workers-")
	gone := workers[len(workers)-1]
	if code := s.cloud(http.MethodPost, fmt.Sprintf("/v2/droplets/%d/actions", acting.ID), map[string]any{"type": "power_off"}, nil); code != http.StatusCreated {
		s.Fatalf("power off: %d", code)
	}
	if code := s.cloud(http.MethodDelete, fmt.Sprintf("/v2/droplets/%d", gone.ID), nil, nil); code != http.StatusNoContent {
		s.Fatalf("delete: %d", code)
	}
	began := time.Now()
	s.takenOver(acting)
	s.until("all is well", 5*time.Minute, func() (bool, string) {
		r := s.statusQuiet()
		return r.Converged, r.Result + " " + r.Error
	})
	s.Logf("report: the acting machine's power fails and a worker's droplet is deleted: whole again after %.0f s, nothing done by hand", time.Since(began).Seconds())
	after := s.droplets("shop-")
	if len(after) != len(before) || slices.ContainsFunc(after, func(d lab.Droplet) bool { return d.ID == gone.ID }) {
		s.Errorf("%d machines before, %d after", len(before), len(after))
	}
}
