package maintenance

import (
	"testing"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// TestWhatADrainStopsAndAReplacementLosesIsSaid: a person is to know of an outage, and of data that goes with a disk, before it is too late.
func TestWhatADrainStopsAndAReplacementLosesIsSaid(t *testing.T) {
	node := func(id, tier string) swarm.Node {
		return swarm.Node{ID: id, Hostname: id, State: swarm.NodeReady, Spec: swarm.NodeSpec{Availability: swarm.Active, Labels: map[string]string{"tier": tier}}}
	}
	service := func(name, replicas, mount string, constraints ...string) swarm.Service {
		form := swarm.Form{"Mode.Replicated.Replicas": replicas, "UpdateConfig.Order": "stop-first"}
		if mount != "" {
			form["TaskTemplate.ContainerSpec.Mounts[/data].Type"] = mount
		}
		return swarm.Service{Spec: swarm.ServiceSpec{Name: name, Mode: swarm.Replicated, Constraints: constraints, Base: swarm.NewBase(form, nil, swarm.Pin{})}}
	}
	u := &upkeep{nodes: []swarm.Node{node("a", "data"), node("b", "app"), node("c", "app")}, services: []swarm.Service{
		service("web", "2", "", "node.labels.tier==app"),
		service("files", "2", "volume", "node.labels.tier==app"),
		service("cache", "2", "tmpfs", "node.labels.tier==app"),
		service("queue", "1", "", "node.labels.tier==app"),
		service("none", "0", "", "node.labels.tier==data"),
		service("db", "1", "volume", "node.labels.tier==data"),
		service("alone", "3", "", "node.labels.tier==data"),
	}}
	for n, want := range []struct{ stops, loses string }{
		{"; what of these runs there stops at once, before it runs elsewhere: alone (fits no other node), db (fits no other node)",
			"; its disk is deleted with it: copy what these have there before: db"},
		{"; what of these runs there stops at once, before it runs elsewhere: files (has data on its machines), queue (has one task, and its update_config.order is not start-first)",
			"; its disk is deleted with it: copy what these have there before: files"},
	} {
		if stops, loses := u.stops(u.nodes[n]), u.loses(u.nodes[n]); stops != want.stops || loses != want.loses {
			t.Errorf("%s:\n%q\n%q", u.nodes[n].Hostname, stops, loses)
		}
	}
	u.nodes[2].Spec.Availability = swarm.Drain
	if got := u.stops(u.nodes[1]); got != "; what of these runs there stops at once, before it runs elsewhere: cache (fits no other node), files (fits no other node), queue (fits no other node), web (fits no other node)" {
		t.Errorf("the last node: %q", got)
	}
	u.services = u.services[:1]
	if got := u.stops(u.nodes[2]) + u.stops(u.nodes[0]) + u.loses(u.nodes[1]); got != "" {
		t.Errorf("nothing is lost: %q", got)
	}
	if got := named([]string{"f", "e", "d", "c", "b", "a"}); got != "a, b, c, d, e, and more" {
		t.Errorf("%q", got)
	}
}
