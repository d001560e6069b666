package ledger

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// Keep is how many revisions stay in the store.
const Keep = 10

const (
	keySource   = "swarmd.revision.source"
	keyAccepted = "swarmd.revision.accepted" // unix seconds
	keyFailed   = "swarmd.revision.failed"   // SERVICE@TEMPLATE of each roll-out that had failed then, with blanks between
)

// Proposal is a file that asks to become the next revision.
type Proposal struct {
	Data   []byte
	Source string // for people
	Origin Origin
	Fits   func(Ledger) error            // says why the file cannot be this cluster's, whatever it says else; optional
	Budget func(history [][]byte) Budget // what this edit makes of the delete budget, see BudgetOf: the accepted file comes first, then those before it; nil: nothing
}

// Accept judges the proposal against the store and, if it counts, makes it the next revision: first its content as an object of its
// own, then the number in the ledger, by compare-and-swap on the number that it was judged against. A crash between the two leaves an
// orphan that the same proposal takes up again and another one steps over. It returns the revision that the file is: the accepted one
// with Same, the new one with Next, the older one with Stale. Without a ledger the error is of kind NotFound; if another revision was
// accepted in between it is of kind Conflict, and the proposal may be made again.
func (s *Store) Accept(ctx context.Context, p Proposal) (Verdict, Revision, error) {
	if err := s.lock(ctx); err != nil {
		return "", Revision{}, err
	}
	defer s.unlock()
	if err := s.read(ctx); err != nil {
		return "", Revision{}, err
	}
	st, err := s.state()
	if err != nil {
		return "", Revision{}, err
	}
	if !st.Exists {
		return "", Revision{}, failed("accept revision", apierr.NotFound, fmt.Errorf("no config %s", s.ledgerName()))
	}
	if Halted(st.Ledger.Epoch) {
		return "", Revision{}, s.halted("accept revision")
	}
	if verdict, n := Judge(p.Origin, p.Data, st.Ledger.Revision, st.Revisions); verdict != Next {
		rev, _ := st.Revision(n)
		rev.Number = n // its content may be gone
		return verdict, rev, nil
	}
	if p.Fits != nil {
		if err := p.Fits(st.Ledger); err != nil {
			return "", Revision{}, err
		}
	}
	rev, err := s.accept(ctx, p, st)
	return Next, rev, err
}

func (s *Store) accept(ctx context.Context, p Proposal, st State) (Revision, error) {
	rev := Revision{Data: p.Data, SHA256: hash(p.Data), Source: p.Source, Accepted: time.Unix(time.Now().Unix(), 0).UTC()}
	rev.Number, rev.Past, rev.Failed = nextNumber(st, rev.SHA256), pastOf(st), failedIn(st.Ledger)
	if err := s.createRevision(ctx, rev); err != nil {
		return Revision{}, fmt.Errorf("accept revision: %w", err)
	}
	expect, budget := st.Ledger.Revision, p.budget(st)
	_, err := s.update(ctx, func(l *Ledger) error {
		if l.Revision != expect {
			return failed("accept revision", apierr.Conflict, fmt.Errorf("revision %d was accepted meanwhile", l.Revision))
		}
		l.Revision, l.DeleteBudget = rev.Number, budget.Onto(l.DeleteBudget)
		return nil
	})
	if err != nil {
		return Revision{}, fmt.Errorf("accept revision: %w", err)
	}
	s.trim(ctx, rev.Number)
	return rev, nil
}

func (p Proposal) budget(st State) Budget {
	history := st.History()
	if len(history) == 0 || p.Budget == nil {
		return Budget{}
	}
	return p.Budget(history)
}

// History returns the contents of the accepted revisions that are still there, the accepted one first. It is empty if that one is not.
func (s State) History() [][]byte {
	var out [][]byte
	for _, r := range slices.Backward(s.Revisions) {
		if r.Number <= s.Ledger.Revision && (len(out) > 0 || r.Number == s.Ledger.Revision) {
			out = append(out, r.Data)
		}
	}
	return out
}

// nextNumber is one more than the highest there is, or the number of the orphan with our content.
func nextNumber(st State, sha string) int {
	next := st.Ledger.Revision + 1
	for _, r := range st.Revisions {
		if r.Number > st.Ledger.Revision && r.SHA256 == sha {
			return r.Number
		}
		next = max(next, r.Number+1)
	}
	return next
}

func (s *Store) createRevision(ctx context.Context, r Revision) error {
	name := s.revisionName(r.Number)
	if c, ok := s.seen[name]; ok && hash(c.Data) == r.SHA256 {
		return nil
	}
	labels := clusterLabels(s.cluster)
	labels[keySource] = r.Source
	labels[keyAccepted] = strconv.FormatInt(r.Accepted.Unix(), 10)
	labels[keyPast] = encodePast(r.Past)
	if len(r.Failed) > 0 {
		labels[keyFailed] = encodeFailed(r.Failed)
	}
	return s.create(ctx, name, labels, r.Data)
}

// trim removes what is older than the last Keep revisions. What it fails to remove, the next one will.
func (s *Store) trim(ctx context.Context, accepted int) {
	known := s.revisions()
	known = slices.DeleteFunc(known, func(r Revision) bool { return r.Number >= accepted })
	for _, r := range known[:max(0, len(known)-(Keep-1))] {
		name := s.revisionName(r.Number)
		if s.configs.RemoveConfig(ctx, s.seen[name].ID) == nil {
			delete(s.seen, name)
		}
	}
}

// Revision returns the content of one revision, without a call if it was seen before: a config's data never changes.
func (s *Store) Revision(ctx context.Context, n int) (Revision, error) {
	if err := s.lock(ctx); err != nil {
		return Revision{}, err
	}
	defer s.unlock()
	c, err := s.object(ctx, s.revisionName(n))
	if err != nil {
		return Revision{}, err
	}
	r, ok := s.revision(c)
	if !ok {
		return Revision{}, failed("read revision", apierr.Invalid, fmt.Errorf("config %s is no revision", c.Name))
	}
	return r, nil
}

// Unreadable is the error of an accepted revision that cannot be followed, with what to do. What may pass by itself has no advice.
func (s *Store) Unreadable(n int, err error) error {
	var call *apierr.Error
	if errors.As(err, &call) && call.Kind != apierr.NotFound && call.Kind != apierr.Invalid {
		return fmt.Errorf("revision %d: %w", n, err)
	}
	return fmt.Errorf("revision %d (config %s): %w; swarmd apply -f FILE makes the next revision", n, s.revisionName(n), err)
}

// revisions returns what was seen, sorted by number.
func (s *Store) revisions() []Revision {
	var out []Revision
	for _, c := range s.seen {
		if r, ok := s.revision(c); ok {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b Revision) int { return cmp.Compare(a.Number, b.Number) })
	return out
}

func (s *Store) revision(c swarm.Config) (Revision, bool) {
	digits, ok := strings.CutPrefix(c.Name, RevisionPrefix(s.cluster))
	if !ok {
		return Revision{}, false
	}
	n, err := natural(digits)
	if err != nil || n == 0 {
		return Revision{}, false
	}
	accepted, err := strconv.ParseInt(c.Labels[keyAccepted], 10, 64)
	if err != nil {
		accepted = c.Created.Unix()
	}
	return Revision{Number: n, Data: c.Data, SHA256: hash(c.Data), Source: brief(c.Labels[keySource]), Accepted: time.Unix(accepted, 0).UTC(),
		Past: decodePast(c.Labels[keyPast][:min(len(c.Labels[keyPast]), maxLabels)]), Failed: decodeFailed(c.Labels[keyFailed][:min(len(c.Labels[keyFailed]), maxLabels)])}, true
}

// failedIn are the templates of the roll-outs that had failed, by service. The ledger forgets them when the file has others.
func failedIn(l Ledger) map[string]string {
	out := map[string]string{}
	for name, r := range l.Rollouts {
		if r.Failed && r.Template != "" {
			out[name] = r.Template
		}
	}
	return out
}

func encodeFailed(failed map[string]string) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(failed)) {
		all = append(all, name+"@"+failed[name])
	}
	return strings.Join(all, " ")
}

// decodeFailed reads what encodeFailed wrote. What it cannot read is left out: it is for people's eyes.
func decodeFailed(text string) map[string]string {
	out := map[string]string{}
	for _, one := range strings.Fields(text) {
		if name, template, ok := strings.Cut(one, "@"); ok && name != "" && template != "" {
			out[name] = template
		}
	}
	return out
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Origin says how a file came to be looked at.
type Origin string

// The origins.
const (
	AtStart Origin = "start" // it was there when swarmd started
	Edit    Origin = "edit"  // it changed under a running swarmd, or was handed to apply
)

// Verdict says what a file counts for.
type Verdict string

// The verdicts.
const (
	Same  Verdict = "same"  // it is the accepted revision
	Next  Verdict = "next"  // it becomes the next revision
	Stale Verdict = "stale" // it is an older revision that nobody asked to go back to: it changes nothing
)

// Judge says whether a file becomes a revision (design: whose file counts). With Stale, the number is that of the latest older
// revision that it equals.
func Judge(origin Origin, data []byte, accepted int, revisions []Revision) (Verdict, int) {
	sha, older := hash(data), forgotten(data, accepted, revisions)
	for _, r := range revisions {
		switch {
		case r.SHA256 != sha:
		case r.Number == accepted:
			return Same, accepted
		case r.Number < accepted:
			older = max(older, r.Number)
		}
	}
	if origin == AtStart && older > 0 {
		return Stale, older
	}
	return Next, 0
}
