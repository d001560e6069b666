package history

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// Revision is one accepted file as it is understood. One whose content cannot be read any more has neither Spec nor Stack.
type Revision struct {
	Number   int
	Accepted time.Time
	Source   string // who or what it came from, for people
	Spec     *spec.Spec
	Stack    swarm.Stack
	Failed   map[string]string // see ledger.Revision
}

// FailedIn reports whether what a revision wants of a service had failed when one of these was accepted.
func FailedIn(want swarm.ServiceSpec, after ...Revision) bool {
	return slices.ContainsFunc(after, func(r Revision) bool {
		return plan.FailedTemplate(ledger.RollOut{Template: r.Failed[want.Name], Failed: r.Failed[want.Name] != ""}, want)
	})
}

// Entry is a line of the history.
type Entry struct {
	Revision int       `json:"revision"`
	Accepted time.Time `json:"accepted"`
	Source   string    `json:"source"`
	Changed  []string  `json:"changed,omitempty"` // what it changed against the one before it, each in a few words; none for the oldest that is kept
	Ended    string    `json:"ended"`
}

// Live is what is known of the services now, as far as the swarm could be asked.
type Live struct {
	Services []swarm.Service
	Failed   map[string]ledger.RollOut // by service name, what is remembered of roll-outs, see ledger.Ledger.Rollouts
	Accepted int                       // number of the accepted revision
	Now      string                    // how the accepted one is at the moment
}

// Of returns the entries, the newest first. revisions are sorted by number. With a service, named as Docker does, only those that changed it count.
func Of(revisions []Revision, live Live, cluster, service string) []Entry {
	var out []Entry
	for i, r := range revisions {
		e := Entry{Revision: r.Number, Accepted: r.Accepted, Source: r.Source, Ended: ended(r, live, service, revisions[i+1:])}
		switch {
		case r.Spec == nil:
			e.Changed = []string{"its content cannot be read by this swarmd"}
		case i > 0 && revisions[i-1].Spec != nil:
			e.Changed = changes(revisions[i-1], r, cluster, service)
			if len(e.Changed) == 0 && service != "" {
				continue
			}
		case service != "" && r.Stack.Named(service) == nil:
			continue
		}
		out = append(out, e)
	}
	slices.Reverse(out)
	return out
}

// changes is what a revision changed, in a few words each.
func changes(was, is Revision, cluster, only string) []string {
	var out []string
	if only == "" {
		out = poolChanges(was.Spec, is.Spec)
	}
	names := map[string]bool{}
	for _, s := range slices.Concat(was.Stack.Services, is.Stack.Services) {
		names[s.Name] = only == "" || s.Name == only
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if text := serviceChange(was.Stack.Named(name), is.Stack.Named(name)); names[name] && text != "" {
			out = append(out, strings.TrimPrefix(name, cluster+"_")+" "+text)
		}
	}
	if len(out) == 0 && only == "" {
		out = []string{"nothing of pools and services"}
	}
	return out
}

func serviceChange(was, is *swarm.ServiceSpec) string {
	switch {
	case was == nil && is == nil:
		return ""
	case was == nil:
		return "added (" + is.Image + ")"
	case is == nil:
		return "removed"
	}
	return swarm.Summary(swarm.ServiceChanges(is.Form(), was.Form()))
}

func poolChanges(was, is *spec.Spec) (out []string) {
	before, now := map[string]spec.Pool{}, map[string]spec.Pool{}
	names := map[string]bool{}
	for _, p := range was.Pools {
		before[p.Name], names[p.Name] = p, true
	}
	for _, p := range is.Pools {
		now[p.Name], names[p.Name] = p, true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		a, had := before[name]
		b, has := now[name]
		switch {
		case !had:
			out = append(out, fmt.Sprintf("pool %s added (%d of %s)", name, b.Count, b.Size))
		case !has:
			out = append(out, "pool "+name+" removed")
		case a.Count != b.Count:
			out = append(out, fmt.Sprintf("pool %s: count: %d → %d", name, a.Count, b.Count))
		case a.Size != b.Size:
			out = append(out, fmt.Sprintf("pool %s: size: %s → %s", name, a.Size, b.Size))
		case a.Image != b.Image || a.Region != b.Region || a.Role != b.Role || a.Availability != b.Availability || !maps.Equal(a.Labels, b.Labels):
			out = append(out, "pool "+name+" changed")
		}
	}
	return out
}

// ended is how a revision ended, as far as that is known: what failed is remembered until the file changes, and by the revision after it, what ran whole by
// what came after it.
func ended(r Revision, live Live, service string, after []Revision) string {
	var failed, good, runs []string
	for _, want := range r.Stack.Services {
		if service != "" && want.Name != service {
			continue
		}
		if plan.FailedTemplate(live.Failed[want.Name], want) || FailedIn(want, after[:min(len(after), 1)]...) {
			failed = append(failed, want.Name)
		}
		for _, s := range live.Services {
			if s.Spec.Name == want.Name && s.Spec.Labels[swarm.LabelHash] == want.Labels[swarm.LabelHash] {
				runs = append(runs, want.Name)
			}
			if n, known := plan.GoodRevision(s); s.Spec.Name == want.Name && known && n == r.Number {
				good = append(good, want.Name)
			}
		}
	}
	var said []string
	if r.Number == live.Accepted {
		said = append(said, "accepted: "+live.Now)
	}
	if len(failed) > 0 {
		said = append(said, "failed and was taken back: "+strings.Join(failed, ", "))
	}
	if len(good) > 0 {
		said = append(said, "ran whole: "+strings.Join(good, ", "))
	}
	if service != "" && len(runs) > 0 {
		said = append(said, "is what runs")
	}
	if len(said) == 0 {
		return "superseded"
	}
	return strings.Join(said, "; ")
}
