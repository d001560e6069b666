package dockerd

import (
	"regexp"
	"slices"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	api "github.com/docker/docker/api/types/swarm"
)

var (
	dnsName        = regexp.MustCompile(`^[a-zA-Z0-9](?:[-_]*[A-Za-z0-9]+)*$`)
	imageReference = regexp.MustCompile(`^([a-zA-Z0-9.-]+(:[0-9]+)?/)?[a-z0-9]+([._/-]+[a-z0-9]+)*(:[\w][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$`)
)

// convertible refuses what the engine cannot turn into the manager's own form: 400 without an RPC code.
func (d *dialect) convertible(s api.ServiceSpec) error {
	t := s.TaskTemplate
	if t.ContainerSpec == nil {
		return badRequest("mismatched Runtime and *Spec fields")
	}
	if t.Runtime != "" && t.Runtime != api.RuntimeContainer {
		return badRequest("unsupported runtime")
	}
	if m := s.Mode; btoi(m.Global != nil)+btoi(m.Replicated != nil)+btoi(m.GlobalJob != nil)+btoi(m.ReplicatedJob != nil) > 1 {
		return badRequest("must specify only one service mode")
	}
	if e := s.EndpointSpec; e != nil && e.Mode != "" && e.Mode != api.ResolutionModeVIP && e.Mode != api.ResolutionModeDNSRR {
		return badRequest("invalid resolution mode: %q", e.Mode)
	}
	if p := t.RestartPolicy; p != nil {
		switch p.Condition {
		case "", api.RestartPolicyConditionNone, api.RestartPolicyConditionAny, api.RestartPolicyConditionOnFailure:
		default:
			return badRequest("invalid RestartCondition: %q", p.Condition)
		}
	}
	for _, u := range []*api.UpdateConfig{s.UpdateConfig, s.RollbackConfig} {
		if err := convertibleUpdate(u); err != nil {
			return err
		}
	}
	return d.convertibleContainer(t.ContainerSpec)
}

func (d *dialect) convertibleContainer(c *api.ContainerSpec) error {
	known := []mount.Type{"", mount.TypeBind, mount.TypeVolume, mount.TypeTmpfs, mount.TypeNamedPipe}
	if d.clusterVolumes {
		known = append(known, mount.TypeCluster)
	}
	for _, m := range c.Mounts {
		if !slices.Contains(known, m.Type) {
			return badRequest("invalid MountType: %q", m.Type)
		}
	}
	for _, r := range c.Configs {
		if r.File == nil && r.Runtime == nil {
			return badRequest("invalid Config: either File or Runtime should be set")
		}
	}
	return nil
}

func convertibleUpdate(u *api.UpdateConfig) error {
	if u == nil {
		return nil
	}
	switch u.FailureAction {
	case "", api.UpdateFailureActionPause, api.UpdateFailureActionContinue, api.UpdateFailureActionRollback:
	default:
		return badRequest("unrecognized update failure action %s", u.FailureAction)
	}
	switch u.Order {
	case "", api.UpdateOrderStopFirst, api.UpdateOrderStartFirst:
		return nil
	}
	return badRequest("unrecognized update order %s", u.Order)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// normalise writes a specification as the engine gives it back: enumerations never empty, an unnamed mode is one replica, labels
// never null. Defaults that show only with insertDefaults are not filled in here.
func normalise(s *api.ServiceSpec) {
	s.Labels = orEmpty(s.Labels)
	s.TaskTemplate.Runtime = api.RuntimeContainer
	c := s.TaskTemplate.ContainerSpec
	if c.Isolation == "" {
		c.Isolation = container.IsolationDefault
	}
	for i := range c.Mounts {
		if c.Mounts[i].Type == "" {
			c.Mounts[i].Type = mount.TypeBind
		}
	}
	if len(s.TaskTemplate.Networks) == 0 {
		s.TaskTemplate.Networks = nil
	}
	if p := s.TaskTemplate.RestartPolicy; p != nil {
		if p.Condition == "" {
			p.Condition = api.RestartPolicyConditionAny
		}
		if p.MaxAttempts == nil {
			p.MaxAttempts = new(uint64)
		}
	}
	normaliseMode(s)
	normaliseUpdate(s.UpdateConfig)
	normaliseUpdate(s.RollbackConfig)
	normaliseEndpoint(s.EndpointSpec)
}

func normaliseMode(s *api.ServiceSpec) {
	one := uint64(1)
	switch m := &s.Mode; {
	case m.Global != nil || m.GlobalJob != nil:
	case m.ReplicatedJob != nil:
		if m.ReplicatedJob.MaxConcurrent == nil {
			m.ReplicatedJob.MaxConcurrent = &one
		}
		if m.ReplicatedJob.TotalCompletions == nil {
			m.ReplicatedJob.TotalCompletions = m.ReplicatedJob.MaxConcurrent
		}
	case m.Replicated == nil || m.Replicated.Replicas == nil:
		m.Replicated = &api.ReplicatedService{Replicas: &one}
	}
}

func normaliseUpdate(u *api.UpdateConfig) {
	if u == nil {
		return
	}
	if u.FailureAction == "" {
		u.FailureAction = api.UpdateFailureActionPause
	}
	if u.Order == "" {
		u.Order = api.UpdateOrderStopFirst
	}
}

func normaliseEndpoint(e *api.EndpointSpec) {
	if e == nil {
		return
	}
	if e.Mode == "" {
		e.Mode = api.ResolutionModeVIP
	}
	if len(e.Ports) == 0 {
		e.Ports = nil
	}
	for i := range e.Ports {
		if e.Ports[i].Protocol == "" {
			e.Ports[i].Protocol = api.PortConfigProtocolTCP
		}
		if e.Ports[i].PublishMode == "" {
			e.Ports[i].PublishMode = api.PortConfigPublishModeIngress
		}
	}
}

// withDefaults is the specification as GET /services/ID?insertDefaults=true shows it.
func withDefaults(in api.ServiceSpec) api.ServiceSpec {
	s := deepCopy(in)
	c := s.TaskTemplate.ContainerSpec
	if c.StopGracePeriod == nil {
		grace := 10 * time.Second
		c.StopGracePeriod = &grace
	}
	if c.DNSConfig == nil {
		c.DNSConfig = &api.DNSConfig{}
	}
	if s.TaskTemplate.Resources == nil {
		s.TaskTemplate.Resources = &api.ResourceRequirements{}
	}
	if s.TaskTemplate.RestartPolicy == nil {
		s.TaskTemplate.RestartPolicy = &api.RestartPolicy{Condition: api.RestartPolicyConditionAny, MaxAttempts: new(uint64)}
	}
	if s.TaskTemplate.RestartPolicy.Delay == nil {
		delay := defaultRestartDelay
		s.TaskTemplate.RestartPolicy.Delay = &delay
	}
	if s.TaskTemplate.Placement == nil {
		s.TaskTemplate.Placement = &api.Placement{}
	}
	update, rollback := updateConfig(s.UpdateConfig), updateConfig(s.RollbackConfig)
	s.UpdateConfig, s.RollbackConfig = &update, &rollback
	return s
}

// validate refuses what the manager refuses.
func (c *cluster) validate(s api.ServiceSpec) error {
	if err := validName(s.Name); err != nil {
		return err
	}
	checks := []func(api.ServiceSpec) error{validResources, validRestart, validContainer, validReplicas, validUpdate, validPorts, validReferences}
	for _, check := range checks {
		if err := check(s); err != nil {
			return err
		}
	}
	for _, a := range s.TaskTemplate.Networks {
		if n := c.networks[a.Target]; n != nil && n.Ingress {
			return rpcError(invalidArgument, "Service cannot be explicitly attached to the ingress network %q", n.Name)
		}
	}
	return nil
}

// validName holds the name of a service or of a network to what DNS takes.
func validName(name string) error {
	switch {
	case name == "":
		return rpcError(invalidArgument, "meta: name must be provided")
	case !dnsName.MatchString(name):
		return rpcError(invalidArgument, "name must be valid as a DNS name component")
	case len(name) > 63:
		return rpcError(invalidArgument, "name must be 63 characters or fewer")
	}
	return nil
}

func validResources(s api.ServiceSpec) error {
	r := s.TaskTemplate.Resources
	if r == nil {
		return nil
	}
	check := func(cpu, memory int64) error {
		if cpu != 0 && cpu < 1e6 {
			return rpcError(invalidArgument, "invalid cpu value %g: Must be at least %g", float64(cpu)/1e9, 1e6/1e9)
		}
		if memory != 0 && memory < 4<<20 {
			return rpcError(invalidArgument, "invalid memory value %d: Must be at least 4MiB", memory)
		}
		return nil
	}
	if r.Limits != nil {
		if err := check(r.Limits.NanoCPUs, r.Limits.MemoryBytes); err != nil {
			return err
		}
	}
	if r.Reservations != nil {
		return check(r.Reservations.NanoCPUs, r.Reservations.MemoryBytes)
	}
	return nil
}

func validRestart(s api.ServiceSpec) error {
	p := s.TaskTemplate.RestartPolicy
	if p != nil && p.Delay != nil && *p.Delay < 0 {
		return rpcError(invalidArgument, "TaskSpec: restart-delay cannot be negative")
	}
	if p != nil && p.Window != nil && *p.Window < 0 {
		return rpcError(invalidArgument, "TaskSpec: restart-window cannot be negative")
	}
	if s.TaskTemplate.Placement == nil {
		return nil
	}
	_, err := parseConstraints(s.TaskTemplate.Placement.Constraints)
	return err
}

func validContainer(s api.ServiceSpec) error {
	c := s.TaskTemplate.ContainerSpec
	if err := expandable(c); err != nil {
		return err
	}
	if c.Image == "" {
		return rpcError(invalidArgument, "ContainerSpec: image reference must be provided")
	}
	// name[:port]/path:tag@digest, a little narrower than the engine's own grammar
	if !imageReference.MatchString(c.Image) {
		return rpcError(invalidArgument, "ContainerSpec: %q is not a valid repository/tag", c.Image)
	}
	targets := map[string]bool{}
	for _, m := range c.Mounts {
		if targets[m.Target] {
			return rpcError(invalidArgument, "ContainerSpec: duplicate mount point: %s", m.Target)
		}
		targets[m.Target] = true
	}
	return validHealthcheck(c.Healthcheck)
}

// validReferences refuses configs and secrets that are not told where to be, or in one place.
func validReferences(s api.ServiceSpec) error {
	c := s.TaskTemplate.ContainerSpec
	places := map[string]string{}
	for _, r := range c.Secrets {
		switch {
		case r.SecretID == "" || r.SecretName == "":
			return rpcError(invalidArgument, "malformed secret reference")
		case r.File == nil:
			return rpcError(invalidArgument, "malformed secret reference, no target provided")
		}
		if err := takePlace("secret", r.SecretName, r.File.Name, places); err != nil {
			return err
		}
	}
	places = map[string]string{}
	for _, r := range c.Configs {
		if r.ConfigID == "" || r.ConfigName == "" {
			return rpcError(invalidArgument, "malformed config reference")
		}
		if r.File == nil {
			continue
		}
		if err := takePlace("config", r.ConfigName, r.File.Name, places); err != nil {
			return err
		}
	}
	return nil
}

func takePlace(kind, name, file string, places map[string]string) error {
	if file == "" {
		return rpcError(invalidArgument, "malformed file %s reference, invalid target file name provided", kind)
	}
	if other, taken := places[file]; taken {
		return rpcError(invalidArgument, "%s references '%s' and '%s' have a conflicting target: '%s'", kind, other, name, file)
	}
	places[file] = name
	return nil
}

func validHealthcheck(h *container.HealthConfig) error {
	if h == nil {
		return nil
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"Interval", h.Interval}, {"Timeout", h.Timeout}, {"StartPeriod", h.StartPeriod}} {
		if d.value != 0 && d.value < time.Millisecond {
			return rpcError(invalidArgument, "ContainerSpec: %s in HealthConfig cannot be less than %s", d.name, time.Millisecond)
		}
	}
	if h.Retries < 0 {
		return rpcError(invalidArgument, "ContainerSpec: Retries in HealthConfig cannot be negative")
	}
	return nil
}

func validReplicas(s api.ServiceSpec) error {
	if j := s.Mode.ReplicatedJob; j != nil && int64(*j.MaxConcurrent) < 0 {
		return rpcError(invalidArgument, "Maximum concurrent jobs must not be negative")
	} else if j != nil && int64(*j.TotalCompletions) < 0 {
		return rpcError(invalidArgument, "Total completed jobs must not be negative")
	}
	if r := s.Mode.Replicated; r != nil && int64(*r.Replicas) < 0 {
		return rpcError(invalidArgument, "Number of replicas must be non-negative")
	}
	return nil
}

func validUpdate(s api.ServiceSpec) error {
	u := s.UpdateConfig
	switch {
	case u == nil:
		return nil
	case isJob(s):
		return rpcError(invalidArgument, "Jobs may not have an update config")
	case u.Delay < 0:
		return rpcError(invalidArgument, "TaskSpec: update-delay cannot be negative")
	case u.Monitor < 0:
		return rpcError(invalidArgument, "TaskSpec: update-monitor cannot be negative")
	case u.MaxFailureRatio < 0 || u.MaxFailureRatio > 1:
		return rpcError(invalidArgument, "TaskSpec: update-maxfailureratio cannot be less than 0 or bigger than 1")
	}
	return nil
}

func validPorts(s api.ServiceSpec) error {
	if s.EndpointSpec == nil {
		return nil
	}
	type published struct {
		port     uint32
		protocol api.PortConfigProtocol
	}
	seen := map[published]bool{}
	for _, p := range s.EndpointSpec.Ports {
		if s.EndpointSpec.Mode == api.ResolutionModeDNSRR && p.PublishMode == api.PortConfigPublishModeIngress {
			return rpcError(invalidArgument, "EndpointSpec: port published with ingress mode can't be used with dnsrr mode")
		}
		key := published{p.PublishedPort, p.Protocol}
		if p.PublishedPort != 0 && seen[key] {
			return rpcError(invalidArgument, "EndpointSpec: duplicate published ports provided")
		}
		seen[key] = true
	}
	return nil
}
