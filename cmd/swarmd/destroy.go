package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/bootstrap"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/brake"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/spec"
)

type destroyFlags struct {
	file, confirm, swarm   string
	includeAdopted, resume bool
	timeout                time.Duration
}

func destroyCommand(a *app) *cobra.Command {
	var f destroyFlags
	cmd := &cobra.Command{
		Use:   "destroy -f FILE",
		Short: "Preview, typed confirmation, then every droplet that the cluster owns and nothing else",
		Long: `Deletes, by id, the droplets that the cluster of the file owns; the swarm and its store go with them. First it shows what
would go and what stays, then it wants the cluster's name typed, then it saves the list of ids to a file.

The swarm need not live: whose a droplet is its tags say. If several swarms have the cluster's name, --swarm says which one
goes. Droplets without a swarm's tag, made before there was one, are listed apart; when they are all that is left, they go.

With DOCKER_HOST set to a manager of that swarm, droplets without a tag that its nodes are on go with it, and swarmd on the managers is told to stop first, so that it does not replace
what goes. If destroy ends early, swarmd is told to go on; where destroy was killed before it could, --resume does that.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.destroy(cmd.Context(), f) },
	}
	fileFlag(cmd, &f.file)
	cmd.Flags().StringVar(&f.swarm, "swarm", "", "id of the swarm whose droplets go, when several have the cluster's name; \"none\" for those without a swarm's tag")
	cmd.Flags().StringVar(&f.confirm, "confirm", "", "the cluster's name, instead of typing it")
	cmd.Flags().BoolVar(&f.includeAdopted, "include-adopted", false, "also the machines that were adopted, not made")
	cmd.Flags().BoolVar(&f.resume, "resume", false, "delete nothing: let swarmd go on after a destroy that was cut short")
	cmd.Flags().DurationVar(&f.timeout, "timeout", 10*time.Minute, "how long it may take")
	return cmd
}

// doomed is what destroy is about, as it is saved before the first delete.
type doomed struct {
	Cluster  string         `json:"cluster"`
	Swarm    string         `json:"swarm"` // id, "" for droplets without a swarm's tag
	At       time.Time      `json:"at"`
	Droplets []doomedMember `json:"droplets"`
	Adopted  []doomedMember `json:"adopted"`
	others   []doomedMember // of other swarms of the name, or without a swarm's tag
	asked    string         // id of the swarm at DOCKER_HOST, whose nodes were looked at; "" if none was
	bound    map[int]bool   // droplet ids, of those nodes
	foreign  []cloud.Droplet
}

type doomedMember struct {
	ID      int    `json:"id"`
	Name    string `json:"name"`
	of      string // ids of swarms, by its tags, or by the swarm's nodes where it has no such tag
	droplet cloud.Droplet
}

func memberOf(d cloud.Droplet) doomedMember {
	return doomedMember{ID: d.ID, Name: d.Name, of: strings.Join(d.SwarmIDs(), ","), droplet: d}
}

func (a *app) destroy(ctx context.Context, f destroyFlags) (err error) {
	s, _, err := readFile(f.file, a.err)
	if err != nil {
		return err
	}
	if f.resume {
		return a.resumeSwarmd(ctx, s.Cluster)
	}
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	api, err := a.cloudClient(nil)
	if err != nil {
		return err
	}
	d, err := a.chosen(ctx, s, api, f.swarm)
	if err != nil {
		return err
	}
	if err := a.somethingThere(ctx, d); err != nil {
		return err
	}
	a.previewDestroy(d, f.includeAdopted)
	if err := a.confirm(ctx, s.Cluster, f.confirm); err != nil {
		return err
	}
	path, err := a.saveDoomed(d)
	if err != nil {
		return err
	}
	printf(a.out, "the list of ids is in %s\n", path)
	open, halted := a.haltSwarmd(ctx, d)
	if halted {
		defer func() { a.letGoOn(ctx, s.Cluster, f.file, err) }()
	}
	pending, err := a.pendingCreates(open, s, d)
	if err != nil {
		return err
	}
	ids, adopted := idsOf(d.Droplets), []int(nil)
	if f.includeAdopted {
		adopted = idsOf(d.Adopted)
	}
	sweep, _ := brake.New(brake.Options{Cluster: s.Cluster, Cloud: api, Destroy: append(ids, adopted...), Adopted: adopted})
	if err := a.sweep(ctx, sweep, append(ids, adopted...)); err != nil {
		return err
	}
	return a.sweepRest(ctx, sweep, s, d, append(ids, adopted...), pending)
}

// chosen is what goes and what stays, as far as that is known before the first delete.
func (a *app) chosen(ctx context.Context, s *spec.Spec, api brake.CloudAPI, swarm string) (doomed, error) {
	look, _ := brake.New(brake.Options{Cluster: s.Cluster, Cloud: api})
	d, err := survey(ctx, look, s)
	if err != nil {
		return d, err
	}
	a.attribute(ctx, &d)
	if err := d.choose(swarm); err != nil {
		return d, err
	}
	return d, a.sameAccount(ctx, look, d)
}

// survey sorts the cloud's droplets into what the cluster owns, what it adopted, and what only carries its tag.
func survey(ctx context.Context, c *brake.Cloud, s *spec.Spec) (doomed, error) {
	d := doomed{Cluster: s.Cluster, At: time.Now().UTC(), Droplets: []doomedMember{}, Adopted: []doomedMember{}}
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
			d.foreign = append(d.foreign, droplet)
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

func (a *app) previewDestroy(d doomed, includeAdopted bool) {
	printf(a.out, "%s: %s will be deleted, and the swarm with them:\n", d.whole(), plural(len(d.Droplets), "droplet"))
	for _, m := range d.Droplets {
		printf(a.out, "  - %d %s\n", m.ID, m.Name)
	}
	for _, m := range d.Adopted {
		if includeAdopted {
			printf(a.out, "  - %d %s (adopted)\n", m.ID, m.Name)
		} else {
			printf(a.out, "  = %d %s stays: it was adopted, not made (--include-adopted)\n", m.ID, m.Name)
		}
	}
	for _, m := range d.others {
		printf(a.out, "  = %d %s stays: %s\n", m.ID, m.Name, m.whose())
	}
	for _, droplet := range d.foreign {
		printf(a.out, "  = %d %s stays: it carries the cluster's tag but is not the cluster's\n", droplet.ID, droplet.Name)
	}
}

// confirm wants the cluster's name, typed.
func (a *app) confirm(ctx context.Context, cluster, given string) error {
	if given == "" {
		printf(a.out, "type the cluster's name to go on: ")
		typed := make(chan string, 1)
		go func() { // a read cannot be ended, the program can
			line, _ := bufio.NewReader(a.in).ReadString('\n')
			typed <- line
		}()
		select {
		case given = <-typed:
		case <-ctx.Done():
			fmt.Fprintln(a.out)
			return fmt.Errorf("wait for the confirmation: %w; nothing was deleted", ctx.Err())
		}
		if given == "" {
			return &exitError{code: 1, msg: "no confirmation; nothing was deleted"}
		}
		given = strings.TrimSpace(given)
	}
	if given != cluster {
		return &exitError{code: 1, msg: fmt.Sprintf("%q is not %q; nothing was deleted", given, cluster)}
	}
	return nil
}

// saveDoomed writes the list to a file of its own, because the store goes with the cluster.
func (a *app) saveDoomed(d doomed) (string, error) {
	if err := os.MkdirAll(a.stateDir(), 0o700); err != nil {
		return "", err
	}
	data, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return "", err
	}
	path := filepath.Join(a.stateDir(), fmt.Sprintf("%s.destroy-%s.json", d.Cluster, d.At.Format("20060102T150405Z")))
	return path, os.WriteFile(path, append(data, '\n'), 0o600)
}

// haltSwarmd fences the ledger: no swarmd can write another intent, so none creates or deletes anything from here on. It returns
// the operations that are open at that moment, and whether the fence is there, or may be. If the swarm cannot be reached, what swarmd makes meanwhile is looked for at the end.
func (a *app) haltSwarmd(ctx context.Context, d doomed) (open []ledger.Op, halted bool) {
	if a.getenv("DOCKER_HOST") == "" {
		fmt.Fprintln(a.out, "DOCKER_HOST is not set: swarmd is not told to stop; what it makes meanwhile is looked for at the end")
		return nil, false
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	err := func() error {
		asm, err := a.assemble(d.Cluster, zap.NewNop(), false)
		if err != nil {
			return err
		}
		defer asm.close()
		if err := d.inSwarm(ctx, asm.swarm); err != nil {
			return err
		}
		halted = true // or it may be, if there is no answer
		l, err := asm.store.Halt(ctx)
		open = l.Ops
		return err
	}()
	if err != nil {
		printf(a.out, "swarmd could not be told to stop (%s); what it makes meanwhile is looked for at the end\n", a.redact(err.Error()))
		return nil, halted
	}
	fmt.Fprintln(a.out, "swarmd is fenced: it creates and deletes nothing any more")
	return open, true
}

// sweep deletes the droplets side by side and waits until each is gone.
func (a *app) sweep(ctx context.Context, c *brake.Cloud, ids []int) error {
	var g errgroup.Group
	g.SetLimit(8)
	for _, id := range ids {
		g.Go(func() error {
			if err := a.remove(ctx, c, id); err != nil {
				return fmt.Errorf("droplet %d is not gone: %w", id, err)
			}
			printf(a.out, "deleted %d\n", id)
			return nil
		})
	}
	return g.Wait()
}

// sweepPause is the time between two looks at a droplet that is to go: eight at once stay below the API's 250 calls a minute.
const sweepPause = 3 * time.Second

// remove asks for the delete until a look says that the droplet is gone: an answer may have been lost, another event may be in the way,
// the API's limit may be used up. What will not pass ends it.
func (a *app) remove(ctx context.Context, c *brake.Cloud, id int) error {
	for {
		err := c.DeleteDroplet(ctx, id)
		_, gone := c.Droplet(ctx, id)
		if apierr.KindOf(gone) == apierr.NotFound {
			return nil
		}
		switch apierr.KindOf(err) {
		case apierr.Unauthorized, apierr.Forbidden, apierr.Invalid:
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(sweepPause):
		}
	}
}

// latecomers tells what is still listed. A deleted droplet may be for a while; one that nobody confirmed was made after the preview.
func (a *app) latecomers(d doomed, confirmed []int) error {
	for _, m := range d.Droplets {
		if !slices.Contains(confirmed, m.ID) {
			return &exitError{code: 1, msg: fmt.Sprintf("%d %s was made since; run destroy again", m.ID, m.Name)}
		}
		printf(a.out, "%d %s is still listed\n", m.ID, m.Name)
	}
	return nil
}

// sweepRest looks until two lists in a row show nothing of the cluster's own, and every create that was under way has had its time to
// show. What turns up that was not confirmed is not deleted.
func (a *app) sweepRest(ctx context.Context, c *brake.Cloud, s *spec.Spec, was doomed, confirmed []int, pending []pendingCreate) error {
	a.sayPending(pending)
	var d doomed
	for empty := 0; empty < 2 || underWay(pending, time.Now()); {
		var err error
		d, err = survey(ctx, c, s)
		d.again(was)
		switch {
		case err != nil:
			printf(a.out, "could not look: %s\n", a.redact(err.Error()))
		case len(d.Droplets) == 0:
			empty++
		default:
			empty = 0
			if err := a.latecomers(d, confirmed); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("droplets of the cluster are still there, or may yet show: run destroy again: %w", ctx.Err())
		case <-time.After(2 * time.Second):
		}
	}
	return a.forget(d)
}

// forget ends what this machine remembers of the cluster, as far as no other swarm of the name needs it.
func (a *app) forget(d doomed) error {
	intent := bootstrap.Intent{Dir: a.stateDir()}
	first, err := intent.Open(d.Cluster)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(d.others, func(m doomedMember) bool { return m.droplet.OpID() == first.OpID }) {
		err = intent.Close(d.Cluster)
	}
	if doubtful := d.doubtful(); len(doubtful) > 0 && err == nil {
		return &exitError{code: 1, msg: fmt.Sprintf("%s left of the name %s without a swarm's tag: %s; what has none may be of the swarm %s, too; "+
			"set DOCKER_HOST to a manager of the swarm that it is in and run destroy again, or delete it with --swarm %s",
			plural(len(doubtful), "droplet"), d.Cluster, strings.Join(doubtful, ", "), d.Swarm, noSwarm)}
	}
	if len(d.others) > 0 {
		printf(a.out, "nothing of %s is left; droplets of the name that stay: %d\n", d.whole(), len(d.others))
		return err
	}
	err = errors.Join(err, os.Remove(a.clusterHosts(d.Cluster)))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	printf(a.out, "nothing of cluster %s is left\n", d.Cluster)
	return nil
}

func idsOf(members []doomedMember) []int {
	ids := make([]int, 0, len(members))
	for _, m := range members {
		ids = append(ids, m.ID)
	}
	return ids
}
