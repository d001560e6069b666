package plan

import (
	"slices"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// What the file says protect of is not removed because a later file has it no more. That file does not say so any longer, so the service itself does: in
// the label swarm.LabelProtected, which is written with whatever else is, or alone, and replaces no task. A person's word in that label stays until that
// person takes it back; the file's follows the file while that has the service. Of a service that the file has no more the label alone counts.

// protection is what the label is to say of a service of the stack, "" if nothing.
func (v *view) protection(want swarm.ServiceSpec) string {
	said := ""
	if live := v.liveService(want.Name); live != nil {
		said = live.Spec.Labels[swarm.LabelProtected]
	}
	switch {
	case said != "" && said != swarm.ProtectedByFile:
		return said
	case v.in.Spec.Protected[want.Name]:
		return swarm.ProtectedByFile
	}
	return ""
}

// protectionDiffers reports whether the live service does not say what it is to say of that. To a job nothing is written for it.
func (s service) protectionDiffers() bool {
	return s.live != nil && !s.isJob() && s.protect != s.live.Spec.Labels[swarm.LabelProtected]
}

// protectsOnly reports whether nothing changes but that.
func (s service) protectsOnly() bool {
	return s.protectionDiffers() && len(swarm.Diff(s.want.Form(), s.live.Spec.Form())) == 0
}

// protectKey is what the file says it with, below a service.
const protectKey = "x-swarmd.protect"

// protectChange is the change of the label in the file's words, none if there is none.
func (s service) protectChange() []swarm.Change {
	if !s.protectionDiffers() {
		return nil
	}
	words := map[bool]string{true: "true", false: "false"}
	return []swarm.Change{{Key: protectKey, From: words[s.live.Spec.Labels[swarm.LabelProtected] != ""], To: words[s.protect != ""]}}
}

// protectsLater reports whether a job does not say what it is to say of that, and its next edit has it do so.
func (s service) protectsLater() bool {
	return s.live != nil && s.isJob() && !s.edited() && s.protect != s.live.Spec.Labels[swarm.LabelProtected]
}

// leftOver reports whether a live service is ours and the file does not have it.
func (v *view) leftOver(live swarm.Service) bool {
	return v.ours(live.Spec.Labels) && v.wantedService(live.Spec.Name) == nil
}

// unprotected holds the removal of a service that is protected. Where the file wants to keep whatever it has no more, that is said instead.
func unprotected(v *view, _ spent, w wish) *refusal {
	if w.live.protected == "" || v.in.Spec.Policies.KeepRemoved {
		return nil
	}
	who, way := protectedBy(w.live.protected), unprotect(w.live.name)+", and it is removed"
	if w.live.protected == swarm.ProtectedByFile {
		who = "the file said so"
	}
	if live := v.liveService(w.live.name); live != nil && live.Spec.Mode.Job() {
		way = "docker service rm " + w.live.name // without its label it would run again
	}
	return forPerson(blocked(GuardProtected, w.object, "it stays: protected ("+who+"), though the file does not have it any more, and swarmd confirm does not change that; "+
		"if it is to go: "+way+"; if not, put it back into the file"))
}

// unprotect is the command that takes the word back.
func unprotect(service string) string { return "swarmd protect service/" + service + " --off" }

// protectedBy says in whose word the label is, "" if there is none.
func protectedBy(label string) string {
	off := swarm.ParseHandsOff(label)
	switch {
	case label == "":
		return ""
	case label == swarm.ProtectedByFile:
		return "the file says so"
	case off.Since.IsZero():
		return "a person said so: " + off.By
	}
	text := off.By + " said so at " + off.Since.UTC().Format(time.RFC3339)
	if off.Why != "" {
		text += ": " + off.Why
	}
	return text
}

// sparedBy says which of the services that are to go stay all the same, as the end of a sentence.
func (v *view) sparedBy(gone []string) string {
	var spared []string
	for _, name := range gone {
		if live := v.liveService(name); live != nil && live.Spec.Labels[swarm.LabelProtected] != "" {
			spared = append(spared, name)
		}
	}
	if len(spared) == 0 {
		return ""
	}
	return "; protected, and not removed then either: " + firstFew(v.inFile(spared))
}

// volumeKept holds a new service whose volume one has that is protected and that the file does not have: a service under another name, whose data two
// would write to at once.
func volumeKept(v *view, _ spent, w wish) *refusal {
	for _, volume := range w.service.want.Form().Volumes() {
		for _, s := range v.in.World.Services {
			if s.Spec.Labels[swarm.LabelProtected] != "" && v.leftOver(s) && slices.Contains(s.Spec.Form().Volumes(), volume) {
				return forPerson(blocked(GuardProtected, w.object, "not created: "+s.Spec.Name+" has its volume "+volume+", is protected, and the file does not have it any more. "+
					"If this is the same under another name: "+unprotect(s.Spec.Name)+", and it follows when that is removed; if not, put "+s.Spec.Name+" back into the file, or name another volume"))
			}
		}
	}
	return nil
}

// reportProtection says of a service that is to say it is protected, and is not written now, that it does not say so yet: a write would cost a roll-out its
// way back, or make one go on that has stopped.
func reportProtection(s service, b *builder) {
	if s.protect == "" || !s.protectionDiffers() {
		return
	}
	if written := slices.ContainsFunc(b.steps, func(o Step) bool { return o.ID == stepID("service", s.want.Name) }); !written {
		b.warn(GuardProtected, s.object(), "not protected yet: what the file says of "+protectKey+" is written when its roll-out is over and nothing else holds it; until then it goes when the file has it no more")
	}
}

// protectedByHand are the services of ours that a person has protected, as what swarmd leaves alone.
func (v *view) protectedByHand() []HandsOff {
	var out []HandsOff
	for _, s := range v.in.World.Services {
		label := s.Spec.Labels[swarm.LabelProtected]
		if label == "" || label == swarm.ProtectedByFile || !v.ours(s.Spec.Labels) {
			continue
		}
		off := swarm.ParseHandsOff(label)
		out = append(out, HandsOff{"service/" + s.Spec.Name, GuardProtected, off.Since, off.Until, off.By, off.Why})
	}
	slices.SortStableFunc(out, func(a, b HandsOff) int { return strings.Compare(a.Object, b.Object) })
	return out
}
