package plan

import "fmt"

// tagsPerPass is how many droplets are tagged in one pass at most: each costs three calls of the account's limit.
const tagsPerPass = 3

// tags gives the swarm's tag to machines of it that were made before there was one: destroy goes by it when no manager answers. It is
// done last, when nothing else is to be done or under way, and only on a whole view.
func (d *draft) tags() {
	w := d.in.World
	if len(d.steps) > 0 || len(w.Ledger.Ops) > 0 || len(w.Gaps) > 0 || d.implausible || w.NoDroplets || w.Cluster.ID == "" {
		return
	}
	for _, m := range d.members {
		if m.class != ready || !m.Owned || m.Adopted || m.Droplet == nil || len(m.Droplet.SwarmIDs()) > 0 {
			continue
		}
		if len(d.steps) == tagsPerPass {
			return
		}
		d.steps = append(d.steps, Step{ID: fmt.Sprintf("tag/%d", m.Droplet.ID), Action: TagDroplet{DropletID: m.Droplet.ID, SwarmID: w.Cluster.ID},
			Reason: Reason{Code: WhySwarmTag, Text: m.name() + " was made before machines were tagged with their swarm"}})
		d.wait(lookGap) // a tag shows late: to look at once would be to tag again
	}
}
