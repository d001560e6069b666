//go:build linux

package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/swarm"
)

// How many services the machines bear, and how many of them have a task: the others show that they are compared all the same.
const (
	manyServices = 200
	manyTasks    = 12
)

// mostCalls is how often a pass that finds nothing to do may ask the engine, however much there is.
const mostCalls = 9

// manyAtRest has many services in the file, and counts what passes ask of the engine that find nothing to do.
func (k *stacks) manyAtRest() {
	k.policies["bake"] = "2s"
	for i := range manyServices {
		k.services[fmt.Sprintf("s%03d", i)] = map[string]any{
			"image": webImage + ":1", "environment": map[string]string{"NUMBER": strconv.Itoa(i)}, "labels": map[string]string{"number": strconv.Itoa(i)},
			"deploy": map[string]any{"replicas": toInt(i < manyTasks), "endpoint_mode": "dnsrr", "placement": map[string]any{"constraints": []string{"node.labels.zone==lab"}}},
		}
	}
	made := k.good()
	k.until("passes find nothing to do", 3*time.Minute, func() (bool, string) {
		r := k.report()
		return r.Converged && len(r.Steps) == 0, r.Result
	})
	before, began := k.metrics(), time.Now()
	versions := k.versions()
	const passes = 6
	k.until("passes at rest", 3*time.Minute, func() (bool, string) {
		n := sumOf(k.metrics(), before, "swarmd_passes_total{")
		return n >= passes, fmt.Sprint(n)
	})
	after, took := k.metrics(), time.Since(began)
	n := sumOf(after, before, "swarmd_passes_total{")
	var calls, writes, renewals, watched float64
	for series := range after {
		of := after[series] - before[series]
		switch op := opOf(series); {
		case of == 0 || op == "":
		case op == "update config":
			renewals += of
		case slices.ContainsFunc([]string{"create", "update", "remove", "rotate", "attach"}, func(verb string) bool { return strings.HasPrefix(op, verb+" ") }):
			writes += of
			k.Errorf("at rest: %v times %s", of, op)
		case op == "list tasks" || op == "list configs": // one a pass; beside them the tasks alone, which only say "look now", and the lease, every few seconds
			watched += of - n
			calls += n
		default:
			calls += of
			k.Logf("at rest: %s %.1f times a pass", op, of/n)
		}
	}
	k.Logf("report: %d services, made in %.0f s; at rest %.1f calls to the engine a pass (%v passes in %.0f s; beside them %v looks at the tasks alone or the lease, and %v renewals of it), %v writes",
		manyServices, made.Seconds(), calls/n, n, took.Seconds(), watched, renewals, writes)
	if most := 2 * (took.Seconds()/3 + 2); watched < 0 || watched > most {
		k.Errorf("%v looks at the tasks or the lease beside the passes, want at most %.0f", watched, most)
	}
	if calls/n > mostCalls {
		k.Errorf("%.1f calls a pass, want at most %d", calls/n, mostCalls)
	}
	if now := k.versions(); !maps.Equal(now, versions) {
		k.Errorf("something was written at rest: %v, before %v", now, versions)
	}
}

// opOf is which call to the engine the series counts, "" if it counts something else.
func opOf(series string) string {
	if !strings.HasPrefix(series, "swarmd_api_calls_total{") || !strings.Contains(series, `side="swarm"`) {
		return ""
	}
	_, rest, _ := strings.Cut(series, `op="`)
	op, _, _ := strings.Cut(rest, `"`)
	return op
}

// metrics are all series of the manager's swarmd.
func (k *stacks) metrics() map[string]float64 {
	k.Helper()
	out := map[string]float64{}
	for line := range strings.Lines(k.page("/metrics")) {
		at := strings.LastIndexByte(strings.TrimSpace(line), ' ')
		if v, err := strconv.ParseFloat(strings.TrimSpace(line)[at+1:], 64); err == nil && at > 0 && line[0] != '#' {
			out[line[:at]] = v
		}
	}
	return out
}

// sumOf is by how much all series with that beginning have grown.
func sumOf(after, before map[string]float64, prefix string) (n float64) {
	for series, v := range after {
		if strings.HasPrefix(series, prefix) {
			n += v - before[series]
		}
	}
	return n
}

// versions are those of all that swarmd could write but the lease: services, secrets, configs, nodes.
func (k *stacks) versions() map[string]uint64 {
	k.Helper()
	out := map[string]uint64{}
	services, err := k.docker.ServiceList(k.Context(), swarm.ServiceListOptions{})
	if err != nil {
		k.Fatal(err)
	}
	for _, s := range services {
		out["service "+s.Spec.Name] = s.Version.Index
	}
	configs, err := k.docker.ConfigList(k.Context(), swarm.ConfigListOptions{})
	if err != nil {
		k.Fatal(err)
	}
	for _, c := range configs {
		if c.Spec.Name != "swarmd.shop.lease" {
			out["config "+c.Spec.Name] = c.Version.Index
		}
	}
	secrets, err := k.docker.SecretList(k.Context(), swarm.SecretListOptions{})
	if err != nil {
		k.Fatal(err)
	}
	for _, s := range secrets {
		out["secret "+s.Spec.Name] = s.Version.Index
	}
	return out
}
