package reconcile

import (
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/swarmd/swarmd/pkg/reconcile/report"
)

// repairs says what of the machines was lost, repaired and whole again.
func (v *recorder) repairs(r report.Report) {
	for _, l := range r.Losses {
		pool, names := "pool/"+l.Pool, strings.Join(l.Machines, ", ")
		have := fmt.Sprintf("%d of %d machines of pool %s are ready", l.Ready, l.Desired, l.Pool)
		if l.Whole {
			text := fmt.Sprintf("%s again, %s after %s was lost", have, l.Took.Round(time.Second), names)
			v.logger().Info("pool is whole again", zap.String(keyObject, pool), zap.String(keyText, text))
			v.event(report.Normal, eventWhole, pool, text)
			continue
		}
		text := have + ": lost " + names
		v.logger().Warn("pool lost machines", zap.String(keyObject, pool), zap.String(keyText, text))
		v.event(report.Warning, eventLost, pool, text)
	}
	for _, p := range r.Repairs {
		kind, text := report.Normal, fmt.Sprintf("repair of %s (%s): %s", p.Machine, p.Reason, p.Outcome)
		if p.Outcome == report.RepairFailed {
			kind = report.Warning
		}
		v.logger().Info("repair", zap.String(keyObject, "pool/"+p.Pool), zap.String(keyText, text))
		v.event(kind, eventRepair, "pool/"+p.Pool, text)
	}
}
