// Package destroy deletes what one swarm's cluster owns and nothing else. First it finds out what that is, then it stops swarmd, then it deletes by id,
// and at the end it looks until nothing of it is listed any more. Of a cluster without nodes it removes services, networks and record. A run that ends
// early can be started again. swarmd goes on until a run has stopped it.
package destroy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/swarmd/swarmd/internal/clock"
	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/bootstrap"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/brake"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/spec"
)

// Run is one destroy of a cluster.
type Run struct {
	Spec           *spec.Spec
	File           string // as advice names it
	Cloud          brake.CloudAPI
	Connect        func() (Manager, error)      // to the swarm that DOCKER_HOST names; nil if it names none
	IncludeAdopted bool                         // also the machines that were adopted, not made
	Records        bootstrap.Records            // of the bootstraps on this machine
	Save           func(Doomed) (string, error) // writes the list to a file of its own, before the first delete, and returns its path
	Forget         func() error                 // ends what else this machine remembers of the cluster
	Say            func(format string, args ...any)
	Redact         func(string) string // takes secrets out of a text
}

// Manager is a swarm at hand.
type Manager struct {
	Swarm *brake.Swarm
	Store *ledger.Store
	Close func()
}

// Doomed is what destroy is about, as it is saved before the first delete.
type Doomed struct {
	Cluster  string          `json:"cluster"`
	Swarm    string          `json:"swarm"` // id, "" for droplets without a swarm's tag
	At       time.Time       `json:"at"`
	Droplets []Member        `json:"droplets"`
	Adopted  []Member        `json:"adopted"`
	Others   []Member        `json:"-"` // of other swarms of the name, or without a swarm's tag
	asked    string          // id of the swarm at DOCKER_HOST, whose nodes were looked at; "" if none was
	bound    map[int]bool    // droplet ids, of those nodes
	Foreign  []cloud.Droplet `json:"-"` // with the cluster's tag, and not the cluster's
}

// Member is one droplet of it.
type Member struct {
	ID      int    `json:"id"`
	Name    string `json:"name"`
	of      string // ids of swarms, by its tags, or by the swarm's nodes where it has no such tag
	droplet cloud.Droplet
}

func memberOf(d cloud.Droplet) Member {
	return Member{ID: d.ID, Name: d.Name, of: strings.Join(d.SwarmIDs(), ","), droplet: d}
}

// Volumes says which volumes the droplet has, "" if none: they are not deleted with it.
func (m Member) Volumes() string {
	if len(m.droplet.Volumes) == 0 {
		return ""
	}
	return "; its volumes stay, detached, as they are then: " + strings.Join(m.droplet.Volumes, ", ")
}

// Sweep deletes what was chosen, and confirmed by a person.
func (r *Run) Sweep(ctx context.Context, d Doomed) (err error) {
	path, err := r.Save(d)
	if err != nil {
		return err
	}
	r.Say("the list of ids is in %s\n", path)
	open, halted := r.haltSwarmd(ctx, d)
	if halted {
		defer func() { r.letGoOn(ctx, r.File, err) }()
	}
	pending, err := r.pendingCreates(open, r.Spec, d)
	if err != nil {
		return err
	}
	ids, adopted := idsOf(d.Droplets), []int(nil)
	if r.IncludeAdopted {
		adopted = idsOf(d.Adopted)
	}
	sweep, _ := brake.New(brake.Options{Cluster: d.Cluster, Cloud: r.Cloud, Destroy: append(ids, adopted...), Adopted: adopted})
	if err := r.sweep(ctx, sweep, append(ids, adopted...)); err != nil {
		return err
	}
	return r.sweepRest(ctx, sweep, r.Spec, d, append(ids, adopted...), pending)
}

// Choose says what goes and what stays, as far as that is known before the first delete.
// Of several swarms that have the cluster's name it is the one that is asked for.
func (r *Run) Choose(ctx context.Context, swarm string) (Doomed, error) {
	look, _ := brake.New(brake.Options{Cluster: r.Spec.Cluster, Cloud: r.Cloud})
	d, err := survey(ctx, look, r.Spec)
	if err != nil {
		return d, err
	}
	r.attribute(ctx, &d)
	if err := d.choose(swarm); err != nil {
		return d, err
	}
	if err := r.sameAccount(ctx, look, d); err != nil {
		return d, err
	}
	return d, r.beside(ctx, d)
}

// survey sorts the cloud's droplets into what the cluster owns, what it adopted, and what only carries its tag.
func survey(ctx context.Context, c *brake.Cloud, s *spec.Spec) (Doomed, error) {
	d := Doomed{Cluster: s.Cluster, At: time.Now().UTC(), Droplets: []Member{}, Adopted: []Member{}}
	all, err := c.Droplets(ctx, cloud.ClusterTag(s.Cluster))
	if err != nil {
		return d, err
	}
	adopted := map[int]bool{}
	for _, p := range s.Pools {
		for _, id := range p.Adopt {
			adopted[id] = true
		}
	}
	for _, droplet := range all {
		switch {
		case adopted[droplet.ID]:
		case world.Owned(s.Cluster, droplet):
			d.Droplets = append(d.Droplets, memberOf(droplet))
		default:
			d.Foreign = append(d.Foreign, droplet)
		}
	}
	for id := range adopted {
		droplet, err := c.Droplet(ctx, id)
		if apierr.KindOf(err) == apierr.NotFound {
			continue
		}
		if err != nil {
			return d, err
		}
		d.Adopted = append(d.Adopted, memberOf(droplet))
	}
	return d, nil
}

// haltSwarmd fences the ledger: no swarmd can write another intent, so none creates or deletes anything from here on. It returns
// the operations that are open at that moment, and whether the fence is there, or may be. If the swarm cannot be reached, what swarmd makes meanwhile is looked for at the end.
func (r *Run) haltSwarmd(ctx context.Context, d Doomed) (open []ledger.Op, halted bool) {
	if r.Connect == nil {
		r.Say("DOCKER_HOST is not set: swarmd is not told to stop; what it makes meanwhile is looked for at the end\n")
		return nil, false
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	err := func() error {
		asm, err := r.Connect()
		if err != nil {
			return err
		}
		defer asm.Close()
		if err := d.inSwarm(ctx, asm.Swarm); err != nil {
			return err
		}
		halted = true // or it may be, if there is no answer
		l, err := asm.Store.Halt(ctx)
		open = l.Ops
		return err
	}()
	if err != nil {
		r.Say("swarmd could not be told to stop (%s); what it makes meanwhile is looked for at the end\n", r.Redact(err.Error()))
		return nil, halted
	}
	r.Say("swarmd is fenced: it creates and deletes nothing any more\n")
	return open, true
}

// sweep deletes the droplets side by side and waits until each is gone.
func (r *Run) sweep(ctx context.Context, c *brake.Cloud, ids []int) error {
	var g errgroup.Group
	g.SetLimit(8)
	for _, id := range ids {
		g.Go(func() error {
			if err := r.remove(ctx, c, id); err != nil {
				return fmt.Errorf("droplet %d is not gone: %w", id, err)
			}
			r.Say("deleted %d\n", id)
			return nil
		})
	}
	return g.Wait()
}

// sweepPause is the time between two looks at a droplet that is to go: eight at once stay below the API's 250 calls a minute.
const sweepPause = 3 * time.Second

// remove asks for the delete until a look says that the droplet is gone: an answer may have been lost, another action may be in the way,
// the API's limit may be used up. What will not pass ends it.
func (r *Run) remove(ctx context.Context, c *brake.Cloud, id int) error {
	for {
		err := c.DeleteDroplet(ctx, id)
		_, gone := c.Droplet(ctx, id)
		if apierr.KindOf(gone) == apierr.NotFound {
			return nil
		}
		if k := apierr.KindOf(err); k.Denied() || k == apierr.Invalid {
			return err
		}
		if ended := clock.Sleep(ctx, sweepPause); ended != nil {
			return errors.Join(ended, err)
		}
	}
}

// latecomers tells what is still listed. A deleted droplet may be for a while; one that nobody confirmed was made after the preview.
func (r *Run) latecomers(d Doomed, confirmed []int) error {
	for _, m := range d.Droplets {
		if !slices.Contains(confirmed, m.ID) {
			return fmt.Errorf("%d %s was made since; run destroy again", m.ID, m.Name)
		}
		r.Say("%d %s is still listed\n", m.ID, m.Name)
	}
	return nil
}

// sweepRest looks until two lists in a row show nothing of the cluster's own, and every create that was under way has had its time to
// show. What turns up that was not confirmed is not deleted.
func (r *Run) sweepRest(ctx context.Context, c *brake.Cloud, s *spec.Spec, was Doomed, confirmed []int, pending []pendingCreate) error {
	r.sayPending(pending)
	var d Doomed
	for empty := 0; empty < 2 || underWay(pending, time.Now()); {
		var err error
		d, err = survey(ctx, c, s)
		d.again(was)
		switch {
		case err != nil:
			r.Say("could not look: %s\n", r.Redact(err.Error()))
		case len(d.Droplets) == 0:
			empty++
		default:
			empty = 0
			if err := r.latecomers(d, confirmed); err != nil {
				return err
			}
		}
		if err := clock.Sleep(ctx, 2*time.Second); err != nil {
			return fmt.Errorf("droplets of the cluster are still there, or may yet show: run destroy again: %w", err)
		}
	}
	return r.forget(d)
}

// forget ends what this machine remembers of the cluster, as far as no other swarm of the name needs it.
func (r *Run) forget(d Doomed) error {
	intent := r.Records
	first, err := intent.Open(d.Cluster)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(d.Others, func(m Member) bool { return m.droplet.OpID() == first.OpID }) {
		err = intent.Close(d.Cluster)
	}
	if doubtful := d.doubtful(); len(doubtful) > 0 && err == nil {
		return fmt.Errorf("%s left of the name %s without a swarm's tag: %s; what has none may be of the swarm %s, too; "+
			"set DOCKER_HOST to a manager of the swarm that it is in and run destroy again, or delete it with --swarm %s",
			plural(len(doubtful), "droplet"), d.Cluster, strings.Join(doubtful, ", "), d.Swarm, NoSwarm)
	}
	if len(d.Others) > 0 {
		r.Say("nothing of %s is left; droplets of the name that stay: %d\n", d.Whole(), len(d.Others))
		return err
	}
	err = errors.Join(err, r.Forget())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	r.Say("nothing of cluster %s is left\n", d.Cluster)
	return nil
}

func idsOf(members []Member) []int {
	ids := make([]int, 0, len(members))
	for _, m := range members {
		ids = append(ids, m.ID)
	}
	return ids
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
