package dockerd

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	api "github.com/docker/docker/api/types/swarm"
)

// service is a stored service. Stored specs are never changed in place: an update replaces them.
type service struct {
	api.Service
	specVersion     uint64 // 0 at creation; then the object's version that an update was made against
	previousVersion uint64
	rollout         *rollout
	auth            string // X-Registry-Auth, as it was written last
	previousAuth    string // the same of PreviousSpec
	looked          looked // of a job
}

func (s *service) snapshot() api.Service { return s.Service }

func (c *cluster) touchService(s *service, old api.Service) {
	c.stamp(&s.Meta, false)
	c.publish(serviceEvent("update", s, &old, c.world.now))
}

// createService checks and stores a specification and returns the id.
func (c *cluster) createService(spec api.ServiceSpec, auth string) (string, error) {
	spec, err := c.storedSpec(spec)
	if err != nil {
		return "", err
	}
	if err := c.portConflicts(spec, ""); err != nil {
		return "", err
	}
	if err := c.references(spec); err != nil {
		return "", err
	}
	if c.serviceNamed(spec.Name) != nil {
		return "", rpcError(alreadyExists, "name conflicts with an existing object: service %s already exists", spec.Name)
	}
	s := &service{auth: auth}
	s.ID, s.Spec = c.world.newID(), spec
	c.stamp(&s.Meta, true)
	s.nextIteration(c.world.now)
	c.publish(serviceEvent("create", s, nil, c.world.now))
	c.services[s.ID] = s
	if old := s.snapshot(); c.allocate(s) {
		c.touchService(s, old)
	}
	return s.ID, nil
}

// storedSpec is what the engine makes of a specification before it stores it, if it accepts it.
func (c *cluster) storedSpec(in api.ServiceSpec) (api.ServiceSpec, error) {
	spec := deepCopy(in)
	if err := c.resolveNetworks(&spec); err != nil {
		return spec, err
	}
	if spec.Name == "" {
		spec.Name = "eager_" + c.world.newID()[:8]
	}
	if err := c.world.dialect.convertible(spec); err != nil {
		return spec, err
	}
	normalise(&spec)
	return spec, c.validate(spec)
}

// updateService replaces a service's specification. It does so for a scale or a label too: PreviousSpec becomes what was live and
// the update status is cleared (T1).
func (c *cluster) updateService(s *service, version uint64, in api.ServiceSpec, rollback, auth string) error {
	spec, err := c.storedSpec(in)
	if err != nil {
		return err
	}
	if err := c.mayUpdate(s, spec); err != nil {
		return err
	}
	if rollback != "" && rollback != "none" && rollback != "previous" {
		return &apiError{http.StatusInternalServerError, "unrecognized rollback option " + rollback}
	}
	if rollback == "previous" && s.PreviousSpec == nil {
		return rpcError(failedPrecondition, "service %s does not have a previous spec", s.ID)
	}
	if version != s.Version.Index {
		return errOutOfSequence
	}
	old := s.snapshot()
	s.nextIteration(c.world.now)
	if rollback == "previous" {
		c.rollBack(s)
	} else {
		previous := s.Spec
		s.PreviousSpec, s.previousVersion = &previous, s.specVersion
		s.Spec, s.specVersion = spec, version
		s.auth, s.previousAuth = auth, s.auth
		s.UpdateStatus = nil
	}
	c.touchService(s, old)
	if old = s.snapshot(); c.allocate(s) {
		c.touchService(s, old)
	}
	return nil
}

func (c *cluster) mayUpdate(s *service, spec api.ServiceSpec) error {
	if err := c.portConflicts(spec, s.ID); err != nil {
		return err
	}
	if err := c.references(spec); err != nil {
		return err
	}
	if modeOf(spec) != modeOf(s.Spec) {
		return rpcError(unimplemented, "service mode change is not allowed")
	}
	if spec.Name != s.Spec.Name {
		return rpcError(unimplemented, "renaming services is not supported")
	}
	return nil
}

// rollBack swaps the live and the previous specification by request.
func (c *cluster) rollBack(s *service) {
	current := s.Spec
	s.Spec, s.PreviousSpec = *s.PreviousSpec, &current
	s.specVersion, s.previousVersion = s.previousVersion, s.specVersion
	s.auth, s.previousAuth = s.previousAuth, s.auth
	started := c.world.now.UTC()
	s.UpdateStatus = &api.UpdateStatus{
		State: api.UpdateStateRollbackStarted, Message: "manually requested rollback", StartedAt: &started,
	}
}

func (c *cluster) removeService(s *service) {
	delete(c.services, s.ID)
	c.world.queue.cancel("roll/" + s.ID)
	for key := range c.restarts {
		if strings.HasPrefix(key, s.ID+"/") {
			delete(c.restarts, key)
		}
	}
	c.index++
	c.publish(serviceEvent("remove", s, nil, c.world.now))
}

func (c *cluster) serviceNamed(name string) *service {
	for _, s := range c.services {
		if strings.EqualFold(s.Spec.Name, name) {
			return s
		}
	}
	return nil
}

// findService resolves an id, a name or a prefix of an id, in this order.
func (c *cluster) findService(ref string) (*service, error) {
	if s := c.services[ref]; s != nil {
		return s, nil
	}
	all := c.sortedServices()
	named := slices.DeleteFunc(slices.Clone(all), func(s *service) bool { return s.Spec.Name != ref })
	if len(named) == 0 {
		named = slices.DeleteFunc(all, func(s *service) bool { return !strings.HasPrefix(s.ID, ref) })
	}
	return one("service", ref, named)
}

// status counts as ListServiceStatuses does: every task in state running, with no look at its node (T3).
func (c *cluster) status(s *service) *api.ServiceStatus {
	out := &api.ServiceStatus{}
	switch m := s.Spec.Mode; {
	case m.Replicated != nil:
		out.DesiredTasks = *m.Replicated.Replicas
	case m.ReplicatedJob != nil:
		out.DesiredTasks = *m.ReplicatedJob.MaxConcurrent
	}
	for _, t := range c.ordered {
		if t.ServiceID != s.ID || s.JobStatus != nil && t.JobIteration.Index != s.JobStatus.JobIteration.Index {
			continue
		}
		if s.JobStatus != nil && complete(t) {
			out.CompletedTasks++
		}
		if s.Spec.Mode.GlobalJob != nil && t.DesiredState == api.TaskStateComplete && !complete(t) {
			out.DesiredTasks++
		}
		if t.Status.State == api.TaskStateRunning {
			out.RunningTasks++
		}
		if s.Spec.Mode.Global != nil && t.DesiredState == api.TaskStateRunning {
			out.DesiredTasks++
		}
	}
	return out
}

// firstDynamicPort is where swarmkit begins to give ingress ports to those who name none.
const firstDynamicPort = 30000

// allocate gives a service its endpoint: ports and, in vip mode, an address in each of its networks; what it has it keeps. It reports whether that
// changed anything, for then the allocator writes.
func (c *cluster) allocate(s *service) bool {
	old := s.Endpoint
	s.Endpoint = api.Endpoint{}
	if c.allocatable(s.Spec) {
		c.allocatePorts(s)
		c.allocateAddresses(s, old.VirtualIPs)
	}
	return !reflect.DeepEqual(old, s.Endpoint)
}

func (c *cluster) allocatable(s api.ServiceSpec) bool {
	e := s.EndpointSpec
	if c.waits(s) {
		return false
	}
	return e != nil && len(e.Ports) > 0 || len(c.attached(s)) > 0 && (e == nil || e.Mode != api.ResolutionModeDNSRR)
}

func (c *cluster) allocatePorts(s *service) {
	if spec := s.Spec.EndpointSpec; spec != nil {
		s.Endpoint.Spec = *spec
		s.Endpoint.Ports = slices.Clone(spec.Ports)
	}
	for i, p := range s.Endpoint.Ports {
		if p.PublishedPort == 0 && p.PublishMode == api.PortConfigPublishModeIngress {
			s.Endpoint.Ports[i].PublishedPort = c.freePort()
		}
	}
}

func (c *cluster) allocateAddresses(s *service, old []api.EndpointVirtualIP) {
	if s.Endpoint.Spec.Mode == api.ResolutionModeDNSRR {
		return
	}
	for _, n := range c.attached(s.Spec) {
		address := api.EndpointVirtualIP{NetworkID: n.ID}
		if i := slices.IndexFunc(old, func(v api.EndpointVirtualIP) bool { return v.NetworkID == n.ID }); i >= 0 {
			address.Addr = old[i].Addr
		} else {
			address.Addr = n.nextAddr()
		}
		s.Endpoint.VirtualIPs = append(s.Endpoint.VirtualIPs, address)
	}
}

// attached are the networks that a service's tasks are in: the ingress if it publishes a port there, and those it names.
func (c *cluster) attached(s api.ServiceSpec) []*swarmNetwork {
	var out []*swarmNetwork
	if n := c.ingress(); n != nil && usesIngress(s) {
		out = append(out, n)
	}
	for _, id := range targets(s) {
		if n := c.networks[id]; n != nil {
			out = append(out, n)
		}
	}
	return out
}

func (c *cluster) freePort() uint32 {
	used := map[uint32]bool{}
	for _, s := range c.services {
		for _, p := range s.Endpoint.Ports {
			used[p.PublishedPort] = true
		}
	}
	port := uint32(firstDynamicPort)
	for used[port] {
		port++
	}
	return port
}

// portConflicts refuses a published port that another service has in a way that cannot be shared.
func (c *cluster) portConflicts(spec api.ServiceSpec, self string) error {
	mine := map[string]api.PortConfigPublishMode{}
	if spec.EndpointSpec == nil {
		return nil
	}
	for _, p := range spec.EndpointSpec.Ports {
		if p.PublishedPort != 0 {
			mine[fmt.Sprintf("%d/%s", p.PublishedPort, p.Protocol)] = p.PublishMode
		}
	}
	for _, s := range c.sortedServices() {
		if s.ID == self {
			continue
		}
		for _, p := range s.Endpoint.Ports {
			mode, taken := mine[fmt.Sprintf("%d/%s", p.PublishedPort, p.Protocol)]
			host := p.PublishMode == api.PortConfigPublishModeHost
			if !taken || (host && mode == api.PortConfigPublishModeHost) {
				continue
			}
			how := "an ingress port"
			if host {
				how = "a host-published port"
			}
			return rpcError(invalidArgument, "port '%d' is already in use by service '%s' (%s) as %s", p.PublishedPort, s.Spec.Name, s.ID, how)
		}
	}
	return nil
}

// references checks that the configs and secrets a service names exist under these names.
func (c *cluster) references(spec api.ServiceSpec) error {
	var secrets, configs []string
	container := spec.TaskTemplate.ContainerSpec
	if container == nil {
		return nil
	}
	for _, r := range container.Secrets {
		if s := c.secrets[r.SecretID]; s == nil || s.Spec.Name != r.SecretName {
			secrets = append(secrets, r.SecretName)
		}
	}
	for _, r := range container.Configs {
		if s := c.configs[r.ConfigID]; s == nil || s.Spec.Name != r.ConfigName {
			configs = append(configs, r.ConfigName)
		}
	}
	if len(secrets) > 0 {
		return rpcError(invalidArgument, "%s not found: %s", plural("secret", secrets), strings.Join(secrets, ", "))
	}
	if len(configs) > 0 {
		return rpcError(invalidArgument, "%s not found: %s", plural("config", configs), strings.Join(configs, ", "))
	}
	return nil
}

func plural(word string, of []string) string {
	if len(of) == 1 {
		return word
	}
	return word + "s"
}

func modeOf(s api.ServiceSpec) string {
	switch {
	case s.Mode.Global != nil:
		return "global"
	case s.Mode.ReplicatedJob != nil:
		return "replicated-job"
	case s.Mode.GlobalJob != nil:
		return "global-job"
	}
	return "replicated"
}
