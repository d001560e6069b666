package brake

import (
	"context"
	"errors"
	"testing"

	"github.com/swarmd/swarmd/pkg/swarm"
)

func ours(of string) map[string]string {
	return map[string]string{swarm.LabelCluster: "web", swarm.LabelVersionOf: of}
}

// shelf is an engine with configs and secrets, and one service that refers to some.
type shelf struct{ fakeEngine }

func (s shelf) AllConfigs(context.Context) ([]swarm.Config, error) {
	return []swarm.Config{
		{ID: "old", Name: "web_site-1", Labels: ours("web_site")},
		{ID: "live", Name: "web_site-3", Labels: ours("web_site")},
		{ID: "before", Name: "web_site-2", Labels: ours("web_site")},
		{ID: "theirs", Name: "site", Labels: nil},
		{ID: "another's", Name: "shop_site-1", Labels: map[string]string{swarm.LabelCluster: "shop", swarm.LabelVersionOf: "shop_site"}},
		{ID: "key", Name: "swarmd.web.key", Labels: nil},
	}, s.g.fail["configs"]
}

func (s shelf) AllSecrets(context.Context) ([]swarm.Secret, error) {
	return []swarm.Secret{{ID: "old", Name: "web_token-1", Labels: ours("web_token")}, {ID: "live", Name: "web_token-2", Labels: ours("web_token")}, {ID: "theirs", Name: "token"}},
		s.g.fail["secrets"]
}

func (s shelf) Services(context.Context) ([]swarm.Service, error) {
	return []swarm.Service{{Spec: swarm.ServiceSpec{Name: "web_app", Configs: []string{"web_site-3"}, Secrets: []string{"web_token-2"}}, Keeps: []string{"web_site-2"}}},
		s.g.fail["services"]
}

func (s shelf) RemoveSecret(_ context.Context, id string) error {
	return s.g.did("remove secret %s", id)
}

// TestOnlyWhatNothingRefersToIsRemoved: and only what the cluster's stack has made, by a look of the brake's own.
func TestOnlyWhatNothingRefersToIsRemoved(t *testing.T) {
	for _, c := range []struct{ kind, id, brake, fails string }{
		{"config", "old", "", ""}, {"config", "live", Ownership, ""}, {"config", "before", Ownership, ""}, {"config", "theirs", Ownership, ""},
		{"config", "another's", Ownership, ""}, {"config", "key", Ownership, ""}, {"config", "the ledger's", Ownership, ""},
		{"config", "old", View, "configs"}, {"config", "old", View, "services"},
		{"secret", "old", "", ""}, {"secret", "live", Ownership, ""}, {"secret", "theirs", Ownership, ""}, {"secret", "old", View, "secrets"}, {"secret", "old", View, "services"},
	} {
		t.Run(c.kind+" "+c.id+" "+c.fails, func(t *testing.T) {
			g := newGround()
			_, s, held := g.brakes(func(o *Options) { o.Engine = shelf{fakeEngine{g: g}} })
			if c.fails != "" {
				g.fail[c.fails] = errors.New("cut")
			}
			drop := s.DropConfig
			if c.kind == "secret" {
				drop = s.RemoveSecret
			}
			err := drop(t.Context(), c.id)
			if c.brake != "" {
				wantBraked(t, g, held, c.brake, err)
			} else if err != nil || len(g.sent) != 1 || g.sent[0] != "remove "+c.kind+" "+c.id {
				t.Errorf("sent %q: %v", g.sent, err)
			}
		})
	}
}
