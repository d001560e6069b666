package plan

import (
	"strings"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// templateMark begins the hash of a template. Versions before remembered the hash of the whole form, which has none.
const templateMark = "t"

// templateHash is what a roll-out is remembered by: an edit of the replicas or of the service's labels alone is not another roll-out.
func templateHash(s swarm.ServiceSpec) string { return templateMark + s.Form().Template().Hash() }

// isTemplate reports whether a hash of the ledger is the specification's: of its template, or of the whole form that it was written for.
func isTemplate(hash string, s swarm.ServiceSpec) bool {
	return hash != "" && (hash == s.Labels[swarm.LabelHash] || hash == templateHash(s))
}

// isFailed reports whether the template that is wanted was rolled out before and taken back.
func (v *view) isFailed(want swarm.ServiceSpec) bool {
	return FailedTemplate(v.tried(want.Name), want)
}

// failsAgain reports whether what is wanted failed before, and to write it would replace the tasks that run.
func (v *view) failsAgain(s service) bool { return swarm.Replaces(s.diff) && v.isFailed(s.want) }

// failedWishes are what is wished of a service whose wanted template failed: that it is remembered by its template, where a version before has
// remembered its whole form, so that the next edit of the replicas is still known as that; and that what runs has as many tasks as the file says, and says that it is protected where the file does.
func (v *view) failedWishes(s service) (kinds []kind) {
	if !v.failsAgain(s) {
		return nil
	}
	if tried := v.tried(s.want.Name); tried.Template == s.want.Labels[swarm.LabelHash] {
		kinds = append(kinds, renewRecord)
	}
	scales := s.want.Mode == swarm.Replicated && (s.want.Replicas() != s.live.Spec.Replicas() || s.surgeDiffers())
	if s.live.Spec.Mode == s.want.Mode && (scales || s.protectionDiffers()) {
		kinds = append(kinds, scaleOnly)
	}
	return kinds
}

// renewed is what is remembered of a service, by the template that is wanted.
func (v *view) renewed(want swarm.ServiceSpec) ledger.RollOut {
	tried := v.tried(want.Name)
	tried.Template = templateHash(want)
	return tried
}

// said is what the engine says of the roll-out and its tasks as the end of a sentence. A write since then has cleared the first.
func (v *view) said(live swarm.Service) string {
	message, why := live.UpdateMessage, v.because(live)
	if live.Update == "" || live.Update == swarm.Completed || live.Update == swarm.Updating {
		message = live.Spec.Labels[swarm.LabelFailed] // the engine's is of what was put back, or cleared by a scale
	}
	if strings.Contains(message, strings.TrimPrefix(why, ": ")) {
		why = "" // that task is the one that the label tells of
	}
	if message == "" {
		return why
	}
	return ": " + message + why
}

// FailedTemplate reports whether what the ledger remembers of a service's roll-out is that this specification failed.
func FailedTemplate(remembered ledger.RollOut, s swarm.ServiceSpec) bool {
	return remembered.Failed && isTemplate(remembered.Template, s)
}
