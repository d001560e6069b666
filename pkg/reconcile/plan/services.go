package plan

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// stack makes the services and networks what the file says.
func (d *draft) stack() {
	if d.gap(world.GapServices) || d.gap(world.GapNetworks) {
		return
	}
	made := d.networks()
	for _, want := range d.in.Stack.Services {
		d.service(want, made)
	}
	d.unwantedServices()
	d.unwantedNetworks()
	d.forget()
}

// ours reports whether labels are those of an object of the stack. swarmd's own service is a component, not part of the stack.
func (v *view) ours(labels map[string]string) bool {
	return labels[swarm.LabelCluster] == v.in.Spec.Cluster && labels[swarm.LabelComponent] == ""
}

// networks creates what is missing. It returns, by network name, the step that makes it.
func (d *draft) networks() map[string]string {
	made := map[string]string{}
	for _, want := range d.in.Stack.Networks {
		live := d.liveNetwork(want.Name)
		switch {
		case live == nil:
			d.step("network", want.Name, CreateNetwork{Spec: want}, WhyNetworkNew, "the file wants it")
			made[want.Name] = stepID("network", want.Name)
		case !d.ours(live.Spec.Labels):
			d.hold(GuardForeignNet, "network/"+want.Name, "there is one of that name that is not the cluster's")
		default:
			if diff := swarm.Diff(want.Form, live.Spec.Form); len(diff) > 0 {
				d.hold(GuardNetwork, "network/"+want.Name, "a network cannot be changed ("+swarm.Summary(swarm.NetworkChanges(want.Form, live.Spec.Form))+"): give the new one another name")
			}
		}
	}
	return made
}

func (v *view) liveNetwork(name string) *swarm.Network {
	for i := range v.in.World.Networks {
		if v.in.World.Networks[i].Spec.Name == name {
			return &v.in.World.Networks[i]
		}
	}
	return nil
}

func (v *view) liveService(name string) *swarm.Service {
	for i := range v.in.World.Services {
		if v.in.World.Services[i].Spec.Name == name {
			return &v.in.World.Services[i]
		}
	}
	return nil
}

func (v *view) wantedService(name string) *swarm.ServiceSpec {
	for i := range v.in.Stack.Services {
		if v.in.Stack.Services[i].Name == name {
			return &v.in.Stack.Services[i]
		}
	}
	return nil
}

func (d *draft) service(want swarm.ServiceSpec, made map[string]string) {
	live := d.liveService(want.Name)
	switch {
	case live != nil && !d.ours(live.Spec.Labels):
		d.hold(GuardForeignSvc, "service/"+want.Name, "there is one of that name that is not the cluster's")
	case d.denied(want, live):
	case live == nil:
		d.createService(want, made)
	default:
		d.rollout(want, *live, made)
	}
}

// denied holds a service that would be root on the machines where this swarmd is to deny that. One that runs is left as it is: what it could do
// it could have done by now, and others may need it.
func (d *draft) denied(want swarm.ServiceSpec, live *swarm.Service) bool {
	why := d.denial(want)
	if why == "" {
		return false
	}
	why += ", and swarmd was started with --deny-host-access: take that out of the file, or run swarmd bootstrap --deny-host-access=false"
	switch {
	case live == nil:
		d.hold(GuardHostAccess, "service/"+want.Name, "not created: "+why)
	case len(swarm.Diff(want.Form, live.Spec.Form)) > 0:
		d.hold(GuardHostAccess, "service/"+want.Name, "not changed, what runs is left alone: "+why)
	default:
		d.note(GuardHostAccess, "service/"+want.Name, "it runs and is left alone: "+why)
	}
	return true
}

// denial is what of a service this swarmd is to deny, "" if there is nothing. A network of which none has that name is part of it: the engine takes a
// name that it does not find for the beginning of an id, and the machine's own network has one (moby, daemon/cluster: getNetwork).
func (v *view) denial(want swarm.ServiceSpec) string {
	if !v.in.DenyHostAccess {
		return ""
	}
	name := strings.TrimPrefix(want.Name, v.in.Spec.Cluster+"_")
	if gets := v.in.Spec.HostAccess[name]; len(gets) > 0 {
		return "it gets " + strings.Join(gets, ", ") + ", so who controls it is root on the machines"
	}
	if writes := v.in.Spec.HostWrites[name]; len(writes) > 0 {
		return "it writes to " + strings.Join(writes, ", ") + " on the machines, where a link that it makes leads a later bind to any place"
	}
	for _, n := range want.Networks {
		ours := slices.ContainsFunc(v.in.Stack.Networks, func(made swarm.NetworkSpec) bool { return made.Name == n })
		if !ours && v.liveNetwork(n) == nil && n != "bridge" {
			return "the network " + n + " is not there, and the engine takes such a name for the beginning of an id, be it that of the machine's own network"
		}
	}
	return ""
}

func (d *draft) createService(want swarm.ServiceSpec, made map[string]string) {
	if d.foreignNetwork(want) || d.awaitsMachines(want) {
		return
	}
	want.Labels = d.labelled(want)
	d.step("service", want.Name, CreateService{Spec: want}, WhyServiceNew, "the file wants it", after(want, made)...)
}

// foreignNetwork holds a service that would be put on a network that is not ours but has the name of one of the stack's.
func (d *draft) foreignNetwork(want swarm.ServiceSpec) bool {
	for _, n := range d.in.Stack.Networks {
		live := d.liveNetwork(n.Name)
		if live == nil || d.ours(live.Spec.Labels) || !slices.Contains(want.Networks, n.Name) {
			continue
		}
		d.hold(GuardForeignNet, "service/"+want.Name, "its network "+n.Name+" is not the cluster's")
		return true
	}
	return false
}

func (v *view) labelled(want swarm.ServiceSpec) map[string]string {
	labels := maps.Clone(want.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels[swarm.LabelRevision] = strconv.Itoa(v.in.Revision)
	return labels
}

// after returns the steps that make the service's networks, sorted.
func after(want swarm.ServiceSpec, made map[string]string) []string {
	var ids []string
	for _, n := range want.Networks {
		if id, ok := made[n]; ok {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func (d *draft) unwantedServices() {
	for _, s := range d.in.World.Services {
		if !d.ours(s.Spec.Labels) || d.wantedService(s.Spec.Name) != nil {
			continue
		}
		d.underway = true
		if d.sees(removeService) {
			d.step("remove-service", s.Spec.Name, RemoveService{ID: s.ID, Name: s.Spec.Name}, WhyUnwanted, "the file does not have it any more")
		}
	}
}

// unwantedNetworks removes what nothing uses any more. The engine refuses while a task is attached, so the tasks of removed
// services end first.
func (d *draft) unwantedNetworks() {
	for _, n := range d.in.World.Networks {
		wanted := slices.ContainsFunc(d.in.Stack.Networks, func(w swarm.NetworkSpec) bool { return w.Name == n.Spec.Name })
		if wanted || !d.ours(n.Spec.Labels) {
			continue
		}
		d.underway = true
		switch user := d.userOf(n.Spec.Name); {
		case user != "" && !d.leavesStack(user):
			d.hold(GuardForeignSvc, "network/"+n.Spec.Name, fmt.Sprintf("not removed: the service %s uses it", user))
		case user != "" || d.orphanTasks():
			d.wait(lookWait)
		case d.sees(removeNetwork):
			d.step("remove-network", n.Spec.Name, RemoveNetwork{ID: n.ID, Name: n.Spec.Name}, WhyUnwanted, "nothing uses it any more")
		}
	}
}

// userOf returns the first service that uses the network, "" if there is none.
func (v *view) userOf(network string) string {
	for _, s := range v.in.World.Services {
		if slices.Contains(s.Spec.Networks, network) {
			return s.Spec.Name
		}
	}
	return ""
}

// leavesStack reports whether a live service will let go of a network that the stack no longer has: it is ours.
func (v *view) leavesStack(name string) bool {
	live := v.liveService(name)
	return live != nil && v.ours(live.Spec.Labels)
}

// orphanTasks reports whether a task of a removed service did not end yet.
func (v *view) orphanTasks() bool {
	return slices.ContainsFunc(v.in.World.Tasks, func(t swarm.Task) bool {
		return !ended(t) && !slices.ContainsFunc(v.in.World.Services, func(s swarm.Service) bool { return s.ID == t.ServiceID })
	})
}
