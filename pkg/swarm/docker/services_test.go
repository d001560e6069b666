package docker

import (
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/docker/docker/api/types/network"
	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/swarm"
)

func service(id, name string, version uint64, networks ...string) api.Service {
	s := api.Service{ID: id, Meta: api.Meta{Version: api.Version{Index: version}}}
	s.Spec.Name = name
	s.Spec.TaskTemplate.ContainerSpec = &api.ContainerSpec{Image: "app:1@" + digestA}
	for _, n := range networks {
		s.Spec.TaskTemplate.Networks = append(s.Spec.TaskTemplate.Networks, api.NetworkAttachmentConfig{Target: n})
	}
	return s
}

const digestA = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

func TestServicesNameTheirNetworksAndAskOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.gives("GET /services", 200, []api.Service{service("2", "b", 5, "net1", "hid"), service("1", "a", 4, "net1", "gone")})
		f.gives("GET /networks", 200, []network.Inspect{{ID: "net1", Name: "c_default"}})
		f.gives("GET /networks/hid", 200, network.Inspect{ID: "hid", Name: "host"})
		f.gives("GET /networks/gone", 404, map[string]string{"message": "network gone not found"})
		c := f.client(Options{})
		for range 3 {
			live, err := c.Services(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got := live[0].Spec.Name + strings.Join(live[0].Spec.Networks, ",") + " " + live[1].Spec.Name + strings.Join(live[1].Spec.Networks, ",")
			if got != "ac_default,gone bc_default,host" || live[0].Spec.Pin().Digest != digestA || live[0].Spec.Image != "app:1" {
				t.Fatalf("%s %+v", got, live[0].Spec)
			}
		}
		if f.count("GET /networks") != 1 || f.count("GET /networks/hid") != 1 || f.count("GET /networks/gone") != 1 || f.count("GET /services") != 3 {
			t.Fatalf("asked %v", f.asked)
		}
	})
}

// TestOneWrongAnswerIsForgottenWithTheNextRightOne, also when it had the right version. Of a network that no list shows that takes some minutes.
func TestOneWrongAnswerIsForgottenWithTheNextRightOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(Options{})
		f.gives("GET /services", 200, []api.Service{service("1", "a", 4, "net1", "hid")})
		say := func(listed string, status int, hidden any) {
			f.gives("GET /networks", 200, []network.Inspect{{ID: "net1", Name: listed}})
			f.gives("GET /networks/hid", status, hidden)
		}
		hear := func(want string) {
			t.Helper()
			if _, err := c.Networks(t.Context()); err != nil { // each look at the world lists them
				t.Fatal(err)
			}
			live, err := c.Services(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(live[0].Spec.Networks, ","); got != want {
				t.Errorf("after %s: %s, want %s", time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)), got, want)
			}
		}
		say("wrong", 404, map[string]string{"message": "network hid not found"})
		hear("wrong,hid")
		say("c_default", 200, network.Inspect{ID: "hid", Name: "host"})
		hear("c_default,hid")
		time.Sleep(hiddenPace + time.Second)
		hear("c_default,host")
		asked := f.count("GET /networks/hid")
		for range 10 {
			time.Sleep(time.Minute)
			hear("c_default,host")
		}
		if n := f.count("GET /networks/hid") - asked; n < 1 || n > 2 {
			t.Errorf("asked %d times in ten minutes for a network that no list shows", n)
		}
	})
}

// A service is put into our words once for each thing that is said of it.
func TestServicesAreReadAnewWithEachVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(Options{})
		image := func(version uint64, updated time.Time, image string) string {
			t.Helper()
			s := service("1", "a", version)
			s.UpdatedAt = updated
			s.Spec.TaskTemplate.ContainerSpec.Image = image
			f.gives("GET /services", 200, []api.Service{s})
			live, err := c.Services(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return live[0].Spec.Image
		}
		now := time.Now()
		for _, step := range []struct {
			version uint64
			updated time.Time
			image   string
			want    string
		}{{4, now, "app:1", "app:1"}, {4, now, "app:1", "app:1"}, {4, now, "app:2", "app:2"}, {5, now, "app:2", "app:2"}, {5, now.Add(1), "app:3", "app:3"}} {
			if got := image(step.version, step.updated, step.image); got != step.want {
				t.Errorf("version %d at %s: %s, want %s", step.version, step.updated, got, step.want)
			}
		}
		f.gives("GET /services", 200, []api.Service{})
		if live, err := c.Services(t.Context()); err != nil || len(live) != 0 {
			t.Errorf("%v, %v", live, err)
		}
	})
}

func TestUpdateKeepsForcedRestartsAndSendsLabelsOfNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		live := service("1", "c_s", 9)
		live.Spec.TaskTemplate.ForceUpdate = 3
		f.gives("GET /services/1", 200, live)
		f.on("POST /services/1/update", func(req *http.Request) (*http.Response, error) {
			if v := req.URL.Query().Get("version"); v != "9" {
				t.Errorf("version %s", v)
			}
			return reply(200, `{}`), nil
		})
		want := convertText(t, "labels: [x=y]").Pinned(swarm.Pin{Digest: digestA})
		want.Labels[swarm.LabelRevision] = "4"
		if err := f.client(Options{}).UpdateService(t.Context(), "1", 9, want); err != nil {
			t.Fatal(err)
		}
		var sent api.ServiceSpec
		if err := json.Unmarshal([]byte(f.bodies["POST /services/1/update"]), &sent); err != nil {
			t.Fatal(err)
		}
		if sent.TaskTemplate.ForceUpdate != 3 || sent.Labels[swarm.LabelRevision] != "4" || sent.Labels[swarm.LabelHash] != want.Form().Hash() ||
			sent.TaskTemplate.ContainerSpec.Image != "app:1@"+digestA {
			t.Fatalf("sent %+v", sent)
		}
	})
}

// TestAPinnedServiceIsSentAsDockersClientSendsIt compares with the client that `docker stack deploy` is built on, which asks the registry by itself.
func TestAPinnedServiceIsSentAsDockersClientSendsIt(t *testing.T) {
	inspected := func(platforms ...string) map[string]any {
		var all []map[string]string
		for _, p := range platforms {
			os, arch, _ := strings.Cut(p, "/")
			all = append(all, map[string]string{"os": os, "architecture": arch})
		}
		return map[string]any{"Descriptor": map[string]string{"digest": digestA}, "Platforms": all}
	}
	const placed = "deploy: { placement: { constraints: [node.role==worker] } }"
	for _, c := range []struct {
		named, service string // the digest that the file names
		registry       map[string]any
	}{
		{"", "labels: [x=y]", inspected("linux/amd64", "linux/arm64", "linux/arm", "windows/amd64")},
		{"", placed, inspected("linux/amd64")},
		{"", placed, inspected()},
		{strings.Replace(digestA, "aa", "bb", 1), placed, inspected("linux/s390x")},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake(t)
			client, spec := f.client(Options{}), convertText(t, c.service)
			spec = spec.Pinned(swarm.Pin{Digest: c.named})
			f.gives("GET /distribution/"+spec.Reference()+"/json", 200, c.registry)
			f.on("POST /services/create", func(*http.Request) (*http.Response, error) { return reply(201, `{"ID":"1"}`), nil })
			var plain, theirs, ours api.ServiceSpec
			create := func(sent *api.ServiceSpec, err error) {
				t.Helper()
				if err = errors.Join(err, json.Unmarshal([]byte(f.bodies["POST /services/create"]), sent)); err != nil {
					t.Fatal(err)
				}
			}
			if err := json.Unmarshal(spec.Base.Raw(), &plain); err != nil {
				t.Fatal(err)
			}
			plain.TaskTemplate.ContainerSpec.Image = spec.Reference()
			_, err := client.api.ServiceCreate(t.Context(), plain, api.ServiceCreateOptions{QueryRegistry: true})
			create(&theirs, err)
			pin, err := client.ResolveImage(t.Context(), spec.Reference(), swarm.Login{})
			if err != nil {
				t.Fatal(err)
			}
			_, err = client.CreateService(t.Context(), spec.Pinned(pin))
			create(&ours, err)
			if !reflect.DeepEqual(ours.TaskTemplate, theirs.TaskTemplate) {
				t.Errorf("%s, %v:\nours   %+v %+v\ntheirs %+v %+v", spec.Reference(), c.registry["Platforms"], ours.TaskTemplate.ContainerSpec.Image,
					ours.TaskTemplate.Placement, theirs.TaskTemplate.ContainerSpec.Image, theirs.TaskTemplate.Placement)
			}
		})
	}
}

func TestUpdateAtAStaleVersionIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.gives("GET /services/1", 200, service("1", "c_s", 10))
		err := f.client(Options{}).UpdateService(t.Context(), "1", 9, convertText(t, ""))
		if apierr.KindOf(err) != apierr.Conflict || f.count("POST /services/1/update") != 0 {
			t.Fatalf("%v: %v", err, f.asked)
		}
	})
}

func TestFieldsThatAnOldEngineDropsAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(Options{})
		for _, lines := range []string{
			"healthcheck: { test: x, start_interval: 2s }",
			"volumes: [{ type: volume, source: v, target: /v, volume: { subpath: a } }]\nvolumes: { v: {} }",
		} {
			var out api.ServiceSpec
			if err := json.Unmarshal(specWith(t, lines).Base.Raw(), &out); err != nil {
				t.Fatal(err)
			}
			if len(unsupported(out, "1.41")) != 1 || len(unsupported(out, "1.46")) != 0 {
				t.Errorf("%s: %v", lines, unsupported(out, "1.41"))
			}
		}
		oom := api.ServiceSpec{TaskTemplate: api.TaskSpec{ContainerSpec: &api.ContainerSpec{OomScoreAdj: 100}}}
		if len(unsupported(oom, "1.45")) != 1 || len(unsupported(oom, "1.46")) != 0 {
			t.Error("oom_score_adj is not told apart")
		}
		job := api.ServiceSpec{Mode: api.ServiceMode{GlobalJob: &api.GlobalJob{}}, TaskTemplate: api.TaskSpec{ContainerSpec: &api.ContainerSpec{}}}
		if len(unsupported(job, "1.40")) != 1 || len(unsupported(job, "1.41")) != 0 {
			t.Error("a job is not told apart")
		}
		_, err := c.CreateService(t.Context(), convertText(t, "healthcheck: { test: x, start_interval: 2s }"))
		if apierr.KindOf(err) != apierr.Invalid || !strings.Contains(err.Error(), "start_interval") || f.count("POST /services/create") != 0 {
			t.Fatalf("%v: %v", err, f.asked)
		}
	})
}

// specWith is a service with lines of its own; those after "volumes:" at the end are the file's.
func specWith(t *testing.T, lines string) swarm.ServiceSpec {
	t.Helper()
	own, rest, _ := strings.Cut(lines, "\n")
	text := "version: \"3.13\"\nservices:\n  s:\n    image: app:1\n    " + own + "\n" + rest + "\n"
	stack, err := Convert("c", parse(t, []byte(text)))
	if err != nil {
		t.Fatal(err)
	}
	return stack.Services[0]
}

func TestConfigLabelsAreUpdatedByNameWithoutData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.gives("GET /configs/k", 200, api.Config{ID: "k", Spec: api.ConfigSpec{Annotations: api.Annotations{Name: "swarmd.c"}, Data: []byte("kept")}})
		f.gives("POST /configs/k/update", 200, nil)
		c := f.client(Options{})
		for range 2 {
			if err := c.UpdateConfig(t.Context(), "k", 3, map[string]string{"a": "b"}); err != nil {
				t.Fatal(err)
			}
		}
		var sent api.ConfigSpec
		if err := json.Unmarshal([]byte(f.bodies["POST /configs/k/update"]), &sent); err != nil {
			t.Fatal(err)
		}
		if sent.Name != "swarmd.c" || sent.Labels["a"] != "b" || sent.Data != nil || f.count("GET /configs/k") != 1 {
			t.Fatalf("sent %+v, asked %v", sent, f.asked)
		}
	})
}

func TestConfigsAreThoseOfThePrefix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		named := func(n string) api.Config {
			return api.Config{ID: "id-" + n, Spec: api.ConfigSpec{Annotations: api.Annotations{Name: n}}}
		}
		f.gives("GET /configs", 200, []api.Config{named("swarmd.c.spec.2"), named("other"), named("swarmd.c")})
		got, err := f.client(Options{}).Configs(t.Context(), "swarmd.c")
		if err != nil || len(got) != 2 || got[0].Name != "swarmd.c" || got[1].Name != "swarmd.c.spec.2" {
			t.Fatalf("%+v %v", got, err)
		}
	})
}
