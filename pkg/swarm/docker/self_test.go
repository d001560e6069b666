package docker

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/docker/cli/cli/compose/loader"
	composetypes "github.com/docker/cli/cli/compose/types"
	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/swarm"
)

const stackFile = "../../../deploy/stack.yaml"

// loadStack reads the shipped stack file as `docker stack deploy` does with this environment.
func loadStack(t *testing.T, env map[string]string) (*composetypes.Config, error) {
	t.Helper()
	data, err := os.ReadFile(stackFile)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := loader.ParseYAML(data)
	if err != nil {
		t.Fatal(err)
	}
	return loader.Load(composetypes.ConfigDetails{WorkingDir: "/", ConfigFiles: []composetypes.ConfigFile{{Config: tree}}, Environment: env})
}

// rawSpec is what would be sent to the engine.
func rawSpec(t *testing.T, s swarm.ServiceSpec, err error) (spec api.ServiceSpec) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(s.Base.Raw(), &spec); err != nil {
		t.Fatal(err)
	}
	return spec
}

// TestStackFileIsTheServiceThatBootstrapMakes compares normal forms. What may differ is named: the name and the labels that tell a
// stack, and secrets, which are compared by hand because conversion does not take them.
func TestStackFileIsTheServiceThatBootstrapMakes(t *testing.T) {
	cfg, err := loadStack(t, map[string]string{"SWARMD_CLUSTER": "shop", "SWARMD_IMAGE": "registry.example/swarmd:1.0"})
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Services) != 1 {
		t.Fatalf("%d services", len(cfg.Services))
	}
	self, err := SelfService(Self{Cluster: "shop", Image: "registry.example/swarmd:1.0", SecretID: "id", SecretName: TokenSecret("shop"), ReadID: "id2", Memory: 512 << 20})
	want := rawSpec(t, self, err)
	checkSecret(t, cfg, want.TaskTemplate.ContainerSpec.Secrets)
	labels := maps.Clone(want.Labels)
	delete(labels, swarm.LabelImage) // `docker stack deploy` adds it
	if got := cfg.Services[0].Deploy.Labels; !maps.Equal(got, labels) {
		t.Errorf("labels %v, want %v", got, labels)
	}
	want.TaskTemplate.ContainerSpec.Secrets = nil
	cfg.Services[0].Secrets = nil
	stack, err := Convert("shop", cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range diffs(t, want, rawSpec(t, stack.Services[0], nil)) {
		t.Error(line)
	}
}

// diffs are the differences of the normal forms that a stack does not explain.
func diffs(t *testing.T, want, got api.ServiceSpec) []string {
	t.Helper()
	w, err := serviceForm(want)
	if err != nil {
		t.Fatal(err)
	}
	g, err := serviceForm(got)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(swarm.Diff(w, g), func(line string) bool {
		return strings.HasPrefix(line, "Name:") || strings.Contains(line, swarm.LabelNamespace)
	})
}

func checkSecret(t *testing.T, cfg *composetypes.Config, want []*api.SecretReference) {
	t.Helper()
	if len(cfg.Services[0].Secrets) != len(want) || len(want) != 2 {
		t.Fatalf("secrets %v, want %v", cfg.Services[0].Secrets, want)
	}
	for i, got := range cfg.Services[0].Secrets {
		file, source := want[i].File, cfg.Secrets[got.Source]
		if source.Name != want[i].SecretName || !source.External.External {
			t.Errorf("the secret is %+v, want %s", source, want[i].SecretName)
		}
		if got.Target != file.Name || got.UID != file.UID || got.GID != file.GID || got.Mode == nil || *got.Mode != uint32(file.Mode) {
			t.Errorf("the secret's file is %+v, want %+v", got, *file)
		}
	}
}

func TestStackFileWantsItsVariables(t *testing.T) {
	for _, env := range []map[string]string{{"SWARMD_CLUSTER": "shop"}, {"SWARMD_IMAGE": "swarmd:1"}} {
		if cfg, err := loadStack(t, env); err == nil || !strings.Contains(err.Error(), "which") {
			t.Errorf("%v: %v %v", env, cfg, err)
		}
	}
}
