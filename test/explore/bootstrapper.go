package explore

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/swarmd/swarmd/pkg/bootstrap"
	"github.com/swarmd/swarmd/pkg/cloud"
)

// nowhere is no machine's name: until a bootstrap has installed swarmd on a machine there is none on any.
const nowhere = "-"

// bootstrapWithin is how long one bootstrap goes on by itself.
const bootstrapWithin = 15 * time.Minute

// bootstrapWorkflows begin in an account without a machine of the cluster.
func bootstrapWorkflows() []Workflow {
	web := service("app", "nginx:1.27", 2, "")
	start := file{managers: 1, workers: 1, services: web}
	return []Workflow{
		{Name: "bootstrap", About: "from an empty account to the first manager, swarmd on it and the file; then bootstrap once more", Start: start, Fresh: true, Empty: true, Sparse: 2,
			Play: func(r *run) {
				l := r.laptop("laptop")
				r.bootstrap(l)
				r.apply(start)
				r.bootstrap(l)
			}},
		{Name: "two-bootstraps", About: "two people begin the cluster at the same time: one swarm, and at most a machine too many, which a record names and one of them deletes", Start: start,
			Fresh: true, Empty: true, Sparse: 4,
			Play: func(r *run) {
				l := r.laptop("laptop")
				r.bootstrap(l, r.laptop("desktop"))
				r.dropSpare()
				r.apply(start)
				r.bootstrap(l)
			}},
	}
}

// records are a laptop's records of creates, with operations from the plan's seed.
type records struct {
	rng *seeded
	now bootstrap.Record
}

// Open returns the record, a new one if there is none.
func (k *records) Open(string) (bootstrap.Record, error) {
	if k.now.OpID == "" {
		k.now.OpID = k.rng.opIDs(1)[0]
	}
	return k.now, nil
}

// Send marks it as sent.
func (k *records) Send(cluster, _ string) (bootstrap.Record, error) {
	_, _ = k.Open(cluster) // it returns no error
	k.now.Sent, k.now.Started = true, time.Now()
	return k.now, nil
}

// Close forgets it.
func (k *records) Close(string) error {
	k.now = bootstrap.Record{}
	return nil
}

// bootstrap is `swarmd bootstrap -f FILE` of one or more people, as far as swarmd runs on the first manager. What does not succeed is run again.
func (r *run) bootstrap(on ...*laptop) {
	r.repeat("bootstrap", firstManager, on...)
}

// dropSpare has a person delete the machine that was made for nothing, as bootstrap says that it was. Swarmd does not begin beside it.
func (r *run) dropSpare() {
	r.check.named(r.observe())
	for _, d := range r.world.Cloud.Droplets() {
		if r.check.spare(d) && !r.broken {
			r.check.gone[d.ID] = true
			r.person().ask(http.MethodDelete, "/v2/droplets/"+itoa(d.ID), nil)
			r.faults.last = time.Now()
		}
	}
}

// firstManager makes it and puts swarmd and the file on it.
func firstManager(h *hand) error {
	r := h.laptop.run
	ctx, cancel := context.WithTimeout(h.ctx, bootstrapWithin)
	defer cancel()
	api, err := h.cloud()
	if err != nil {
		return err
	}
	want, err := r.wanted()
	if err != nil {
		return err
	}
	o, err := bootstrap.Prepare(ctx, want, api, func(b string) { r.braked(h.name, b) })
	if err != nil {
		return err
	}
	o.Intent, o.Progress = &h.laptop.records, func(string, ...any) {}
	o.UserData = func(context.Context) (string, string, error) { // nobody connects by ssh, so it has no host key
		text, err := r.explorer.render(o.Boot)
		return text, "", err
	}
	o.Dial = func(_ context.Context, host string, _ []string) (bootstrap.Engine, error) { return h.engine(host) }
	first, err := bootstrap.FirstManager(ctx, o)
	h.then = func() { r.installed(first.Droplet) }
	return err
}

// installed puts swarmd and the file on the first manager. There is one swarm, and the machine says whose it is.
func (r *run) installed(d cloud.Droplet) {
	s := r.observe()
	if r.only != nowhere && r.only != d.Name {
		r.violate("one-swarm", "the first manager is %s, it was %s", d.Name, r.only)
	}
	truth, _ := r.world.Cloud.Droplet(d.ID)
	if !slices.Contains(truth.Tags, cloud.SwarmTag(s.swarm.ID)) {
		r.violate("one-swarm", "%s has the tags %v, and its swarm is %s", d.Name, truth.Tags, s.swarm.ID)
	}
	r.only, r.actors.files[d.Name] = d.Name, r.want.yaml(r.cluster)
}
