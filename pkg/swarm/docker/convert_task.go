package docker

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	composetypes "github.com/docker/cli/cli/compose/types"
	"github.com/docker/cli/opts"
	"github.com/docker/docker/api/types/container"
	api "github.com/docker/docker/api/types/swarm"
)

// environment is NAME=value, sorted. A variable without a value would be filled from the client's environment; here it stays bare.
func environment(vars map[string]*string) []string {
	var out []string
	for name, value := range vars {
		if value != nil {
			name += "=" + *value
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// hosts turns Compose's "name:address" into the "address name" of /etc/hosts. The order stays.
func hosts(extra []string) []string {
	var out []string
	for _, h := range extra {
		if name, addr, ok := strings.Cut(h, ":"); ok {
			out = append(out, addr+" "+name)
		}
	}
	return out
}

func dnsConfig(servers, search []string) *api.DNSConfig {
	if servers == nil && search == nil {
		return nil
	}
	return &api.DNSConfig{Nameservers: servers, Search: search}
}

func healthcheck(h *composetypes.HealthCheckConfig) (*container.HealthConfig, error) {
	switch {
	case h == nil:
		return nil, nil
	case h.Disable && len(h.Test) > 0:
		return nil, errors.New("healthcheck: test and disable exclude each other")
	case h.Disable:
		return &container.HealthConfig{Test: []string{"NONE"}}, nil
	}
	out := &container.HealthConfig{Test: h.Test, Interval: duration(h.Interval), Timeout: duration(h.Timeout),
		StartPeriod: duration(h.StartPeriod), StartInterval: duration(h.StartInterval)}
	if h.Retries != nil {
		out.Retries = int(*h.Retries)
	}
	return out, nil
}

func duration(d *composetypes.Duration) time.Duration {
	if d == nil {
		return 0
	}
	return time.Duration(*d)
}

func placement(p composetypes.Placement) *api.Placement {
	out := &api.Placement{Constraints: p.Constraints, MaxReplicas: p.MaxReplicas}
	for _, pref := range p.Preferences {
		out.Preferences = append(out.Preferences, api.PlacementPreference{Spread: &api.SpreadOver{SpreadDescriptor: pref.Spread}})
	}
	return out
}

// restartPolicy takes the service's restart only where deploy has no policy.
func restartPolicy(restart string, p *composetypes.RestartPolicy) (*api.RestartPolicy, error) {
	if p != nil {
		return &api.RestartPolicy{Condition: api.RestartPolicyCondition(p.Condition), Delay: composetypes.ConvertDurationPtr(p.Delay),
			MaxAttempts: p.MaxAttempts, Window: composetypes.ConvertDurationPtr(p.Window)}, nil
	}
	plain, err := opts.ParseRestartPolicy(restart)
	switch {
	case err != nil:
		return nil, err
	case plain.IsNone():
		return nil, nil
	case plain.IsAlways(), plain.IsUnlessStopped():
		return &api.RestartPolicy{Condition: api.RestartPolicyConditionAny}, nil
	case plain.IsOnFailure():
		attempts := uint64(plain.MaximumRetryCount)
		return &api.RestartPolicy{Condition: api.RestartPolicyConditionOnFailure, MaxAttempts: &attempts}, nil
	}
	return nil, fmt.Errorf("unknown restart policy %q", restart)
}

func updateConfig(u *composetypes.UpdateConfig) *api.UpdateConfig {
	if u == nil {
		return nil
	}
	out := &api.UpdateConfig{Parallelism: defaultParallelism, Delay: time.Duration(u.Delay), FailureAction: u.FailureAction,
		Monitor: time.Duration(u.Monitor), MaxFailureRatio: u.MaxFailureRatio, Order: u.Order}
	if u.Parallelism != nil {
		out.Parallelism = *u.Parallelism // 0 is all at once
	}
	return out
}

func resources(r composetypes.Resources) (*api.ResourceRequirements, error) {
	out := &api.ResourceRequirements{}
	if l := r.Limits; l != nil {
		cpus, err := nanoCPUs(l.NanoCPUs)
		if err != nil {
			return nil, fmt.Errorf("resources.limits: %w", err)
		}
		out.Limits = &api.Limit{NanoCPUs: cpus, MemoryBytes: int64(l.MemoryBytes), Pids: l.Pids}
	}
	if v := r.Reservations; v != nil {
		cpus, err := nanoCPUs(v.NanoCPUs)
		if err != nil {
			return nil, fmt.Errorf("resources.reservations: %w", err)
		}
		out.Reservations = &api.Resources{NanoCPUs: cpus, MemoryBytes: int64(v.MemoryBytes), GenericResources: generic(v.GenericResources)}
	}
	return out, nil
}

// nanoCPUs reads "0.5" as 500,000,000.
func nanoCPUs(cpus string) (int64, error) {
	if cpus == "" {
		return 0, nil
	}
	return opts.ParseCPUs(cpus)
}

func generic(list []composetypes.GenericResource) []api.GenericResource {
	var out []api.GenericResource
	for _, g := range list {
		var r api.GenericResource
		if d := g.DiscreteResourceSpec; d != nil {
			r.DiscreteResourceSpec = &api.DiscreteGenericResource{Kind: d.Kind, Value: d.Value}
		}
		out = append(out, r)
	}
	return out
}

func ulimits(limits map[string]*composetypes.UlimitsConfig) []*container.Ulimit {
	var out []*container.Ulimit
	for name, u := range limits {
		soft, hard := u.Soft, u.Hard
		if u.Single != 0 {
			soft, hard = u.Single, u.Single
		}
		out = append(out, &container.Ulimit{Name: name, Soft: int64(soft), Hard: int64(hard)})
	}
	slices.SortFunc(out, func(a, b *container.Ulimit) int { return cmp.Compare(a.Name, b.Name) })
	return out
}
