package plan

import (
	"fmt"
	"strings"
)

// The guards of the file's limits.
const (
	GuardMaxDroplets = "max-droplets"     // the file permits no further droplet
	GuardMaxCost     = "max-monthly-cost" // a further droplet would cost more than the file permits
)

// maxDroplets holds what would make more droplets than the file permits: those that leave count until they are gone, and so does what is under way.
func maxDroplets(v *view, s spent, w wish) *refusal {
	most := v.in.Spec.Policies.MaxDroplets
	have := len(v.billed()) + s.creates("")
	if wanted := max(w.n, 1); most == 0 || have+wanted <= most {
		return nil
	}
	room := max(most-have, 0)
	r := blocked(GuardMaxDroplets, w.object, fmt.Sprintf("%s not made: the cluster has %s, those under way included, and policies.max_droplets is %d: raise it, or lower a count",
		are(max(w.n, 1)-room), dropletCount(have), most))
	r.left = room
	return r
}

// maxCost holds what would cost more a month than the file permits. Without a price nobody knows what it would come to, so that nothing is made.
func maxCost(v *view, s spent, w wish) *refusal {
	most := v.in.Spec.Policies.MaxMonthlyCost
	if most == 0 {
		return nil
	}
	sizes := v.billed()
	for _, g := range s.opens {
		if g.kind == grow {
			for range g.ids {
				sizes = append(sizes, g.pool.Size)
			}
		}
	}
	have := 0.0
	for _, size := range append(sizes, w.pool.Size) {
		if !v.priced(size) {
			return v.unpriced(w, size)
		}
		have += v.in.Prices[size]
	}
	price, wanted, room := v.in.Prices[w.pool.Size], max(w.n, 1), 0
	have -= price
	for room < wanted && have+float64(room+1)*price <= most+cent/2 {
		room++
	}
	if room == wanted {
		return nil
	}
	r := blocked(GuardMaxCost, w.object, fmt.Sprintf("%s not made: the cluster costs $%.2f a month, those under way included, one of %s costs $%.2f, and policies.max_monthly_cost is $%s: raise it, or lower a count",
		are(wanted-room), have, w.pool.Size, price, strings.TrimSuffix(fmt.Sprintf("%.2f", most), ".00")))
	r.left = room
	return r
}

const cent = 0.01 // US dollars

// unpriced holds a create while a price is missing. A list that is not there yet is awaited.
func (v *view) unpriced(w wish, size string) *refusal {
	r := blocked(GuardMaxCost, w.object, fmt.Sprintf("not made: the price of %s is not known, and policies.max_monthly_cost is set: take that out, "+
		"or let the token read sizes", size))
	if len(v.in.Prices) == 0 {
		r.requeue = requeueGap
	}
	return r
}

// billed are the sizes of the cluster's droplets that there are, also of those that leave, and of those whose create is open.
func (v *view) billed() []string {
	var sizes []string
	for _, m := range v.machines {
		if m.Droplet != nil && m.class != foreign {
			sizes = append(sizes, m.Droplet.Size)
		}
	}
	for _, op := range v.creates {
		if v.created(op.Op) == nil {
			size := ""
			if p := v.pool(op.Pool); p != nil {
				size = p.Size
			}
			sizes = append(sizes, size)
		}
	}
	return sizes
}

func are(n int) string {
	if n == 1 {
		return "1 machine is"
	}
	return fmt.Sprintf("%d machines are", n)
}

func dropletCount(n int) string {
	if n == 1 {
		return "1 droplet"
	}
	return fmt.Sprintf("%d droplets", n)
}
