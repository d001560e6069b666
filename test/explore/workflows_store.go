package explore

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// storeWorkflows are those in which a person deletes, damages or rolls back swarmd's own configs, and then does what swarmd advises.
func storeWorkflows() []Workflow {
	one, two := file{managers: 1, services: service("app", "nginx:1.27", 2, "")}, file{managers: 1, services: service("app", "nginx:1.27", 3, "")}
	return append(leaseWorkflows(one, two), ledgerWorkflows(one, two)...)
}

// leaseWorkflows are about the lease.
func leaseWorkflows(one, two file) []Workflow {
	return []Workflow{
		{Name: "lease-gone", About: "a person removes the lease, which was taken more than once", Start: one,
			Play: func(r *run) {
				r.restart()
				r.person().discard("lease")
				r.wait(5 * time.Second)
				r.edit(two)
			}},
		{Name: "lease-gone-of-three", Sparse: 3, About: "the same with a swarmd on each of three managers", Start: file{managers: 3}, Several: true,
			Play: func(r *run) {
				r.strikeHolder()
				r.wait(awayFor)
				r.person().discard("lease")
				r.edit(file{managers: 3, workers: 1})
			}},
		{Name: "lease-damaged", About: "a person writes into the lease; nobody acts until it is removed, as advised", Start: one,
			Play: func(r *run) {
				r.restart()
				r.person().damage("lease", "swarmd.lease.epoch", "x")
				r.wait(unattendedAfter + 10*time.Second)
				r.person().discard("lease")
				r.edit(two)
			}},
	}
}

// ledgerWorkflows are about the ledger and the revisions.
func ledgerWorkflows(one, two file) []Workflow {
	return []Workflow{
		{Name: "ledger-gone", About: "a person removes the ledger; nobody acts until the revisions are removed and a file is applied, as advised", Start: one,
			Play: func(r *run) {
				r.restart()
				r.person().discard("")
				r.wait(unattendedAfter + 10*time.Second)
				r.person().discard("spec.")
				r.put(two)
				r.edit(two)
			}},
		{Name: "store-gone", Sparse: 2, About: "a person removes all configs of a running swarmd, and applies a file", Start: one,
			Play: func(r *run) {
				r.restart()
				r.person().discard("", "lease", "spec.")
				r.wait(unattendedAfter + 10*time.Second)
				r.put(two)
				r.edit(two)
			}},
		{Name: "store-back", Sparse: 2, About: "the ledger goes back a revision below a running swarmd, as after a restore; swarmd is restarted, as advised", Start: one,
			Play: func(r *run) {
				r.edit(two)
				r.wait(10 * time.Second)
				r.person().damage("", "swarmd.ledger.revision", "1")
				r.wait(unattendedAfter + 10*time.Second)
				r.restart()
				r.edit(file{managers: 1, services: service("app", "nginx:1.27", 4, "")})
			}},
	}
}

// restart ends the swarmd on the first manager without a word and waits until the next one has had the time to take the lease.
func (r *run) restart() {
	if p := r.actors.living(r.only); p != nil {
		p.kill()
	}
	r.wait(10 * time.Second)
}

// put writes the file to the first manager's disk. A swarmd that runs there is not told.
func (r *run) put(f file) {
	r.check.wants(f)
	r.actors.files[r.only] = f.yaml(r.cluster)
}

// own lists swarmd's own configs that have such a name: "" is the ledger, what ends in a dot all that begin so.
func (p *person) own(names ...string) []object {
	ledger := "swarmd." + p.run.cluster
	return slices.DeleteFunc(p.list("/configs"), func(o object) bool {
		full, _ := o.Spec["Name"].(string)
		return !slices.ContainsFunc(names, func(name string) bool {
			return name == "" && full == ledger || name != "" && (full == ledger+"."+name || strings.HasSuffix(name, ".") && strings.HasPrefix(full, ledger+"."+name))
		})
	})
}

// discard removes swarmd's own configs.
func (p *person) discard(names ...string) {
	p.meddle(func() int {
		all := p.own(names...)
		for _, o := range all {
			err := p.run.world.Ask(http.MethodDelete, "/configs/"+o.ID, nil, nil)
			p.run.scheduler.remark("a person removes %v: %v", o.Spec["Name"], err)
		}
		return len(all)
	})
}

// damage writes over a label of one of them.
func (p *person) damage(name, label, value string) {
	p.meddle(func() int {
		all := p.own(name)
		for _, o := range all {
			if labels, ok := o.Spec["Labels"].(map[string]any); ok {
				labels[label] = value
				p.update("configs", o)
			}
		}
		return len(all)
	})
}

// meddle lets a person change swarmd's own configs, which is tried again while no manager answers. What swarmd did before is no measure then.
func (p *person) meddle(change func() int) {
	for range 60 {
		if p.run.broken {
			return
		}
		p.run.check.meddled, p.run.faults.last = time.Now(), time.Now()
		if change() > 0 {
			return
		}
		p.run.wait(tick)
	}
	p.run.violate("harness", "the person found none of swarmd's configs")
}
