//go:build linux

package e2e

import (
	"fmt"
	"strings"
	"time"

	"github.com/docker/docker/api/types/swarm"
)

// converges is how long the file may take to come true once the machines are let alone: a lease that runs out, machines that boot.
const converges = 3 * time.Minute

// rest lets everything alone until the file is true, by what the lab and the engines show.
func (c *chaos) rest() {
	c.Helper()
	began, note := time.Now(), ""
	for time.Since(began) < converges {
		if note = c.untrue(); note == "" {
			took := time.Since(began).Round(100 * time.Millisecond)
			c.Logf("the file is true after %v", took)
			c.rests = append(c.rests, took)
			c.rested()
			return
		}
		pause(c.Context(), 500*time.Millisecond)
	}
	c.find(lostProgress, "after %v: %s", converges, note)
	c.Fatalf("the file did not come true: %s", note)
}

// calm asserts that nothing but the lease is written once the file is true.
func (c *chaos) calm(span time.Duration) {
	c.Helper()
	engine, _, err := c.seeWith(c.Context())
	if err != nil {
		c.Fatal(err)
	}
	c.docker = engine
	for _, note := range c.written(span) {
		c.find(lostCalm, "%s", note)
	}
}

// untrue says what is not as the file says, "" if all is.
func (c *chaos) untrue() string {
	s, err := c.see(c.Context())
	if err != nil {
		return err.Error()
	}
	if string(accepted(s.configs)) != c.want.yaml(c.state.SSHKeyID) {
		return "another file is the accepted one"
	}
	for _, check := range []func(scene) string{c.machinesUntrue, c.nodesUntrue, c.servicesUntrue, c.tasksUntrue, ledgerUntrue} {
		if note := check(s); note != "" {
			return note
		}
	}
	return ""
}

func (c *chaos) machinesUntrue(scene) string {
	for pool, n := range map[string]int{"managers": c.want.managers, "workers": c.want.workers} {
		all := c.own(pool)
		for _, d := range all {
			if d.State != "active" {
				return d.Name + " is " + string(d.State)
			}
		}
		if len(all) != n {
			return fmt.Sprintf("%d droplets in pool %s, want %d", len(all), pool, n)
		}
	}
	return ""
}

func (c *chaos) nodesUntrue(s scene) string {
	count := map[string]int{}
	for _, n := range s.nodes {
		pool := c.poolOf(n.Description.Hostname)
		count[pool]++
		zone := map[string]string{"workers": "lab"}[pool]
		if n.Status.State != swarm.NodeStateReady || n.Spec.Availability != swarm.NodeAvailabilityActive || n.Spec.Labels["swarmd.droplet"] == "" ||
			n.Spec.Labels["swarmd.pool"] != pool || zone != "" && n.Spec.Labels["zone"] != zone {
			return fmt.Sprintf("node %s: %s, %s, %v", n.Description.Hostname, n.Status.State, n.Spec.Availability, n.Spec.Labels)
		}
		if reachable(n) != (pool == "managers") {
			return fmt.Sprintf("node %s of pool %s: manager %+v", n.Description.Hostname, pool, n.ManagerStatus)
		}
	}
	if len(s.nodes) != c.want.managers+c.want.workers || count["managers"] != c.want.managers {
		return fmt.Sprintf("nodes %v, want %d managers and %d workers", count, c.want.managers, c.want.workers)
	}
	return ""
}

func reachable(n swarm.Node) bool {
	return n.ManagerStatus != nil && n.ManagerStatus.Reachability == swarm.ReachabilityReachable && n.Spec.Role == swarm.NodeRoleManager
}

// servicesUntrue looks at what was asked of the engine.
func (c *chaos) servicesUntrue(s scene) string {
	versions := map[string]string{"shop_web": c.want.web, "shop_queue": c.want.queue}
	for _, v := range s.services {
		version, ours := versions[v.Spec.Name]
		switch {
		case !ours:
			continue
		case version == "":
			return v.Spec.Name + " is there, and not in the file"
		case !strings.HasPrefix(v.Spec.TaskTemplate.ContainerSpec.Image, webImage+":"+version+"@sha256:"):
			return v.Spec.Name + " runs " + v.Spec.TaskTemplate.ContainerSpec.Image
		case v.UpdateStatus != nil && v.UpdateStatus.State == swarm.UpdateStateUpdating:
			return v.Spec.Name + " is being updated"
		case *v.Spec.Mode.Replicated.Replicas != c.replicas()[v.Spec.Name]:
			return fmt.Sprintf("%s is asked for %d", v.Spec.Name, *v.Spec.Mode.Replicated.Replicas)
		}
		delete(versions, v.Spec.Name)
	}
	for name, version := range versions {
		if version != "" {
			return name + " is missing"
		}
	}
	return ""
}

func (c *chaos) replicas() map[string]uint64 {
	all := map[string]uint64{"shop_web": uint64(c.want.webReplicas), "foreign": 1, "swarmd-shop": uint64(c.want.managers)}
	if c.want.queue != "" {
		all["shop_queue"] = 6
	}
	return all
}

// tasksUntrue looks at what really runs.
func (c *chaos) tasksUntrue(scene) string {
	engine, _, err := c.seeWith(c.Context())
	if err != nil {
		return err.Error()
	}
	for name, n := range c.replicas() {
		if got := len(c.running(engine, name)); uint64(got) != n {
			return fmt.Sprintf("%d tasks of %s run, want %d", got, name, n)
		}
	}
	return ""
}

// ledgerUntrue says what swarmd has still to write down: an operation ends with a write after its last effect.
func ledgerUntrue(s scene) string {
	l, err := ledgerOf(s.configs)
	switch {
	case err != nil:
		return err.Error()
	case len(l.Ops) > 0:
		return fmt.Sprintf("operation %s %s is open", l.Ops[0].Kind, l.Ops[0].Name)
	case len(l.Rollouts) > 0:
		return fmt.Sprintf("roll-outs are remembered: %v", l.Rollouts)
	}
	return ""
}

// managersWhole reports whether every manager that the file wants is a reachable member.
func (c *chaos) managersWhole() (bool, string) {
	s, err := c.see(c.Context())
	if err != nil {
		return false, err.Error()
	}
	for _, n := range s.nodes {
		if n.Spec.Role == swarm.NodeRoleManager && !reachable(n) {
			return false, n.Description.Hostname + " is not reachable"
		}
	}
	return true, ""
}
