package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/swarm"
)

func printPools(w io.Writer, r report.Report) {
	if r.ServicesOnly {
		fmt.Fprintf(w, "the cluster has services only; the nodes are another's\n\n")
		return
	}
	fmt.Fprintln(w, "POOL\tROLE\tWANTED\tMACHINES\tREADY\t$/MONTH")
	for _, p := range r.Pools {
		printf(w, "%s\t%s\t%d\t%d\t%d\t%s\n", p.Pool, p.Role, p.Desired, p.Have, p.Ready, dollars("", p.Monthly, p.PriceUnknown))
	}
	fmt.Fprintln(w)
}

func printNodes(w io.Writer, r report.Report) {
	fmt.Fprintln(w, "NODE\tDROPLET\tPOOL\tROLE\tSTATE\tAVAILABILITY\tCLASS\tPUBLIC\tPRIVATE\tSIZE\tIMAGE\tAGE\tNOTE")
	for _, n := range r.Nodes {
		note := n.Why
		if note != "" && slices.ContainsFunc(r.Holds, func(h plan.Hold) bool { return strings.Contains(h.Text, n.Why) }) {
			note = "see below"
		}
		if n.Leader {
			note = strings.TrimSpace("leader " + note)
		}
		droplet := "-"
		if n.DropletID != 0 {
			droplet = fmt.Sprint(n.DropletID)
		}
		printf(w, "%s\t%s\t%s\t%s\t%s\t%s\t", n.Name, droplet, dash(n.Pool), dash(n.Role), n.State, dash(n.Availability))
		printf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", classSince(r, n), dash(n.PublicIPv4), dash(n.Address), dash(n.Size), dash(n.Image), age(r.At, n.Created), note)
	}
	fmt.Fprintln(w)
}

func printServices(w io.Writer, r report.Report) {
	fmt.Fprintln(w, "SERVICE\tWANTED\tRUNNING\tROLL-OUT\tIMAGE")
	for _, s := range r.Services {
		printf(w, "%s\t%s\t%d\t%s\t%s\n", s.Service, wantedTasks(s), s.Running, rollout(s), imageText(s))
	}
	fmt.Fprintln(w)
	for _, s := range r.Services {
		if s.Protected != "" {
			printf(w, "%s: protected (%s)\n", s.Service, s.Protected)
		}
		if s.RollOut.Error != "" {
			printf(w, "%s: %s\n", s.Service, s.RollOut.Text(s.Desired))
		} else if s.Error != "" {
			printf(w, "%s: %s\n", s.Service, s.Error)
		}
	}
}

// imageText is the image that the file wants, and what runs where that is another one.
func imageText(s plan.ServiceCount) string {
	if s.Runs == "" {
		return dash(s.Image)
	}
	return dash(s.Image) + " (runs: " + s.Runs + ")"
}

// wantedTasks is how many tasks the file wants of a service, and how many more it has for a while.
func wantedTasks(s plan.ServiceCount) string {
	if s.Surge > 0 {
		return fmt.Sprintf("%d+%d", s.Desired, s.Surge)
	}
	return fmt.Sprint(s.Desired)
}

// rollout is how far a service's roll-out is.
func rollout(s plan.ServiceCount) string {
	switch {
	case s.RollOut.State == plan.RollOutRunning:
		return s.RollOut.Text(s.Desired)
	case s.RollOut.State != "":
		return s.RollOut.Short(s.Desired)
	}
	if s.Update == swarm.Updating || s.Update == swarm.RollbackStarted {
		return fmt.Sprintf("%s, %d of %d new", s.Update, s.Updated, s.Desired)
	}
	return dash(string(s.Update))
}

// age is how old something is, in its largest unit.
func age(now, created time.Time) string {
	d := now.Sub(created)
	switch {
	case created.IsZero() || d < 0:
		return "-"
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
