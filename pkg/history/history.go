package history

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/sealed"
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
		parts := slices.Concat([]string{serviceChange(was.Stack.Named(name), is.Stack.Named(name))}, secretChanges(was, is, cluster, name), []string{protectChange(was, is, name)})
		parts = slices.DeleteFunc(parts, func(part string) bool { return part == "" })
		if names[name] && len(parts) > 0 {
			out = append(out, strings.TrimPrefix(name, cluster+"_")+" "+strings.Join(parts, ", "))
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

// secretChanges are the encrypted secrets of a service that both have, and that have another text in the second; a value beside swarmd is in no revision.
func secretChanges(was, is Revision, cluster, name string) (out []string) {
	before, now := was.Stack.Named(name), is.Stack.Named(name)
	if before == nil || now == nil {
		return nil
	}
	for _, of := range slices.Sorted(slices.Values(now.Secrets)) {
		a, b := sealedText(was.Stack, of), sealedText(is.Stack, of)
		if slices.Contains(before.Secrets, of) && a != "" && b != "" && a != b {
			out = append(out, "secrets["+strings.TrimPrefix(of, cluster+"_")+"]: another value")
		}
	}
	return out
}

// sealedText is the encrypted text of a secret's value, "" for one of another kind: of a file with many values its own alone.
func sealedText(stack swarm.Stack, of string) string {
	i := slices.IndexFunc(stack.Secrets, func(s swarm.SecretSpec) bool { return s.Of == of })
	if i < 0 || stack.Secrets[i].Sealed == "" {
		return ""
	}
	s := stack.Secrets[i]
	f, err := sealed.Read(s.File, []byte(s.Sealed))
	if err != nil {
		return s.Sealed
	}
	text, err := f.Sealed(s.Key)
	if err != nil {
		return s.Sealed
	}
	return string(text)
}

// protectChange is what is said of whether a service that both have is protected.
func protectChange(was, is Revision, name string) string {
	before, now := was.Spec.Protected[name], is.Spec.Protected[name]
	if before == now || was.Stack.Named(name) == nil || is.Stack.Named(name) == nil {
		return ""
	}
	return fmt.Sprintf("x-swarmd.protect: %t → %t", before, now)
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
		default:
			if changed := poolChange(a, b); len(changed) > 0 {
				out = append(out, "pool "+name+": "+strings.Join(changed, ", "))
			}
		}
	}
	return out
}

// poolChange is all that changed of a pool that both have, by the file's keys.
func poolChange(was, is spec.Pool) (out []string) {
	a, b := poolValues(was), poolValues(is)
	for i, f := range a {
		if f.value != b[i].value {
			out = append(out, f.key+": "+cmp.Or(f.value, "(none)")+" → "+cmp.Or(b[i].value, "(none)"))
		}
	}
	if !maps.Equal(was.Labels, is.Labels) {
		out = append(out, "labels")
	}
	if !reflect.DeepEqual(was.Disruption, is.Disruption) {
		out = append(out, "disruption")
	}
	return out
}

type poolValue struct{ key, value string }

func poolValues(p spec.Pool) []poolValue {
	repair, resize := "on", "replace"
	if p.RepairOff {
		repair = "off"
	}
	if p.ResizeHere {
		resize = "in-place"
	}
	return []poolValue{{"role", p.Role}, {"count", strconv.Itoa(p.Count)}, {"size", p.Size}, {"image", p.Image}, {"region", p.Region}, {"vpc", p.VPC},
		{"availability", p.Availability}, {"repair", repair}, {"resize", resize}, {"adopt", strings.Trim(fmt.Sprint(p.Adopt), "[]")}}
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
