package docker

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/network"
	api "github.com/docker/docker/api/types/swarm"
	"pgregory.net/rapid"

	"github.com/swarmd/swarmd/pkg/swarm"
)

func formOf(t testing.TB, s api.ServiceSpec) swarm.Form {
	t.Helper()
	f, err := serviceForm(s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// leaf is a field that holds a value of its own, somewhere in a specification.
type leaf struct {
	path  string
	value reflect.Value
}

// fill gives every field a value and returns the leaves.
func fill(v reflect.Value, path string) []leaf {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return fill(v.Elem(), path)
	case reflect.Struct:
		var out []leaf
		for i := range v.NumField() {
			out = append(out, fill(v.Field(i), path+"."+v.Type().Field(i).Name)...)
		}
		return out
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		return fill(v.Index(0), path+"[0]")
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("key"), reflect.ValueOf("value"))
		return []leaf{{path, v}}
	}
	change(v, "first")
	return []leaf{{path, v}}
}

// change sets a leaf to a value that follows from the word.
func change(v reflect.Value, word string) {
	n := len(word)
	switch v.Kind() {
	case reflect.String:
		v.SetString(word)
	case reflect.Bool:
		v.SetBool(word == "first")
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(n))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(n))
	case reflect.Float32:
		v.SetFloat(float64(n))
	case reflect.Map:
		v.SetMapIndex(reflect.ValueOf("key"), reflect.ValueOf(word))
	default:
		panic("no leaf: " + v.Kind().String())
	}
}

// TestEveryFieldShows changes each field of a specification in turn: drift by hand in any of them must show, but for these few.
func TestEveryFieldShows(t *testing.T) {
	neutral := []string{
		".TaskTemplate.ForceUpdate",                                                                    // a restart asked for once
		".TaskTemplate.Placement.Platforms[0].Architecture", ".TaskTemplate.Placement.Platforms[0].OS", // come with the digest
		".TaskTemplate.ContainerSpec.Mounts[0].Consistency",                                                  // the engine forgets it
		".TaskTemplate.ContainerSpec.Configs[0].ConfigID", ".TaskTemplate.ContainerSpec.Secrets[0].SecretID", // names stand for them
		".Networks[0].Target", ".Networks[0].Aliases[0]", ".Networks[0].DriverOpts", // superseded by the task's
	}
	var spec api.ServiceSpec
	leaves := fill(reflect.ValueOf(&spec).Elem(), "")
	if len(leaves) < 100 {
		t.Fatalf("only %d fields", len(leaves))
	}
	before := formOf(t, spec)
	for _, l := range leaves {
		old := reflect.New(l.value.Type()).Elem()
		old.Set(l.value)
		change(l.value, "other")
		if l.value.Kind() != reflect.Map {
			change(l.value, "second")
		}
		shows := swarm.Diff(before, formOf(t, spec)) != nil
		if shows == slices.Contains(neutral, l.path) {
			t.Errorf("%s: shows = %v", l.path, shows)
		}
		if l.value.Kind() == reflect.Map {
			change(l.value, "value")
		} else {
			l.value.Set(old)
		}
	}
	if d := swarm.Diff(before, formOf(t, spec)); d != nil {
		t.Fatalf("the test did not put everything back: %v", d)
	}
}

func TestDefaultsMeanTheSameAsNothing(t *testing.T) {
	sec := func(n time.Duration) *time.Duration { d := n * time.Second; return &d }
	zero, one := uint64(0), uint64(1)
	bare := api.ServiceSpec{Annotations: api.Annotations{Name: "s"}}
	bare.TaskTemplate.ContainerSpec = &api.ContainerSpec{Image: "docker.io/library/nginx"}
	update := &api.UpdateConfig{Parallelism: 1, FailureAction: "pause", Monitor: 5 * time.Second, Order: "stop-first"}
	full := api.ServiceSpec{
		Annotations: api.Annotations{Name: "s", Labels: map[string]string{}},
		TaskTemplate: api.TaskSpec{
			ContainerSpec: &api.ContainerSpec{Image: "nginx:latest@" + digestA, StopGracePeriod: sec(10), Isolation: "default",
				DNSConfig: &api.DNSConfig{}, Privileges: &api.Privileges{}, Mounts: []mount.Mount{}},
			RestartPolicy: &api.RestartPolicy{Condition: "any", Delay: sec(5), MaxAttempts: &zero, Window: sec(0)},
			Resources:     &api.ResourceRequirements{Limits: &api.Limit{}, Reservations: &api.Resources{}},
			Placement:     &api.Placement{Platforms: []api.Platform{{OS: "linux"}}},
			Runtime:       "container", ForceUpdate: 4,
		},
		Mode:         api.ServiceMode{Replicated: &api.ReplicatedService{Replicas: &one}},
		UpdateConfig: update, RollbackConfig: update,
		EndpointSpec: &api.EndpointSpec{Mode: "vip"},
	}
	if d := swarm.Diff(formOf(t, bare), formOf(t, full)); d != nil {
		t.Fatal(strings.Join(d, "\n"))
	}
}

func TestWhatLooksLikeADefaultAndIsNone(t *testing.T) {
	base := convertText(t, "").Form()
	for _, lines := range []string{
		"stop_grace_period: 0s",
		"deploy: { replicas: 0 }",
		"deploy: { mode: global }",
		"deploy: { update_config: { parallelism: 0 } }",
		"deploy: { restart_policy: { delay: 0s } }",
		"init: false",
		`environment: { EMPTY: "" }`,
		`deploy: { labels: { empty: "" } }`,
		`command: [""]`,
	} {
		if swarm.Diff(base, convertText(t, lines).Form()) == nil {
			t.Errorf("%s does not show", lines)
		}
	}
}

func TestGlobalIsNoGlobalJob(t *testing.T) {
	if swarm.Diff(convertText(t, "deploy: { mode: global }").Form(), convertText(t, "deploy: { mode: global-job }").Form()) == nil {
		t.Error("a mode without settings does not show")
	}
}

func TestPinnedImagesShowTheirDigest(t *testing.T) {
	other := strings.Replace(digestA, "aa", "bb", 1)
	spec := func(label, image string) api.ServiceSpec {
		s := api.ServiceSpec{Annotations: api.Annotations{Labels: map[string]string{swarm.LabelImage: label}}}
		s.TaskTemplate.ContainerSpec = &api.ContainerSpec{Image: image}
		return s
	}
	if d := swarm.Diff(formOf(t, spec("nginx:1", "nginx:1")), formOf(t, spec("nginx:1", "nginx:1@"+digestA))); d != nil {
		t.Errorf("a resolved tag shows: %v", d)
	}
	pinned := "nginx:1@" + digestA
	if d := swarm.Diff(formOf(t, spec(pinned, pinned)), formOf(t, spec(pinned, "nginx:1@"+other))); d == nil {
		t.Error("another image than the pinned one does not show")
	}
}

func TestOrderThatMeansNothingDoesNotShow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z]{1,3}`), 0, 6, rapid.ID[string])
		a, b := unordered(words.Draw(t, "words")), api.ServiceSpec{}
		w := a.TaskTemplate.ContainerSpec.CapabilityAdd
		b = unordered(rapid.Permutation(w).Draw(t, "order"))
		fa, err := serviceForm(a)
		if err != nil {
			t.Fatal(err)
		}
		fb, err := serviceForm(b)
		if err != nil {
			t.Fatal(err)
		}
		if d := swarm.Diff(fa, fb); d != nil {
			t.Fatal(d)
		}
	})
}

// unordered has the words in every list whose order means nothing.
func unordered(words []string) api.ServiceSpec {
	c := &api.ContainerSpec{CapabilityAdd: words, CapabilityDrop: words}
	s := api.ServiceSpec{EndpointSpec: &api.EndpointSpec{}, TaskTemplate: api.TaskSpec{ContainerSpec: c, Placement: &api.Placement{Constraints: words}}}
	for _, w := range words {
		c.Env = append(c.Env, w+"=1")
		c.Mounts = append(c.Mounts, tmpfs("/"+w))
		s.TaskTemplate.Networks = append(s.TaskTemplate.Networks, api.NetworkAttachmentConfig{Target: w, Aliases: words})
		s.EndpointSpec.Ports = append(s.EndpointSpec.Ports, api.PortConfig{TargetPort: uint32(w[0])<<8 + uint32(len(w))})
	}
	return s
}

func TestOrderThatCountsShows(t *testing.T) {
	for _, k := range [][2]string{
		{"command: [a, b]", "command: [b, a]"},
		{"dns: [10.0.0.1, 10.0.0.2]", "dns: [10.0.0.2, 10.0.0.1]"},
		{`extra_hosts: ["a:10.0.0.1", "a:10.0.0.2"]`, `extra_hosts: ["a:10.0.0.2", "a:10.0.0.1"]`},
		{"deploy: { placement: { preferences: [{ spread: a }, { spread: b }] } }", "deploy: { placement: { preferences: [{ spread: b }, { spread: a }] } }"},
	} {
		if swarm.Diff(convertText(t, k[0]).Form(), convertText(t, k[1]).Form()) == nil {
			t.Errorf("%s is the same as %s", k[0], k[1])
		}
	}
}

func TestBookkeepingLabelsAreNoDrift(t *testing.T) {
	s := api.ServiceSpec{Annotations: api.Annotations{Labels: map[string]string{swarm.LabelHash: "h", swarm.LabelRevision: "3", swarm.LabelCluster: "c"}}}
	f := formOf(t, s)
	if len(s.Labels) != 3 {
		t.Fatal("the specification itself was changed")
	}
	for path := range f {
		if strings.Contains(path, swarm.LabelHash) || strings.Contains(path, swarm.LabelRevision) {
			t.Errorf("%s is in the form", path)
		}
	}
	if f["Labels."+swarm.LabelCluster] != "c" {
		t.Error("the cluster's label is not in the form")
	}
}

func TestPathsAreForPeople(t *testing.T) {
	f := convertText(t, `environment: { PATH: /bin }
ports: ["8080:80"]
deploy: { placement: { constraints: ["node.role==worker"] } }
tmpfs: []
`).Form()
	for path, value := range map[string]string{
		"TaskTemplate.ContainerSpec.Env[PATH]":                      "/bin",
		"TaskTemplate.Placement.Constraints[node.role==worker]":     "yes",
		"EndpointSpec.Ports[8080:80/tcp ingress].PublishedPort":     "8080",
		"TaskTemplate.Networks[c_default].Aliases[s]":               "yes",
		"TaskTemplate.ContainerSpec.Labels." + swarm.LabelNamespace: "c",
	} {
		if f[path] != value {
			t.Errorf("%s is %q, want %q in\n%v", path, f[path], value, f)
		}
	}
}

func TestNetworkSubnetsCountOnlyWhereAskedFor(t *testing.T) {
	auto, err := wantedNetwork("n", network.CreateOptions{Driver: "overlay", Labels: map[string]string{"a": "b"}})
	if err != nil {
		t.Fatal(err)
	}
	read := func(labels map[string]string, subnet string) swarm.NetworkSpec {
		spec, err := liveNetwork(network.Inspect{Name: "n", Driver: "overlay", Labels: labels, Options: map[string]string{
			"com.docker.network.driver.overlay.vxlanid_list": "4097"},
			IPAM: network.IPAM{Driver: "default", Config: []network.IPAMConfig{{Subnet: subnet, Gateway: "10.0.1.1"}}}})
		if err != nil {
			t.Fatal(err)
		}
		return spec
	}
	if d := swarm.Diff(auto.Form, read(auto.Labels, "10.0.1.0/24").Form); d != nil {
		t.Errorf("the engine's own choice shows: %v", d)
	}
	asked, err := wantedNetwork("n", network.CreateOptions{Driver: "overlay", Labels: map[string]string{"a": "b"},
		IPAM: &network.IPAM{Config: []network.IPAMConfig{{Subnet: "10.0.9.0/24"}}}})
	if err != nil {
		t.Fatal(err)
	}
	if d := swarm.Diff(asked.Form, read(asked.Labels, "10.0.9.0/24").Form); d != nil {
		t.Errorf("the subnet asked for shows: %v", d)
	}
	for name, live := range map[string]swarm.NetworkSpec{"none asked for": read(auto.Labels, "10.0.1.0/24"), "another": read(asked.Labels, "10.0.8.0/24")} {
		if swarm.Diff(asked.Form, live.Form) == nil {
			t.Errorf("%s: no difference", name)
		}
	}
	if swarm.Diff(auto.Form, asked.Form) == nil || swarm.Diff(auto.Form, read(asked.Labels, "10.0.9.0/24").Form) == nil {
		t.Error("a subnet no longer asked for does not show")
	}
}

func TestImagesAreWrittenAsTheEngineDoes(t *testing.T) {
	for in, want := range map[string]string{
		"nginx":                           "nginx:latest ",
		"docker.io/library/redis:7":       "redis:7 ",
		"localhost:5000/a/b":              "localhost:5000/a/b:latest ",
		"redis@" + digestA:                "redis " + digestA,
		"docker.io/team/app:1@" + digestA: "team/app:1 " + digestA,
		"NOT A REFERENCE":                 "NOT A REFERENCE ",
		"NOT A REFERENCE@sha256:whatever": "NOT A REFERENCE sha256:whatever",
	} {
		image, digest := splitImage(in)
		if got := fmt.Sprintf("%s %s", image, digest); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}
