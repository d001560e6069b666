package main

import (
	"context"
	"encoding/json"
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

NAME is that of a pool, a service or a node, alone or as pool/NAME, service/NAME and node/NAME; a node also by its id, its droplet's, an address
of its own, or the beginning of its name. What else a hold names, such as network/NAME, is found by that.

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
		return unknownSubject(r, name, unread)
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
	if r.Error != "" {
		line("because", "not all is known: "+r.Error)
		because++
	}
	for _, off := range handsOff(r, s) {
		line("hands off", off.String())
	}
	if text := unheld(r, s, because); text != "" {
		line("because", text)
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

// unheld is what is told beside so many reasons: that nobody acts, or, where there are none, why that is so; "" for nothing.
func unheld(r report.Report, s subject, because int) string {
	switch {
	case r.Unattended != "":
		return r.Unattended
	case because > 0:
		return ""
	case s.settled:
		return "nothing: it is as the file wants it"
	case s.bakes:
		return bakes
	}
	return "nothing holds it: what was begun goes on by itself, or another one's turn comes first; swarmd status shows the whole"
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
