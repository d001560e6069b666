package docker

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sort"
	"strings"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// Services returns all services, sorted by name, their networks by name.
func (c *Client) Services(ctx context.Context) ([]swarm.Service, error) {
	list, err := unlessSameList(ctx, c, "list services", &c.services, serviceBounds(), func(ctx context.Context) ([]api.Service, error) {
		return c.api.ServiceList(ctx, api.ServiceListOptions{})
	}, func(list []api.Service) ([]api.Service, error) {
		return list, requireIDs("list services", list, func(s api.Service) string { return s.ID })
	})
	if err != nil {
		return nil, err
	}
	names, err := c.networkNames(ctx, targetsOf(list))
	if err != nil {
		return nil, err
	}
	services, err := c.understand(list, names)
	if err != nil {
		return nil, err
	}
	sort.Slice(services, func(i, j int) bool { return services[i].Spec.Name < services[j].Spec.Name })
	return services, nil
}

// serviceBounds are those of the services: all of one is looked at, and what it was before only while it may be gone back to.
func serviceBounds() bounds[api.Service] {
	b := held("service", maxWhole, func(s api.Service) string { return s.Spec.Name })
	b.slim = func(s *api.Service) {
		if !progressing(s.UpdateStatus) {
			s.PreviousSpec = referring(s.PreviousSpec)
		}
	}
	return b
}

// progressing reports whether a roll-out runs, or stopped on its way.
func progressing(u *api.UpdateStatus) bool {
	return u != nil && u.State != "" && u.State != api.UpdateStateCompleted && u.State != api.UpdateStateRollbackCompleted
}

// understood is what an engine said of a service, with the names of its networks, and what that means.
type understood struct {
	said    api.Service
	service swarm.Service
}

// understand puts the services into the project's words. One of which the same is said as the last time, and whose networks have the same names, is
// not looked at again. Its version alone would not do: an answer that was wrong once would then be believed until the next change.
func (c *Client) understand(list []api.Service, networks map[string]string) ([]swarm.Service, error) {
	c.mu.Lock()
	before := c.live
	c.mu.Unlock()
	out, now := make([]swarm.Service, 0, len(list)), make(map[string]understood, len(list))
	for _, s := range list {
		said := s
		said.Spec = withNetworkNames(s.Spec, networks)
		if s.PreviousSpec != nil {
			previous := withNetworkNames(*s.PreviousSpec, networks)
			said.PreviousSpec = &previous
		}
		u, known := before[s.ID]
		if !known || !reflect.DeepEqual(u.said, said) {
			live, err := serviceOf(s, networks)
			if err != nil {
				return nil, err
			}
			u = understood{said, live}
		}
		now[s.ID] = u
		out = append(out, u.service)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.live = now
	return out, nil
}

func targetsOf(list []api.Service) []string {
	var ids []string
	for _, s := range list {
		for _, n := range attachments(s.Spec) {
			ids = append(ids, n.Target)
		}
		if s.PreviousSpec != nil {
			for _, n := range attachments(*s.PreviousSpec) {
				ids = append(ids, n.Target)
			}
		}
	}
	return ids
}

func serviceOf(s api.Service, networks map[string]string) (swarm.Service, error) {
	spec, err := specOf(s.Spec, networks)
	if err != nil {
		return swarm.Service{}, fmt.Errorf("service %s: %w", s.Spec.Name, err)
	}
	out := swarm.Service{ID: s.ID, Version: s.Version.Index, Spec: spec, Created: s.CreatedAt, Updated: s.UpdatedAt}
	if s.JobStatus != nil {
		out.Iteration = s.JobStatus.JobIteration.Index
	}
	if s.UpdateStatus != nil && !spec.Mode.Job() { // a job has no roll-out: what a roll-back by hand says of one never ends
		out.Update, out.UpdateMessage = swarm.UpdateState(s.UpdateStatus.State), brief(s.UpdateStatus.Message)
		if s.UpdateStatus.StartedAt != nil {
			out.UpdateStarted = *s.UpdateStatus.StartedAt
		}
		if s.UpdateStatus.CompletedAt != nil {
			out.UpdateEnded = *s.UpdateStatus.CompletedAt
		}
	}
	if s.PreviousSpec == nil {
		return out, nil
	}
	configs, secrets := referred(*s.PreviousSpec)
	if out.Keeps = slices.Concat(configs, secrets); !progressing(s.UpdateStatus) || spec.Mode.Job() {
		return out, nil
	}
	previous, err := specOf(*s.PreviousSpec, networks)
	if err != nil {
		return swarm.Service{}, fmt.Errorf("service %s, before: %w", s.Spec.Name, err)
	}
	out.Previous = &previous
	return out, nil
}

// specOf puts an API specification into the project's words. Names stand for the networks' ids afterwards.
func specOf(s api.ServiceSpec, networks map[string]string) (swarm.ServiceSpec, error) {
	s = withNetworkNames(s, networks)
	raw, err := json.Marshal(s)
	if err != nil {
		return swarm.ServiceSpec{}, err
	}
	form, err := serviceForm(s)
	if err != nil {
		return swarm.ServiceSpec{}, err
	}
	out, pin := swarm.ServiceSpec{Name: s.Name, Labels: maps.Clone(s.Labels), Mode: modeOf(s.Mode)}, swarm.Pin{}
	if s.TaskTemplate.ContainerSpec != nil {
		out.Image, pin.Digest = splitImage(s.TaskTemplate.ContainerSpec.Image)
		out.Registry = RegistryOf(out.Image)
	}
	out.Configs, out.Secrets = referred(s)
	for _, n := range attachments(s) {
		out.Networks = append(out.Networks, n.Target)
	}
	if p := s.TaskTemplate.Placement; p != nil {
		out.Constraints = p.Constraints
		for _, platform := range p.Platforms {
			pin.Platforms = append(pin.Platforms, swarm.Platform{OS: platform.OS, Architecture: platform.Architecture})
		}
	}
	out.Base, out.Ports = swarm.NewBase(form, raw, pin), portsOf(s.EndpointSpec)
	if u := s.UpdateConfig; u != nil {
		out.RollsBack, out.Delay, out.Monitor = u.FailureAction == api.UpdateFailureActionRollback, u.Delay, u.Monitor
	}
	return out, nil
}

func modeOf(m api.ServiceMode) swarm.Mode {
	switch {
	case m.Global != nil:
		return swarm.Global
	case m.ReplicatedJob != nil:
		return swarm.ReplicatedJob
	case m.GlobalJob != nil:
		return swarm.GlobalJob
	}
	return swarm.Replicated
}

func portsOf(e *api.EndpointSpec) []swarm.Port {
	if e == nil {
		return nil
	}
	var ports []swarm.Port
	for _, p := range e.Ports {
		p = fullPort(p)
		ports = append(ports, swarm.Port{Published: p.PublishedPort, Target: p.TargetPort, Protocol: string(p.Protocol), Mode: string(p.PublishMode)})
	}
	return ports
}

// wire is what is sent: the base with the override, and the labels of now. Networks go by name, the engine resolves them.
func wire(op string, spec swarm.ServiceSpec) (api.ServiceSpec, error) {
	var out api.ServiceSpec
	if err := json.Unmarshal(spec.Base.Raw(), &out); err != nil {
		return out, badSpec(op, spec.Name, err)
	}
	if out.TaskTemplate.ContainerSpec == nil {
		return out, badSpec(op, spec.Name, errors.New("no container in the specification"))
	}
	out.Labels = maps.Clone(spec.Labels)
	out.TaskTemplate.ContainerSpec.Image = spec.Reference()
	out.TaskTemplate.Placement = placementOn(out.TaskTemplate.Placement, spec.Pin().Platforms)
	for i, r := range out.TaskTemplate.ContainerSpec.Secrets {
		if sealed := spec.Override.Sealed[r.SecretName]; sealed != "" {
			out.TaskTemplate.ContainerSpec.Secrets[i].SecretName = sealed
		}
	}
	for i, r := range out.TaskTemplate.ContainerSpec.Configs {
		if name := spec.Override.Configs[r.ConfigName]; name != "" {
			out.TaskTemplate.ContainerSpec.Configs[i].ConfigName = name
		}
	}
	if len(spec.Override.Configs) > 0 { // in the order of their names, as `docker stack deploy` has them: another one is another template
		slices.SortStableFunc(out.TaskTemplate.ContainerSpec.Configs, func(a, b *api.ConfigReference) int { return cmp.Compare(a.ConfigName, b.ConfigName) })
	}
	if mode := fullMode(out.Mode); spec.Override.Replicas != nil && mode.Replicated != nil {
		out.Mode = api.ServiceMode{Replicated: &api.ReplicatedService{Replicas: spec.Override.Replicas}}
	}
	return out, nil
}

// placementOn is the placement with exactly these platforms.
func placementOn(p *api.Placement, platforms []swarm.Platform) *api.Placement {
	if p == nil && len(platforms) == 0 {
		return nil
	}
	var on api.Placement
	if p != nil {
		on = *p
	}
	on.Platforms = nil
	for _, platform := range platforms {
		on.Platforms = append(on.Platforms, api.Platform{OS: platform.OS, Architecture: platform.Architecture})
	}
	return &on
}

// badSpec is a specification that was never sent.
func badSpec(op, name string, err error) error {
	return &apierr.Error{Kind: apierr.Invalid, Side: "swarm", Op: op, Err: fmt.Errorf("specification of %s: %w", name, err)}
}

// CreateService creates a service. A name that is taken is a Conflict. A field that the engine is too old to know is Invalid: it would drop
// it silently, and the service would differ from its file for ever. The nodes get the specification's login with each task.
func (c *Client) CreateService(ctx context.Context, spec swarm.ServiceSpec) (string, error) {
	const op = "create service"
	out, err := wire(op, spec)
	if err != nil {
		return "", err
	}
	if err := c.refer(ctx, op, &out); err != nil {
		return "", err
	}
	var made api.ServiceCreateResponse
	err = c.write(ctx, op, func(ctx context.Context) (err error) {
		if err := c.understood(op, out); err != nil {
			return err
		}
		made, err = c.api.ServiceCreate(ctx, out, api.ServiceCreateOptions{EncodedRegistryAuth: spec.Login.Header()})
		return hiding(err, out, spec.Login)
	})
	return made.ID, err
}

// UpdateService replaces a service's specification, if it is still at the version; a stale version is a Conflict. The counter of forced
// updates is kept as it is: to set it back would restart every task. So is the login that it was written with, if the specification has none. Another
// login replaces no task that has its image (swarmkit, orchestrator: IsTaskDirty). What is to replace no task is sent in the engine's own text, see
// amend.
func (c *Client) UpdateService(ctx context.Context, id string, version uint64, spec swarm.ServiceSpec) error {
	const op = "update service"
	out, err := wire(op, spec)
	if err != nil {
		return err
	}
	live, err := c.text(ctx, op, id, spec.Name, version)
	if err != nil {
		return err
	}
	if !spec.Override.Restored {
		out.TaskTemplate.ForceUpdate = live.spec.TaskTemplate.ForceUpdate
	}
	names, err := c.networkNames(ctx, targetsOf([]api.Service{{Spec: live.spec}}))
	if err != nil {
		return err
	}
	if sameTasks(out, withNetworkNames(live.spec, names)) {
		return c.amend(ctx, op, live, out, spec.Login)
	}
	if err := c.refer(ctx, op, &out); err != nil {
		return err
	}
	return c.write(ctx, op, func(ctx context.Context) error {
		if err := c.understood(op, out); err != nil {
			return err
		}
		_, err := c.api.ServiceUpdate(ctx, id, api.Version{Index: version}, out, api.ServiceUpdateOptions{EncodedRegistryAuth: spec.Login.Header()})
		return hiding(err, out, spec.Login)
	})
}

// RemoveService removes a service and its tasks.
func (c *Client) RemoveService(ctx context.Context, id string) error {
	return c.write(ctx, "remove service", func(ctx context.Context) error { return c.api.ServiceRemove(ctx, id) })
}

// Unknown says what services of the stack have that the engine is too old to know, one line a service; none if it knows all. It asks the engine
// for its version.
func (c *Client) Unknown(ctx context.Context, stack swarm.Stack) ([]string, error) {
	if _, err := c.Info(ctx); err != nil { // the first call agrees on a version
		return nil, err
	}
	return UnknownTo(c.api.ClientVersion(), stack)
}

// UnknownTo is Unknown for an engine of the API's version, which need not be there.
func UnknownTo(version string, stack swarm.Stack) ([]string, error) {
	var lines []string
	for _, spec := range stack.Services {
		out, err := wire("read service", spec)
		if err != nil {
			return nil, err
		}
		if missing := unsupported(out, version); len(missing) > 0 {
			lines = append(lines, fmt.Sprintf("service %s: the engine (API %s) does not know %s: take the key out, or update the engines",
				spec.Name, version, strings.Join(missing, ", ")))
		}
	}
	return lines, nil
}

// understood refuses what the engine's API version does not know.
func (c *Client) understood(op string, s api.ServiceSpec) error {
	if missing := unsupported(s, c.api.ClientVersion()); len(missing) > 0 {
		return badSpec(op, s.Name, fmt.Errorf("the engine's API %s does not know %s", c.api.ClientVersion(), strings.Join(missing, ", ")))
	}
	return nil
}
