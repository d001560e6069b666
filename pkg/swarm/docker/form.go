package docker

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/network"
	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// The engine's defaults for what a specification leaves out (swarmkit, api/defaults/service.go).
const (
	defaultGrace        = 10 * time.Second
	defaultRestartDelay = 5 * time.Second
	defaultMonitor      = 5 * time.Second
	defaultParallelism  = 1
)

// serviceForm is a specification in normal form. Wanted and live ones go through the same steps, so that whatever the engine fills in,
// drops or reorders is filled in, dropped or reordered on both sides, and all else shows.
func serviceForm(s api.ServiceSpec) (swarm.Form, error) {
	s = withNetworkNames(s, nil)
	s.Labels = ownless(s.Labels)
	s.Mode = fullMode(s.Mode)
	s.UpdateConfig = fullUpdate(s.UpdateConfig)
	s.RollbackConfig = fullUpdate(s.RollbackConfig)
	s.EndpointSpec = fullEndpoint(s.EndpointSpec)
	pinned := strings.Contains(s.Labels[swarm.LabelImage], "@")
	s.TaskTemplate = fullTask(s.TaskTemplate, pinned)
	return flatten(s)
}

// ownless leaves out swarmd's bookkeeping, which says how a specification came about and not what it is.
func ownless(labels map[string]string) map[string]string {
	labels = maps.Clone(labels)
	delete(labels, swarm.LabelHash)
	delete(labels, swarm.LabelRevision)
	delete(labels, swarm.LabelScaled)
	delete(labels, swarm.LabelGood)
	delete(labels, swarm.LabelUnpinned)
	delete(labels, swarm.LabelLogin)
	delete(labels, swarm.LabelSurge)
	delete(labels, swarm.LabelSpread)
	delete(labels, swarm.LabelProtected)
	return labels
}

func fullMode(m api.ServiceMode) api.ServiceMode {
	one := uint64(1)
	switch {
	case m.Global != nil || m.GlobalJob != nil:
	case m.ReplicatedJob != nil:
		at := cmp.Or(m.ReplicatedJob.MaxConcurrent, &one)
		m.ReplicatedJob = &api.ReplicatedJob{MaxConcurrent: at, TotalCompletions: cmp.Or(m.ReplicatedJob.TotalCompletions, at)}
	case m.Replicated == nil || m.Replicated.Replicas == nil:
		m.Replicated = &api.ReplicatedService{Replicas: &one}
	}
	return m
}

func fullUpdate(u *api.UpdateConfig) *api.UpdateConfig {
	if u == nil {
		u = &api.UpdateConfig{Parallelism: defaultParallelism}
	}
	full := *u
	if full.FailureAction == "" {
		full.FailureAction = api.UpdateFailureActionPause
	}
	if full.Order == "" {
		full.Order = api.UpdateOrderStopFirst
	}
	if full.Monitor == 0 {
		full.Monitor = defaultMonitor
	}
	return &full
}

func fullEndpoint(e *api.EndpointSpec) *api.EndpointSpec {
	full := api.EndpointSpec{Mode: api.ResolutionModeVIP}
	if e != nil {
		if e.Mode != "" {
			full.Mode = e.Mode
		}
		for _, p := range e.Ports {
			full.Ports = append(full.Ports, fullPort(p))
		}
	}
	return &full
}

func fullPort(p api.PortConfig) api.PortConfig {
	if p.Protocol == "" {
		p.Protocol = api.PortConfigProtocolTCP
	}
	if p.PublishMode == "" {
		p.PublishMode = api.PortConfigPublishModeIngress
	}
	return p
}

func fullTask(t api.TaskSpec, pinned bool) api.TaskSpec {
	t.ForceUpdate = 0 // a restart that somebody asked for once, not a state to return from
	if t.Runtime == "" {
		t.Runtime = api.RuntimeContainer
	}
	t.RestartPolicy = fullRestart(t.RestartPolicy)
	if t.Placement != nil {
		p := *t.Placement
		p.Platforms = nil // comes with the image's digest
		t.Placement = &p
	}
	if t.ContainerSpec != nil {
		t.ContainerSpec = fullContainer(*t.ContainerSpec, pinned)
	}
	return t
}

func fullRestart(r *api.RestartPolicy) *api.RestartPolicy {
	var full api.RestartPolicy
	if r != nil {
		full = *r
	}
	if full.Condition == "" {
		full.Condition = api.RestartPolicyConditionAny
	}
	if full.Delay == nil {
		d := defaultRestartDelay
		full.Delay = &d
	}
	if full.MaxAttempts == nil {
		full.MaxAttempts = new(uint64)
	}
	if full.Window != nil && *full.Window == 0 {
		full.Window = nil
	}
	return &full
}

// fullContainer fills the container's defaults. A digest counts only if the file itself names one.
func fullContainer(c api.ContainerSpec, pinned bool) *api.ContainerSpec {
	image, digest := splitImage(c.Image)
	if c.Image = image; pinned {
		c.Image = joinImage(image, digest)
	}
	if c.StopGracePeriod == nil {
		d := defaultGrace
		c.StopGracePeriod = &d
	}
	if c.Isolation == "" {
		c.Isolation = container.IsolationDefault
	}
	if c.Privileges == nil {
		c.Privileges = &api.Privileges{}
	}
	c.Privileges = accountFrom(c.Privileges, c.Configs, idOf, nameOf)
	c.Configs, c.Secrets = fullConfigs(c.Configs), fullSecrets(c.Secrets)
	c.Mounts = slices.Clone(c.Mounts)
	for i, m := range c.Mounts {
		c.Mounts[i] = plainMount(m)
	}
	return &c
}

// plainMount leaves out what the engine does not keep, and the propagation that is meant when none is named.
func plainMount(m mount.Mount) mount.Mount {
	m.Consistency = ""
	if m.BindOptions != nil && m.BindOptions.Propagation == mount.PropagationRPrivate {
		b := *m.BindOptions
		b.Propagation = ""
		m.BindOptions = &b
	}
	return m
}

// networkForm is a network in normal form. Without subnets it leaves out the addresses, which the engine picks if none are asked for.
func networkForm(name string, o network.CreateOptions, subnets bool) (swarm.Form, error) {
	if o.Driver == "" {
		o.Driver = overlayDriver
	}
	o.Scope = ""
	o.Labels = ownless(o.Labels)
	o.Options = maps.Clone(o.Options)
	delete(o.Options, "com.docker.network.driver.overlay.vxlanid_list") // the engine's own numbering
	o.IPAM = plainIPAM(o.IPAM, subnets)
	return flatten(struct {
		Name string
		network.CreateOptions
	}{name, o})
}

func plainIPAM(ipam *network.IPAM, subnets bool) *network.IPAM {
	if ipam == nil {
		return nil
	}
	plain := *ipam
	if plain.Driver == "default" {
		plain.Driver = ""
	}
	plain.Config = nil
	for _, k := range ipam.Config {
		if subnets {
			plain.Config = append(plain.Config, network.IPAMConfig{Subnet: k.Subnet, IPRange: k.IPRange, AuxAddress: k.AuxAddress})
		}
	}
	return &plain
}
