package docker

import (
	"encoding/json"
	"os"
	"testing"

	composetypes "github.com/docker/cli/cli/compose/types"
	api "github.com/docker/docker/api/types/swarm"
	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

func configOfFile(content string) composetypes.ConfigObjConfig {
	return composetypes.ConfigObjConfig{Extras: map[string]any{spec.ContentKey: content}}
}

// TestConfigsAreNamedByTheirContent: the same content is the same config, another is another one, and the services follow.
func TestConfigsAreNamedByTheirContent(t *testing.T) {
	mode := uint32(0o400)
	file := func(content string) *composetypes.Config {
		return &composetypes.Config{
			Services: composetypes.Services{{Name: "s", Image: "app:1",
				Configs: []composetypes.ServiceConfigObjConfig{{Source: "site", Target: "/etc/site"}, {Source: "theirs", UID: "5", Mode: &mode}},
				Secrets: []composetypes.ServiceSecretConfig{{Source: "token"}}}},
			Configs: map[string]composetypes.ConfigObjConfig{"site": configOfFile(content), "theirs": {External: composetypes.External{External: true}}},
			Secrets: map[string]composetypes.SecretConfig{"token": {File: "/run/token"}},
		}
	}
	one, err := Convert("c", file("a\n"))
	if err != nil {
		t.Fatal(err)
	}
	two, err := Convert("c", file("b\n"))
	if err != nil {
		t.Fatal(err)
	}
	made := swarm.ConfigSpec{Name: "c_site-87428fc52280", Of: "c_site", Data: []byte("a\n"),
		Labels: map[string]string{swarm.LabelNamespace: "c", swarm.LabelCluster: "c", swarm.LabelVersionOf: "c_site"}}
	if d := cmp.Diff([]swarm.ConfigSpec{made}, one.Configs); d != "" {
		t.Error(d)
	}
	if two.Configs[0].Name == made.Name || one.Services[0].Labels[swarm.LabelHash] == two.Services[0].Labels[swarm.LabelHash] {
		t.Error("another content makes no difference")
	}
	changes := swarm.ServiceChanges(two.Services[0].Form(), one.Services[0].Form())
	if len(changes) != 1 || changes[0].Key != "configs[/etc/site].source" || changes[0].From != "site-87428fc52280" || changes[0].Beyond {
		t.Errorf("told as %+v", changes)
	}
	var sent api.ServiceSpec
	if err := json.Unmarshal(one.Services[0].Base.Raw(), &sent); err != nil {
		t.Fatal(err)
	}
	want := []*api.ConfigReference{
		{ConfigName: "c_site-87428fc52280", File: &api.ConfigReferenceFileTarget{Name: "/etc/site", UID: "0", GID: "0", Mode: 0o444}},
		{ConfigName: "theirs", File: &api.ConfigReferenceFileTarget{Name: "theirs", UID: "5", GID: "0", Mode: os.FileMode(0o400)}},
	}
	if d := cmp.Diff(want, sent.TaskTemplate.ContainerSpec.Configs); d != "" {
		t.Error(d)
	}
	if s := one.Secrets; len(s) != 1 || s[0].Of != "c_token" || s[0].File != "/run/token" || one.Services[0].Secrets[0] != "c_token" {
		t.Errorf("secrets %+v, the service names %q", s, one.Services[0].Secrets)
	}
}

// TestASealedServiceIsSentAsItIsCompared: form, hash and what goes to the engine have the name with the hash of the value.
func TestASealedServiceIsSentAsItIsCompared(t *testing.T) {
	file := &composetypes.Config{
		Services: composetypes.Services{{Name: "s", Image: "app:1", Secrets: []composetypes.ServiceSecretConfig{{Source: "token"}}}},
		Secrets:  map[string]composetypes.SecretConfig{"token": {File: "/run/token"}},
	}
	stack, err := Convert("c", file)
	if err != nil {
		t.Fatal(err)
	}
	name := swarm.HashedSecret([]byte("key"), "c_token", []byte("hunter2"))
	if other := swarm.HashedSecret([]byte("another"), "c_token", []byte("hunter2")); other == name || len(name) != len("c_token-")+12 {
		t.Errorf("%s with one key, %s with another", name, other)
	}
	sealed := stack.Services[0].SealedAs(map[string]string{"c_token": name})
	sent, err := wire("create service", sealed)
	if err != nil {
		t.Fatal(err)
	}
	if got := sent.TaskTemplate.ContainerSpec.Secrets[0].SecretName; got != name || sealed.Secrets[0] != name {
		t.Errorf("sent as %s, named %s", got, sealed.Secrets[0])
	}
	read, err := specOf(sent, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := swarm.Diff(sealed.Form(), read.Form()); d != nil || !read.AsWritten() {
		t.Errorf("as written: %v, %v", read.AsWritten(), d)
	}
}

// TestWhatWasBeforeIsKeptAsFarAsItRefers: a roll-out that has completed may still be taken back by the engine.
func TestWhatWasBeforeIsKeptAsFarAsItRefers(t *testing.T) {
	before := api.ServiceSpec{TaskTemplate: api.TaskSpec{ContainerSpec: &api.ContainerSpec{Image: "app:1",
		Configs: []*api.ConfigReference{{ConfigName: "old"}}, Secrets: []*api.SecretReference{{SecretName: "older"}}}}}
	s := api.Service{ID: "x", Spec: api.ServiceSpec{Annotations: api.Annotations{Name: "s"}}, PreviousSpec: &before}
	serviceBounds().slim(&s)
	got, err := serviceOf(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"old", "older"}, got.Keeps); d != "" || got.Previous != nil {
		t.Errorf("%s, previous %v", d, got.Previous)
	}
}
