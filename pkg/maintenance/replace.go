package maintenance

import (
	"context"
	"fmt"
	"time"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// Replace has another machine take the place of a node's machine, and returns what to say of it: the new one comes first. The node is named as for Drain.
func (c Cluster) Replace(ctx context.Context, node string) (said string, err error) {
	return c.change(ctx, node, (*upkeep).replace)
}

// Keep takes back what Replace asked for. A machine that leaves already goes on leaving.
func (c Cluster) Keep(ctx context.Context, node string) (said string, err error) {
	return c.change(ctx, node, (*upkeep).keep)
}

func (u *upkeep) replace(n swarm.Node) (swarm.NodeSpec, string, error) {
	s := n.Spec
	switch by := s.Labels[swarm.LabelReplace]; {
	case s.Labels[swarm.LabelPool] == "", s.Labels[swarm.LabelCluster] != u.cluster:
		return s, "", fmt.Errorf("%s is no machine of cluster %s: swarmd neither made it nor replaces it", n.Hostname, u.cluster)
	case s.Labels[swarm.LabelAdopted] != "":
		return s, "", fmt.Errorf("%s is adopted: swarmd did not make it and does not delete it; take it out of adopt, and swarmd makes another one", n.Hostname)
	case by != "":
		text := fmt.Sprintf("%s is to be replaced already: %s", n.Hostname, by)
		if why := u.hindered(s); why != "" {
			text += "; " + why
		}
		return swarm.NodeSpec{}, text, nil
	}
	s.Labels = withLabel(s.Labels, swarm.LabelReplace, time.Now().UTC().Format(time.RFC3339)+" "+u.by)
	if why := u.hindered(s); why != "" {
		return s, fmt.Sprintf("%s is to be replaced, and %s; swarmd replace --off %s takes it back%s", n.Hostname, why, n.Hostname, u.loses(n)), nil
	}
	return s, fmt.Sprintf("%s is to be replaced: another machine of its pool comes first, then it leaves; swarmd status shows how far that is, and swarmd replace --off %s takes it back until then%s",
		n.Hostname, n.Hostname, u.loses(n)), nil
}

func (u *upkeep) keep(n swarm.Node) (swarm.NodeSpec, string, error) {
	s := n.Spec
	if s.Labels[swarm.LabelReplace] == "" {
		return swarm.NodeSpec{}, fmt.Sprintf("nobody asked to replace %s", n.Hostname), nil
	}
	s.Labels = withLabel(s.Labels, swarm.LabelReplace, "")
	return s, fmt.Sprintf("%s stays, unless it leaves already", n.Hostname), nil
}
