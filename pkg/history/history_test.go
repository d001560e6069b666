package history_test

import (
	"strings"
	"testing"

	"github.com/swarmd/swarmd/pkg/history"
	"github.com/swarmd/swarmd/pkg/sealed"
	"github.com/swarmd/swarmd/pkg/sealed/sealedtest"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// TestAllThatAPoolChangedIsNamed: who looks for the edit that replaced the machines must not find its count alone.
func TestAllThatAPoolChangedIsNamed(t *testing.T) {
	pool := func(change func(*spec.Pool)) *spec.Spec {
		p := spec.Pool{Name: "workers", Role: "worker", Count: 3, Size: "s-1", Image: "debian", Region: "fra1", Availability: "active"}
		change(&p)
		return &spec.Spec{Cluster: "shop", Pools: []spec.Pool{p}}
	}
	for want, change := range map[string]func(*spec.Pool){
		"pool workers: count: 3 → 2, size: s-1 → s-2": func(p *spec.Pool) { p.Count, p.Size = 2, "s-2" },
		"pool workers: vpc: (none) → own, labels":     func(p *spec.Pool) { p.VPC, p.Labels = "own", map[string]string{"a": "b"} },
		"pool workers: image: debian → ubuntu, region: fra1 → ams3, repair: on → off, resize: replace → in-place, adopt: (none) → 7 8": func(p *spec.Pool) {
			p.Image, p.Region, p.RepairOff, p.ResizeHere, p.Adopt = "ubuntu", "ams3", true, true, []int{7, 8}
		},
		"pool workers: role: worker → manager, availability: active → drain, disruption": func(p *spec.Pool) {
			p.Role, p.Availability, p.Disruption.MaxSurge = "manager", "drain", 2
		},
		"nothing of pools and services": func(*spec.Pool) {},
	} {
		all := history.Of([]history.Revision{{Number: 1, Spec: pool(func(*spec.Pool) {})}, {Number: 2, Spec: pool(change)}}, history.Live{Accepted: 2}, "shop", "")
		if len(all) != 2 || strings.Join(all[0].Changed, "; ") != want {
			t.Errorf("%+v, want %q", all, want)
		}
	}
}

// TestAnotherValueOfASecretIsNamed: a revision that differs in an encrypted value alone changed the services that read it, and no other value's.
func TestAnotherValueOfASecretIsNamed(t *testing.T) {
	private, recipient, err := sealed.Identity()
	if err != nil || private == "" {
		t.Fatal(err)
	}
	one, two := sealedtest.Value{Key: "ONE", Type: "str", Text: "1"}, sealedtest.Value{Key: "TWO", Type: "str", Text: "2"}
	text := sealedtest.Env(t, recipient, one, two)
	line := func(text, key string) string {
		return text[strings.Index(text, key+"="):][:strings.Index(text[strings.Index(text, key+"="):], "\n")]
	}
	again := strings.Replace(text, line(text, "TWO"), line(sealedtest.Env(t, recipient, two), "TWO"), 1)
	revision := func(n int, text string) history.Revision {
		secret := func(of, key string) swarm.SecretSpec {
			return swarm.SecretSpec{Of: of, File: "shop.env", Sealed: text, Key: key}
		}
		return history.Revision{Number: n, Spec: &spec.Spec{Cluster: "shop"}, Stack: swarm.Stack{
			Services: []swarm.ServiceSpec{{Name: "shop_a", Secrets: []string{"shop_one"}}, {Name: "shop_b", Secrets: []string{"shop_one", "shop_two", "external"}}},
			Secrets:  []swarm.SecretSpec{secret("shop_one", "ONE"), secret("shop_two", "TWO")},
		}}
	}
	for service, want := range map[string]int{"": 2, "shop_a": 1, "shop_b": 2} {
		all := history.Of([]history.Revision{revision(1, text), revision(2, again)}, history.Live{Accepted: 2}, "shop", service)
		if len(all) != want || want == 2 && strings.Join(all[0].Changed, "; ") != "b secrets[two]: another value" {
			t.Errorf("%q: %+v", service, all)
		}
	}
}
