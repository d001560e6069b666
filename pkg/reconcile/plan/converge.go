package plan

import (
	"cmp"
	"fmt"
	"time"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// converge writes what was granted: nodes, services and networks become what is wished. It decides nothing.
func converge(v *view, granted []grant, b *builder) {
	for _, g := range granted {
		switch g.kind {
		case bind, putRight, promote, demote, quarantine:
			b.writeNode(g.machine, g.write)
		case rotate:
			c := v.in.World.Cluster
			b.step("rotate", "worker-token", RotateToken{Version: c.Version, Spec: c.Spec}, WhyRotate,
				"the worker join token is replaced: the machines that were made with it have joined, and their user-data still has it")
		case createNetwork:
			b.step("network", g.network.Name, CreateNetwork{Spec: g.network}, WhyNetworkNew, "the file wants it")
		case createKey, createConfig, createSecret, dropConfig, dropSecret:
			convergeObject(g, b)
		case takeService, takeConfig, takeSecret:
			takeOver(v, g, b)
		case dropService:
			b.step("remove-service", g.live.name, RemoveService{ID: g.live.id, Name: g.live.name}, WhyUnwanted, "the file does not have it any more")
		case dropNetwork:
			b.step("remove-network", g.live.name, RemoveNetwork{ID: g.live.id, Name: g.live.name}, WhyUnwanted, "nothing uses it any more")
		case forget:
			b.step("forget", g.live.name, RecordRollout{Service: g.live.name}, WhyRolloutOver, g.live.name+" runs what is wanted")
		case tag:
			b.tag(g.machine, v.in.World.Cluster.ID)
		default:
			convergeService(v, g, b)
		}
	}
}

func convergeService(v *view, g grant, b *builder) {
	s := g.service
	switch g.kind {
	case createService:
		want := s.want
		want.Labels = v.labelled(want)
		b.step("service", want.Name, CreateService{Spec: want, BestEffort: v.bestEffort(want)}, WhyServiceNew, "the file wants it", v.after(want)...)
	case recordRollback:
		b.step("failed", s.want.Name, RecordRollout{s.want.Name, v.rollbackSeen(s)}, WhyRollbackSeen,
			"version "+fmt.Sprint(s.live.Version)+" is a roll-back")
	case renewRecord:
		b.step("failed", s.want.Name, RecordRollout{s.want.Name, v.renewed(s.want)}, WhyRollbackSeen,
			"noted by its template: what a version before has noted holds for its replicas alone")
	case putBack:
		before, _ := v.lastGood(*s.live)
		back := swarm.ServiceChanges(before.Form(), s.live.Spec.Form())
		b.step("service", s.want.Name, UpdateService{ID: s.live.ID, Version: s.live.Version, Spec: before, Changes: back}, WhySuperseded,
			"the file has a newer specification; what ran before the roll-out is put back first: "+swarm.Summary(back))
	case giveUp:
		b.giveUp(v, g.wish)
	case pin:
		// What ran before is not named as good: it is the same specification, and the engine goes back to it.
		want := s.want.Pinned(v.in.Memory.Looked[s.want.Image].Pin)
		want.Labels = v.labelled(want)
		changes := []swarm.Change{{Key: "image", From: s.want.Image, To: want.Reference()}}
		b.rollOut(v, s, UpdateService{ID: s.live.ID, Version: s.live.Version, Spec: want, Changes: changes}, WhyPinned,
			"its registry tells the image's digest now: "+swarm.Summary(changes), nil)
	case renewLogin:
		b.step("login", s.want.Name, UpdateService{ID: s.live.ID, Version: s.live.Version, Spec: s.live.Spec}, WhyLogin,
			"the login to "+s.live.Spec.Registry+" is another one now; no task is replaced")
	case changeService:
		want, resolve := v.changed(s)
		changes := append(swarm.ServiceChanges(want.Form(), s.live.Spec.Form()), s.protectChange()...)
		code, text := v.whyChanged(s, changes)
		b.rollOut(v, s, UpdateService{ID: s.live.ID, Version: s.live.Version, Spec: want, ResolveImage: resolve, BestEffort: v.bestEffort(want), Changes: changes}, code, text, v.after(want))
	case spread:
		s = s.bent(swarm.Surge{For: swarm.SurgeSpread, Tasks: uint64(g.n)})
		want, _ := v.changed(s)
		want.Labels = spreadAt(want.Labels, v.in.Now.UTC().Format(time.RFC3339))
		changes := swarm.ServiceChanges(want.Form(), s.live.Spec.Form())
		b.rollOut(v, s, UpdateService{ID: s.live.ID, Version: s.live.Version, Spec: want, Changes: changes}, WhySurge,
			swarm.Summary(changes)+": "+g.text, nil)
	case scaleOnly:
		scaled := s.live.Spec.ScaledAs(s.want)
		setOrDelete(scaled.Labels, swarm.LabelProtected, s.protect)
		changes := append(swarm.ServiceChanges(scaled.Form(), s.live.Spec.Form()), s.protectChange()...)
		b.step("service", s.want.Name, UpdateService{ID: s.live.ID, Version: s.live.Version, Spec: scaled, Changes: changes}, WhyServiceDiff,
			"what runs is scaled, and what failed is not rolled out again: "+swarm.Summary(changes))
	}
}

// whyChanged is why a service becomes what is wanted, with the words of the change.
func (v *view) whyChanged(s service, changes []swarm.Change) (code, text string) {
	surge, more := s.want.Surge()
	switch text = cmp.Or(swarm.Summary(changes), "it is as the file wants it, and no longer says what failed"); {
	case !s.surgesOnly():
		return WhyServiceDiff, text
	case !more:
		return WhySurge, text + ": it needs no more than the file says now"
	}
	name := surge.For
	if op := v.surgeFor(surge.For); op != nil {
		name = op.Name
	}
	return WhySurge, fmt.Sprintf("%s: %d more until %s is drained", text, surge.Tasks, name)
}
