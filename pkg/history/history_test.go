package history_test

import (
	"strings"
	"testing"

	"github.com/swarmd/swarmd/pkg/history"
	"github.com/swarmd/swarmd/pkg/spec"
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
