package file

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/spec"
)

// TestTheLadderIsSettable: each value of it, and how many machines are replaced at once.
func TestTheLadderIsSettable(t *testing.T) {
	const text = `version: 1
cluster: web
cloud: { digitalocean: { region: fra1, image: docker-20-04, vpc: shop } }
nodes:
  managers: { role: manager, count: 1, size: s-1vcpu-1gb, disruption: { max_surge: 2 } }
policies: { repair: { power_on: %s, gone: 2m } }
`
	d, _, err := Parse("web.yaml", fmt.Appendf(nil, text, "[0s, 30s]"))
	if err != nil {
		t.Fatal(err)
	}
	want := spec.DefaultPolicies().Repair
	want.PowerOn, want.Gone = []time.Duration{0, 30 * time.Second}, 2*time.Minute
	if diff := cmp.Diff(want, d.Policies.Repair); diff != "" || d.Pools[0].Disruption.MaxSurge != 2 || d.Pools[0].VPC != "shop" {
		t.Errorf("%s; %+v", diff, d.Pools[0])
	}
	for value, fault := range map[string]string{
		"[]":   "web.yaml:6:23: policies.repair.power_on: is empty: at least one is wanted",
		"[5]":  "web.yaml:6:34: policies.repair.power_on[0]: must be a duration with a unit",
		"[2d]": "web.yaml:6:34: policies.repair.power_on[0]: must be a duration such as 10s",
	} {
		if _, _, err := Parse("web.yaml", fmt.Appendf(nil, text, value)); err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("%s: %v", value, err)
		}
	}
}
