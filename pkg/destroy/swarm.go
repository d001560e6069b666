package destroy

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/brake"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// NoSwarm is how --swarm names the droplets without a swarm's tag.
const NoSwarm = "none"

// attribute finds whose the droplets without a swarm's tag are, where a manager can be asked: those that its nodes are bound to, or claim from
// their own address, are its swarm's. If it cannot be asked, they stay without a swarm; forget says so.
func (r *Run) attribute(ctx context.Context, d *Doomed) {
	if r.Connect == nil || !slices.ContainsFunc(d.Droplets, untagged) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	asm, err := r.Connect()
	if err != nil {
		return // haltSwarmd says why
	}
	defer asm.Close()
	p := world.Answers{Name: d.Cluster}
	if p.Cluster, err = asm.Swarm.Cluster(ctx); err != nil || p.Cluster.ID == "" {
		return
	}
	if p.Nodes, err = asm.Swarm.Nodes(ctx); err != nil {
		return
	}
	for _, m := range d.Droplets {
		p.Droplets = append(p.Droplets, m.droplet)
	}
	d.asked, d.bound = p.Cluster.ID, map[int]bool{}
	for _, m := range world.Join(p).Machines {
		if m.Droplet != nil && m.Owned {
			d.bound[m.Droplet.ID] = true
		}
	}
	d.assign()
}

func untagged(m Member) bool { return m.of == "" }

// assign gives the droplets without a tag to the swarm whose nodes are on them.
func (d *Doomed) assign() {
	for i, m := range d.Droplets {
		if untagged(m) && d.bound[m.ID] {
			d.Droplets[i].of = d.asked
		}
	}
}

// again sorts a later survey as the first one was.
func (d *Doomed) again(was Doomed) {
	d.asked, d.bound = was.asked, was.bound
	d.assign()
	d.keep(was.Swarm)
}

// doubtful names the droplets that stay and may be of the swarm that went: they have no tag, and no manager of that was asked for its nodes.
func (d *Doomed) doubtful() (names []string) {
	if d.Swarm == "" || d.asked == d.Swarm {
		return nil
	}
	for _, m := range d.Others {
		if untagged(m) {
			names = append(names, fmt.Sprintf("%d %s", m.ID, m.Name))
		}
	}
	return names
}

// choose keeps the droplets of one swarm: the one that was asked for, or the only one that there is. Those without a swarm's tag go when they
// are asked for, or when there are no others.
func (d *Doomed) choose(asked string) error {
	var swarms []string
	for _, m := range d.Droplets {
		if m.of != "" {
			swarms = append(swarms, m.of)
		}
	}
	slices.Sort(swarms)
	swarms = slices.Compact(swarms)
	switch {
	case asked == NoSwarm:
		d.keep("")
	case asked != "" && !slices.Contains(swarms, asked):
		return fmt.Errorf("the account has no droplet of a cluster %s in the swarm %s: %s; nothing was deleted", d.Cluster, asked, known(swarms))
	case asked != "":
		d.keep(asked)
	case len(swarms) > 1:
		return fmt.Errorf("%d swarms have the name %s; say which one goes: --swarm %s; nothing was deleted",
			len(swarms), d.Cluster, strings.Join(swarms, ", or --swarm "))
	case len(swarms) == 1:
		d.keep(swarms[0])
	}
	return nil
}

func known(swarms []string) string {
	if len(swarms) == 0 {
		return "no droplet of it has a swarm's tag"
	}
	return "there are " + strings.Join(swarms, ", ")
}

// keep leaves only the droplets of that swarm to go.
func (d *Doomed) keep(swarm string) {
	d.Swarm = swarm
	var mine []Member
	for _, m := range d.Droplets {
		if m.of == swarm {
			mine = append(mine, m)
		} else {
			d.Others = append(d.Others, m)
		}
	}
	d.Droplets = append([]Member{}, mine...)
}

// Whole names what goes.
func (d *Doomed) Whole() string {
	if d.Swarm == "" {
		return "cluster " + d.Cluster
	}
	return "cluster " + d.Cluster + ", swarm " + d.Swarm
}

// Whose says why a droplet stays that a swarmd made for a cluster of the name.
func (m Member) Whose() string {
	if m.of == "" {
		return "it has no swarm's tag, and may be of any swarm of the name (--swarm " + NoSwarm + ")"
	}
	return "it is the swarm " + m.of + "'s (--swarm " + m.of + ")"
}

// inSwarm is an error unless the swarm at hand is the one whose droplets go: to stop swarmd in another one would leave that with nobody who
// acts. Droplets without a swarm's tag are of a swarm that has a node on one of them.
func (d *Doomed) inSwarm(ctx context.Context, at *brake.Swarm) error {
	info, err := at.Info(ctx)
	if err != nil {
		return err
	}
	if d.Swarm != "" && info.ClusterID != d.Swarm {
		return fmt.Errorf("DOCKER_HOST is of the swarm %s", info.ClusterID)
	}
	if d.Swarm != "" || len(d.Droplets)+len(d.Others) == 0 {
		return nil
	}
	nodes, err := at.Nodes(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(nodes, d.carries) {
		return fmt.Errorf("DOCKER_HOST is of the swarm %s, which has none of these droplets", info.ClusterID)
	}
	return nil
}

// carries reports whether the node is bound to one of the droplets that go, or claims it.
func (d *Doomed) carries(n swarm.Node) bool {
	return slices.ContainsFunc(d.Droplets, func(m Member) bool {
		id := strconv.Itoa(m.ID)
		return n.Spec.Labels[swarm.LabelDroplet] == id || n.EngineLabels[swarm.LabelDroplet] == id
	})
}
