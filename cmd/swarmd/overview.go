package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// overviewText is the whole change that a file makes, for people: a head for each thing that changes, and below it what that means and what holds it.
type overviewText struct {
	w      io.Writer
	o      outlook
	values bool         // show what may be passwords
	said   map[int]bool // the holds that stand below what they hold
}

// printOverview says the whole change. It returns the holds that belong to nothing of it.
func printOverview(w io.Writer, o outlook, values bool) []plan.Hold {
	t := overviewText{w: w, o: o, values: values, said: map[int]bool{}}
	for _, c := range o.whole.TakenOver {
		t.takenOver(c)
	}
	for _, c := range o.whole.Pools {
		t.pool(c)
	}
	for _, c := range o.whole.Networks {
		t.network(c)
	}
	for _, c := range o.whole.Services {
		t.service(c)
	}
	var rest []plan.Hold
	for i, h := range o.Holds {
		if !t.said[i] && !paces(h) {
			rest = append(rest, h)
		}
	}
	return rest
}

// paces reports whether a hold only says that the next pass does not do everything at once, which is nothing of the whole change.
func paces(h plan.Hold) bool {
	return slices.Contains([]string{plan.GuardMaxCreates, plan.GuardDrainTurn, plan.GuardGrowing}, h.Guard)
}

func (t *overviewText) line(format string, args ...any) { printf(t.w, "    "+format+"\n", args...) }

func signOf(w plan.What) string {
	switch w {
	case plan.Create:
		return "+"
	case plan.Remove:
		return "-"
	}
	return "~"
}

func (t *overviewText) pool(c plan.PoolChange) {
	sign := "~"
	switch {
	case c.Desired > c.Have:
		sign = "+"
	case c.Desired < c.Have:
		sign = "-"
	}
	head := ""
	for _, p := range t.o.file.Pools {
		if p.Name != c.Pool {
			continue
		}
		if head = fmt.Sprintf("%s of %s in %s (%s)", plural(c.Desired, "droplet"), p.Size, p.Region, t.o.prices.each(p.Size)); c.Have != c.Desired {
			head = fmt.Sprintf("%d → %s", c.Have, head)
		}
	}
	printf(t.w, "%s pool %s: %s\n", sign, c.Pool, head)
	for _, e := range c.Edits {
		prefix := "nodes." + c.Pool + "."
		if e.Key == "vpc" { // it is not the pool's own
			prefix = "cloud.digitalocean."
		}
		t.changes(prefix, []swarm.Change{e})
	}
	if len(c.Leaving) > 0 {
		t.line("drained, then deleted: %s", strings.Join(c.Leaving, ", "))
	}
	if len(c.Resized) > 0 {
		t.line("resized in place one after the other, each off for some minutes: %s", strings.Join(c.Resized, ", "))
	}
	if len(c.Rolled) > 0 {
		t.line("replaced one after the other, the new one first: %s", strings.Join(c.Rolled, ", "))
	}
	t.costs(c)
	if len(c.Moving) > 0 {
		t.line("moves %s: others run elsewhere before each machine is drained", strings.Join(c.Moving, ", "))
	}
	for _, text := range c.Plain {
		t.line("drained plainly, and short of tasks until others run: %s", text)
	}
	for _, text := range c.Drift {
		t.line("changed by hand, and put back: %s", text)
	}
	t.holds("pool/" + c.Pool)
}

// takenOver is a stack that becomes the cluster's as it runs.
func (t *overviewText) takenOver(c plan.TakenOver) {
	var with []string
	for _, n := range []struct {
		n    int
		what string
	}{{c.Configs, "config"}, {c.Secrets, "secret"}, {c.Networks, "network"}} {
		if n.n > 0 {
			with = append(with, plural(n.n, n.what))
		}
	}
	beside := ""
	if len(with) > 0 {
		beside = ", with " + strings.Join(with, ", ")
	}
	printf(t.w, "~ takes over %s of stack %s%s: no task restarts\n", plural(c.Services, "service"), c.Stack, beside)
	for _, d := range c.Differ {
		if d.Unknown == "" {
			t.line("secret %s differs: %s afterwards", d.Secret, restarting(d.Tasks))
			continue
		}
		t.line("secret %s: whether it differs cannot be known here (%s); if it does, %s afterwards", d.Secret, d.Unknown, restarting(d.Tasks))
	}
	for _, s := range t.o.whole.Services {
		if s.What == plan.Update {
			t.line("what the file says otherwise follows as an edit, below")
			return
		}
	}
}

// restarting is so many tasks that restart.
func restarting(tasks int) string {
	if tasks == 1 {
		return "1 task restarts"
	}
	return plural(tasks, "task") + " restart"
}

// costs says what the pool costs now and then, and what comes on top meanwhile.
func (t *overviewText) costs(c plan.PoolChange) {
	for _, count := range t.o.Pools {
		if count.Pool != c.Pool || count.PriceUnknown {
			continue
		}
		if count.MonthlyBefore != count.Monthly {
			t.line("costs $%.2f a month now, $%.2f then", count.MonthlyBefore, count.Monthly)
		}
		for _, p := range t.o.file.Pools {
			if price := t.o.prices[p.Size]; p.Name == c.Pool && len(c.Rolled) > 0 {
				t.line("meanwhile one machine more: $%.2f a month%s", price, t.o.tooMany(price))
			}
		}
	}
}

// tooMany says which of the file's bounds one machine more of the price exceeds, beside those that are there; nothing if none.
func (o outlook) tooMany(price float64) string {
	before, _ := cost(o.Plan)
	machines := 0
	for _, c := range o.Pools {
		machines += c.Have
	}
	const held = " permits: it is held until that is raised"
	switch bounds := o.file.Policies; {
	case bounds.MaxDroplets > 0 && machines+1 > bounds.MaxDroplets:
		return fmt.Sprintf(", more than policies.max_droplets (%d)%s", bounds.MaxDroplets, held)
	case bounds.MaxMonthlyCost > 0 && before+price > bounds.MaxMonthlyCost+cent/2:
		return fmt.Sprintf(", more than policies.max_monthly_cost ($%g)%s", bounds.MaxMonthlyCost, held)
	}
	return ""
}

// tooDear says that the machines that the file wants cost more than it permits.
func (o outlook) tooDear(monthly float64) string {
	most := o.file.Policies.MaxMonthlyCost
	if most == 0 || monthly <= most+cent/2 {
		return ""
	}
	return fmt.Sprintf(", more than policies.max_monthly_cost ($%g) permits: what exceeds it is held until that is raised, or a count or size lowered", most)
}

const cent = 0.01 // US dollars

func (t *overviewText) network(c plan.NetworkChange) {
	printf(t.w, "%s network %s\n", signOf(c.What), c.Network)
	t.changes("networks."+c.Network+".", c.Fields)
	if c.What == plan.Remove {
		t.line("goes when no service uses it any more")
	}
	for i, h := range t.o.Holds {
		if h.Guard == plan.GuardNetwork && h.Object == "network/"+c.Name { // it names the fields, too: for the status, which shows nothing else
			t.said[i] = true
			t.line("held: Swarm cannot change a network: give the new one another name (%s)", h.Guard)
		}
	}
	t.holds("network/" + c.Name)
}

func (t *overviewText) service(c plan.ServiceChange) {
	sign := signOf(c.What)
	if c.Stays {
		sign = "="
	}
	printf(t.w, "%s service %s\n", sign, c.Service)
	for _, text := range newService(c) {
		t.line("%s", text)
	}
	prefix := "services." + c.Service + "."
	t.changes(prefix, c.Edits)
	for _, f := range c.Drift {
		t.line("changed by hand, and put back: %s%s", prefix, f.Text(t.values))
	}
	for _, f := range c.Pending {
		t.line("accepted already, and not there yet: %s%s", prefix, f.Text(t.values))
	}
	if c.Back {
		t.line("a roll-out is on its way: what ran before it is put back first")
	}
	for _, text := range taskLines(c) {
		t.line("%s", text)
	}
	if c.NoPool {
		t.line("no pool can hold it: correct its constraints, or the labels of a pool")
	}
	for _, v := range c.Volumes {
		t.line("%s", volumeLine(v))
	}
	t.holds("service/" + c.Name)
}

// newService is what a service that is created looks like.
func newService(c plan.ServiceChange) []string {
	if c.New == nil {
		return nil
	}
	n, out := c.New, []string{}
	if c.Missing {
		out = append(out, "the accepted file has it, and it is not there: removed by hand, or not created yet")
	}
	out = append(out, "image "+n.Image, newTasks(*n))
	if len(n.Ports) > 0 {
		out = append(out, "ports "+strings.Join(n.Ports, ", "))
	}
	if len(n.Networks) > 0 {
		out = append(out, "networks "+strings.Join(n.Networks, ", "))
	}
	return out
}

func newTasks(n plan.NewService) string {
	pools := strings.Join(n.Pools, ", ")
	switch {
	case pools == "":
		return plural(n.Replicas, "task")
	case n.Mode == string(swarm.GlobalJob):
		return "one task, to its end, on each machine of " + pools
	case n.Mode == string(swarm.ReplicatedJob):
		return plural(n.Replicas, "task") + " to their end, on machines of " + pools
	case n.Mode == string(swarm.Global):
		return "one task on each machine of " + pools + ": " + plural(n.Replicas, "task")
	}
	return plural(n.Replicas, "task") + " on machines of " + pools
}

// taskLines say what becomes of a service's tasks.
func taskLines(c plan.ServiceChange) []string {
	var out []string
	n := c.Tasks
	if c.Runs > 0 {
		out = append(out, "runs job "+c.Service+": "+plural(c.Runs, "completion"))
	}
	if n.Restart > 0 {
		out = append(out, fmt.Sprintf("restarts %s: %s", plural(n.Restart, "task"), c.RollOut))
	}
	if n.Move > 0 {
		out = append(out, fmt.Sprintf("moves %s: the machine leaves, is drained, or its labels do not fit any more", plural(n.Move, "task")))
	}
	if n.Start > 0 && c.What != plan.Create {
		out = append(out, fmt.Sprintf("starts %s more", plural(n.Start, "task")))
	}
	if n.Stop > 0 {
		out = append(out, "stops "+plural(n.Stop, "task"))
	}
	if len(out) == 0 && c.What == plan.Update {
		out = append(out, "no task restarts")
	}
	return out
}

func volumeLine(v plan.VolumeChange) string {
	on := strings.Join(v.Nodes, ", ")
	switch v.What {
	case plan.Create:
		return "volume " + v.Volume + " is made, empty, on each machine that it runs on, where there is none of the name"
	case plan.Remove:
		return "volume " + v.Volume + " on " + on + " is LOST with its machine: copy what is in it before"
	}
	return "volume " + v.Volume + " stays behind on " + on + " with what is in it, and follows no task; docker volume rm there removes it"
}

func (t *overviewText) changes(prefix string, all []swarm.Change) {
	for _, c := range all {
		t.line("%s%s", prefix, c.Text(t.values))
	}
}

// holds says what keeps the thing from becoming so.
func (t *overviewText) holds(object string) {
	for i, h := range t.o.Holds {
		if h.Object == object && !t.said[i] && !paces(h) {
			t.said[i] = true
			t.line("%s: %s (%s)", holdWord(h), h.Text, h.Guard)
		}
	}
}

// tally counts what is created, changed and removed.
func tally(o plan.Overview) string {
	n := map[plan.What]int{}
	for _, c := range o.Pools {
		n[c.What]++
	}
	for _, c := range o.Networks {
		n[c.What]++
	}
	for _, c := range o.Services {
		if !c.Stays {
			n[c.What]++
		}
	}
	return fmt.Sprintf("%d to create, %d to change, %d to remove", n[plan.Create], n[plan.Update]+n[plan.Kept], n[plan.Remove])
}

// masked is the overview without the values that may be passwords.
func masked(o plan.Overview) plan.Overview {
	o.Services, o.Networks = slices.Clone(o.Services), slices.Clone(o.Networks)
	for i := range o.Services {
		s := &o.Services[i]
		s.Edits, s.Drift, s.Pending = swarm.Masked(s.Edits), swarm.Masked(s.Drift), swarm.Masked(s.Pending)
	}
	for i := range o.Networks {
		o.Networks[i].Fields = swarm.Masked(o.Networks[i].Fields)
	}
	return o
}

func changesNothing(o plan.Overview) bool {
	return len(o.Pools)+len(o.Networks)+len(o.Services)+len(o.TakenOver) == 0
}
