package docker

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	composetypes "github.com/docker/cli/cli/compose/types"
	api "github.com/docker/docker/api/types/swarm"
)

// credentials are the account that a Windows container runs under, which is in a file or the registry of its machine or in a config. A config of that
// kind is one of the task's references, without a place in the container. Its name stands for the engine's id, see refer.
func (s stack) credentials(of composetypes.CredentialSpecConfig, configs []*api.ConfigReference) (*api.CredentialSpec, []*api.ConfigReference, error) {
	given := slices.DeleteFunc([]string{of.Config, of.File, of.Registry}, func(from string) bool { return from == "" })
	switch {
	case len(given) == 0:
		return nil, configs, nil
	case len(given) > 1:
		return nil, nil, errors.New("credential_spec: config, file and registry exclude each other")
	case of.Config == "":
		return &api.CredentialSpec{File: of.File, Registry: of.Registry}, configs, nil
	}
	declared, ok := s.file.Configs[of.Config]
	if !ok {
		return nil, nil, fmt.Errorf("credential_spec: undefined config %q", of.Config)
	}
	name := s.configName(of.Config, composetypes.FileObjectConfig(declared))
	configs = append(configs, &api.ConfigReference{ConfigName: name, Runtime: &api.ConfigReferenceRuntimeTarget{}})
	slices.SortStableFunc(configs, func(a, b *api.ConfigReference) int { return cmp.Compare(a.ConfigName, b.ConfigName) })
	return &api.CredentialSpec{Config: name}, configs, nil
}

// accountFrom is the privileges with the credentials' config under the second of two things that a reference has, its name and its id, for the first.
func accountFrom(p *api.Privileges, refs []*api.ConfigReference, is, becomes func(*api.ConfigReference) string) *api.Privileges {
	if p == nil || p.CredentialSpec == nil || p.CredentialSpec.Config == "" {
		return p
	}
	for _, r := range refs {
		if r.Runtime != nil && is(r) == p.CredentialSpec.Config && becomes(r) != "" {
			changed, account := *p, *p.CredentialSpec
			account.Config = becomes(r)
			changed.CredentialSpec = &account
			return &changed
		}
	}
	return p
}

func idOf(r *api.ConfigReference) string   { return r.ConfigID }
func nameOf(r *api.ConfigReference) string { return r.ConfigName }
