// Package maintenance takes a node out of service for a person and gives it back, and has swarmd leave alone what a person pauses or protects. It
// decides what is meant, and refuses to drain the node without which nobody would act. It must not decide what the tasks do then: that is the engine's
// affair, and the pool's count stays as it is.
package maintenance

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/pkg/swarm"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

// Swarm is what is asked of a swarm and changed there.
type Swarm interface {
	Nodes(ctx context.Context) ([]swarm.Node, error)
	Services(ctx context.Context) ([]swarm.Service, error)
	UpdateNode(ctx context.Context, id string, version uint64, spec swarm.NodeSpec) error
	RelabelService(ctx context.Context, id string, version uint64, labels map[string]string) error
}

// Store says what the accepted file wants, and keeps what is paused.
type Store interface {
	Look(ctx context.Context) (ledger.State, error)
	Update(ctx context.Context, change func(*ledger.Ledger) error) (ledger.Ledger, error)
	Unattended(ctx context.Context, st ledger.State, who string) error // why nobody acts, nil if somebody does; it may take some seconds
}

// Cluster is where a node is drained or activated.
type Cluster struct {
	Name  string
	Swarm Swarm
	Store Store
	By    string // who does it, for people
	Now   bool   // Drain drains at once, instead of when as many tasks run elsewhere
}

// Drain has the node drained until Activate, and returns what to say of it: the swarmd that acts does it when as many tasks run elsewhere. Where none ever
// acted, and with Now, it is drained at once. The node is named by its name, its id, its droplet's id, or the beginning of a
// name or id that no other node has. A node that is drained so already is not written again.
func (c Cluster) Drain(ctx context.Context, node string) (said string, err error) {
	return c.change(ctx, node, (*upkeep).drain)
}

// Activate gives a node that was drained by Drain the availability that the accepted file wants, and returns what to say of it.
func (c Cluster) Activate(ctx context.Context, node string) (said string, err error) {
	return c.change(ctx, node, (*upkeep).activate)
}

// change makes a change, three times at most where somebody else writes the node in between.
func (c Cluster) change(ctx context.Context, node string, change func(*upkeep, swarm.Node) (swarm.NodeSpec, string, error)) (string, error) {
	return again(func() (string, error) { return c.upkeep(ctx, node, change) })
}

// again looks and writes, three times at most where somebody else writes in between.
func again(try func() (said string, err error)) (string, error) {
	for tries := 3; ; tries-- {
		said, err := try()
		if apierr.KindOf(err) != apierr.Conflict || tries == 1 {
			return said, err
		}
	}
}

// upkeep is what a command knows of the swarm.
type upkeep struct {
	cluster  string
	ledger   ledger.Ledger
	accepted *file.Document // nil if the accepted revision cannot be read
	nodes    []swarm.Node
	services []swarm.Service
	by       string
	asked    bool         // a person wants it at once
	now      bool         // a node is drained at once
	idle     func() error // why nobody acts, nil if somebody does
}

// upkeep looks, and makes the change.
func (c Cluster) upkeep(ctx context.Context, name string, change func(*upkeep, swarm.Node) (swarm.NodeSpec, string, error)) (said string, err error) {
	u, err := c.look(ctx)
	if err != nil {
		return "", err
	}
	n, err := u.pick(name)
	if err != nil {
		return "", err
	}
	wanted, said, err := change(u, n)
	if err != nil || said != "" && wanted.Role == "" {
		return said, err
	}
	return said, c.Swarm.UpdateNode(ctx, n.ID, n.Version, wanted)
}

func (c Cluster) look(ctx context.Context) (*upkeep, error) {
	u := &upkeep{cluster: c.Name, by: c.By, asked: c.Now}
	st, err := c.Store.Look(ctx)
	if err != nil {
		return nil, err
	}
	u.ledger, u.accepted = st.Ledger, acceptedSpec(st)
	u.now = u.asked || st.Lease.Holder == "" || u.accepted == nil
	if u.nodes, err = c.Swarm.Nodes(ctx); err != nil {
		return nil, err
	}
	u.idle = func() error { return c.Store.Unattended(ctx, st, u.holder(st.Lease)) }
	u.services, err = c.Swarm.Services(ctx)
	return u, err
}

// holder is the machine of the swarmd that holds the lease, as people name it.
func (u *upkeep) holder(l ledger.Lease) string {
	if i := slices.IndexFunc(u.nodes, func(n swarm.Node) bool { return n.ID == l.Node() }); i >= 0 {
		return u.nodes[i].Hostname
	}
	return l.Holder
}

func acceptedSpec(st ledger.State) *file.Document {
	r, ok := st.Revision(st.Ledger.Revision)
	if !ok {
		return nil
	}
	d, _, err := file.Parse("the accepted revision", r.Data)
	if err != nil {
		return nil
	}
	return d
}

// errNoNode is the error of pickNode where there is none.
var errNoNode = errors.New("no such node")

// pick finds the node that a person names, also as node/NAME.
func (u *upkeep) pick(name string) (swarm.Node, error) {
	name = strings.TrimPrefix(name, "node/")
	n, err := pickNode(u.nodes, name)
	if !errors.Is(err, errNoNode) {
		return n, err
	}
	service := strings.TrimPrefix(name, ledger.PausedService)
	switch {
	case slices.Contains(u.pools(), name):
		return n, fmt.Errorf("%q is a pool: name one of its nodes, which swarmd status lists", name)
	case slices.Contains(u.stack(), service) || slices.Contains(u.stack(), u.cluster+"_"+service):
		return n, fmt.Errorf("%q is a service: a node is wanted, or service/%s where the command takes one", name, service)
	}
	return n, fmt.Errorf("the swarm has no node %q%s: docker node ls lists them; of a machine that has none swarmd why says what brings it back", name, file.DidYouMean(name, u.hostnames()))
}

// pickNode finds the node with that name, id or droplet, or the only one whose name or id begins so.
func pickNode(nodes []swarm.Node, name string) (swarm.Node, error) {
	var exact, begins []swarm.Node
	for _, n := range nodes {
		switch {
		case name == n.ID, name == n.Hostname, name == n.Spec.Labels[swarm.LabelDroplet]:
			exact = append(exact, n)
		case strings.HasPrefix(n.ID, name), strings.HasPrefix(n.Hostname, name):
			begins = append(begins, n)
		}
	}
	found := exact
	if len(found) == 0 {
		found = begins
	}
	var names []string
	for _, n := range found {
		names = append(names, n.Hostname+" ("+n.ID+")")
	}
	switch {
	case name == "" || len(found) == 0:
		return swarm.Node{}, errNoNode
	case len(found) > 1:
		return swarm.Node{}, fmt.Errorf("%q is said of %d nodes: %s; give the whole id", name, len(found), strings.Join(names, ", "))
	}
	return found[0], nil
}

// drain changes nothing if the node is drained so already.
func (u *upkeep) drain(n swarm.Node) (swarm.NodeSpec, string, error) {
	s := n.Spec
	if s.Labels[swarm.LabelPool] == "" || s.Labels[swarm.LabelCluster] != u.cluster {
		return s, "", fmt.Errorf("%s is no machine of cluster %s: docker node update --availability drain %s", n.Hostname, u.cluster, n.ID)
	}
	switch was, ok := s.Maintained(); {
	case ok && s.Availability == swarm.Drain:
		return swarm.NodeSpec{}, fmt.Sprintf("%s is drained already, by %s", n.Hostname, was.By), nil
	case ok && !u.now:
		if why := u.hindered(s); why != "" {
			return swarm.NodeSpec{}, fmt.Sprintf("%s is to be drained already, by %s, and %s; --now drains it at once", n.Hostname, was.By, why), nil
		}
		return swarm.NodeSpec{}, fmt.Sprintf("%s is being drained already, by %s; swarmd why %s says what is waited for, --now drains it at once", n.Hostname, was.By, n.Hostname), nil
	}
	if why := u.lastActing(n); why != "" {
		return s, "", errors.New(why)
	}
	if why := u.refuses(n); why != "" && !u.asked {
		return s, "", errors.New(why)
	}
	s.Labels = withLabel(s.Labels, swarm.LabelMaintenance, swarm.Maintenance{Since: time.Now(), Pool: u.ofPool(s), By: u.by}.String())
	if u.now {
		s.Availability = swarm.Drain
		return s, fmt.Sprintf("%s is drained: its tasks go elsewhere, and it stays in its pool; swarmd activate %s ends it", n.Hostname, n.Hostname), nil
	}
	if why := u.idle(); why != nil {
		return s, fmt.Sprintf("%s is to be drained, and nobody does it now: %v; it has its tasks until somebody acts, --now drains it at once, and swarmd activate %s ends it",
			n.Hostname, why, n.Hostname), nil
	}
	return s, fmt.Sprintf("%s is being drained: when as many tasks run elsewhere, at the latest after %s, it has none; it stays in its pool; swarmd activate %s ends it%s",
		n.Hostname, u.accepted.Policies.DrainTimeout, n.Hostname, u.stops(n)), nil
}

// refuses is why swarmd would not drain the node, and what to do; "" if it does.
func (u *upkeep) refuses(n swarm.Node) string {
	if why := untouched(n.Spec.Labels, time.Now()); why != "" {
		return fmt.Sprintf("%s is %s, and swarmd leaves it alone: --now drains it all the same, at once", n.Hostname, why)
	}
	if what, ends := u.pausedAbove(n.Spec); what != "" {
		return fmt.Sprintf("%s is paused, and swarmd drains nothing there: %s first, or --now drains %s all the same, at once", what, ends, n.Hostname)
	}
	return ""
}

// hindered is why nothing of what a person asked of a node happens now, "" if it does.
func (u *upkeep) hindered(s swarm.NodeSpec) string {
	if why := untouched(s.Labels, time.Now()); why != "" {
		return "nothing of it happens while it is " + why
	}
	if what, ends := u.pausedAbove(s); what != "" {
		return "nothing of it happens while " + what + " is paused, which " + ends + " ends"
	}
	if why := u.idle(); why != nil {
		return "nobody does it now: " + why.Error()
	}
	return ""
}

// pausedAbove is what of the cluster and the node's pool is paused, and how a person ends that; "" for neither.
func (u *upkeep) pausedAbove(s swarm.NodeSpec) (what, ends string) {
	object, _, _ := u.ledger.Paused(time.Now(), ledger.PausedCluster, ledger.PausedPool+s.Labels[swarm.LabelPool])
	switch object {
	case "":
		return "", ""
	case ledger.PausedCluster:
		return "the cluster", "swarmd resume"
	}
	return "pool " + s.Labels[swarm.LabelPool], "swarmd resume " + object
}

// untouched is why swarmd does not empty a node, "" if it does.
func untouched(labels map[string]string, now time.Time) string {
	for label, why := range map[string]string{swarm.LabelPaused: "paused", swarm.LabelProtected: "protected"} {
		if value := labels[label]; value != "" && swarm.ParseHandsOff(value).Active(now) {
			return why
		}
	}
	return ""
}

func (u *upkeep) activate(n swarm.Node) (swarm.NodeSpec, string, error) {
	s := n.Spec
	if _, ok := s.Maintained(); !ok {
		return swarm.NodeSpec{}, fmt.Sprintf("%s was not drained with swarmd drain; its availability is %s", n.Hostname, s.Availability), nil
	}
	s.Labels, s.Availability = withLabel(s.Labels, swarm.LabelMaintenance, ""), u.ofPool(s)
	return s, fmt.Sprintf("%s is as the file wants it: %s", n.Hostname, s.Availability), nil
}

// ofPool is the availability that the accepted file wants of the node.
func (u *upkeep) ofPool(s swarm.NodeSpec) swarm.Availability {
	if u.accepted != nil {
		for _, p := range u.accepted.Pools {
			if p.Name == s.Labels[swarm.LabelPool] && p.Availability != "" {
				return swarm.Availability(p.Availability)
			}
		}
	}
	return swarm.Active
}

// lastActing says why swarmd would stop to act: as a service it runs on active managers only, and this is the last one.
func (u *upkeep) lastActing(n swarm.Node) string {
	service := docker.SelfName(u.cluster)
	if n.Manager == nil || !slices.ContainsFunc(u.services, func(s swarm.Service) bool { return s.Spec.Name == service }) {
		return ""
	}
	if slices.ContainsFunc(u.nodes, func(o swarm.Node) bool {
		return o.ID != n.ID && o.Manager != nil && works(o)
	}) {
		return ""
	}
	return fmt.Sprintf("%s is the last active manager, and swarmd runs there as the service %s: nobody would act; activate another manager first", n.Hostname, service)
}

// withLabel returns the labels with that one, without it if its value is empty.
func withLabel(labels map[string]string, key, value string) map[string]string {
	out := maps.Clone(labels)
	if out == nil {
		out = map[string]string{}
	}
	out[key] = value
	if value == "" {
		delete(out, key)
	}
	return out
}
