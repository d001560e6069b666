package dockerd_test

import (
	"net/http"
	"testing"
	"time"

	api "github.com/docker/docker/api/types/swarm"
)

func checked(_ testing.TB, next http.RoundTripper) http.RoundTripper { return next }

func TestFormAndRun(t *testing.T) {
	bubble(t, 3, 2, func(l *lab) {
		l.create(web("web", 6))
		l.pass(2 * time.Second)
		l.wantRunning("web", 6)
		l.update("web", func(s *api.ServiceSpec) { s.TaskTemplate.ContainerSpec.Image = "web:2" })
		l.pass(60 * time.Second)
		l.wantRunning("web", 6)
	})
}
