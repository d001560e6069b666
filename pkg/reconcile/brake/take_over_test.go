package brake

import (
	"context"
	"errors"
	"testing"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// deployed is an engine with services and secrets of several owners.
type deployed struct{ fakeEngine }

func (d deployed) Services(context.Context) ([]swarm.Service, error) {
	of := func(id string, labels ...string) swarm.Service {
		s := swarm.Service{ID: id, Spec: swarm.ServiceSpec{Name: id, Labels: map[string]string{}}}
		for i := 0; i < len(labels); i += 2 {
			s.Spec.Labels[labels[i]] = labels[i+1]
		}
		return s
	}
	return []swarm.Service{of("nobody's"), of("ours", swarm.LabelCluster, "web"), of("another's", swarm.LabelCluster, "shop"), of("swarmd's", swarm.LabelComponent, "swarmd")},
		d.g.fail["services"]
}

func (d deployed) AllSecrets(context.Context) ([]swarm.Secret, error) {
	return []swarm.Secret{{ID: "nobody's"}, {ID: "another's", Labels: map[string]string{swarm.LabelCluster: "shop"}}}, d.g.fail["secrets"]
}

func (d deployed) RelabelService(_ context.Context, id string, _ uint64, _ map[string]string) error {
	return d.g.did("relabel service %s", id)
}

func (d deployed) RelabelSecret(_ context.Context, id string, _ uint64, _ string, _ map[string]string) error {
	return d.g.did("relabel secret %s", id)
}

// TestNothingOfAnotherClusterIsTakenOver, whatever was planned: what is nobody's may be, what has an owner stays the owner's.
func TestNothingOfAnotherClusterIsTakenOver(t *testing.T) {
	for _, c := range []struct{ kind, id, brake, fails string }{
		{"service", "nobody's", "", ""}, {"service", "ours", "", ""}, {"service", "another's", Ownership, ""}, {"service", "swarmd's", Ownership, ""},
		{"service", "nobody's", View, "services"}, {"secret", "nobody's", "", ""}, {"secret", "another's", Ownership, ""}, {"secret", "nobody's", View, "secrets"},
	} {
		t.Run(c.kind+" "+c.id+" "+c.fails, func(t *testing.T) {
			g := newGround()
			_, s, held := g.brakes(func(o *Options) { o.Engine = deployed{fakeEngine{g: g}} })
			if c.fails != "" {
				g.fail[c.fails] = errors.New("cut")
			}
			var err error
			if c.kind == "service" {
				err = s.RelabelService(t.Context(), c.id, 1, nil)
			} else {
				err = s.RelabelSecret(t.Context(), c.id, 1, "token", nil)
			}
			if c.brake != "" {
				wantBraked(t, g, held, c.brake, err)
			} else if err != nil || len(g.sent) != 1 || g.sent[0] != "relabel "+c.kind+" "+c.id {
				t.Errorf("sent %q: %v", g.sent, err)
			}
		})
	}
}
