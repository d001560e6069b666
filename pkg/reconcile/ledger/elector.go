package ledger

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/swarmd/swarmd/internal/clock"
	"github.com/swarmd/swarmd/internal/sem"
	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// The times of the lease. A holder stops before anybody can take over: both count from the same renewal, the holder from before it
// was sent, the watcher from after it was seen, each by its own clock.
const (
	LeaseDuration = 30 * time.Second // unchanged for so long, the lease may be taken over
	RenewPeriod   = 10 * time.Second
	RenewDeadline = 25 * time.Second // without a confirmed renewal, the holder stops to act
	RetryPeriod   = 3 * time.Second
)

// ElectorConfig is what an Elector needs.
type ElectorConfig struct {
	Store    *Store
	Identity func(context.Context) (swarm.Info, error) // which node this is, which swarm
	Instance string                                    // random, of this process
	OneShot  bool                                      // a person's command (apply), which holds the lease under no node's name
	Changed  func()                                    // called when the lease was won or lost; may be nil
	Begin    func(context.Context) error               // asked before the ledger is made where there is none: an error forbids it; may be nil
	Wall     func() time.Time                          // what the clock on the wall says, which anybody may set; nil: time.Now
}

// Elector holds the lease for this process, or watches its holder. It is safe for use by several goroutines.
type Elector struct {
	cfg  ElectorConfig
	turn *sem.Mutex // one Tick at a time

	mu        sync.Mutex // protects what follows, never over a call
	info      swarm.Info
	holder    string
	seen      Lease
	top       uint64    // the highest epoch that was ever seen, in the lease or the ledger
	seenAt    time.Time // when seen changed last, by our own clock
	held      bool
	confirmed time.Time // from before the last renewal that succeeded was sent
	onTheWall time.Time // the same, without the monotonic clock
	started   bool      // a first look was taken
	standBack time.Time // until then the lease is left to others
	acted     time.Time // when somebody was last seen to renew a lease that counts
	trouble   error     // of the last Tick

	doubt bool // the lease may have been taken by a write that failed; only who has the turn touches it
}

// NewElector returns an elector that holds nothing and sends nothing before its first Tick.
func NewElector(cfg ElectorConfig) *Elector {
	if cfg.Wall == nil {
		cfg.Wall = time.Now
	}
	return &Elector{cfg: cfg, turn: sem.New()}
}

// Check is the lease check before each write: an error of kind Conflict unless the lease is held and was confirmed in time.
func (e *Elector) Check() error {
	if _, ok := e.Held(); !ok {
		return failed("check lease", apierr.Conflict, fmt.Errorf("the lease is not held"))
	}
	return nil
}

// Held returns the epoch under which this process may act.
func (e *Elector) Held() (epoch uint64, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.seen.Epoch, e.held && e.unconfirmed(time.Now()) < RenewDeadline
}

// unconfirmed is how long ago the lease was confirmed, by the clock that says longer. The monotonic one stands still while a laptop sleeps or a
// machine is suspended, and others have taken over meanwhile; the wall clock can be set back.
func (e *Elector) unconfirmed(now time.Time) time.Duration {
	return max(now.Sub(e.confirmed), e.cfg.Wall().Round(0).Sub(e.onTheWall))
}

// OneShotPrefix begins the holder's name where a person's command holds the lease and no node's own daemon does.
const OneShotPrefix = "visitor-"

// Renewed is when the lease was seen to change last, by this process's clock; zero before the first look.
func (e *Elector) Renewed() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.seenAt
}

// Seen returns the lease as it was seen last.
func (e *Elector) Seen() Lease {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.seen
}

// Run ticks until ctx ends, then releases the lease. told is called with each tick's error, or nil.
func (e *Elector) Run(ctx context.Context, told func(error)) {
	for {
		told(e.Tick(ctx, 0))
		select {
		case <-time.After(e.pause()):
		case <-ctx.Done():
			e.release(ctx)
			return
		}
	}
}

// pause is how long nothing is due. A held lease that is late is tried again at the watcher's pace.
func (e *Elector) pause() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.held {
		return RetryPeriod
	}
	return max(RetryPeriod, RenewPeriod-e.unconfirmed(time.Now()))
}

// Tick looks at the lease, which may have been read up to age ago, and renews it, takes it, or remembers its holder.
func (e *Elector) Tick(ctx context.Context, age time.Duration) error {
	if err := e.turn.Lock(ctx, "tick"); err != nil {
		return err
	}
	defer e.turn.Unlock()
	e.begin()
	was, wasIdle := e.holds(), e.idle()
	err := e.tick(ctx, age)
	e.mu.Lock()
	e.trouble = err
	e.mu.Unlock()
	if (e.holds() != was || e.idle() != wasIdle) && e.cfg.Changed != nil {
		e.cfg.Changed()
	}
	return err
}

// begin gives others the benefit of the doubt, from the first Tick on.
func (e *Elector) begin() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.acted.IsZero() {
		e.acted = time.Now()
	}
}

// Idle returns for how long nobody has acted, as far as this process knows, and the error of its last Tick. A swarmd acts if it was seen to renew a
// lease that the ledger goes by. Before the first Tick it is 0.
func (e *Elector) Idle() (time.Duration, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	if e.held && e.unconfirmed(now) < RenewDeadline || e.acted.IsZero() {
		return 0, nil
	}
	return now.Sub(e.acted), e.trouble
}

// idle reports whether nobody has acted for longer than a lease lasts.
func (e *Elector) idle() bool {
	d, _ := e.Idle()
	return d >= LeaseDuration
}

func (e *Elector) tick(ctx context.Context, age time.Duration) error {
	if e.holder == "" {
		if err := e.identify(ctx); err != nil {
			return err
		}
	}
	if e.holds() {
		age = RenewPeriod // its compare-and-swap proves that what was read is current
	}
	st, err := e.cfg.Store.standing(ctx, age)
	if err != nil {
		e.lapse(err)
		return fmt.Errorf("read lease: %w", err)
	}
	next, want := e.judge(st)
	switch {
	case st.obstacle != nil && st.lease.Holder == e.holder:
		return e.giveUp(ctx, st.obstacle)
	case st.obstacle != nil:
		return st.obstacle
	case !want:
		return nil
	}
	if !e.holds() {
		was := e.holder
		if err := e.identify(ctx); err != nil {
			return err
		}
		if e.holder != was {
			return nil // who takes it is another node now: the next tick judges anew
		}
		if err := e.mayBegin(ctx, st); err != nil {
			return fmt.Errorf("begin ledger: %w", err)
		}
	}
	return e.take(ctx, st.lease, next)
}

// identify asks which node this is, of which swarm: once at first, and again before the lease is taken. An engine can leave a swarm and join, or
// begin, another one below a swarmd that runs on; a ledger that is made then must not carry the old swarm's id.
func (e *Elector) identify(ctx context.Context) error {
	info, err := e.cfg.Identity(ctx)
	if err != nil {
		return fmt.Errorf("identify node: %w", err)
	}
	if !info.ControlAvail || info.NodeID == "" {
		return failed("identify node", apierr.NotManager, fmt.Errorf("this engine is not a manager of a swarm"))
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.info, e.holder = info, info.NodeID+"/"+e.cfg.Instance
	if e.cfg.OneShot {
		e.holder = OneShotPrefix + e.cfg.Instance
	}
	return nil
}

// mayBegin asks whether a ledger may be made where there is none.
func (e *Elector) mayBegin(ctx context.Context, st standing) error {
	if e.cfg.Begin == nil || !st.missing {
		return nil
	}
	return e.cfg.Begin(ctx)
}

// judge notes the lease and says whether to write it, and what. The rules: ours is renewed when due, while the ledger goes by it; a
// released one is free; one of an earlier process of this very node is ours at start; any other is free when unchanged for LeaseDuration by our own
// clock. Who takes it goes above every epoch that the lease, the ledger and this process know: each of the three may have been lost.
func (e *Elector) judge(st standing) (next Lease, want bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	l, now := st.lease, time.Now()
	if e.top = max(e.top, l.Epoch); !Halted(st.epoch) {
		e.top = max(e.top, st.epoch)
	}
	next = Lease{Holder: e.holder, Epoch: e.top + 1, Renewed: l.Renewed + 1}
	if l.Epoch != e.seen.Epoch || l.Renewed != e.seen.Renewed || l.Holder != e.seen.Holder || !e.started {
		if e.seenAt = now; st.rules() {
			e.acted = now
		}
	}
	first := !e.started
	e.seen, e.started = l, true
	back := now.Before(e.standBack)
	if l.Holder == e.holder && !back {
		if !st.rules() {
			e.held = false // what it holds is worth nothing: it is taken anew
		}
		if e.held {
			next.Epoch = l.Epoch
		}
		return next, !e.held || e.unconfirmed(now) >= RenewPeriod/2
	}
	e.held = false
	own := first && !e.cfg.OneShot && l.Node() == e.info.NodeID
	free := l.Holder == "" || own || now.Sub(e.seenAt) >= LeaseDuration
	return next, free && !back
}

// stopped is for how long a process that is stopped waits for the answer to a write of the lease. Cut off, it might come after the lease was looked at
// to hand it back.
const stopped = time.Second

// take writes the lease and, when it is newly held, fences the ledger before it counts as held. A lease whose fence failed is given up: to
// renew it without holding it would keep everybody else from it.
func (e *Elector) take(ctx context.Context, from, next Lease) error {
	asked, onTheWall := time.Now(), e.cfg.Wall().Round(0)
	write, done := clock.Linger(ctx, stopped)
	defer done()
	if err := e.cfg.Store.setLease(write, from, next); err != nil {
		e.lapse(err)
		e.doubt = !apierr.KindOf(err).Refused()
		return fmt.Errorf("write lease: %w", err)
	}
	e.doubt = false
	if !e.holds() {
		if err := e.cfg.Store.takeFence(ctx, e.info.ClusterID, next.Epoch); err != nil {
			e.standBackFor(RenewPeriod)
			return e.giveUp(ctx, fmt.Errorf("fence ledger: %w", err))
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seen, e.seenAt, e.held, e.confirmed, e.onTheWall, e.acted = next, time.Now(), true, asked, onTheWall, asked
	return nil
}

// standBackFor leaves the lease to others for a while.
func (e *Elector) standBackFor(d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.standBack = time.Now().Add(d)
}

// giveUp hands the lease back because nobody can act under it, and returns why. ctx may have ended: that may be why.
func (e *Elector) giveUp(ctx context.Context, why error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	e.drop()
	e.handBack(ctx)
	return why
}

// lapse gives the lease up at once when the engine is no manager any more or somebody else took it. Any other error may pass in
// time: Held ends by itself.
func (e *Elector) lapse(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if k := apierr.KindOf(err); k == apierr.Conflict || k == apierr.NotManager || e.unconfirmed(time.Now()) >= RenewDeadline {
		e.held = false
	}
}

func (e *Elector) holds() bool {
	_, ok := e.Held()
	return ok
}

// StepDown releases the lease and leaves it to others for a while, because this machine is about to leave and must not act on itself.
func (e *Elector) StepDown(ctx context.Context, d time.Duration) {
	e.standBackFor(d)
	e.release(ctx)
}

// release hands the lease back, so that another one need not wait for LeaseDuration. It takes at most 3 s, also when ctx has ended.
func (e *Elector) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	if e.turn.Lock(ctx, "release") != nil {
		return
	}
	defer e.turn.Unlock()
	if !e.holds() && !e.doubt {
		return
	}
	e.drop()
	e.handBack(ctx)
	if e.cfg.Changed != nil {
		e.cfg.Changed()
	}
}

// handBack writes the lease as free if it is ours. What cannot be released will be taken over after LeaseDuration.
func (e *Elector) handBack(ctx context.Context) {
	if st, err := e.cfg.Store.standing(ctx, 0); err == nil && st.lease.Holder == e.holder {
		_ = e.cfg.Store.setLease(ctx, st.lease, Lease{Epoch: st.lease.Epoch, Renewed: st.lease.Renewed + 1})
	}
}

func (e *Elector) drop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.held = false
}
