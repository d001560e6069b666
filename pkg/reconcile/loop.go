// Package reconcile is the loop: it looks, computes a plan, and executes it if this swarmd holds the lease. It decides when to look and
// whose file counts; what to do is the planner's decision, and how to call is the executor's.
//
// Everything that happens (a file saved, an event of the engine, a timer, the lease won or lost) only says "look now": each pass looks at
// the whole world. There is never more than one pass at once, and a pass never waits for the world to change: it says when to look again.
package reconcile

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
)

// Loop is one swarmd's loop.
type Loop struct {
	cfg      Config
	elector  *ledger.Elector
	executor *execute.Executor
	sources  sources
	kicks    chan struct{} // the lease changed, or somebody wants a look
	hints    chan struct{} // the tasks changed
	offers   chan offer
	retry    *jittered
	lookups  *lookups
	recorder *recorder
	cached   *cachedCloud
	fleet    *fleet
	sealer   *sealer
	logins   *logins

	// Only the goroutine of Run touches these.
	want    desired
	faulty  faulty  // the accepted revision, if l.want is an older one
	earlier desired // the older revision that was asked for last, see good
	reader  reader
	number  uint64 // of the pass

	memory    memory
	standings standings
	losses    losses
	repairs   repairs
	stranded  stranded

	mu            sync.Mutex // protects what follows, never over a call
	last          report.Report
	changed       chan struct{} // is closed when last is another one
	beat          time.Time     // when the loop last turned
	followers     map[chan report.Report]bool
	notBegun      *NotBegunError // nil: the ledger is there, or nothing is against it
	notBegunUntil time.Time      // when that is looked at again
}

// New returns a loop. It sends nothing before Run.
func New(cfg Config) *Loop {
	if cfg.OpIDs == nil {
		cfg.OpIDs = RandomOpIDs
	}
	if cfg.Prices == nil {
		cfg.Prices = func() map[string]float64 { return nil }
	}
	if cfg.Sizes == nil {
		cfg.Sizes = func() map[string]cloud.Size { return nil }
	}
	if cfg.VPCs == nil {
		cfg.VPCs = func(string) []cloud.VPC { return nil }
	}
	if cfg.Jitter == nil {
		cfg.Jitter = rand.Float64
	}
	if cfg.Wall == nil {
		cfg.Wall = time.Now
	}
	if cfg.Plan == nil {
		cfg.Plan = plan.Compute
	}
	if cfg.NewCluster {
		cfg.Store.BeginServicesOnly()
	}
	l := &Loop{cfg: cfg, kicks: make(chan struct{}, 1), hints: make(chan struct{}, 1), offers: make(chan offer), followers: map[chan report.Report]bool{}, changed: make(chan struct{}),
		retry: newBackoff(500*time.Millisecond, 30*time.Second, cfg.Jitter), lookups: newLookups(cfg.Jitter), recorder: newRecorder(cfg.Log), cached: newCachedCloud(cfg.Reads.Cloud, cfg.Elector.OneShot), fleet: &fleet{cachedCloud: &cachedCloud{of: cfg.Reads.Cloud}}}
	if cfg.ReadSecret == nil {
		cfg.ReadSecret = readSecret
	}
	if cfg.Identity == nil {
		cfg.Identity = func() ([]byte, error) { return nil, errors.New("this swarmd has no age identity") }
	}
	l.sealer = &sealer{read: cfg.ReadSecret, credentials: cfg.Credentials, identity: cfg.Identity, own: cfg.Own}
	cfg.Execute.Seal = l.sealer.seal
	l.logins = &logins{sealer: l.sealer}
	cfg.Execute.Login = l.logins.login
	cfg.Execute.NewKey = func() (string, []byte) {
		return ledger.KeyName(cfg.Cluster), []byte(strings.Join(cfg.OpIDs(2), "")) // 150 random bits
	}
	cfg.Elector.Changed, cfg.Elector.Begin, cfg.Elector.Wall = l.Kick, l.mayBeginAgain, cfg.Wall
	l.elector = ledger.NewElector(cfg.Elector)
	cfg.Execute.Check = l.elector.Check
	cfg.Execute.OnStep = l.stepEnded
	cfg.Execute.Wall = cfg.Wall
	l.executor = execute.New(cfg.Execute)
	l.last = report.Report{Cluster: cfg.Cluster, Result: report.Starting}
	return l
}

// Kick asks for a look now.
func (l *Loop) Kick() {
	select {
	case l.kicks <- struct{}{}:
	default:
	}
}

// Run runs the loop until ctx ends. Then the call in flight ends, the lease is released, and Run returns, within ten seconds.
func (l *Loop) Run(ctx context.Context) error {
	leaseCtx, release := context.WithCancel(context.WithoutCancel(ctx)) // it outlives the last pass, whose writes need it
	var wg sync.WaitGroup
	defer wg.Wait()
	defer release()
	if l.cfg.Initial != nil {
		l.sources.offer(offer{data: l.cfg.Initial, origin: ledger.AtStart, source: l.cfg.Source})
	}
	wg.Go(func() { l.elector.Run(leaseCtx, l.leaseTold) })
	wg.Go(func() { l.watchTasks(ctx) })
	l.turn(ctx)
	return nil
}

// turn is the loop proper.
func (l *Loop) turn(ctx context.Context) {
	edits, events := l.cfg.Edits, l.cfg.Events
	timer := time.NewTimer(0)
	defer timer.Stop()
	due := time.Now() // when timer fires
	for {
		l.beats()
		select {
		case <-ctx.Done():
			return
		case data, ok := <-edits:
			if !ok {
				edits = nil
				continue
			}
			if !l.sources.edit(data, l.cfg.Source) {
				continue
			}
		case err := <-l.cfg.Unread:
			l.unread(err)
		case o := <-l.offers:
			l.sources.offer(o)
		case _, ok := <-events:
			if !ok {
				events = nil
			}
			due = l.hinted(timer, due, ok)
			continue
		case <-l.hints:
			due = l.hinted(timer, due, true)
			continue
		case <-l.kicks:
		case <-timer.C:
		}
		l.gather(edits)
		due = time.Now().Add(l.pass(ctx))
		timer.Reset(time.Until(due))
	}
}

// gather takes in what came before the pass that begins now: its look answers every kick and hint so far. Without it, what a select
// happens to pick of several that wait would decide how many passes follow.
func (l *Loop) gather(edits <-chan []byte) {
	for {
		select {
		case data, ok := <-edits:
			if !ok {
				edits = nil
				continue
			}
			l.sources.edit(data, l.cfg.Source)
			continue
		default:
		}
		select {
		case o := <-l.offers:
			l.sources.offer(o)
			continue
		case err := <-l.cfg.Unread:
			l.unread(err)
			continue
		default:
		}
		break
	}
	for _, told := range []<-chan struct{}{l.kicks, l.hints, l.cfg.Events} {
		select {
		case <-told:
		default:
		}
	}
}

// hinted brings the next pass forward after an event. A swarmd that does not act, and that nobody follows, does not care for events.
func (l *Loop) hinted(timer *time.Timer, due time.Time, heard bool) time.Time {
	_, held := l.elector.Held()
	if !heard || !held && !l.followed() {
		return due
	}
	at := time.Now().Add(debounce)
	if gap := l.Last().At.Add(eventPause); gap.After(at) {
		at = gap
	}
	if at.Before(due) {
		timer.Reset(time.Until(at))
		return at
	}
	return due
}

// pause says when to look again after a pass.
func (l *Loop) pause(r report.Report, lookAgain time.Duration) time.Duration {
	next := l.want.resync()
	switch {
	case !r.Lease.Held && l.followed():
		next = followPace
	case !r.Lease.Held:
		next = watchPace
	case lookAgain > 0:
		next = min(next, max(lookAgain, lookPause))
	}
	if r.Lease.Held && l.fleet.keptBefore(r.At.Add(-r.Took)) {
		next = min(next, max(time.Until(l.fleet.stale()), lookPause)) // a pass that did with a kept list puts off no full look
	}
	if r.Result == report.Failed || l.sources.open() {
		return min(l.want.resync(), l.retry.NextBackOff())
	}
	l.retry.Reset()
	return next
}

func (l *Loop) beats() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.beat = time.Now()
}

// Alive returns an error if the loop has not turned for longer than a pass may take.
func (l *Loop) Alive() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.beat.IsZero() {
		return nil // not run yet
	}
	if still := time.Since(l.beat); still > watchPace+passDeadline {
		return fmt.Errorf("the loop has not turned for %s", still.Round(time.Second))
	}
	return nil
}

// leaseTold is called with the error of each tick of the elector, or nil, in the elector's goroutine.
func (l *Loop) leaseTold(err error) {
	l.refused(err)
	l.recorder.problem("lease", err)
	epoch, held := l.elector.Held()
	l.recorder.lease(held, epoch, l.elector.Seen().Holder)
	l.cfg.Metrics.Lease(held, epoch)
	if idle, _ := l.elector.Idle(); idle >= ledger.LeaseDuration {
		l.cfg.Metrics.Unattended()
	}
}

func (l *Loop) stepEnded(r execute.Result) {
	l.cfg.Metrics.Step(r.Step.Action.About().Name, string(r.Outcome))
	l.recorder.step(r)
}
