//go:build linux

package e2e

import (
	"fmt"
	"strings"
	"time"

	"github.com/docker/docker/api/types/swarm"
)

// nothingButTheLease watches the versions of all objects over more than two full looks: only the lease may change.
func (s *stage) nothingButTheLease() {
	s.Helper()
	for _, note := range s.written(25 * time.Second) {
		s.Errorf("%s", note)
	}
}

// written says what was written within so long, but for the lease; a lease that was not is told, too.
func (s *stage) written(span time.Duration) (notes []string) {
	s.Helper()
	before := s.versions()
	time.Sleep(span)
	after := s.versions()
	leases := 0
	for name, v := range after {
		if strings.HasSuffix(name, ".lease") {
			if before[name] != v {
				leases++
			}
		} else if before[name] != v {
			notes = append(notes, fmt.Sprintf("%s was written: version %d → %d", name, before[name], v))
		}
	}
	if leases != 1 || len(before) != len(after) {
		notes = append(notes, fmt.Sprintf("the lease was not renewed, or objects came or went: %v → %v", before, after))
	}
	return notes
}

func (s *stage) versions() map[string]uint64 {
	s.Helper()
	out := map[string]uint64{}
	configs, err := s.docker.ConfigList(s.Context(), swarm.ConfigListOptions{})
	if err != nil {
		s.Fatal(err)
	}
	for _, c := range configs {
		out["config "+c.Spec.Name] = c.Version.Index
	}
	services, err := s.docker.ServiceList(s.Context(), swarm.ServiceListOptions{})
	if err != nil {
		s.Fatal(err)
	}
	for _, v := range services {
		out["service "+v.Spec.Name] = v.Version.Index
	}
	for _, n := range s.nodes(s.docker) {
		out["node "+n.ID] = uint64(len(fmt.Sprint(n.Spec)))
	}
	return out
}
