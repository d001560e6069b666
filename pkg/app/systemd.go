package app

import (
	"context"
	"fmt"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/swarmd/swarmd/pkg/reconcile"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
)

// NotifySystemd says READY when the first pass is over, feeds the watchdog while the loop turns, and says STOPPING at the end. Without
// systemd it does nothing.
func NotifySystemd(ctx context.Context, loop *reconcile.Loop) {
	notify := func(state string) { _, _ = daemon.SdNotify(false, state) } // without a socket there is nobody to tell
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil || interval == 0 {
		interval = time.Minute
	}
	ready, tick := false, time.NewTicker(min(interval/3, time.Second))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			notify(daemon.SdNotifyStopping)
			return
		case <-tick.C:
		}
		last := loop.Last()
		if !ready && last.Result != report.Starting {
			ready = true
			notify(daemon.SdNotifyReady)
		}
		if loop.Alive() == nil {
			notify(daemon.SdNotifyWatchdog + "\nSTATUS=" + statusLine(last))
		}
	}
}

func statusLine(r report.Report) string {
	who := "watching"
	if r.Lease.Held {
		who = "acting"
	}
	return fmt.Sprintf("%s, revision %d, %s", who, r.Revision, r.Result)
}
