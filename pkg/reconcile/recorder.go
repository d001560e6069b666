package reconcile

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/spec/file"
)

// The keys of log lines.
const (
	keyPass     = "pass"
	keyError    = "error"
	keyStep     = "step"
	keySteps    = "steps"
	keyObject   = "object"
	keyReason   = "reason"
	keyText     = "text"
	keyOutcome  = "outcome"
	keyKind     = "kind"
	keyTook     = "took"
	keyGuard    = "guard"
	keyRevision = "revision"
	keySource   = "source"
	keyHolder   = "holder"
	keyEpoch    = "epoch"
	keyWarning  = "warning"
	keyMore     = "more"
)

// recorder reports what changed, with its reason, to the log, with the pass's number on each line, and to the timeline. What is still as it was is
// not reported again.
type recorder struct {
	mu        sync.Mutex
	base, log *zap.Logger
	said      map[string]string // what was said last, by topic
	timeline  *report.Timeline
	classes   map[string]string // of the machines in the last report that had any, by machine
}

// The reasons of events, besides those of steps.
const (
	eventStepDone    = "StepDone"
	eventStepFailed  = "StepFailed"
	eventHeld        = "Held"
	eventReleased    = "Released"
	eventUnread      = "Unreadable"
	eventReadAgain   = "ReadAgain"
	eventFailed      = "Failed"
	eventWorksAgain  = "WorksAgain"
	eventLease       = "Lease"
	eventRevision    = "Revision"
	eventFile        = "File"
	eventFileWarning = "FileWarning"
	eventResult      = "Result"
	eventLost        = "Lost"
	eventWhole       = "Whole"
	eventRepair      = "Repair"
	eventClass       = "Class"
	eventRollOut     = "RollOut"
)

// event adds to the timeline.
func (v *recorder) event(kind report.Type, reason, object, message string) {
	v.timeline.Add(report.Event{At: time.Now(), Type: kind, Reason: reason, Object: object, Message: message})
}

func newRecorder(log *zap.Logger) *recorder {
	return &recorder{base: log, log: log, said: map[string]string{}, timeline: report.NewTimeline()}
}

func (v *recorder) pass(n uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.log = v.base.With(zap.Uint64(keyPass, n))
}

func (v *recorder) logger() *zap.Logger {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.log
}

// ownPort is the port of the caller's end of a connection, as Go's network errors name it: another one with each connection.
var ownPort = regexp.MustCompile(`:\d{1,5}->`)

// news reports whether the topic's text is another one than before, and notes it. An empty text ends the topic.
func (v *recorder) news(topic, text string) bool {
	text = ownPort.ReplaceAllString(text, ":PORT->")
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.said[topic] == text {
		return false
	}
	v.said[topic] = text
	if text == "" {
		delete(v.said, topic)
	}
	return true
}

func (v *recorder) forget(topic string) { v.news(topic, "") }

// problem says an error when it is a new one, and that it has ended.
func (v *recorder) problem(topic string, err error) {
	switch {
	case err != nil && v.news(topic, err.Error()):
		v.logger().Warn(topic+" failed", zap.Error(err))
		v.event(report.Warning, eventFailed, topic, err.Error())
	case err == nil && v.news(topic, ""):
		v.logger().Info(topic + " works again")
		v.event(report.Normal, eventWorksAgain, topic, topic+" works again")
	}
}

// meaning says what an accepted edit means that its author may not have meant.
func (v *recorder) meaning(revision int, texts []string) {
	for _, text := range texts {
		v.logger().Warn("the edit means", zap.Int(keyRevision, revision), zap.String(keyText, text))
		v.event(report.Warning, eventFileWarning, ofRevision(revision), "the edit means: "+text)
	}
}

// warnings says what the check of a file that is now the accepted revision warns of, once.
func (v *recorder) warnings(revision int, all []file.Fault) {
	if len(all) == 0 || !v.news("warnings", fmt.Sprint(revision)) {
		return
	}
	for _, w := range all[:min(len(all), mostFaults)] {
		v.logger().Warn("the accepted file is valid and seldom meant so", zap.Int(keyRevision, revision), zap.String(keyText, w.String()))
		v.event(report.Warning, eventFileWarning, ofRevision(revision), w.String())
	}
	if more := len(all) - mostFaults; more > 0 {
		v.logger().Warn("there are more warnings, swarmd validate shows all", zap.Int(keyRevision, revision), zap.Int(keyMore, more))
	}
}

func (v *recorder) lease(held bool, epoch uint64, holder string) {
	if !v.news("holder", fmt.Sprint(held, holder)) {
		return
	}
	msg := "another swarmd holds the lease"
	switch {
	case held:
		msg = "this swarmd holds the lease"
	case holder == "":
		msg = "nobody holds the lease"
	}
	v.logger().Info(msg, zap.String(keyHolder, holder), zap.Uint64(keyEpoch, epoch))
	v.event(report.Normal, eventLease, "lease", strings.TrimSuffix(msg+": "+holder, ": "))
}

// The messages of a file that does not count.
const (
	fileFaulty = "file has faults, the accepted revision goes on"
	fileUnread = "file cannot be read, the accepted revision goes on"
)

func (v *recorder) badFile(msg, source string, err error) {
	if v.news("file", err.Error()) {
		v.logger().Error(msg, zap.String(keySource, source), zap.Error(err))
		v.event(report.Warning, eventFile, "file", msg+": "+err.Error())
	}
}

// readable says that the file can be read again. Its faults, if it had some, are told anew.
func (v *recorder) readable(source string) {
	v.forget("file")
	v.logger().Info("file can be read again", zap.String(keySource, source))
	v.event(report.Normal, eventFile, "file", "the file can be read again")
}

func (v *recorder) revision(a accepted) {
	if !v.news("revision", fmt.Sprint(a.verdict, a.Number)) {
		return
	}
	fields := []zap.Field{zap.Int(keyRevision, a.Number), zap.String(keySource, a.Source)}
	kind, msg := report.Normal, ""
	switch a.verdict {
	case ledger.Next:
		msg = "file is accepted as a new revision"
	case ledger.Same:
		msg = "file is the accepted revision"
	case ledger.Stale:
		kind, msg = report.Warning, "file is an older revision and changes nothing; to go back to it on purpose, use apply or edit it"
	default:
		return
	}
	if kind == report.Warning {
		v.logger().Warn(msg, fields...)
	} else {
		v.logger().Info(msg, fields...)
	}
	v.event(kind, eventRevision, ofRevision(a.Number), msg+" ("+a.Source+")")
}

func ofRevision(n int) string { return fmt.Sprintf("revision/%d", n) }

func (v *recorder) step(r execute.Result) {
	about := r.Step.Action.About()
	object := about.Object.String()
	fields := []zap.Field{zap.String(keyStep, r.Step.ID), zap.String(keyObject, object),
		zap.String(keyReason, r.Step.Reason.Code), zap.String(keyText, r.Step.Reason.Text), zap.String(keyOutcome, string(r.Outcome)),
		zap.Duration(keyTook, r.Took)}
	if r.Warning != "" {
		fields = append(fields, zap.String(keyWarning, r.Warning))
	}
	topic := "step " + about.Name + " " + object
	switch r.Outcome {
	case execute.Done:
		v.forget(topic)
		v.logger().Info("step done", fields...)
		v.event(report.Normal, eventStepDone, object, about.Name+": "+r.Step.Reason.Text)
	case execute.Dropped:
		v.logger().Debug("step dropped", fields...)
	default:
		if v.news(topic, string(r.Kind)+r.Err.Error()) {
			v.logger().Warn("step "+string(r.Outcome), append(fields, zap.String(keyKind, string(r.Kind)), zap.Error(r.Err))...)
			v.event(report.Warning, eventStepFailed, object, about.Name+" "+string(r.Outcome)+": "+r.Err.Error())
		}
	}
}

// late says that a plan was too long to be followed while it was fresh.
func (v *recorder) late(steps int) {
	v.logger().Info("steps were not reached in time, they are planned again", zap.Int(keySteps, steps))
}

// report says what a pass found, as far as it is new.
func (v *recorder) report(r report.Report) {
	v.machines(r.Nodes)
	gaps, holds, kinds := map[string]string{}, map[string]string{}, map[string]report.Type{}
	for _, g := range r.Gaps {
		gaps[g.What] = g.Err
	}
	for _, h := range r.Holds {
		holds[h.Guard+" "+h.Object] = h.Text
		if h.Blocking {
			kinds[h.Guard+" "+h.Object] = report.Warning
		}
	}
	v.topics("gap ", gaps, func(what, text string) {
		v.logger().Warn("part of the world could not be read", zap.String(keyObject, what), zap.String(keyError, text))
		v.event(report.Warning, eventUnread, what, "could not be read: "+text)
	})
	v.over("gap ", gaps, func(what string) {
		v.logger().Info("part of the world can be read again", zap.String(keyObject, what))
		v.event(report.Normal, eventReadAgain, what, "can be read again")
	})
	v.topics("hold ", holds, func(what, text string) {
		guard, object, fields := heldBy(what)
		v.logger().Info("held", append(fields, zap.String(keyText, text))...)
		v.event(cmp.Or(kinds[what], report.Normal), eventHeld, object, text+" ("+guard+")")
	})
	if len(r.Gaps) == 0 && r.Error == "" { // else what is not seen may be held still
		v.over("hold ", holds, func(what string) {
			guard, object, fields := heldBy(what)
			v.logger().Info("held no longer", fields...)
			v.event(report.Normal, eventReleased, object, "held no longer ("+guard+")")
		})
	}
	v.repairs(r)
	v.noLeader(r.NoLeader)
	v.rollOuts(r)
	var err error
	if r.Error != "" {
		err = fmt.Errorf("%s", r.Error)
	}
	v.problem("pass", err)
	if v.news("result", r.Result) {
		v.logger().Info("now "+r.Result, zap.Int(keyRevision, r.Revision), zap.Duration(keyTook, r.Took))
		v.event(report.Normal, eventResult, "cluster", "now "+r.Result)
	}
}

// heldBy returns the guard and the object of a hold's topic, and both as fields.
func heldBy(topic string) (guard, object string, fields []zap.Field) {
	guard, object, _ = strings.Cut(topic, " ")
	return guard, object, []zap.Field{zap.String(keyGuard, guard), zap.String(keyObject, object)}
}

// topics says each new text.
func (v *recorder) topics(prefix string, texts map[string]string, say func(what, text string)) {
	for _, what := range slices.Sorted(maps.Keys(texts)) {
		if v.news(prefix+what, texts[what]) {
			say(what, texts[what])
		}
	}
}

// over forgets the topics under the prefix that are not among the texts any more, and says so.
func (v *recorder) over(prefix string, texts map[string]string, say func(what string)) {
	v.mu.Lock()
	var ended []string
	for topic := range v.said {
		if what, ok := strings.CutPrefix(topic, prefix); ok {
			if _, still := texts[what]; !still {
				delete(v.said, topic)
				ended = append(ended, what)
			}
		}
	}
	v.mu.Unlock()
	slices.Sort(ended)
	for _, what := range ended {
		say(what)
	}
}
