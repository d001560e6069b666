package docker

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	composetypes "github.com/docker/cli/cli/compose/types"
	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// What a service's reference leaves out, as `docker stack deploy` fills it in.
const (
	defaultOwner = "0"
	defaultMode  = os.FileMode(0o444)
)

// objectName is what a config or secret is called in the swarm, without the hash of a content.
func (s stack) objectName(key string, o composetypes.FileObjectConfig) string {
	if o.External.External {
		return cmp.Or(o.Name, o.External.Name, key) //nolint:staticcheck // the older form of Compose
	}
	return cmp.Or(o.Name, s.scope(key))
}

func contentOf(o composetypes.FileObjectConfig) []byte { return []byte(extra(o, spec.ContentKey)) }

func extra(o composetypes.FileObjectConfig, key string) string {
	value, _ := o.Extras[key].(string)
	return value
}

// configName is what a config is called in the swarm. One without content, which only docker's own loader gives, has no hash.
func (s stack) configName(key string, o composetypes.FileObjectConfig) string {
	name, content := s.objectName(key, o), contentOf(o)
	if o.External.External || len(content) == 0 {
		return name
	}
	return swarm.HashedConfig(name, swarm.Templated(o.TemplateDriver, content))
}

// configs are those that the stack makes.
func (s stack) configs() []swarm.ConfigSpec {
	var out []swarm.ConfigSpec
	for key, c := range s.file.Configs {
		o := composetypes.FileObjectConfig(c)
		if content := contentOf(o); !o.External.External && len(content) > 0 {
			of := s.objectName(key, o)
			out = append(out, swarm.ConfigSpec{Name: s.configName(key, o), Of: of, Labels: s.objectLabels(of, o), Data: content})
		}
	}
	slices.SortFunc(out, func(a, b swarm.ConfigSpec) int { return cmp.Compare(a.Name, b.Name) })
	return slices.CompactFunc(out, func(a, b swarm.ConfigSpec) bool { return a.Name == b.Name })
}

// secrets are those that the stack makes, of which this place knows no value.
func (s stack) secrets() []swarm.SecretSpec {
	var out []swarm.SecretSpec
	for key, c := range s.file.Secrets {
		o := composetypes.FileObjectConfig(c)
		credential := extra(o, spec.CredentialKey)
		if !o.External.External && (o.File != "" || credential != "") {
			of := s.objectName(key, o)
			out = append(out, swarm.SecretSpec{Of: of, File: o.File, Credential: credential, Sealed: extra(o, spec.SealedKey), Key: extra(o, spec.SealedOf), Labels: s.objectLabels(of, o)})
		}
	}
	slices.SortFunc(out, func(a, b swarm.SecretSpec) int { return cmp.Compare(a.Of, b.Of) })
	return slices.CompactFunc(out, func(a, b swarm.SecretSpec) bool { return a.Of == b.Of })
}

func (s stack) objectLabels(of string, o composetypes.FileObjectConfig) map[string]string {
	labels := s.labelled(maps.Clone(o.Labels))
	labels[swarm.LabelCluster], labels[swarm.LabelVersionOf] = s.cluster, of
	if o.TemplateDriver != "" {
		labels[swarm.LabelTemplates] = o.TemplateDriver
	}
	return labels
}

// configReferences are sorted by name, as `docker stack deploy` does. The engine's ids are put in when they are sent.
func (s stack) configReferences(refs []composetypes.ServiceConfigObjConfig) ([]*api.ConfigReference, error) {
	var out []*api.ConfigReference
	for _, r := range refs {
		o, ok := s.file.Configs[r.Source]
		if !ok {
			return nil, fmt.Errorf("undefined config %q", r.Source)
		}
		ref := composetypes.FileReferenceConfig(r)
		file := api.ConfigReferenceFileTarget{Name: cmp.Or(r.Target, r.Source), UID: cmp.Or(r.UID, defaultOwner), GID: cmp.Or(r.GID, defaultOwner), Mode: modeOfFile(ref)}
		out = append(out, &api.ConfigReference{File: &file, ConfigName: s.configName(r.Source, composetypes.FileObjectConfig(o))})
	}
	slices.SortStableFunc(out, func(a, b *api.ConfigReference) int { return cmp.Compare(a.ConfigName, b.ConfigName) })
	return out, nil
}

func (s stack) secretReferences(refs []composetypes.ServiceSecretConfig) ([]*api.SecretReference, error) {
	var out []*api.SecretReference
	for _, r := range refs {
		o, ok := s.file.Secrets[r.Source]
		if !ok {
			return nil, fmt.Errorf("undefined secret %q", r.Source)
		}
		ref := composetypes.FileReferenceConfig(r)
		file := api.SecretReferenceFileTarget{Name: cmp.Or(r.Target, r.Source), UID: cmp.Or(r.UID, defaultOwner), GID: cmp.Or(r.GID, defaultOwner), Mode: modeOfFile(ref)}
		out = append(out, &api.SecretReference{File: &file, SecretName: s.objectName(r.Source, composetypes.FileObjectConfig(o))})
	}
	slices.SortStableFunc(out, func(a, b *api.SecretReference) int { return cmp.Compare(a.SecretName, b.SecretName) })
	return out, nil
}

func modeOfFile(r composetypes.FileReferenceConfig) os.FileMode {
	if r.Mode == nil {
		return defaultMode
	}
	return os.FileMode(*r.Mode)
}

// fullConfigs leaves out the engine's ids, for which the names stand, and fills in who owns a file.
func fullConfigs(refs []*api.ConfigReference) []*api.ConfigReference {
	var out []*api.ConfigReference
	for _, r := range refs {
		full := *r
		if full.ConfigID = ""; r.File != nil {
			file := *r.File
			file.UID, file.GID = cmp.Or(file.UID, defaultOwner), cmp.Or(file.GID, defaultOwner)
			full.File = &file
		}
		out = append(out, &full)
	}
	return out
}

func fullSecrets(refs []*api.SecretReference) []*api.SecretReference {
	var out []*api.SecretReference
	for _, r := range refs {
		full := *r
		if full.SecretID = ""; r.File != nil {
			file := *r.File
			file.UID, file.GID = cmp.Or(file.UID, defaultOwner), cmp.Or(file.GID, defaultOwner)
			full.File = &file
		}
		out = append(out, &full)
	}
	return out
}

// referred are the names of the configs and the secrets that a specification refers to, each sorted.
func referred(s api.ServiceSpec) (configs, secrets []string) {
	box := s.TaskTemplate.ContainerSpec
	if box == nil {
		return nil, nil
	}
	for _, r := range box.Configs {
		configs = append(configs, r.ConfigName)
	}
	for _, r := range box.Secrets {
		secrets = append(secrets, r.SecretName)
	}
	slices.SortFunc(configs, strings.Compare)
	slices.SortFunc(secrets, strings.Compare)
	return configs, secrets
}

// referring is what is left of a specification before, when all else of it is of no interest: what it refers to must not be removed.
func referring(s *api.ServiceSpec) *api.ServiceSpec {
	if s == nil || s.TaskTemplate.ContainerSpec == nil {
		return nil
	}
	box := s.TaskTemplate.ContainerSpec
	if len(box.Configs) == 0 && len(box.Secrets) == 0 {
		return nil
	}
	return &api.ServiceSpec{TaskTemplate: api.TaskSpec{ContainerSpec: &api.ContainerSpec{Configs: box.Configs, Secrets: box.Secrets}}}
}
