//go:build linux

package e2e

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"testing"
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
// A service that was spread meanwhile or just before, which happens once in ten minutes at most and takes two writes, has it watched once more.
func (s *stage) written(span time.Duration) (notes []string) {
	s.Helper()
	for range 4 {
		began := time.Now()
		if notes = s.writtenIn(span); len(notes) == 0 || !s.spread(began.Add(-time.Minute)) {
			break
		}
	}
	return notes
}

// spread reports whether a service's tasks were spread over the nodes since then, or are.
func (s *stage) spread(since time.Time) bool {
	s.Helper()
	all, err := s.docker.ServiceList(s.Context(), swarm.ServiceListOptions{})
	if err != nil {
		s.Fatal(err)
	}
	return slices.ContainsFunc(all, func(v swarm.Service) bool {
		at, err := time.Parse(time.RFC3339, v.Spec.Labels["swarmd.spread"])
		return err == nil && !at.Before(since.Truncate(time.Second))
	})
}

// writtenIn watches once.
func (s *stage) writtenIn(span time.Duration) (notes []string) {
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

// mark changes when somebody writes a service. The engine writes it too, but only how its roll-out goes: it says "completed" once more when
// it has put a slot in order that had two tasks after a node came back. A write of anybody else takes that status away.
func mark(v swarm.Service) uint64 {
	if v.UpdateStatus == nil {
		return v.Version.Index
	}
	h := fnv.New64a()
	_ = json.NewEncoder(h).Encode(v.Spec) // a hash takes all
	return h.Sum64()
}

// TestMarkOfAService needs no machine.
func TestMarkOfAService(t *testing.T) {
	with := func(version uint64, image string, state swarm.UpdateState) (v swarm.Service) {
		v.Version.Index = version
		v.Spec.TaskTemplate.ContainerSpec = &swarm.ContainerSpec{Image: image}
		if state != "" {
			v.UpdateStatus = &swarm.UpdateStatus{State: state}
		}
		return v
	}
	was := mark(with(7, "web:1", swarm.UpdateStateCompleted))
	if mark(with(9, "web:1", swarm.UpdateStateCompleted)) != was {
		t.Error("the engine said completed once more, and that counts as a write")
	}
	for _, v := range []swarm.Service{with(9, "web:2", swarm.UpdateStateCompleted), with(9, "web:1", "")} {
		if mark(v) == was {
			t.Errorf("a write does not count: %+v", v)
		}
	}
	if mark(with(7, "web:1", "")) == mark(with(9, "web:1", "")) {
		t.Error("a write of what was there already does not count")
	}
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
		out["service "+v.Spec.Name] = mark(v)
	}
	for _, n := range s.nodes(s.docker) {
		out["node "+n.ID] = uint64(len(fmt.Sprint(n.Spec)))
	}
	return out
}
