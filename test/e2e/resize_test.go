//go:build linux

package e2e

import (
	"fmt"
	"time"
)

// resized gives the one worker another size: it is the same machine after that, and its engine sees what the size has.
func (s *stage) resized() {
	worker := s.droplets("shop-workers-")[0]
	before := s.nodes(s.docker)[worker.Name]
	s.want.larger = true
	began := time.Now()
	s.apply()
	took := time.Since(began)
	s.wholeAndQuiet(s.want.managers, 1)
	after := s.nodes(s.docker)[worker.Name]
	was, is := before.Description.Resources, after.Description.Resources
	if was.NanoCPUs != 1e9 || was.MemoryBytes != 2<<30 || is.NanoCPUs != 2e9 || is.MemoryBytes != 4<<30 || after.ID != before.ID {
		s.Errorf("%s: %+v before, %+v after", worker.Name, was, is)
	}
	if now := s.droplets("shop-workers-")[0]; now.ID != worker.ID {
		s.Errorf("droplet %d before, %d after", worker.ID, now.ID)
	}
	s.Logf("report: a worker is resized in place within %.0f s: %s", took.Seconds(), fmt.Sprintf("%d → %d processors, %d → %d MB as Docker sees them",
		was.NanoCPUs/1e9, is.NanoCPUs/1e9, was.MemoryBytes>>20, is.MemoryBytes>>20))
}
