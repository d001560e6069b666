package world

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// Cloud is the side of the machines.
type Cloud interface {
	Droplets(ctx context.Context, tag string) ([]cloud.Droplet, error)
	Droplet(ctx context.Context, id int) (cloud.Droplet, error)
}

// Members is the swarm's side of the machines.
type Members interface {
	Info(ctx context.Context) (swarm.Info, error)
	Cluster(ctx context.Context) (swarm.Cluster, error)
	Nodes(ctx context.Context) ([]swarm.Node, error)
}

// Workload is what runs on them.
type Workload interface {
	Services(ctx context.Context) ([]swarm.Service, error)
	Tasks(ctx context.Context) ([]swarm.Task, error)                         // those that run, are to run, or are removed
	TasksOn(ctx context.Context, nodes []string) ([]swarm.Task, error)       // all on the nodes with these ids
	TasksEnded(ctx context.Context, services []string) ([]swarm.Task, error) // of the services with these ids, those that others took the place of
	Networks(ctx context.Context) ([]swarm.Network, error)
}

// Swarm is all that is read of the swarm.
type Swarm interface {
	Members
	Workload
}

// Ledger is what is remembered.
type Ledger interface {
	Load(ctx context.Context) (ledger.Ledger, error)
}

// Reads are the sources of a World. A nil Cloud is a swarm that is looked at without a cloud.
type Reads struct {
	Cloud  Cloud
	Swarm  Swarm
	Ledger Ledger

	Objects    Objects // optional
	AskObjects bool    // the stack has configs or secrets, or may have left some; else they are looked at only if services refer to any
}

// Objects are the configs and secrets of stacks, whosever they are.
type Objects interface {
	AllConfigs(ctx context.Context) ([]swarm.Config, error)
	AllSecrets(ctx context.Context) ([]swarm.Secret, error)
}

// confirmations is how many GETs of single droplets run side by side.
const confirmations = 8

// Observe looks at everything once: one call for each kind of thing, side by side, then one GET for each droplet that the ledger, a
// node's binding or claim, or adopt (droplet id → pool) names and the list does not show, because lists lag, one for all tasks of the nodes
// that are to leave, and one for what became of the tasks that services lack. Each failure is a Gap; nothing is tried twice. In the steady state of a cluster without adopted machines that is eight calls.
func Observe(ctx context.Context, r Reads, cluster string, adopt map[int]string) World {
	s := &collector{in: Answers{At: time.Now(), Name: cluster, Adopt: adopt, NoDroplets: r.Cloud == nil}}
	s.lists(ctx, r)
	var leaving, lacking []string
	var unlisted []int
	if !s.in.gap(GapTasks) {
		leaving = s.in.leaving()
	}
	if !s.in.gap(GapTasks) && !s.in.gap(GapServices) {
		lacking = s.in.lacking()
	}
	if r.Cloud != nil && !s.in.gap(GapDroplets) {
		unlisted = s.in.unlisted()
	}
	// What is asked for is known before the first answer comes in.
	s.stopping(ctx, r.Swarm, leaving)
	s.failures(ctx, r.Swarm, lacking)
	s.confirm(ctx, r.Cloud, unlisted)
	if r.Objects != nil && (r.AskObjects || s.in.refers()) {
		read(s, GapObjects, &s.in.Configs, func() ([]swarm.Config, error) { return r.Objects.AllConfigs(ctx) })
		read(s, GapObjects, &s.in.Secrets, func() ([]swarm.Secret, error) { return r.Objects.AllSecrets(ctx) })
	}
	s.wg.Wait()
	return Join(s.in)
}

// collector collects the answers of reads that run side by side.
type collector struct {
	mu sync.Mutex
	wg sync.WaitGroup
	in Answers
}

func (s *collector) lists(ctx context.Context, r Reads) {
	if r.Cloud != nil {
		read(s, GapDroplets, &s.in.Droplets, func() ([]cloud.Droplet, error) {
			return r.Cloud.Droplets(ctx, cloud.ClusterTag(s.in.Name))
		})
	}
	read(s, GapInfo, &s.in.Self, func() (swarm.Info, error) { return r.Swarm.Info(ctx) })
	read(s, GapCluster, &s.in.Cluster, func() (swarm.Cluster, error) { return r.Swarm.Cluster(ctx) })
	read(s, GapNodes, &s.in.Nodes, func() ([]swarm.Node, error) { return r.Swarm.Nodes(ctx) })
	read(s, GapServices, &s.in.Services, func() ([]swarm.Service, error) { return r.Swarm.Services(ctx) })
	read(s, GapTasks, &s.in.Tasks, func() ([]swarm.Task, error) { return r.Swarm.Tasks(ctx) })
	read(s, GapNetworks, &s.in.Networks, func() ([]swarm.Network, error) { return r.Swarm.Networks(ctx) })
	read(s, GapLedger, &s.in.Ledger, func() (ledger.Ledger, error) { return r.Ledger.Load(ctx) })
	s.wg.Wait()
}

// read starts one read. Its value is kept only if it did not fail.
func read[T any](s *collector, what string, into *T, call func() (T, error)) {
	s.wg.Go(func() {
		v, err := call()
		s.mu.Lock()
		defer s.mu.Unlock()
		if err != nil {
			s.in.Gaps = append(s.in.Gaps, Gap{What: what, Err: err.Error(), Kind: apierr.KindOf(err)})
			return
		}
		*into = v
	})
}

// stopping reads what still stops on the nodes that are to leave: the list of tasks does not show it. It comes after that list, for what a task is
// asked to be only goes forward: what was asked to stop in between is in one of the two.
func (s *collector) stopping(ctx context.Context, w Workload, nodes []string) {
	if len(nodes) == 0 {
		return
	}
	s.wg.Go(func() {
		tasks, err := w.TasksOn(ctx, nodes)
		s.mu.Lock()
		defer s.mu.Unlock()
		if err != nil {
			s.in.Gaps = append(s.in.Gaps, Gap{What: GapTasks, Err: err.Error(), Kind: apierr.KindOf(err)})
			return
		}
		s.in.addTasks(tasks)
	})
}

// ghostAge is how old a node without a host name is before anybody asks what is on it. The planner waits longer until it takes it for a ghost.
const ghostAge = 10 * time.Minute

// leaving returns the ids of the nodes of which the planner wants to know whether anything is left on them: those that are drained while a machine is
// to leave or to be resized, and those that never said who they are; sorted.
func (p *Answers) leaving() []string {
	stops := slices.ContainsFunc(p.Ledger.Ops, func(op ledger.Op) bool { return op.Kind != ledger.Create })
	var ids []string
	for _, n := range p.Nodes {
		drained := stops && n.Spec.Availability == swarm.Drain && n.Spec.Labels[swarm.LabelDrained] == "" // that one is no machine of the cluster
		ghostly := n.Hostname == "" && n.State != swarm.NodeReady && !n.Created.IsZero() && p.At.Sub(n.Created) > ghostAge
		if drained || ghostly {
			ids = append(ids, n.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// addTasks puts in what was read of single nodes; it is newer than what the list says of the same task.
func (p *Answers) addTasks(newer []swarm.Task) {
	read := make(map[string]bool, len(newer))
	for _, t := range newer {
		read[t.ID] = true
	}
	p.Tasks = append(slices.DeleteFunc(slices.Clone(p.Tasks), func(t swarm.Task) bool { return read[t.ID] }), newer...)
}

// confirm asks for each named droplet that the list does not show.
func (s *collector) confirm(ctx context.Context, c Cloud, ids []int) {
	slots := make(chan struct{}, confirmations)
	for _, id := range ids {
		slots <- struct{}{}
		s.wg.Go(func() {
			defer func() { <-slots }()
			d, err := c.Droplet(ctx, id)
			s.mu.Lock()
			defer s.mu.Unlock()
			s.in.answer(id, d, err)
		})
	}
}

// refers reports whether a service of the cluster refers to configs or secrets, now or before its last write.
func (p *Answers) refers() bool {
	return slices.ContainsFunc(p.Services, func(s swarm.Service) bool {
		return s.Spec.Labels[swarm.LabelCluster] == p.Name && len(s.Spec.Configs)+len(s.Spec.Secrets)+len(s.Keeps) > 0
	})
}

// answer files what a GET said: the droplet, that it does not exist, or nothing.
func (p *Answers) answer(id int, d cloud.Droplet, err error) {
	switch {
	case err == nil && d.ID == id:
		p.Droplets = append(p.Droplets, d)
	case err == nil:
		p.Gaps = append(p.Gaps, Gap{What: GapDroplets, Err: "droplet " + strconv.Itoa(id) + ": the answer shows another id"})
	case apierr.KindOf(err) == apierr.NotFound:
		p.Gone = append(p.Gone, id)
	default:
		p.Gaps = append(p.Gaps, Gap{What: GapDroplets, Err: "droplet " + strconv.Itoa(id) + ": " + err.Error(), Kind: apierr.KindOf(err)})
	}
}

func (p *Answers) gap(what string) bool {
	return slices.ContainsFunc(p.Gaps, func(g Gap) bool { return g.What == what })
}

// unlisted returns the droplet ids that something names and the list does not show, sorted. Whoever owns no nodes need not know.
func (p *Answers) unlisted() []int {
	if p.Ledger.ServicesOnly {
		return nil
	}
	listed := make(map[int]bool, len(p.Droplets))
	for _, d := range p.Droplets {
		listed[d.ID] = true
	}
	var ids []int
	name := func(id int) {
		if id > 0 && !listed[id] {
			listed[id] = true
			ids = append(ids, id)
		}
	}
	for _, op := range p.Ledger.Ops {
		name(op.DropletID)
	}
	for _, k := range p.Ledger.Kept {
		name(k.DropletID)
	}
	for _, n := range p.Nodes {
		name(label(n.Spec.Labels))
		if n.Manager != nil { // the first one has no operation in the ledger: unseen, its place would be filled again
			name(label(n.EngineLabels)) // not those of workers: each that lies would cost a call a look, and a join token makes as many as one likes
		}
	}
	for id := range p.Adopt {
		name(id)
	}
	slices.SortFunc(ids, cmp.Compare[int])
	return ids
}

// label returns the droplet id in a set of labels, 0 if there is none or it is not a number.
func label(labels map[string]string) int {
	id, err := strconv.Atoi(labels[swarm.LabelDroplet])
	if err != nil || id < 0 {
		return 0
	}
	return id
}
