package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
)

// lastEvents is how many events of an object are shown.
const lastEvents = 8

type whyFlags struct {
	cluster string
	ask     askFlags
}

func whyCommand(a *cli) *cobra.Command {
	var f whyFlags
	cmd := &cobra.Command{
		Use:   "why NAME",
		Short: "What a node, pool or service wants, has and waits for, since when and because of what, and when swarmd looks again",
		Long: `What a node, pool or service wants, has and waits for, since when and because of what, and when swarmd looks again.

It asks the swarmd of one machine, as swarmd events does, which remembers since when and what was tried. Where none answers it looks itself.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.why(cmd.Context(), args[0], f) },
	}
	cmd.Flags().StringVar(&f.cluster, "cluster", "", "which cluster, where the swarm knows several")
	cmd.Flags().StringVar(&f.ask.address, "address", "", "HOST:PORT where the swarmd listens (default: port 9810, as it listens by default)")
	cmd.Flags().StringVar(&f.ask.token, "read-token-file", "", "file with the token that a swarmd of another machine wants")
	return cmd
}

func (a *cli) why(ctx context.Context, name string, f whyFlags) error {
	cluster := f.cluster
	if cluster == "" && f.ask.address == "" { // at hand may be the swarmd of another swarm than the one that the engine is of
		if here, err := a.chooseCluster(ctx, ""); err == nil {
			cluster = here.Name
		}
	}
	told, unread := a.acting(ctx, cluster, f.ask), actingGapLines
	r, from := told.Report, "as the swarmd at "+told.url+" has it, from its pass "+sinceThen(told.At)
	if told.url == "" {
		chosen, err := a.chooseCluster(ctx, f.cluster)
		if err != nil {
			return err
		}
		asm, seen, err := a.look(ctx, chosen, denial{})
		if err != nil {
			return err
		}
		asm.Close()
		r, unread, from = seen, a.gapLines, "as one look shows it: no swarmd answered, which would remember since when"
	}
	s, ok := subjectOf(r, name)
	if !ok {
		return fmt.Errorf("cluster %s has no node, pool or service %s; it has the pools %s, the services %s, and the nodes that swarmd status shows",
			r.Cluster, plain(name), cmp.Or(strings.Join(poolNames(r), ", "), "(none)"), cmp.Or(strings.Join(serviceNames(r), ", "), "(none)"))
	}
	a.printWhy(r, s, told.events, unread, from)
	return nil
}

// statusOf asks a swarmd for its last report.
func statusOf(ctx context.Context, c *http.Client, url, token string) (r report.Report, err error) {
	_, body, err := ask(ctx, c, url+"/status", token)
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(body, &r)
}

// subject is what is asked about.
type subject struct {
	title, wants, has string
	within            string   // the object that it is part of, "" if none
	objects           []string // as holds, steps and events name it, and what is part of it
	settled           bool     // it has what it wants
}

// subjectOf finds it by a name that people use: of a pool, a service with or without the cluster's name, a node by name, id or droplet.
func subjectOf(r report.Report, name string) (subject, bool) {
	for _, p := range r.Pools {
		if p.Pool == name {
			return poolSubject(r, p), true
		}
	}
	var services []string
	for _, s := range r.Services {
		services = append(services, s.Service)
	}
	if i := slices.Index(services, serviceOf(r.Cluster, name, services)); i >= 0 {
		return serviceSubject(r.Services[i]), true
	}
	for _, n := range r.Nodes {
		if slices.Contains([]string{n.Name, n.NodeID, fmt.Sprint(n.DropletID)}, name) {
			return nodeSubject(r, n), true
		}
	}
	return leftOver(r, name)
}

// leftOver is a service that the file does not have any more and that is held.
func leftOver(r report.Report, name string) (subject, bool) {
	for _, h := range r.Holds {
		service, ok := strings.CutPrefix(h.Object, "service/")
		if ok && (service == name || service == r.Cluster+"_"+name) {
			return subject{title: "service " + service, wants: "nothing: the file does not have it", has: "it goes on running", objects: []string{h.Object}}, true
		}
	}
	return subject{}, false
}

func poolNames(r report.Report) (names []string) {
	for _, p := range r.Pools {
		names = append(names, p.Pool)
	}
	return names
}

func serviceNames(r report.Report) (names []string) {
	for _, s := range r.Services {
		names = append(names, strings.TrimPrefix(s.Service, r.Cluster+"_"))
	}
	return names
}

func poolSubject(r report.Report, p plan.PoolCount) subject {
	s := subject{title: "pool " + p.Pool, wants: plural(p.Desired, "ready "+p.Role), has: fmt.Sprintf("%s, %d ready", plural(p.Have, "machine"), p.Ready),
		objects: []string{"pool/" + p.Pool}, settled: p.Have == p.Desired && p.Ready == p.Desired}
	for _, n := range r.Nodes {
		if n.Pool == p.Pool {
			s.objects = append(s.objects, nodeObjects(n)...)
		}
	}
	return s
}

func serviceSubject(c plan.ServiceCount) subject {
	s := subject{title: "service " + c.Service, wants: plural(c.Desired, "running task") + " of " + cmp.Or(c.Image, "an image that is not known"), has: fmt.Sprintf("%d running", c.Running),
		objects: []string{"service/" + c.Service}, settled: c.Running == c.Desired && c.Error == "" && c.Surge == 0}
	if c.Runs != "" {
		s.has += " (" + c.Runs + ")"
	}
	if c.Job {
		s.title, s.wants, s.settled = "job "+c.Service, plural(c.Desired, "completed task")+" of "+orNone(c.Image), c.Whole() && c.Error == ""
		s.has = fmt.Sprintf("%d completed, %d running", c.Completed, c.Running)
	}
	switch {
	case c.RollOut.State != "":
		s.settled = s.settled && c.RollOut.State == plan.RollOutSucceeded
		s.has += ", roll-out " + c.RollOut.Text(c.Desired)
	case c.Update != "":
		s.has += ", roll-out " + string(c.Update)
	}
	if c.Error != "" && c.RollOut.Error == "" {
		s.has += ": " + c.Error
	}
	if c.Protected != "" {
		s.has += "; it is protected (" + c.Protected + ")"
	}
	return s
}

func nodeSubject(r report.Report, n report.Node) subject {
	s := subject{title: "node " + n.Name, wants: "nothing: it is no machine of the cluster", has: cmp.Or(n.State, "no node in the swarm"), objects: nodeObjects(n)}
	if n.DropletID != 0 {
		s.title += fmt.Sprintf(", droplet %d", n.DropletID)
	}
	if n.Pool != "" {
		s.wants, s.within = "to be a ready machine of pool "+n.Pool, "pool/"+n.Pool
		s.settled = n.Class == "ready"
	}
	for _, said := range []string{n.Availability, n.Role} {
		if said != "" {
			s.has += ", " + said
		}
	}
	if n.Class != "" {
		s.has += " (" + sinceWords(n) + ")"
	}
	if n.Why != "" {
		s.has += ": " + n.Why
	}
	return s
}

// nodeObjects are the names under which holds, steps and events speak of a machine.
func nodeObjects(n report.Node) []string {
	objects := []string{"node/" + n.Name}
	if n.NodeID != "" {
		objects = append(objects, "node/"+n.NodeID)
	}
	if n.DropletID != 0 {
		objects = append(objects, fmt.Sprintf("droplet/%d", n.DropletID))
	}
	return objects
}

func (a *cli) printWhy(r report.Report, s subject, events []report.Event, unread func([]world.Gap) []string, asked string) {
	printf(a.out, "%s of cluster %s\n", s.title, r.Cluster)
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	line := func(word, text string) { printf(w, "  %s\t%s\n", word, text) }
	line("wants", s.wants)
	line("has", s.has)
	because := 0
	for _, h := range r.Holds {
		if slices.Contains(s.objects, h.Object) {
			line("because", h.Text+" ("+h.Guard+", "+since(events, h)+")")
			because++
		}
	}
	for _, step := range r.Steps {
		if slices.Contains(s.objects, step.Object) {
			line("next", outcomeOf(step))
			because++
		}
	}
	if !s.settled {
		for _, text := range slices.Concat(unread(r.Gaps), actingGapLines(r.ActingGaps)) {
			line("because", text)
			because++
		}
	}
	for _, off := range handsOff(r, s) {
		line("hands off", off.String())
	}
	switch {
	case r.Unattended != "":
		line("because", r.Unattended)
	case because == 0 && s.settled:
		line("because", "nothing: it is as the file wants it")
	case because == 0:
		line("because", "nothing holds it: what was begun goes on by itself, or another one's turn comes first; swarmd status shows the whole")
	}
	if !r.NextLook.IsZero() {
		line("next look", r.NextLook.Local().Format(time.DateTime)+", or when something changes")
	}
	for _, e := range eventsOf(events, s.objects) {
		line("was", e.At.Local().Format(time.DateTime)+" "+e.Message)
	}
	_ = w.Flush()
	printf(a.out, "%s\n", asked)
}

// handsOff is what a person paused or protected of the subject, its pool or the cluster, unless a hold has said it.
func handsOff(r report.Report, s subject) (all []plan.HandsOff) {
	for _, off := range r.HandsOff {
		said := slices.ContainsFunc(r.Holds, func(h plan.Hold) bool { return slices.Contains(s.objects, h.Object) && h.Guard == off.Guard })
		if (off.Object == "cluster" || off.Object == s.within || slices.Contains(s.objects, off.Object)) && !said {
			all = append(all, off)
		}
	}
	return all
}

func outcomeOf(s report.Step) string {
	text := s.Text
	if s.Outcome != "" {
		text += " (" + string(s.Outcome) + ")"
	}
	if s.Error != "" {
		text += ": " + s.Error
	}
	return text
}

// since is when the hold was said first and not ended since.
func since(events []report.Event, h plan.Hold) string {
	var first time.Time
	for _, e := range slices.Backward(events) {
		if e.Object != h.Object || !strings.HasSuffix(e.Message, "("+h.Guard+")") {
			continue
		}
		if e.Reason != "Held" {
			break
		}
		first = e.At
	}
	if first.IsZero() {
		return "nobody remembers since when"
	}
	return "since " + first.Local().Format(time.TimeOnly)
}

// eventsOf are the last events about any of the objects.
func eventsOf(events []report.Event, objects []string) []report.Event {
	about := slices.DeleteFunc(slices.Clone(events), func(e report.Event) bool { return !slices.Contains(objects, e.Object) })
	return about[max(0, len(about)-lastEvents):]
}
