package reconcile

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
)

// offer is a file that asks to become a revision.
type offer struct {
	data   []byte
	origin ledger.Origin
	source string
	answer chan answer     // nil for the watched file
	ctx    context.Context // of who waits for the answer
}

// name is what the faults of the offered file are told with.
func (o offer) name(watched string) string {
	if o.answer == nil {
		return watched
	}
	return o.source
}

type answer struct {
	revision int
	err      error
}

// sources are the offers that are not settled yet: the watched file as it was saved last, and what was submitted.
type sources struct {
	file      *offer
	submitted []offer
	seen      [sha256.Size]byte // the watched file as it was seen last
	fault     string            // why the watched file is bad, "" if it is good
	unread    string            // why it cannot be read, "" if it can
	stale     int               // number of the older revision that it is, 0: none
}

// edit takes the watched file and reports whether it changed.
func (s *sources) edit(data []byte, source string) bool {
	if sha256.Sum256(data) == s.seen {
		return false
	}
	origin := ledger.Edit
	if s.seen == ([sha256.Size]byte{}) {
		origin = ledger.AtStart // it could not be read when this process began: nobody has edited it since
	}
	s.offer(offer{data: data, origin: origin, source: source})
	return true
}

// bad is why the watched file does not count, "" if it does.
func (s *sources) bad() string { return cmp.Or(s.unread, s.fault) }

// unread takes in whether the watched file can be read. One that cannot is like one with faults: it is told once, and the accepted revision
// goes on.
func (l *Loop) unread(err error) {
	was := l.sources.unread
	l.sources.unread = ""
	if err != nil {
		l.sources.unread = err.Error()
		l.recorder.badFile(fileUnread, l.cfg.Source, err)
	} else if was != "" {
		l.recorder.readable(l.cfg.Source)
	}
	l.cfg.Metrics.SpecLoaded(l.sources.bad() == "", time.Now())
}

// open reports whether an offer waits to be judged.
func (s *sources) open() bool { return s.file != nil || len(s.submitted) > 0 }

func (s *sources) offer(o offer) {
	if o.answer != nil {
		s.submitted = append(s.submitted, o)
		return
	}
	s.seen, s.file = sha256.Sum256(o.data), &o
}

// judge judges what is offered. What fails for a passing reason stays and is tried again by a later pass.
func (l *Loop) judge(ctx context.Context) error {
	var first error
	if o := l.sources.file; o != nil {
		settled, err := l.judgeFile(ctx, *o)
		if settled {
			l.sources.file = nil
		}
		first = err
	}
	open := l.sources.submitted
	l.sources.submitted = nil
	for _, o := range open {
		if o.ctx.Err() != nil {
			continue
		}
		rev, err := l.accept(ctx, o)
		if passing(err) {
			l.sources.submitted = append(l.sources.submitted, o)
			first = keepFirst(first, err)
			continue
		}
		o.answer <- answer{rev.Number, err}
	}
	return first
}

// judgeFile judges the watched file. A bad one is told once; the accepted revision goes on.
func (l *Loop) judgeFile(ctx context.Context, o offer) (settled bool, err error) {
	if _, _, err := l.read(o.name(l.cfg.File), o.data); err != nil {
		l.badFile(o, err)
		return true, nil
	}
	rev, err := l.accept(ctx, o)
	var unfit *UnfitError
	switch {
	case errors.As(err, &unfit):
		l.badFile(o, err)
		return true, nil
	case err != nil:
		return false, err
	}
	l.sources.fault = ""
	if l.sources.unread == "" {
		l.recorder.forget("file")
		l.cfg.Metrics.SpecLoaded(true, time.Now())
	}
	l.recorder.revision(rev)
	return true, nil
}

func (l *Loop) badFile(o offer, err error) {
	l.sources.fault = fewer(err.Error())
	l.cfg.Metrics.SpecLoaded(false, time.Now())
	l.recorder.badFile(fileFaulty, o.source, errors.New(l.sources.fault))
}

// mostFaults bounds, in lines, what a report and a line of the log say of a file with faults.
const mostFaults = 20

// fewer cuts a file's faults for a report. Its editor gets all of them from swarmd validate.
func fewer(faults string) string {
	lines := strings.Split(faults, "\n")
	if more := len(lines) - mostFaults; more > 0 {
		lines = append(lines[:mostFaults], fmt.Sprintf("and %d more: swarmd validate shows all", more))
	}
	return strings.Join(lines, "\n")
}

// accepted is what became of an offer.
type accepted struct {
	ledger.Revision
	verdict ledger.Verdict
}

// accept makes the offer a revision if it counts.
func (l *Loop) accept(ctx context.Context, o offer) (accepted, error) {
	edited, _, err := l.read(o.name(l.cfg.File), o.data)
	if err != nil {
		return accepted{}, err
	}
	var meant []string
	budget := func(history [][]byte) ledger.Budget {
		meant = l.meaning(history, edited)
		return l.budget(history, edited)
	}
	verdict, rev, err := l.cfg.Store.Accept(ctx, ledger.Proposal{Data: o.data, Source: o.source, Origin: o.origin, Budget: budget,
		Fits: func(led ledger.Ledger) error { return fits(led, edited) }})
	if err != nil {
		return accepted{}, err
	}
	if verdict == ledger.Next {
		l.recorder.meaning(rev.Number, meant)
	}
	if o.answer == nil {
		l.sources.stale = 0
		if verdict == ledger.Stale {
			l.sources.stale = rev.Number
		}
	}
	return accepted{rev, verdict}, nil
}

// passing reports whether an offer may succeed later: there is no ledger before somebody holds the lease, another revision may have been
// accepted in between, or the trouble is transient.
func passing(err error) bool {
	k := apierr.KindOf(err)
	return k == apierr.NotFound || k == apierr.Conflict || k.Transient()
}

func keepFirst(first, err error) error {
	if first != nil {
		return first
	}
	return err
}

func errOtherCluster(name, got, want string) error {
	return fmt.Errorf("%s: the file is of cluster %q, this swarmd is of %q: a cluster's name cannot change", name, got, want)
}

// mostBroken bounds, in characters, what the ledger keeps of a bad file: it must have room for operations.
const mostBroken = 160

// briefly is why the watched file does not count, for the ledger: the first fault. "" if it does.
func (s *sources) briefly() string {
	line, rest, more := strings.Cut(s.bad(), "\n")
	if short := []rune(line); len(short) > mostBroken {
		line = string(short[:mostBroken]) + "…"
	}
	if more {
		line += fmt.Sprintf(" (and %d more)", 1+strings.Count(rest, "\n"))
	}
	return line
}

// recordFile keeps in the ledger what is wrong with this node's own file: it is an older revision, or it does not count. A file without a fault
// takes the entry away.
func (l *Loop) recordFile(ctx context.Context, w world.World) error {
	node, stale, broken := w.Self.NodeID, l.sources.stale, l.sources.briefly()
	if l.cfg.Elector.OneShot || node == "" || l.sources.file != nil || !known(w, world.GapLedger) ||
		w.Ledger.Stale[node] == stale && w.Ledger.Broken[node] == broken {
		return nil
	}
	_, err := l.cfg.Store.Update(ctx, func(led *ledger.Ledger) error {
		before := led.Clone()
		over := func(other string) bool { return other == node || known(w, world.GapNodes) && !isNode(w, other) }
		maps.DeleteFunc(led.Stale, func(other string, _ int) bool { return over(other) })
		maps.DeleteFunc(led.Broken, func(other, _ string) bool { return over(other) })
		put(&led.Stale, node, stale)
		put(&led.Broken, node, broken)
		if (stale != 0 || broken != "") && led.Size() > ledger.MaxBytes*3/4 {
			*led = before // it can wait; open operations cannot
		}
		return nil
	})
	return err
}

// put puts a value in, unless there is nothing to say.
func put[V comparable](m *map[string]V, node string, value V) {
	var nothing V
	if value == nothing {
		return
	}
	if *m == nil {
		*m = map[string]V{}
	}
	(*m)[node] = value
}

func isNode(w world.World, id string) bool {
	return slices.ContainsFunc(w.Machines, func(m world.Machine) bool { return m.Node != nil && m.Node.ID == id })
}
