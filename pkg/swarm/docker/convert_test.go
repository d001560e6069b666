package docker

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	composetypes "github.com/docker/cli/cli/compose/types"

	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

func TestConvertNamesLabelsAndHash(t *testing.T) {
	s := convertText(t, `ports: ["8080:80", { target: 53, published: 53, protocol: udp, mode: host }]
deploy: { replicas: 3, labels: { a: b } }
`)
	if s.Name != "c_s" || s.Image != "app:1" || s.Pin().Digest != "" || s.Mode != swarm.Replicated || s.Replicas() != 3 || s.Networks[0] != "c_default" {
		t.Errorf("%+v", s)
	}
	want := map[string]string{"a": "b", swarm.LabelNamespace: "c", swarm.LabelImage: "app:1", swarm.LabelCluster: "c", swarm.LabelHash: s.Form().Hash()}
	if !maps.Equal(s.Labels, want) {
		t.Errorf("labels %v, want %v", s.Labels, want)
	}
	ports := []swarm.Port{{Published: 53, Target: 53, Protocol: "udp", Mode: "host"}, {Published: 8080, Target: 80, Protocol: "tcp", Mode: "ingress"}}
	if len(s.Ports) != 2 || s.Ports[0] != ports[0] || s.Ports[1] != ports[1] {
		t.Errorf("ports %v", s.Ports)
	}
}

func TestConvertIsSortedAndLeavesTheFileAlone(t *testing.T) {
	cfg := load(t, "testdata/compose/11-networks.yaml")
	first, err := Convert("c", cfg)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Convert("c", cfg)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range first.Services {
		if string(s.Base.Raw()) != string(second.Services[i].Base.Raw()) {
			t.Errorf("%s changes from one conversion to the next:\n%s\n%s", s.Name, s.Base.Raw(), second.Services[i].Base.Raw())
		}
		if i > 0 && first.Services[i-1].Name >= s.Name {
			t.Errorf("%s is out of order", s.Name)
		}
	}
	if len(cfg.Networks["edge"].Labels) != 1 || len(first.Networks) != 2 || first.Networks[0].Name != "c_back" {
		t.Errorf("%v %+v", cfg.Networks, first.Networks)
	}
}

// again converts a file that is a cluster's own stack.
func (c *Converter) again(namespace string, file *composetypes.Config) (swarm.Stack, error) {
	return c.ConvertFile(&spec.Spec{Cluster: namespace}, file, nil)
}

// TestStacksOfOneFile: each is named and labelled as its own, all are the cluster's, and a shared network is nobody's but the cluster's.
func TestStacksOfOneFile(t *testing.T) {
	svc := func(image string) composetypes.Services {
		return composetypes.Services{{Name: "web", Image: image, Networks: map[string]*composetypes.ServiceNetworkConfig{"public": nil}}}
	}
	outside := map[string]composetypes.NetworkConfig{"public": {External: composetypes.External{External: true}, Name: "public"}}
	own := &composetypes.Config{Services: svc("a:1"), Networks: map[string]composetypes.NetworkConfig{"public": {Extras: map[string]any{spec.SharedKey: true}}}}
	composed := map[string]*composetypes.Config{
		"shop":  {Services: svc("b:1"), Networks: outside, Configs: map[string]composetypes.ConfigObjConfig{"site": {Extras: map[string]any{spec.ContentKey: "x"}}}},
		"watch": {Services: svc("c:1"), Networks: outside},
	}
	out, err := ConvertFile(&spec.Spec{Cluster: "prod", Stacks: []spec.Stack{{Name: "shop", Adopt: true}, {Name: "watch"}}}, own, composed)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range out.Services {
		got = append(got, strings.Join([]string{s.Name, s.Stack(), s.Short(), s.Labels[swarm.LabelCluster], s.Image, s.Networks[0]}, " "))
	}
	want := []string{"prod_web prod web prod a:1 public", "shop_web shop web prod b:1 public", "watch_web watch web prod c:1 public"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if len(out.Networks) != 1 || out.Networks[0].Name != "public" || swarm.StackOf(out.Networks[0].Labels) != "" || out.Networks[0].Labels[swarm.LabelCluster] != "prod" {
		t.Errorf("%+v", out.Networks)
	}
	if len(out.Configs) != 1 || !strings.HasPrefix(out.Configs[0].Name, "shop_site-") || swarm.StackOf(out.Configs[0].Labels) != "shop" {
		t.Errorf("%+v", out.Configs)
	}
	if !out.Adopts("shop") || out.Adopts("watch") {
		t.Errorf("%q are adopted", out.Adopt)
	}
}

// What a Converter remembers must not show: every file is converted as if it were the first, after itself, after several others, in another stack too.
func TestConverterConvertsAsIfForTheFirstTime(t *testing.T) {
	c := &Converter{}
	var files []*composetypes.Config
	for _, f := range corpus(t) {
		files = append(files, load(t, f))
	}
	for _, apart := range []int{0, 1, 7, 40} {
		for i, file := range files {
			before := files[(i+apart)%len(files)]
			for _, namespace := range []string{"a", "b"} {
				if _, err := c.again("a", before); err != nil {
					t.Fatal(err)
				}
				again, err := c.again(namespace, file)
				if err != nil {
					t.Fatal(err)
				}
				first, err := Convert(namespace, file)
				if err != nil || !reflect.DeepEqual(first, again) {
					t.Fatalf("file %d: %+v, want %+v, %v", i, again, first, err)
				}
			}
		}
	}
}

// The same services in front of other networks and volumes are other services.
func TestConverterSeesWhatIsAround(t *testing.T) {
	c := &Converter{}
	cfg := load(t, "testdata/compose/11-networks.yaml")
	if _, err := c.again("c", cfg); err != nil {
		t.Fatal(err)
	}
	around := *cfg
	around.Networks = maps.Clone(cfg.Networks)
	edge := around.Networks["edge"]
	edge.Name = "another"
	around.Networks["edge"] = edge
	again, err := c.again("c", &around)
	if err != nil {
		t.Fatal(err)
	}
	if first, err := Convert("c", &around); err != nil || !reflect.DeepEqual(first, again) {
		t.Errorf("%+v, want %+v, %v", again, first, err)
	}
}

// TestConvertRefuses goes past the loader, which stops some of these itself.
func TestConvertRefuses(t *testing.T) {
	two := uint64(2)
	volume := func(v composetypes.ServiceVolumeConfig) composetypes.ServiceConfig {
		return composetypes.ServiceConfig{Volumes: []composetypes.ServiceVolumeConfig{v}}
	}
	for want, svc := range map[string]composetypes.ServiceConfig{
		`undefined config "x"`:                                          {Configs: []composetypes.ServiceConfigObjConfig{{Source: "x"}}},
		`undefined secret "x"`:                                          {Secrets: []composetypes.ServiceSecretConfig{{Source: "x"}}},
		`credential_spec: undefined config "x"`:                         {CredentialSpec: composetypes.CredentialSpecConfig{Config: "x"}},
		"credential_spec: config, file and registry exclude each other": {CredentialSpec: composetypes.CredentialSpecConfig{File: "x", Registry: "y"}},
		"replicas can only be used":                                     {Deploy: composetypes.DeployConfig{Mode: "global", Replicas: &two}},
		"unknown deploy mode":                                           {Deploy: composetypes.DeployConfig{Mode: "sometimes"}},
		"exclude each other":                                            {HealthCheck: &composetypes.HealthCheckConfig{Disable: true, Test: []string{"x"}}},
		`undefined network "nowhere"`:                                   {Networks: map[string]*composetypes.ServiceNetworkConfig{"nowhere": nil}},
		`undefined volume "nothing"`:                                    volume(composetypes.ServiceVolumeConfig{Type: "volume", Source: "nothing"}),
		"unknown mount type":                                            volume(composetypes.ServiceVolumeConfig{Type: "tape"}),
		"a tmpfs has no source":                                         volume(composetypes.ServiceVolumeConfig{Type: "tmpfs", Source: "x"}),
		"type bind needs a source":                                      volume(composetypes.ServiceVolumeConfig{Type: "bind"}),
		"tmpfs options do not fit":                                      volume(composetypes.ServiceVolumeConfig{Type: "bind", Source: "/x", Tmpfs: &composetypes.ServiceVolumeTmpfs{}}),
		"bind options do not fit":                                       volume(composetypes.ServiceVolumeConfig{Source: "x", Bind: &composetypes.ServiceVolumeBind{}}),
		"resources.limits":                                              {Deploy: composetypes.DeployConfig{Resources: composetypes.Resources{Limits: &composetypes.ResourceLimit{NanoCPUs: "many"}}}},
		"resources.reservations":                                        {Deploy: composetypes.DeployConfig{Resources: composetypes.Resources{Reservations: &composetypes.Resource{NanoCPUs: "many"}}}},
		"maximum retry count":                                           {Restart: "on-failure:often"},
		`unknown restart policy "maybe"`:                                {Restart: "maybe"},
	} {
		svc.Name, svc.Image = "s", "app:1"
		_, err := Convert("c", &composetypes.Config{Services: composetypes.Services{svc}})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "service s: ") {
			t.Errorf("%s: got %v", want, err)
		}
	}
}

func TestEveryFileOfTheCorpusHasItsOwnHash(t *testing.T) {
	seen := map[string]string{}
	for _, file := range corpus(t) {
		for _, s := range convert(t, file).Services {
			key := s.Form().Hash()
			if other, ok := seen[key]; ok {
				t.Errorf("%s in %s has the form of %s", s.Name, file, other)
			}
			seen[key] = s.Name + " in " + file
		}
	}
}
