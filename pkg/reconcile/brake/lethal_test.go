package brake

import (
	"context"
	"errors"
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
		_, members, held := g.brakes(func(o *Options) { o.Engine = unplaced{fakeEngine{g: g}} })
		spec := based(raw)
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

// TestNoStandInForAnEncryptedVariable: tasks would run with it in place of a password.
func TestNoStandInForAnEncryptedVariable(t *testing.T) {
	g := newGround()
	_, members, held := g.brakes(func(*Options) {})
	spec := based(`{"TaskTemplate":{"ContainerSpec":{"Env":["URL=x://` + swarm.StandIn + `0123@db"]},"Placement":{}}}`)
	_, createErr := members.CreateService(t.Context(), spec)
	for _, err := range []error{createErr, members.UpdateService(t.Context(), "s1", 1, spec)} {
		if apierr.KindOf(err) != apierr.Braked || !strings.Contains(err.Error(), "web_app: its environment has an encrypted variable") {
			t.Errorf("it went out: %v", err)
		}
	}
	if len(g.sent) > 0 || !slices.Equal(*held, []string{Sealed, Sealed}) {
		t.Errorf("sent %q, brakes %q", g.sent, *held)
	}
}

func (e fakeEngine) CreateService(_ context.Context, spec swarm.ServiceSpec) (string, error) {
	return "s1", e.g.did("create service %s", spec.Name)
}

func (e fakeEngine) UpdateService(_ context.Context, id string, _ uint64, _ swarm.ServiceSpec) error {
	return e.g.did("update service %s", id)
}

// unplaced is an engine on which a service runs without a Placement, as others than docker's command make one, and one with it.
type unplaced struct{ fakeEngine }

func (u unplaced) Services(context.Context) ([]swarm.Service, error) {
	return []swarm.Service{
		{ID: "bare", Version: 7, Spec: based(`{"TaskTemplate":{"ContainerSpec":{"Image":"nginx"}}}`)},
		{ID: "placed", Version: 7, Spec: based(`{"TaskTemplate":{"ContainerSpec":{"Image":"nginx"},"Placement":{}}}`)},
	}, u.g.fail["services"]
}

func based(raw string) swarm.ServiceSpec {
	return swarm.ServiceSpec{Name: "web_app", Base: swarm.NewBase(nil, []byte(raw), swarm.Pin{})}
}

// TestWhatRunsWithoutPlacementMayBeRelabelled: a renewed login, replicas and labels leave the task template as it runs, which kills nobody. Another template does not pass,
// nor does one that runs at another version, nor one of which nothing can be seen.
func TestWhatRunsWithoutPlacementMayBeRelabelled(t *testing.T) {
	same, two := `{"Labels":{"a":"b"},"TaskTemplate":{"ContainerSpec":{"Image":"nginx"}}}`, uint64(2)
	for name, c := range map[string]struct {
		id      string
		version uint64
		raw     string
		bend    func(*swarm.ServiceSpec)
		fails   bool
		brake   string
	}{
		"the same":                 {"bare", 7, same, func(s *swarm.ServiceSpec) { s.Override.Replicas = &two }, false, ""},
		"another image":            {"bare", 7, `{"TaskTemplate":{"ContainerSpec":{"Image":"nginx:2"}}}`, nil, false, Lethal},
		"another digest":           {"bare", 7, same, func(s *swarm.ServiceSpec) { s.Override.Pin = &swarm.Pin{Digest: "sha256:1"} }, false, Lethal},
		"another secret":           {"bare", 7, same, func(s *swarm.ServiceSpec) { s.Override.Sealed = map[string]string{"a": "a-1"} }, false, Lethal},
		"over one with Placement":  {"placed", 7, same, nil, false, Lethal},
		"at another version":       {"bare", 8, same, nil, false, Lethal},
		"one that is not there":    {"gone", 7, same, nil, false, Lethal},
		"the services are unknown": {"bare", 7, same, nil, true, View},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGround()
			if c.fails {
				g.fail["services"] = errors.New("cut")
			}
			_, s, held := g.brakes(func(o *Options) { o.Engine = unplaced{fakeEngine{g: g}} })
			spec := based(c.raw)
			if c.bend != nil {
				c.bend(&spec)
			}
			err := s.UpdateService(t.Context(), c.id, c.version, spec)
			if c.brake != "" {
				wantBraked(t, g, held, c.brake, err)
			} else if err != nil || len(g.sent) != 1 {
				t.Errorf("sent %q: %v", g.sent, err)
			}
		})
	}
}
