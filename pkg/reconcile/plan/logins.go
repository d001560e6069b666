package plan

import (
	"maps"
	"slices"

	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// Login is what is known on the machine of this swarmd of how a registry is logged in to.
type Login struct {
	Mark string // see swarm.MarkLogin; "" if it is not known
	Err  string // why not, for people: "/etc/swarmd/registry cannot be read on manager-1: no such file"; "" while the cluster's key is not there yet
}

// bestEffort reports whether the file is content with the image's tag alone where its registry does not tell the digest.
func (v *view) bestEffort(want swarm.ServiceSpec) bool {
	return v.in.Spec.BestEffort[want.Name]
}

// hasLogin reports whether the file says how the registry of the service's image is logged in to.
func (v *view) hasLogin(want swarm.ServiceSpec) bool {
	_, has := v.in.Logins[want.Registry]
	return has
}

// wantsKey reports whether logins wait for the cluster's key.
func (v *view) wantsKey() bool {
	for _, l := range v.in.Logins {
		if l == (Login{}) {
			return true
		}
	}
	return false
}

// loginThere holds a service that is new or gets another image while the login to its registry is not known here: the look-up and the nodes need it.
func loginThere(v *view, _ spent, w wish) *refusal {
	s := w.service
	login, has := v.in.Logins[s.want.Registry]
	switch {
	case !has || login.Mark != "" || s.live != nil && sameImage(s.want, s.live.Spec):
		return nil
	case login.Err == "":
		return &refusal{progressing: true, requeue: requeueWait} // the cluster's key comes first
	}
	return blocked(GuardLoginFile, w.object, "not written: the login to "+s.want.Registry+" is not here, "+login.Err+"; put it on each manager")
}

// staleLogin reports whether what runs was written with another login than the one that counts now. Nodes that pull its image later would show that one.
func (v *view) staleLogin(live swarm.Service) bool {
	login := v.in.Logins[live.Spec.Registry]
	return login.Mark != "" && login.Mark != live.Spec.Labels[swarm.LabelLogin]
}

// loginAtRest has a login renewed only where nothing else is written to the service and no roll-out is under way: any write makes the engine forget what
// it would go back to.
func loginAtRest(v *view, s spent, w wish) *refusal {
	written := slices.ContainsFunc(s.granted, func(g grant) bool { return g.object == w.object })
	if live := *w.service.live; !written && v.denied(w.service) == nil && settled(live) && !v.gap(world.GapTasks) && !v.halfway(live) {
		return nil
	}
	return &refusal{}
}

// reportLogins says which logins are not known here.
func reportLogins(v *view, b *builder) {
	for _, host := range slices.Sorted(maps.Keys(v.in.Logins)) {
		if l := v.in.Logins[host]; l.Err != "" {
			b.hold(GuardLoginFile, "registry/"+host, l.Err+": what runs goes on with the login that it was written with, and services get no other image from there; put it on each manager")
		}
	}
}
