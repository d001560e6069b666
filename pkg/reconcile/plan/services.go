package plan

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// service is one of the stack's beside what lives under its name.
type service struct {
	base swarm.ServiceSpec // what the file says
	want swarm.ServiceSpec // the same, with what operations bend of it
	live *swarm.Service    // nil: there is none, or it is not ours
	diff []string          // what differs
	took *swarm.Service    // what lives under its name, and is to be taken over; nil: nothing
}

func (s service) object() string { return "service/" + s.want.Name }

// stack is the stack's services beside the live ones, in its order.
func (v *view) stack() []service {
	out := make([]service, 0, len(v.in.Stack.Services))
	for _, want := range v.in.Stack.Services {
		s, live := service{base: want, want: want}, v.liveService(want.Name)
		switch {
		case live == nil:
		case v.ours(live.Spec.Labels):
			s.live = live
			s = s.bent(swarm.Surge{})
		case v.belongs(*live):
			job := asOurs(*live, v.in.Spec.Cluster)
			s.live = &job
			s = s.bent(swarm.Surge{})
		case v.takesOver(want.Labels, live.Spec.Labels):
			s.took = live
		}
		out = append(out, s)
	}
	return out
}

// bent is the service wanted with so many tasks more; its zero value is as the file says. The label says whose those are: it differs as well.
func (s service) bent(surge swarm.Surge) service {
	s.want = s.base
	if surge.Tasks > 0 {
		s.want = s.base.Surged(surge)
	}
	s.diff = swarm.Diff(s.want.Form(), s.live.Spec.Form())
	if len(s.diff) == 0 && s.surgeDiffers() {
		s.diff = []string{"Labels[" + swarm.LabelSurge + "]: " + s.live.Spec.Labels[swarm.LabelSurge] + " → " + s.want.Labels[swarm.LabelSurge]}
	}
	return s
}

// surgeDiffers reports whether the service is to have other tasks beyond the file's, or for something else.
func (s service) surgeDiffers() bool {
	return s.want.Labels[swarm.LabelSurge] != s.live.Spec.Labels[swarm.LabelSurge]
}

// proposeServices proposes what makes the services what the file says. Any write sets the engine's previous specification to the current one and forgets
// the roll-out's state (seen on 20.10.24), so a roll-back that is seen for the first time is remembered before anything else is thought of.
func proposeServices(v *view) []wish {
	var wishes []wish
	for _, s := range v.services {
		wishes = append(wishes, serviceWishes(v, s)...)
	}
	return wishes
}

func serviceWishes(v *view, s service) (wishes []wish) {
	add := func(k kind) { wishes = append(wishes, wish{kind: k, object: s.object(), service: s}) }
	switch {
	case s.took != nil:
		add(takeService)
		return wishes
	case s.live == nil:
		add(createService)
		return wishes
	case s.live.Spec.Mode.Job():
		return jobWishes(s)
	case v.rollbackIsNew(s.want, *s.live):
		add(recordRollback)
	case v.superseded(s.want, *s.live, s.diff):
		add(putBack)
		return wishes
	case v.failed(s) != "":
		return []wish{{kind: giveUp, object: s.object(), service: s, text: v.failed(s)}} // nothing else is written meanwhile
	case unpinned(s.want, *s.live):
		add(pin)
	}
	if len(s.diff) > 0 {
		add(changeService)
	}
	for _, k := range v.failedWishes(s) {
		add(k)
	}
	if v.staleLogin(*s.live) {
		add(renewLogin)
	}
	return wishes
}

// ours reports whether labels are those of an object of the stack. swarmd's own service is a component, not part of the stack.
func (v *view) ours(labels map[string]string) bool {
	return labels[swarm.LabelCluster] == v.in.Spec.Cluster && labels[swarm.LabelComponent] == ""
}

// proposeNetworks proposes what makes the networks what the file says.
func proposeNetworks(v *view) []wish {
	var wishes []wish
	for _, want := range v.in.Stack.Networks {
		live, w := v.liveNetwork(want.Name), wish{kind: createNetwork, object: "network/" + want.Name, network: want}
		if v.usable(want, live) {
			want := v.besideLive(want, *live)
			w.kind, w.text = changeNetwork, "a network cannot be changed ("+swarm.Summary(swarm.NetworkChanges(want.Form, live.Spec.Form))+"): give the new one another name"
			if len(swarm.Diff(want.Form, live.Spec.Form)) == 0 {
				continue
			}
		}
		wishes = append(wishes, w)
	}
	return wishes
}

func (v *view) liveNetwork(name string) *swarm.Network {
	for i := range v.in.World.Networks {
		if v.in.World.Networks[i].Spec.Name == name {
			return &v.in.World.Networks[i]
		}
	}
	return nil
}

// liveService returns what lives under the name, ours or not, or nil.
func (v *view) liveService(name string) *swarm.Service { return v.liveNamed[name] }

// wantedService returns the stack's service of the name, or nil.
func (v *view) wantedService(name string) *swarm.ServiceSpec { return v.wantedNamed[name] }

// denial is what of a service this swarmd is to deny, "" if there is nothing. A network of which none has that name is part of it: the engine takes a
// name that it does not find for the beginning of an id, and the machine's own network has one (moby, daemon/cluster: getNetwork).
func (v *view) denial(want swarm.ServiceSpec) string {
	if !v.in.DenyHostAccess {
		return ""
	}
	if gets := v.in.Spec.HostAccess[want.Name]; len(gets) > 0 {
		return "it gets " + strings.Join(gets, ", ") + ", so who controls it is root on the machines"
	}
	if writes := v.in.Spec.HostWrites[want.Name]; len(writes) > 0 {
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

func (v *view) labelled(want swarm.ServiceSpec) map[string]string {
	labels := maps.Clone(want.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels[swarm.LabelRevision] = strconv.Itoa(v.in.Revision)
	return labels
}

// after returns the steps that make the service's networks, configs and secrets, sorted.
func (v *view) after(want swarm.ServiceSpec) []string {
	var ids []string
	for _, n := range v.in.Stack.Networks {
		if slices.Contains(want.Networks, n.Name) && v.liveNetwork(n.Name) == nil {
			ids = append(ids, stepID("network", n.Name))
		}
	}
	ids = append(ids, v.objectSteps(want)...)
	slices.Sort(ids)
	return slices.Compact(ids)
}

// proposeUnwantedServices proposes to remove what is ours and not in the file any more.
func proposeUnwantedServices(v *view) []wish {
	var wishes []wish
	_, kept := v.prunes()
	for _, s := range v.in.World.Services {
		if v.ours(s.Spec.Labels) && v.wantedService(s.Spec.Name) == nil {
			wishes = append(wishes, wish{kind: dropService, object: "service/" + s.Spec.Name, live: liveObject{s.ID, s.Spec.Name}, unfinished: kept == ""})
		}
	}
	return wishes
}

// proposeUnwantedNetworks proposes the same for networks.
func proposeUnwantedNetworks(v *view) []wish {
	var wishes []wish
	for _, n := range v.in.World.Networks {
		wanted := slices.ContainsFunc(v.in.Stack.Networks, func(w swarm.NetworkSpec) bool { return w.Name == n.Spec.Name })
		if !wanted && v.ours(n.Spec.Labels) && !v.keptUser(n.Spec.Name) {
			wishes = append(wishes, wish{kind: dropNetwork, object: "network/" + n.Spec.Name, live: liveObject{n.ID, n.Spec.Name}, unfinished: true})
		}
	}
	return wishes
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
