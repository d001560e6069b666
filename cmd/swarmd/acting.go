package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"time"

	"github.com/swarmd/swarmd/pkg/health"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
)

// A single look does not know since when a machine is as it is, nor what was tried: that is the memory of the swarmd that acts.

// askFlags say which swarmd is asked, and with what.
type askFlags struct{ address, token string }

// asked is what a swarmd told.
type asked struct {
	report.Report
	events []report.Event
	url    string // "" if none answered in full
}

// acting asks the swarmd that acts for its last report: the one at hand, or the one on the machine that it names.
func (a *cli) acting(ctx context.Context, cluster string, f askFlags) asked {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	near := a.askSwarmd(ctx, cluster, f.address, f.token)
	if near.url == "" || near.Lease.Held || f.address != "" {
		return near
	}
	for _, n := range near.Nodes {
		if n.Name != near.Lease.Name || n.Address == "" {
			continue
		}
		_, port, err := net.SplitHostPort(health.DefaultListen)
		if err != nil {
			break
		}
		if there := a.askSwarmd(ctx, near.Cluster, net.JoinHostPort(n.Address, port), f.token); there.url != "" && there.Lease.Held {
			return there
		}
	}
	return near
}

// askSwarmd asks one swarmd.
func (a *cli) askSwarmd(ctx context.Context, cluster, address, tokenFile string) asked {
	page, err := a.Page(ctx, address, health.DefaultListen)
	if err != nil {
		return asked{}
	}
	defer page.Close()
	token := a.readToken(cluster, tokenFile)
	r, err := statusOf(ctx, page.Client, page.URL, token)
	if err != nil || r.Cluster == "" || cluster != "" && r.Cluster != cluster {
		return asked{}
	}
	events, _ := timeline(ctx, page.Client, page.URL, token, 0) // an older swarmd has none
	return asked{r, events, page.URL}
}

// readToken is the token for reading of the file, else the one that bootstrap kept of the cluster here, "" if there is none.
func (a *cli) readToken(cluster, file string) string {
	if kept := a.KeptReadToken(cluster); file == "" && cluster != "" {
		if _, err := os.Stat(kept); err == nil {
			file = kept
		}
	}
	if token, err := a.ReadToken(file); err == nil && token != nil {
		return token()
	}
	return ""
}

// remember puts into a look what the acting swarmd remembers of the same: since when, and of what is held what was tried. It returns what to say of it.
func remember(look *report.Report, of asked) string {
	if of.url == "" || !of.Lease.Held || of.Lease.Holder != look.Lease.Holder || of.Lease.Epoch != look.Lease.Epoch {
		if look.Unattended != "" {
			return ""
		}
		return fmt.Sprintf("since when, and what was tried, remembers the swarmd that acts: ask on %s, or with --address and --read-token-file", orNone(look.Lease.Who()))
	}
	since := map[string]report.Node{}
	for _, n := range of.Nodes {
		since[n.NodeID+"/"+fmt.Sprint(n.DropletID)] = n
	}
	for i := range look.Nodes {
		n := &look.Nodes[i]
		if was := since[n.NodeID+"/"+fmt.Sprint(n.DropletID)]; was.Class == n.Class {
			n.Since, n.SinceAtLeast = was.Since, was.SinceAtLeast
		}
	}
	rememberRollOuts(look, of.Report)
	for i, h := range look.Holds {
		at := slices.IndexFunc(of.Holds, func(was plan.Hold) bool { return h.Guard == was.Guard && h.Object == was.Object })
		if at >= 0 {
			look.Holds[i].Text = of.Holds[at].Text
		}
	}
	*look = look.Heeds(of.Report)
	return "since when, and what was tried, as the swarmd at " + of.url + " has it, from its pass " + sinceThen(of.At)
}

// rememberRollOuts puts into a look which roll-outs had succeeded: one look cannot tell a task that started anew from one of a roll-out.
func rememberRollOuts(look *report.Report, of report.Report) {
	was := map[string]plan.ServiceCount{}
	for _, s := range of.Services {
		was[s.Service] = s
	}
	for i, s := range look.Services {
		then := was[s.Service]
		if s.RollOut.State == plan.RollOutRunning && then.RollOut.State == plan.RollOutSucceeded && then.Update == s.Update && of.Revision == look.Revision {
			look.Services[i].RollOut = then.RollOut
		}
	}
}

// oldPass is how old a pass may be before what it tells is likely not so any more: a pass comes every minute at least.
const oldPass = 2 * time.Minute

// sinceThen is how old a pass is that ended then, for people.
func sinceThen(at time.Time) string {
	text := fmt.Sprintf("%s ago", max(time.Since(at), 0).Truncate(time.Second))
	if time.Since(at) > oldPass {
		text += ": it may be otherwise now; a pass comes every minute, so that swarmd or its engine is not well"
	}
	return text
}

// classSince is a machine's class, and for how long it is so.
func classSince(r report.Report, n report.Node) string {
	if r.ServicesOnly { // the nodes are another's
		return "-"
	}
	if n.Class == "" || n.Since.IsZero() {
		return dash(n.Class)
	}
	text := n.Class + " " + age(r.At, n.Since)
	if n.SinceAtLeast {
		text += "+"
	}
	return text
}

// sinceWords is the same in a sentence.
func sinceWords(n report.Node) string {
	switch {
	case n.Since.IsZero():
		return n.Class
	case n.SinceAtLeast:
		return n.Class + " since at least " + n.Since.Local().Format(time.TimeOnly)
	}
	return n.Class + " since " + n.Since.Local().Format(time.TimeOnly)
}
