package docker

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"

	api "github.com/docker/docker/api/types/swarm"
	"pgregory.net/rapid"

	"github.com/swarmd/swarmd/pkg/sim/dockerd"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// drawnService is a specification as files and people write them, of a mode that an engine takes; jobs say that those of jobs are drawn, too.
func drawnService(t *rapid.T, jobs bool) api.ServiceSpec {
	n := rapid.Uint64Range(0, 5)
	modes := []api.ServiceMode{{}, {Replicated: &api.ReplicatedService{}}, {Global: &api.GlobalService{}}}
	some := n.Draw(t, "replicas")
	modes = append(modes, api.ServiceMode{Replicated: &api.ReplicatedService{Replicas: &some}})
	if jobs {
		modes = append(modes, api.ServiceMode{GlobalJob: &api.GlobalJob{}}, api.ServiceMode{ReplicatedJob: &api.ReplicatedJob{TotalCompletions: &some}})
	}
	image := rapid.SampledFrom([]string{"app:1", "app:1@" + digestA}).Draw(t, "image")
	s := api.ServiceSpec{Annotations: api.Annotations{Name: "s", Labels: map[string]string{"team": "shop"}}, Mode: rapid.SampledFrom(modes).Draw(t, "mode")}
	s.TaskTemplate.ContainerSpec = &api.ContainerSpec{Image: image, Env: rapid.SliceOfN(rapid.StringMatching(`[A-Z]=[a-z]`), 0, 3).Draw(t, "env")}
	s.TaskTemplate.ForceUpdate = n.Draw(t, "restarts")
	if rapid.Bool().Draw(t, "of a file") {
		s.Labels[swarm.LabelImage] = image
	}
	if rapid.Bool().Draw(t, "placed") {
		s.TaskTemplate.Placement = &api.Placement{Constraints: []string{"node.role==worker"}, Platforms: []api.Platform{{OS: "linux"}}}
	}
	return s
}

// drawnOverride bends what there is to bend, or nothing.
func drawnOverride(t *rapid.T) swarm.Override {
	o := swarm.Override{Restored: rapid.Bool().Draw(t, "restored")}
	if rapid.Bool().Draw(t, "scaled") {
		n := rapid.Uint64Range(0, 9).Draw(t, "to")
		o.Replicas = &n
	}
	if rapid.Bool().Draw(t, "pinned") {
		o.Pin = &swarm.Pin{Digest: rapid.SampledFrom([]string{"", digestA, "sha256:" + fmt.Sprintf("%064d", 1)}).Draw(t, "digest")}
		if rapid.Bool().Draw(t, "platforms") {
			o.Pin.Platforms = []swarm.Platform{{OS: "linux", Architecture: "arm64"}}
		}
	}
	return o
}

// bent is a drawn specification with a drawn override.
func bent(t *rapid.T, jobs bool) swarm.ServiceSpec {
	spec, err := specOf(drawnService(t, jobs), nil)
	if err != nil {
		t.Fatal(err)
	}
	spec.Override = drawnOverride(t)
	return spec
}

// requireAsBent holds a specification without an override to one with it: what reads the one and what reads the other come to the same.
func requireAsBent(t *rapid.T, bent, got swarm.ServiceSpec) {
	t.Helper()
	if d := swarm.Diff(bent.Form(), got.Form()); d != nil {
		t.Errorf("its form differs: %v", d)
	}
	if !reflect.DeepEqual(got.Override, swarm.Override{}) || got.Replicas() != bent.Replicas() || !reflect.DeepEqual(got.Pin(), bent.Pin()) || got.Reference() != bent.Reference() {
		t.Errorf("%d replicas of %s, %+v\nwant %d of %s, %+v", got.Replicas(), got.Reference(), got.Pin(), bent.Replicas(), bent.Reference(), bent.Pin())
	}
	n := bent.Override.Replicas
	if bent.Mode == swarm.Replicated && n != nil && got.Replicas() != *n || bent.Mode != swarm.Replicated && got.Replicas() != 0 {
		t.Errorf("%s: %d replicas, bent to %v", bent.Mode, got.Replicas(), n)
	}
}

func TestWhatIsSentIsWhatTheOverrideSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := bent(t, true)
		sent, err := wire("test", spec)
		if err != nil {
			t.Fatal(err)
		}
		got, err := specOf(sent, nil)
		if err != nil {
			t.Fatal(err)
		}
		requireAsBent(t, spec, got)
		base := spec
		base.Override = swarm.Override{}
		if plain, err := wire("test", base); err != nil || plain.TaskTemplate.ForceUpdate != sent.TaskTemplate.ForceUpdate {
			t.Errorf("restarted %d times, sent %d: %v", plain.TaskTemplate.ForceUpdate, sent.TaskTemplate.ForceUpdate, err)
		}
	})
}

// direct carries a request to a simulated engine by a call.
type direct struct{ engine *dockerd.Engine }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	d.engine.Handler().ServeHTTP(w, r)
	return w.Result(), nil
}

// TestWhatAnEngineReadsBackIsWhatTheOverrideSays creates one with an override, bends what is read back once more, and updates it to that.
func TestWhatAnEngineReadsBackIsWhatTheOverrideSays(t *testing.T) {
	e := dockerd.New(dockerd.Options{Seed: 1}).AddEngine(dockerd.EngineConfig{Name: "one", Addr: "10.0.0.1"})
	if _, err := e.Init(); err != nil {
		t.Fatal(err)
	}
	c, err := New(Options{HTTP: &http.Client{Transport: direct{e}}})
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		spec := bent(t, false)
		id, err := c.CreateService(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := c.RemoveService(t.Context(), id); err != nil {
				t.Error(err)
			}
		}()
		live := theOnly(t, c)
		requireAsBent(t, spec, live.Spec)
		again := live.Spec
		again.Override = drawnOverride(t)
		if err := c.UpdateService(t.Context(), id, live.Version, again); err != nil {
			t.Fatal(err)
		}
		requireAsBent(t, again, theOnly(t, c).Spec)
	})
}

func theOnly(t *rapid.T, c *Client) swarm.Service {
	t.Helper()
	all, err := c.Services(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatalf("%d services, %v", len(all), err)
	}
	return all[0]
}

// What swarmd scales stays what it has written, as an engine reads it back; what a hand scales does not.
func TestWhatIsScaledIsAsWritten(t *testing.T) {
	readBack := func(s swarm.ServiceSpec) swarm.ServiceSpec {
		t.Helper()
		sent, err := wire("test", s)
		if err != nil {
			t.Fatal(err)
		}
		got, err := specOf(sent, nil)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	written := convertText(t, "deploy: { replicas: 3 }")
	scaled := readBack(readBack(written.Scaled(5)).Scaled(7))
	if scaled.Replicas() != 7 || scaled.Labels[swarm.LabelScaled] != "3" || !scaled.AsWritten() || written.Labels[swarm.LabelScaled] != "" {
		t.Errorf("%d replicas, %v", scaled.Replicas(), scaled.Labels)
	}
	if back := readBack(scaled.Scaled(3)); back.Labels[swarm.LabelScaled] != "" || !back.AsWritten() || swarm.Diff(back.Form(), written.Form()) != nil {
		t.Errorf("scaled back: %v", back.Labels)
	}
	more := readBack(readBack(written.Scaled(5)).ScaledAs(written.Surged(swarm.Surge{For: "op", Tasks: 2})))
	if d := swarm.Diff(written.Form(), more.Form()); len(d) != 1 || more.Replicas() != 5 || !more.AsWritten() || more.Labels[swarm.LabelSurge] != "op:2" {
		t.Errorf("more for a while: %v, %v", d, more.Labels)
	}
	if back := readBack(more.ScaledAs(written)); back.Labels[swarm.LabelSurge] != "" || back.Labels[swarm.LabelScaled] != "" || swarm.Diff(back.Form(), written.Form()) != nil {
		t.Errorf("and back: %v", back.Labels)
	}
	protected := readBack(written)
	protected.Labels[swarm.LabelProtected] = swarm.ProtectedByFile
	if protected = readBack(protected); protected.Labels[swarm.LabelProtected] == "" || !protected.AsWritten() || swarm.Diff(protected.Form(), written.Form()) != nil {
		t.Errorf("protected: %v", protected.Labels)
	}
	nine := uint64(9)
	byHand := written
	byHand.Override.Replicas = &nine
	if readBack(byHand).AsWritten() {
		t.Error("what a hand has scaled is called as written")
	}
}
