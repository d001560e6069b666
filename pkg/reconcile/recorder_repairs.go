package reconcile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
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

// mostMachines is of how many machines a report says one by one that they are of another class. After an election all are unknown, and the timeline
// keeps no more than its last events.
const mostMachines = 20

// machines adds to the timeline which machines are of another class than before, and of many how many of them are of which.
func (v *recorder) machines(nodes []report.Node) {
	now, changed, each := map[string]string{}, []report.Event(nil), map[string]int{}
	for _, n := range nodes {
		if n.Class == "" {
			continue
		}
		key := cmp.Or(n.NodeID, n.Name)
		if n.DropletID != 0 {
			key = strconv.Itoa(n.DropletID)
		}
		now[key] = n.Class
		if was := v.classes[key]; was != "" && was != n.Class {
			changed = append(changed, report.Event{Object: "node/" + n.Name, Message: "is " + n.Class + ", was " + was})
			each[n.Class]++
		}
	}
	if len(now) == 0 {
		return // nothing was planned
	}
	v.classes = now
	if len(changed) > mostMachines {
		changed = nil
		for _, class := range slices.Sorted(maps.Keys(each)) {
			changed = append(changed, report.Event{Object: "cluster", Message: fmt.Sprintf("%d machines are %s now", each[class], class)})
		}
	}
	for _, e := range changed {
		v.event(report.Normal, eventClass, e.Object, e.Message)
	}
}
