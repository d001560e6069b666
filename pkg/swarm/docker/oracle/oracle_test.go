package oracle

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/docker/cli/cli/compose/convert"
	"github.com/docker/cli/cli/compose/loader"
	composetypes "github.com/docker/cli/cli/compose/types"
	"github.com/docker/docker/api/types/network"
	api "github.com/docker/docker/api/types/swarm"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/swarmd/swarmd/pkg/swarm"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

const namespace = "corpus"

// TestConvertsAsStackDeployDoes compares, for every file of the corpus, what we would send with what `docker stack deploy` would send,
// minus our own labels. nil and empty are one: the engine makes no difference.
func TestConvertsAsStackDeployDoes(t *testing.T) {
	files, err := filepath.Glob("../testdata/compose/*.yaml")
	if err != nil || len(files) < 20 {
		t.Fatalf("the corpus has %d files: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			ours, err := docker.Convert(namespace, load(t, file))
			if err != nil {
				t.Fatal(err)
			}
			compareServices(t, load(t, file), ours)
			compareNetworks(t, load(t, file), ours)
		})
	}
}

func load(t *testing.T, file string) *composetypes.Config {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := loader.ParseYAML(data)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := loader.Load(composetypes.ConfigDetails{WorkingDir: "/", ConfigFiles: []composetypes.ConfigFile{{Config: tree}}})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func compareServices(t *testing.T, cfg *composetypes.Config, ours swarm.Stack) {
	t.Helper()
	theirs := map[string]api.ServiceSpec{}
	for _, svc := range cfg.Services {
		spec, err := convert.Service("1.51", convert.NewNamespace(namespace), svc, cfg.Networks, cfg.Volumes, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		theirs[spec.Name] = spec
	}
	got := map[string]api.ServiceSpec{}
	for _, s := range ours.Services {
		var spec api.ServiceSpec
		if err := json.Unmarshal(s.Base.Raw(), &spec); err != nil {
			t.Fatal(err)
		}
		if spec.Labels[swarm.LabelCluster] != namespace || s.Labels[swarm.LabelHash] == "" {
			t.Errorf("%s lacks our labels: %v", s.Name, s.Labels)
		}
		delete(spec.Labels, swarm.LabelCluster)
		got[s.Name] = spec
	}
	if d := cmp.Diff(theirs, got, cmpopts.EquateEmpty()); d != "" {
		t.Error(d)
	}
}

// compareNetworks takes the driver that `docker stack deploy` fills in after the conversion.
func compareNetworks(t *testing.T, cfg *composetypes.Config, ours swarm.Stack) {
	t.Helper()
	used := map[string]struct{}{}
	for _, svc := range cfg.Services {
		if len(svc.Networks) == 0 {
			used["default"] = struct{}{}
		}
		for name := range svc.Networks {
			used[name] = struct{}{}
		}
	}
	theirs, _ := convert.Networks(convert.NewNamespace(namespace), cfg.Networks, used)
	for name, n := range theirs {
		if n.Driver == "" {
			n.Driver = "overlay"
			theirs[name] = n
		}
	}
	got := map[string]network.CreateOptions{}
	for _, n := range ours.Networks {
		var opts network.CreateOptions
		if err := json.Unmarshal(n.Raw, &opts); err != nil {
			t.Fatal(err)
		}
		delete(opts.Labels, swarm.LabelCluster)
		got[n.Name] = opts
	}
	if d := cmp.Diff(theirs, got, cmpopts.EquateEmpty()); d != "" {
		t.Error(d)
	}
}
