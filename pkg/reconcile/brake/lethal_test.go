package brake

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// TestNoServiceWithoutPlacement: what engines since 26.1 die of is neither created nor written over a service.
func TestNoServiceWithoutPlacement(t *testing.T) {
	for raw, passes := range map[string]bool{
		`{"TaskTemplate":{"Placement":{}}}`:                                  true,
		`{"TaskTemplate":{"Placement":{"Constraints":["node.id==a"]}}}`:      true,
		`{"TaskTemplate":{"ContainerSpec":{"Image":"nginx"}}}`:               false,
		`{"TaskTemplate":{"Placement":null}}`:                                false,
		`{"TaskTemplate":{"Placement": null }}`:                              false,
		`{"Placement":{},"TaskTemplate":{"ContainerSpec":{"Placement":{}}}}`: false,
		``:                   false,
		`{"TaskTemplate":[]`: false,
	} {
		g := newGround()
		_, members, held := g.brakes(nil)
		spec := swarm.ServiceSpec{Name: "web_app", Base: swarm.NewBase(nil, []byte(raw), swarm.Pin{})}
		_, createErr := members.CreateService(t.Context(), spec)
		updateErr := members.UpdateService(t.Context(), "s1", 1, spec)
		for _, err := range []error{createErr, updateErr} {
			switch {
			case passes && err != nil:
				t.Errorf("%s: %v", raw, err)
			case !passes && (apierr.KindOf(err) != apierr.Braked || !strings.Contains(err.Error(), "web_app")):
				t.Errorf("%s: it went out: %v", raw, err)
			}
		}
		if want := map[bool]int{true: 2, false: 0}[passes]; len(g.sent) != want {
			t.Errorf("%s: sent %q, want %d", raw, g.sent, want)
		}
		if !passes && !slices.Equal(*held, []string{Lethal, Lethal}) {
			t.Errorf("%s: brakes %q", raw, *held)
		}
	}
}

func (e fakeEngine) CreateService(_ context.Context, spec swarm.ServiceSpec) (string, error) {
	return "s1", e.g.did("create service %s", spec.Name)
}

func (e fakeEngine) UpdateService(_ context.Context, id string, _ uint64, _ swarm.ServiceSpec) error {
	return e.g.did("update service %s", id)
}
