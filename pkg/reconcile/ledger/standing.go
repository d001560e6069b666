package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/swarmd/swarmd/internal/clock"
	"github.com/swarmd/swarmd/pkg/apierr"
)

// standing is what a candidate for the lease must know, all of one read: the lease, and what the ledger makes of it.
type standing struct {
	lease    Lease
	epoch    uint64 // of the ledger: no lease below it may write
	missing  bool   // there is no ledger, and nothing that speaks of one: who takes the lease makes it
	obstacle error  // why nobody can act under any lease, nil if somebody can; it says what to do
}

// rules reports whether the lease's holder could write into the ledger.
func (st standing) rules() bool {
	return st.lease.Holder != "" && st.obstacle == nil && !st.missing && st.lease.Epoch >= st.epoch
}

// standing returns it from a read that is not older than age, reading if need be.
func (s *Store) standing(ctx context.Context, age time.Duration) (standing, error) {
	if err := s.lock(ctx); err != nil {
		return standing{}, err
	}
	defer s.unlock()
	if _, seen := s.seen[s.leaseName()]; !seen || time.Since(s.seenAt) > age {
		if err := s.read(ctx); err != nil {
			return standing{}, err
		}
	}
	st := standing{}
	if c, ok := s.seen[s.leaseName()]; ok {
		lease, err := decodeLease(c)
		if err != nil {
			return standing{}, err
		}
		st.lease = lease
	}
	st.epoch, st.missing, st.obstacle = s.fence()
	return st, nil
}

// fence returns the epoch of the ledger as it was read last, or written since.
func (s *Store) fence() (epoch uint64, missing bool, obstacle error) {
	c, ok := s.seen[s.ledgerName()]
	switch {
	case !ok && s.written:
		epoch = s.epoch
	case !ok:
		obstacle = s.lost(s.revisions())
		return 0, obstacle == nil, obstacle
	default:
		l, err := s.decodeLedger(c)
		if err != nil {
			return 0, false, err
		}
		epoch = l.Epoch
	}
	if Halted(epoch) {
		obstacle = s.halted("take lease")
	}
	return epoch, false, obstacle
}

// wrote notes the epoch of a ledger that was written, and forgotten because of that.
func (s *Store) wrote(epoch uint64) { s.written, s.epoch = true, epoch }

// Unattended returns why nobody acts, nil if somebody does, for a caller that has looked once only. who is the holder as people name it. Clocks differ,
// so a lease that by this machine's clock was not renewed lately, or will be, is looked at again after the time in which a holder renews it.
func (s *Store) Unattended(ctx context.Context, st State, who string) error {
	switch l := st.Lease; {
	case st.Exists && Halted(st.Ledger.Epoch):
		return s.halted("act")
	case l.Holder == "":
		return fmt.Errorf("no swarmd holds the lease; %s", s.start(st))
	case l.Epoch < st.Ledger.Epoch:
		return fmt.Errorf("%s holds the lease at epoch %d, and the ledger goes by %d", who, l.Epoch, st.Ledger.Epoch)
	case time.Since(st.Renewed).Abs() < LeaseDuration:
		return nil
	}
	if err := clock.Sleep(ctx, RenewPeriod+RetryPeriod); err != nil {
		return err
	}
	again, err := s.Look(ctx)
	if err != nil {
		return err
	}
	if was, is := st.Lease, again.Lease; is.Holder != was.Holder || is.Renewed != was.Renewed {
		return nil
	}
	return fmt.Errorf("%s holds the lease and does not renew it; %s", who, s.start(st))
}

// start is how a person starts swarmd, whichever way it was installed.
func (s *Store) start(st State) string {
	if st.Ledger.ServicesOnly { // bootstrap installs swarmd on machines that it makes
		return fmt.Sprintf("start it on a manager with swarmd run --cluster %s --listen node:PORT, with a port that no other swarmd there has", s.cluster)
	}
	return fmt.Sprintf("start it with docker service update --force swarmd-%s, or on a manager with systemctl restart swarmd; "+
		"where it was never installed: swarmd bootstrap -f FILE", s.cluster)
}

// halt in a ledger's epoch says that swarmd was told to stop. It is above every lease's epoch, so that it fences the holder, whatever version that
// has, and the epoch from before stays readable.
const halt uint64 = 1 << 62

// Halted reports whether the ledger's epoch says that swarmd was told to stop: then nobody takes the lease.
func Halted(epoch uint64) bool { return epoch >= halt }

// Halt makes every holder's write fail until Resume, and keeps everybody from taking the lease. It returns the ledger as it is then.
func (s *Store) Halt(ctx context.Context) (Ledger, error) {
	return s.Update(ctx, func(l *Ledger) error {
		if !Halted(l.Epoch) {
			l.Epoch |= halt
		}
		return nil
	})
}

// Resume takes Halt back. A ledger that is not halted stays as it is.
func (s *Store) Resume(ctx context.Context) error {
	st, err := s.Look(ctx)
	if err != nil {
		return err
	}
	_, err = s.Update(ctx, func(l *Ledger) error {
		if !Halted(l.Epoch) {
			return nil
		}
		if l.Epoch &^= halt; l.Epoch >= maxEpoch { // that of a version that wrote the highest number there is
			l.Epoch = st.Lease.Epoch
		}
		return nil
	})
	return err
}

func (s *Store) halted(op string) error {
	return failed(op, apierr.Braked, fmt.Errorf("swarmd was told to stop by a destroy (config %s); to finish it: swarmd destroy -f FILE; "+
		"to let swarmd go on: swarmd destroy -f FILE --resume", s.ledgerName()))
}
