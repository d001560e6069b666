package oracle

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/docker/cli/cli/compose/convert"
	"github.com/docker/cli/cli/compose/loader"
	composetypes "github.com/docker/cli/cli/compose/types"
	"github.com/docker/docker/api/types/network"
	api "github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/client"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

const namespace = "corpus"

// TestConvertsAsStackDeployDoes compares, for every file of the corpus, what we would send with what `docker stack deploy` would send,
// minus our own labels and the hashes in names. nil and empty are one: the engine makes no difference.
func TestConvertsAsStackDeployDoes(t *testing.T) {
	files, err := filepath.Glob("../testdata/compose/*.yaml")
	if err != nil || len(files) < 120 {
		t.Fatalf("the corpus has %d files: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			ours, err := docker.Convert(namespace, withContent(t, load(t, file)))
			if err != nil {
				t.Fatal(err)
			}
			theirs := load(t, file) // another: the conversion writes into it
			compareServices(t, theirs, ours)
			compareNetworks(t, theirs, ours)
			compareConfigs(t, theirs, ours)
			compareSecrets(t, theirs, ours)
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
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := loader.Load(composetypes.ConfigDetails{WorkingDir: dir, ConfigFiles: []composetypes.ConfigFile{{Config: tree}}})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// withContent adds the texts of configs, as the file's bundle has them.
func withContent(t *testing.T, cfg *composetypes.Config) *composetypes.Config {
	t.Helper()
	for name, c := range cfg.Configs {
		if c.File != "" {
			c.Extras = map[string]any{spec.ContentKey: read(t, c.File)}
			cfg.Configs[name] = c
		}
	}
	return cfg
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// swarmWith is a swarm that has whatever config and secret is asked for; the id of each begins with "id of".
type swarmWith struct{ client.APIClient }

func (swarmWith) ClientVersion() string { return "1.51" }

func (swarmWith) ConfigList(_ context.Context, o api.ConfigListOptions) ([]api.Config, error) {
	var all []api.Config
	for _, name := range o.Filters.Get("name") {
		all = append(all, api.Config{ID: "id of " + name, Spec: api.ConfigSpec{Annotations: api.Annotations{Name: name}}})
	}
	return all, nil
}

func (swarmWith) SecretList(_ context.Context, o api.SecretListOptions) ([]api.Secret, error) {
	var all []api.Secret
	for _, name := range o.Filters.Get("name") {
		all = append(all, api.Secret{ID: "id of " + name, Spec: api.SecretSpec{Annotations: api.Annotations{Name: name}}})
	}
	return all, nil
}

func compareServices(t *testing.T, cfg *composetypes.Config, ours swarm.Stack) {
	t.Helper()
	theirs := map[string]api.ServiceSpec{}
	converted, err := convert.Services(t.Context(), convert.NewNamespace(namespace), cfg, swarmWith{})
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range converted {
		nameless(&spec)
		theirs[spec.Name] = spec
	}
	unhashed := map[string]string{}
	for _, c := range ours.Configs {
		unhashed[c.Name] = c.Of
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
		identify(t, spec.TaskTemplate.ContainerSpec, unhashed)
		nameless(&spec)
		got[s.Name] = spec
	}
	if d := cmp.Diff(theirs, got, cmpopts.EquateEmpty()); d != "" {
		t.Error(d)
	}
}

// identify puts the ids in that our adapter asks for when it sends, and takes the hashes out of the names.
func identify(t *testing.T, box *api.ContainerSpec, unhashed map[string]string) {
	t.Helper()
	account := box.Privileges.CredentialSpec
	for _, r := range box.Configs {
		hashed := r.ConfigName
		if of := unhashed[r.ConfigName]; of != "" {
			r.ConfigName = of
		}
		if r.ConfigID != "" {
			t.Errorf("%s has an id before anything was sent", r.ConfigName)
		}
		r.ConfigID = "id of " + r.ConfigName
		if r.Runtime != nil && account.Config == hashed {
			account.Config = r.ConfigID
		}
	}
	for _, r := range box.Secrets {
		r.SecretID = "id of " + r.SecretName
	}
}

// nameless sorts what docker leaves in any order: several references to one config or secret.
func nameless(s *api.ServiceSpec) {
	box := s.TaskTemplate.ContainerSpec
	place := func(name string, runtime bool, file string) string { return fmt.Sprint(name, runtime, file) }
	slices.SortFunc(box.Configs, func(a, b *api.ConfigReference) int {
		at := func(r *api.ConfigReference) string {
			if r.File == nil {
				return place(r.ConfigName, true, "")
			}
			return place(r.ConfigName, false, r.File.Name)
		}
		return strings.Compare(at(a), at(b))
	})
	slices.SortFunc(box.Secrets, func(a, b *api.SecretReference) int {
		return strings.Compare(place(a.SecretName, false, a.File.Name), place(b.SecretName, false, b.File.Name))
	})
}

// object is a config or a secret, as it would be made.
type object struct {
	Labels map[string]string
	Data   string
	Driver string // that fills its templates
}

func templating(d *api.Driver) string {
	if d == nil {
		return ""
	}
	return d.Name
}

func compareConfigs(t *testing.T, cfg *composetypes.Config, ours swarm.Stack) {
	t.Helper()
	made, err := convert.Configs(convert.NewNamespace(namespace), cfg.Configs)
	if err != nil {
		t.Fatal(err)
	}
	theirs, got := map[string]object{}, map[string]object{}
	for _, c := range made {
		theirs[c.Name] = object{c.Labels, string(c.Data), templating(c.Templating)}
	}
	for _, c := range ours.Configs {
		got[c.Of] = object{plain(t, c.Labels, c.Of), string(c.Data), c.Labels[swarm.LabelTemplates]}
	}
	if d := cmp.Diff(theirs, got, cmpopts.EquateEmpty()); d != "" {
		t.Error(d)
	}
}

func compareSecrets(t *testing.T, cfg *composetypes.Config, ours swarm.Stack) {
	t.Helper()
	made, err := convert.Secrets(convert.NewNamespace(namespace), cfg.Secrets)
	if err != nil {
		t.Fatal(err)
	}
	theirs, got := map[string]object{}, map[string]object{}
	for _, s := range made {
		theirs[s.Name] = object{s.Labels, string(s.Data), templating(s.Templating)}
	}
	for _, s := range ours.Secrets {
		got[s.Of] = object{plain(t, s.Labels, s.Of), read(t, s.File), s.Labels[swarm.LabelTemplates]}
	}
	if d := cmp.Diff(theirs, got, cmpopts.EquateEmpty()); d != "" {
		t.Error(d)
	}
}

// plain is the labels without our own.
func plain(t *testing.T, labels map[string]string, of string) map[string]string {
	t.Helper()
	if labels[swarm.LabelCluster] != namespace || labels[swarm.LabelVersionOf] != of {
		t.Errorf("%s lacks our labels: %v", of, labels)
	}
	labels = maps.Clone(labels)
	for _, own := range []string{swarm.LabelCluster, swarm.LabelVersionOf, swarm.LabelTemplates} {
		delete(labels, own)
	}
	return labels
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
