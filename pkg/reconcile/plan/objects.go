package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// keptVersions is how many versions of a config or a secret stay, the wanted one among them: a revision that comes back finds its own.
const keptVersions = 3

// The kinds of Docker's objects that tasks find as files.
const (
	ofConfig = "config"
	ofSecret = "secret"
)

// Sealing is what is known of a secret of the file on the machine of this swarmd.
type Sealing struct {
	Name string // in the swarm, with the hash of its value; "" if that is not known
	Err  string // why it cannot be made, for people: "/etc/swarmd/secrets/token cannot be read on manager-1: no such file"; "" while the cluster's key is not there yet
}

// object is a config or a secret, wanted or live.
type object struct {
	kind     string // ofConfig or ofSecret
	id       string // of a live one
	name, of string
	labels   map[string]string
	data     []byte           // of a config
	secret   swarm.SecretSpec // a wanted one
	version  uint64           // of a live one
	created  time.Time
}

func (o object) ref() string { return o.kind + "/" + o.name }

// liveObjects are the configs and secrets that are there.
func (v *view) liveObjects() []object {
	var all []object
	for _, c := range v.in.World.Configs {
		all = append(all, object{kind: ofConfig, id: c.ID, name: c.Name, of: c.Labels[swarm.LabelVersionOf], labels: c.Labels, data: c.Data, version: c.Version, created: c.Created})
	}
	for _, s := range v.in.World.Secrets {
		all = append(all, object{kind: ofSecret, id: s.ID, name: s.Name, of: s.Labels[swarm.LabelVersionOf], labels: s.Labels, version: s.Version, created: s.Created})
	}
	return all
}

// wantedObjects are those that the stack makes. A secret whose name is not known is none of them.
func (v *view) wantedObjects() []object {
	var all []object
	for _, c := range v.in.Stack.Configs {
		all = append(all, object{kind: ofConfig, name: c.Name, of: c.Of, labels: c.Labels, data: c.Data})
	}
	for _, s := range v.in.Stack.Secrets {
		if name := v.in.Sealed[s.Of].Name; name != "" {
			all = append(all, object{kind: ofSecret, name: name, of: s.Of, labels: s.Labels, secret: s})
		}
	}
	return all
}

// liveObject is the live config or secret of the name, or nil. The engine makes no difference between upper and lower case.
func (v *view) liveObject(kind, name string) *object {
	i := slices.IndexFunc(v.objects, func(o object) bool { return o.kind == kind && strings.EqualFold(o.name, name) })
	if i < 0 {
		return nil
	}
	return &v.objects[i]
}

func (v *view) wantsObject(kind, name string) bool {
	return slices.ContainsFunc(v.wantedObjects(), func(o object) bool { return o.kind == kind && o.name == name })
}

// versionOfOurs reports whether an object is a version of one that swarmd made for this stack. Nothing else is ever removed.
func (v *view) versionOfOurs(o object) bool { return v.ours(o.labels) && o.of != "" }

// proposeObjects proposes the configs and secrets that are missing.
func proposeObjects(v *view) []wish {
	var wishes []wish
	if (len(v.in.Stack.Secrets) > 0 || v.wantsKey()) && v.liveObject(ofConfig, ledger.KeyName(v.in.Spec.Cluster)) == nil {
		wishes = append(wishes, wish{kind: createKey, object: "cluster"})
	}
	for _, want := range v.wantedObjects() {
		w := wish{kind: createConfig, object: want.ref(), stored: want}
		if want.kind == ofSecret {
			w.kind = createSecret
		}
		if plain := v.plain(want.kind, want.of); plain != nil && v.takesOver(want.labels, plain.labels) {
			wishes = append(wishes, wish{kind: takeOf(want.kind), object: plain.ref(), stored: want, took: *plain})
			if plain.name == want.name {
				continue
			}
		}
		live := v.liveObject(want.kind, want.name)
		if live != nil && v.versionOfOurs(*live) {
			w.kind, w.text = changedConfig, "its content is not the one that its name says, and no content of a config can be changed: docker config rm "+want.name+
				" when no service uses it, or give it another content in the file"
			if want.kind == ofSecret || slices.Equal(live.data, want.data) {
				continue
			}
		}
		wishes = append(wishes, w)
	}
	return wishes
}

// proposeUnwantedObjects proposes to remove the versions that nothing refers to, neither what runs nor what it may go back to. Of what the file still
// has the last ones stay.
func proposeUnwantedObjects(v *view) []wish {
	var wishes []wish
	newer := map[string]int{}
	for _, o := range slices.SortedStableFunc(slices.Values(v.objects), func(a, b object) int {
		return cmp.Or(b.created.Compare(a.created), strings.Compare(a.name, b.name))
	}) {
		wanted, version := v.wantsObject(o.kind, o.name), o.kind+"/"+o.of
		if !v.versionOfOurs(o) || wanted || o.kind == ofSecret && v.in.Sealed[o.of].Err != "" {
			continue
		}
		if newer[version]++; v.declares(o) && newer[version] < keptVersions || v.refersTo(o) {
			continue
		}
		w := wish{kind: dropConfig, object: o.ref(), live: liveObject{id: o.id, name: o.name}, unfinished: true}
		if o.kind == ofSecret {
			w.kind = dropSecret
		}
		wishes = append(wishes, w)
	}
	slices.SortFunc(wishes, func(a, b wish) int { return strings.Compare(a.object, b.object) })
	return wishes
}

// declares reports whether the stack has the config or secret, of whatever content.
func (v *view) declares(o object) bool {
	if o.kind == ofSecret {
		return slices.ContainsFunc(v.in.Stack.Secrets, func(s swarm.SecretSpec) bool { return s.Of == o.of })
	}
	return slices.ContainsFunc(v.in.Stack.Configs, func(c swarm.ConfigSpec) bool { return c.Of == o.of })
}

// refersTo reports whether a service refers to it: now, before its last write, or in what it may be put back to.
func (v *view) refersTo(o object) bool {
	named := func(s swarm.ServiceSpec) bool {
		if o.kind == ofSecret {
			return slices.Contains(s.Secrets, o.name)
		}
		return slices.Contains(s.Configs, o.name)
	}
	for _, s := range v.in.World.Services {
		good, restores := v.in.Good[s.Spec.Name]
		if named(s.Spec) || slices.Contains(s.Keeps, o.name) || s.Previous != nil && named(*s.Previous) || restores && named(good) {
			return true
		}
	}
	return false
}

// sealed is the service with its secrets named as they are in the swarm. One whose file is not to be read here stays the version that runs.
func (v *view) sealed(want swarm.ServiceSpec) swarm.ServiceSpec {
	return v.sealedOf(want, v.in.Stack, v.in.Sealed)
}

// sealedOf is that for a service of a stack whose secrets are known so.
func (v *view) sealedOf(want swarm.ServiceSpec, stack swarm.Stack, known map[string]Sealing) swarm.ServiceSpec {
	names, runs := map[string]string{}, map[string]string{}
	live := v.liveService(want.Name)
	for _, of := range want.Secrets {
		if !ofFile(stack, of) {
			continue
		}
		for _, o := range v.objects {
			if live != nil && o.kind == ofSecret && (o.of == of || o.name == of) && slices.Contains(live.Spec.Secrets, o.name) {
				runs[of] = o.name
			}
		}
		if names[of] = known[of].Name; names[of] == "" {
			names[of] = runs[of]
		}
	}
	if as := want.SealedAs(runs); live != nil && live.Spec.Mode.Job() && v.wasWritten(as, *live) {
		return as
	}
	return want.SealedAs(names)
}

// sealedAll are services so; the stack itself, which passes share, if none has such a secret.
func (v *view) sealedAll(services []swarm.ServiceSpec) []swarm.ServiceSpec {
	if len(v.in.Stack.Secrets) == 0 {
		return services
	}
	out := make([]swarm.ServiceSpec, len(services))
	for i, s := range services {
		out[i] = v.sealed(s)
	}
	return out
}

// sealedGood is what services may be put back to, with the secrets of now.
func (v *view) sealedGood() map[string]swarm.ServiceSpec {
	if len(v.in.Stack.Secrets) == 0 {
		return v.in.Good
	}
	out := map[string]swarm.ServiceSpec{}
	for name, s := range v.in.Good {
		out[name] = v.sealed(s)
	}
	return out
}

// ofFile reports whether a service's secret is one that the stack makes of a file.
func ofFile(stack swarm.Stack, of string) bool {
	return slices.ContainsFunc(stack.Secrets, func(s swarm.SecretSpec) bool { return s.Of == of })
}

// objectSteps are the steps that make what the service refers to, sorted.
func (v *view) objectSteps(want swarm.ServiceSpec) []string {
	var ids []string
	for _, o := range v.wantedObjects() {
		uses := want.Configs
		if o.kind == ofSecret {
			uses = want.Secrets
		}
		if slices.Contains(uses, o.name) && v.liveObject(o.kind, o.name) == nil {
			ids = append(ids, stepID(o.kind, o.name))
		}
	}
	return ids
}

// reportObjects says of which secrets the value cannot be had here.
func reportObjects(v *view, b *builder) {
	for _, s := range v.in.Stack.Secrets {
		switch why := v.in.Sealed[s.Of].Err; {
		case why != "" && s.Sealed != "":
			b.hold(GuardSecretFile, ofSecret+"/"+s.Of, why+"; the secret is left as it is, and what runs goes on with the value that it has")
		case why != "":
			b.hold(GuardSecretFile, ofSecret+"/"+s.Of, why+": whether the secret has changed is not known, and it is left as it is; put it on each manager")
		}
	}
}

// objectNameTaken leaves a config or secret of the wanted name alone that is not ours.
func objectNameTaken(v *view, _ spent, w wish) *refusal {
	if v.liveObject(w.stored.kind, w.stored.name) == nil {
		return nil
	}
	return blocked(GuardForeignObject, w.object, "there is one of that name that is not the cluster's: docker "+w.stored.kind+" rm "+w.stored.name+" if nobody needs it")
}

// referredThere holds a service whose configs or secrets are not there and do not come by themselves: the engine would refuse it.
func referredThere(v *view, _ spent, w wish) *refusal {
	want := w.service.want
	if len(want.Configs)+len(want.Secrets) > 0 && !v.sees(makeObject) {
		return &refusal{} // the gap's own hold has said it
	}
	for _, of := range []struct {
		kind  string
		names []string
	}{{ofConfig, want.Configs}, {ofSecret, want.Secrets}} {
		for _, name := range of.names {
			if r := v.lacksObject(w, of.kind, name); r != nil {
				return r
			}
		}
	}
	return nil
}

func (v *view) lacksObject(w wish, kind, name string) *refusal {
	live, wanted := v.liveObject(kind, name), v.wantsObject(kind, name)
	switch {
	case wanted && live != nil && v.takesOver(w.service.want.Labels, live.labels):
		return &refusal{progressing: true, requeue: requeueWait} // it is taken over first
	case wanted && live != nil && !v.versionOfOurs(*live):
		return blocked(GuardForeignObject, w.object, "its "+kind+" "+name+" is not the cluster's")
	case live != nil || wanted:
		return nil
	case kind == ofSecret && ofFile(v.in.Stack, name) && v.in.Sealed[name].Err == "":
		return &refusal{progressing: true, requeue: requeueWait} // the cluster's key comes first
	case kind == ofSecret && ofFile(v.in.Stack, name):
		return blocked(GuardSecretFile, w.object, "not written: its secret "+name+" has no value here: "+v.in.Sealed[name].Err)
	}
	return blocked(GuardObjectMissing, w.object, fmt.Sprintf("not written: its %s %s is not in the swarm: docker %s create %s FILE, or take it out of the file", kind, name, kind, name))
}

func convergeObject(g grant, b *builder) {
	o := g.stored
	switch g.kind {
	case createKey:
		b.step("key", "cluster", CreateKey{}, WhyObjectNew, "a key of the cluster's own, with which the names of secrets are made")
	case createConfig:
		b.step(ofConfig, o.name, CreateConfig{Spec: swarm.ConfigSpec{Name: o.name, Of: o.of, Labels: o.labels, Data: o.data}}, WhyObjectNew, "the file wants it")
	case createSecret:
		b.step(ofSecret, o.name, CreateSecret{Name: o.name, Spec: o.secret}, WhyObjectNew, "the file wants it")
	case dropConfig:
		b.step("remove-config", g.live.name, RemoveConfig{ID: g.live.id, Name: g.live.name}, WhyUnwanted, "no service refers to it, and "+fmt.Sprint(keptVersions)+" newer ones are kept, or the file has it no more")
	case dropSecret:
		b.step("remove-secret", g.live.name, RemoveSecret{ID: g.live.id, Name: g.live.name}, WhyUnwanted, "no service refers to it, and "+fmt.Sprint(keptVersions)+" newer ones are kept, or the file has it no more")
	}
}
