package docker

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	composetypes "github.com/docker/cli/cli/compose/types"
	"github.com/docker/cli/opts"
	"github.com/docker/docker/api/types/container"
	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// service converts one service, as `docker stack deploy` does.
func (s stack) service(svc composetypes.ServiceConfig) (api.ServiceSpec, error) {
	task, err := s.task(svc)
	if err != nil {
		return api.ServiceSpec{}, err
	}
	mode, err := deployMode(svc.Deploy)
	if err != nil {
		return api.ServiceSpec{}, err
	}
	labels := s.labelled(svc.Deploy.Labels)
	labels[swarm.LabelImage] = svc.Image
	return api.ServiceSpec{
		Annotations:    api.Annotations{Name: s.scope(svc.Name), Labels: labels},
		TaskTemplate:   task,
		Mode:           mode,
		UpdateConfig:   updateConfig(svc.Deploy.UpdateConfig),
		RollbackConfig: updateConfig(svc.Deploy.RollbackConfig),
		EndpointSpec:   endpoint(svc.Deploy.EndpointMode, svc.Ports),
	}, nil
}

func (s stack) task(svc composetypes.ServiceConfig) (api.TaskSpec, error) {
	box, err := s.container(svc)
	if err != nil {
		return api.TaskSpec{}, err
	}
	networks, err := s.attachments(svc)
	if err != nil {
		return api.TaskSpec{}, err
	}
	needs, err := resources(svc.Deploy.Resources)
	if err != nil {
		return api.TaskSpec{}, err
	}
	restart, err := restartPolicy(svc.Restart, svc.Deploy.RestartPolicy)
	if err != nil {
		return api.TaskSpec{}, err
	}
	task := api.TaskSpec{ContainerSpec: box, Resources: needs, RestartPolicy: restart, Placement: placement(svc.Deploy.Placement), Networks: networks}
	if svc.Logging != nil {
		task.LogDriver = &api.Driver{Name: svc.Logging.Driver, Options: svc.Logging.Options}
	}
	return task, nil
}

func (s stack) container(svc composetypes.ServiceConfig) (*api.ContainerSpec, error) {
	add, drop := opts.EffectiveCapAddCapDrop(svc.CapAdd, svc.CapDrop)
	box := &api.ContainerSpec{
		Image:           svc.Image,
		Labels:          s.labelled(svc.Labels),
		Command:         svc.Entrypoint, // the API's command is Compose's entrypoint
		Args:            svc.Command,
		Hostname:        svc.Hostname,
		Env:             environment(svc.Environment),
		Dir:             svc.WorkingDir,
		User:            svc.User,
		Init:            svc.Init,
		StopSignal:      svc.StopSignal,
		TTY:             svc.Tty,
		OpenStdin:       svc.StdinOpen,
		ReadOnly:        svc.ReadOnly,
		StopGracePeriod: composetypes.ConvertDurationPtr(svc.StopGracePeriod),
		Hosts:           hosts(svc.ExtraHosts),
		DNSConfig:       dnsConfig(svc.DNS, svc.DNSSearch),
		Isolation:       container.Isolation(svc.Isolation),
		Sysctls:         svc.Sysctls,
		CapabilityAdd:   add,
		CapabilityDrop:  drop,
		Ulimits:         ulimits(svc.Ulimits),
		OomScoreAdj:     svc.OomScoreAdj,
	}
	return box, s.furnish(box, svc)
}

// furnish gives a container what may be described wrongly.
func (s stack) furnish(box *api.ContainerSpec, svc composetypes.ServiceConfig) (err error) {
	if box.Mounts, err = s.mounts(svc.Volumes); err != nil {
		return err
	}
	if box.Healthcheck, err = healthcheck(svc.HealthCheck); err != nil {
		return err
	}
	configs, err := s.configReferences(svc.Configs)
	if err != nil {
		return err
	}
	account, configs, err := s.credentials(svc.CredentialSpec, configs)
	if err != nil {
		return err
	}
	box.Privileges, box.Configs = &api.Privileges{CredentialSpec: account}, configs
	box.Secrets, err = s.secretReferences(svc.Secrets)
	return err
}

// attachments are the networks of a service, the default one if it names none. On each that knows aliases, the service's short name is one.
func (s stack) attachments(svc composetypes.ServiceConfig) ([]api.NetworkAttachmentConfig, error) {
	networks := svc.Networks
	if len(networks) == 0 {
		networks = map[string]*composetypes.ServiceNetworkConfig{defaultNetwork: nil}
	}
	var out []api.NetworkAttachmentConfig
	for name, cfg := range networks {
		if _, ok := s.file.Networks[name]; !ok && name != defaultNetwork {
			return nil, fmt.Errorf("undefined network %q", name)
		}
		att := api.NetworkAttachmentConfig{Target: s.networkName(name)}
		if cfg != nil {
			att.Aliases, att.DriverOpts = slices.Clone(cfg.Aliases), cfg.DriverOpts
		}
		if container.NetworkMode(att.Target).IsUserDefined() {
			att.Aliases = append(att.Aliases, svc.Name)
		}
		out = append(out, att)
	}
	slices.SortFunc(out, func(a, b api.NetworkAttachmentConfig) int { return cmp.Compare(a.Target, b.Target) })
	return out, nil
}

func deployMode(d composetypes.DeployConfig) (api.ServiceMode, error) {
	global := d.Mode == "global" || d.Mode == "global-job"
	if global && d.Replicas != nil {
		return api.ServiceMode{}, errors.New("replicas can only be used with replicated or replicated-job mode")
	}
	switch d.Mode {
	case "global":
		return api.ServiceMode{Global: &api.GlobalService{}}, nil
	case "global-job":
		return api.ServiceMode{GlobalJob: &api.GlobalJob{}}, nil
	case "replicated-job":
		return api.ServiceMode{ReplicatedJob: &api.ReplicatedJob{MaxConcurrent: d.Replicas, TotalCompletions: d.Replicas}}, nil
	case "replicated", "":
		return api.ServiceMode{Replicated: &api.ReplicatedService{Replicas: d.Replicas}}, nil
	}
	return api.ServiceMode{}, fmt.Errorf("unknown deploy mode %q", d.Mode)
}

func endpoint(mode string, ports []composetypes.ServicePortConfig) *api.EndpointSpec {
	out := &api.EndpointSpec{Mode: api.ResolutionMode(strings.ToLower(mode))}
	for _, p := range ports {
		out.Ports = append(out.Ports, api.PortConfig{Protocol: api.PortConfigProtocol(p.Protocol), TargetPort: p.Target,
			PublishedPort: p.Published, PublishMode: api.PortConfigPublishMode(p.Mode)})
	}
	slices.SortStableFunc(out.Ports, func(a, b api.PortConfig) int { return cmp.Compare(a.PublishedPort, b.PublishedPort) })
	return out
}
