package reconcile

import (
	"go.uber.org/zap"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
)

// rollOuts says of each service's roll-out when it is in another state than before. What is well when it is seen first is no news.
func (v *recorder) rollOuts(r report.Report) {
	for _, s := range r.Services {
		state, topic := s.RollOut.State, "roll-out "+s.Service
		first := !v.says(topic)
		if state == "" || !v.news(topic, string(state)) || first && !state.Bad() {
			continue
		}
		object, text := "service/"+s.Service, "roll-out "+s.RollOut.Text(s.Desired)
		v.logger().Info("roll-out is "+string(state), zap.String(keyObject, object), zap.String(keyText, text))
		kind := report.Normal
		if state.Bad() {
			kind = report.Warning
		}
		v.event(kind, eventRollOut, object, text)
	}
}

// says reports whether something was said of the topic.
func (v *recorder) says(topic string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	_, said := v.said[topic]
	return said
}

// baking reports whether the tasks of a service run that have not run for long enough yet.
func baking(r report.Report) bool {
	for _, s := range r.Services {
		if s.RollOut.State == plan.RollOutRunning {
			return true
		}
	}
	return false
}
