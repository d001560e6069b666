package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/spec"
)

// proposeDrifts proposes to replace the machines of each pool that are not what the file says now, in the order in which they would leave. Adopted
// machines are as they are.
func proposeDrifts(v *view) []wish {
	if v.outdated() || !v.dropletsKnown() {
		return nil
	}
	var wishes []wish
	for i := range v.in.Spec.Pools {
		p := &v.in.Spec.Pools[i]
		left := slices.DeleteFunc(v.pick(p), func(m machine) bool { return v.replacing(m) != nil || m.class == resizing })
		wishes = append(wishes, drifted(v, p, left, changeSize, p.Size, func(m machine) string { return m.Droplet.Size })...)
		wishes = append(wishes, drifted(v, p, left, changeImage, p.Image, func(m machine) string { return m.Droplet.Image })...)
		wishes = append(wishes, drifted(v, p, left, changeRegion, p.Region, func(m machine) string { return m.Droplet.Region })...)
		wishes = append(wishes, drifted(v, p, left, changeVPC, p.VPC, func(m machine) string { return "VPC " + m.Droplet.VPC })...)
	}
	return wishes
}

// drifted are the wishes for those machines that differ in what the kind is about, and not before that.
func drifted(v *view, p *spec.Pool, machines []machine, k kind, want string, have func(machine) string) []wish {
	var of []machine
	var kinds []string
	for _, m := range machines {
		if d := v.drifts(m); len(d) > 0 && d[0] == reasonOf(k) {
			of, kinds = append(of, m), append(kinds, have(m))
		}
	}
	slices.Sort(kinds)
	said := fmt.Sprintf("%s of %s, and the file says %s", machineCount(len(of)), strings.Join(slices.Compact(kinds), ", "), want)
	var wishes []wish
	for _, m := range of {
		wishes = append(wishes, wish{kind: k, object: "pool/" + p.Name, pool: p, machine: m, text: said})
	}
	return wishes
}

// drifts are the reasons for which a machine is not what the file says, in the order in which they are told.
func (v *view) drifts(m machine) []string {
	if m.Droplet == nil || m.pool == nil || m.Adopted {
		return nil
	}
	var out []string
	if m.Droplet.Size != m.pool.Size && !m.pool.ResizeHere {
		out = append(out, forSize)
	}
	if imageDiffers(m.Droplet.Image, m.pool.Image) {
		out = append(out, forImage)
	}
	if regionDiffers(m.Droplet.Region, m.pool.Region) {
		out = append(out, forRegion)
	}
	if v.vpcDiffers(*m.Droplet, m.pool.VPC) {
		out = append(out, forVPC)
	}
	return out
}

// imageDiffers: an image that is retired or replaced under its slug shows as a bare id, which says nothing about the slug.
func imageDiffers(live, want string) bool {
	return live != want && (decimal(want) || !decimal(live))
}

// regionDiffers: a region without a number ("nyc") permits each of its data centres.
func regionDiffers(live, want string) bool {
	if live == want || want == "" {
		return false
	}
	return strings.ContainsAny(want, "0123456789") || !strings.HasPrefix(live, want)
}

// vpcDiffers: a file that names no private network permits each. One that the cloud is not known to have where the droplet is says nothing of it.
func (v *view) vpcDiffers(d cloud.Droplet, want string) bool {
	if want == "" || d.VPC == "" || d.VPC == want {
		return false
	}
	wanted, err := cloud.PickVPC(v.in.VPCs, want, d.Region)
	return err == nil && wanted.UUID != d.VPC
}

func decimal(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// joinable holds what would make machines in a private network that the swarm is not in: they could not reach a manager. Private networks are a region's,
// and the managers' firewall lets their own in. That a machine has joined from there shows that both are joined.
func joinable(v *view, _ spent, w wish) *refusal {
	p, guard, where, write := cmp.Or(w.pool, w.machine.pool), "", "", ""
	for _, m := range v.machines {
		switch {
		case m.Droplet == nil || m.Node == nil:
		case regionDiffers(m.Droplet.Region, p.Region):
			guard, where, write = GuardRegion, "region "+p.Region, "region: "+m.Droplet.Region
		case v.vpcDiffers(*m.Droplet, p.VPC):
			guard, where, write = GuardVPC, "VPC "+p.VPC, "vpc: "+m.Droplet.VPC
		default:
			return nil
		}
	}
	if guard == "" { // none of the swarm's machines is known
		return nil
	}
	r := forPerson(blocked(guard, w.object, fmt.Sprintf("no machine is made in %s: it could not join, because the swarm is in another private network. Write %s; for machines there begin another cluster. "+
		"Where you have peered the two networks and opened the swarm's ports between them, join one machine by hand and adopt it: the others follow", where, write)))
	r.rest = true
	return r
}
