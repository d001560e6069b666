package plan

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// A stack that somebody has deployed without swarmd is taken over as it runs: its services, configs and secrets get the cluster's label and nothing else,
// which restarts no task. What the file says otherwise is an edit like any other, in a later pass. Networks have no labels that can be changed:
// those of the stack are used as they are, and never removed.

// takesOver reports whether something that lives is of a stack that the file takes over, by the labels of what is wanted and of what lives. What has a
// cluster's label already is that cluster's.
func (v *view) takesOver(wanted, live map[string]string) bool {
	return v.in.Stack.Adopts(swarm.StackOf(wanted)) && deployed(wanted, live)
}

// deployed reports whether what lives was deployed as a part of the same stack, and not by a swarmd.
func deployed(wanted, live map[string]string) bool {
	stack := swarm.StackOf(wanted)
	return stack != "" && swarm.StackOf(live) == stack && live[swarm.LabelCluster] == "" && live[swarm.LabelComponent] == ""
}

// mayTakeOver is what a person can do about something of the wanted name, as the end of a sentence.
func (v *view) mayTakeOver(wanted, live map[string]string) string {
	if !deployed(wanted, live) {
		return ""
	}
	if stack := swarm.StackOf(wanted); stack == v.in.Spec.Cluster {
		return ": stack " + stack + " was deployed without swarmd, and this cluster has its name: name the cluster otherwise, and its Compose file with adopt: true under stacks." + stack
	}
	return ": stack " + swarm.StackOf(wanted) + " was deployed without swarmd; adopt: true in the file takes it over as it runs, and restarts nothing"
}

// usable reports whether the stack's services may use a live network: it is ours, or was deployed as a part of a stack that is taken over.
func (v *view) usable(want swarm.NetworkSpec, live *swarm.Network) bool {
	return live != nil && (v.ours(live.Spec.Labels) || v.takesOver(want.Labels, live.Spec.Labels))
}

// besideLive is a wanted network as it can be compared with a live one. One that was deployed without swarmd has neither the cluster's label nor a note of
// whether its addresses were asked for.
func (v *view) besideLive(want swarm.NetworkSpec, live swarm.Network) swarm.NetworkSpec {
	if v.ours(live.Spec.Labels) {
		return want
	}
	want.Form = maps.Clone(want.Form)
	delete(want.Form, "Labels."+swarm.LabelCluster)
	const addresses = "IPAM."
	asks := slices.ContainsFunc(slices.Collect(maps.Keys(want.Form)), func(path string) bool { return strings.HasPrefix(path, addresses) })
	for path, value := range live.Spec.Form {
		if !asks && strings.HasPrefix(path, addresses) {
			want.Form[path] = value
		}
	}
	return want
}

// plain is the live config or secret whose name has no hash, as `docker stack deploy` makes it; nil if there is none.
func (v *view) plain(kind, of string) *object {
	i := slices.IndexFunc(v.objects, func(o object) bool { return o.kind == kind && o.name == of })
	if i < 0 {
		return nil
	}
	return &v.objects[i]
}

// standIns names the configs and secrets of the stack for which those stand that were taken over, or are to be: none is made anew whose content is the
// same. Whether a secret's is shows when it is taken over.
func (v *view) standIns() (configs map[string]string, sealed map[string]Sealing) {
	configs, sealed = map[string]string{}, maps.Clone(v.in.Sealed)
	for _, c := range v.in.Stack.Configs {
		plain := v.plain(ofConfig, c.Of)
		if plain != nil && slices.Equal(plain.data, c.Data) && (v.versionOfOurs(*plain) || v.takesOver(c.Labels, plain.labels)) {
			configs[c.Name] = c.Of
		}
	}
	for _, s := range v.in.Stack.Secrets {
		plain, now := v.plain(ofSecret, s.Of), sealed[s.Of]
		if plain == nil || sealed == nil {
			continue
		}
		same := v.versionOfOurs(*plain) && now.Name != "" && plain.labels[swarm.LabelStandsFor] == now.Name
		if same || v.takesOver(s.Labels, plain.labels) {
			now.Name = s.Of
			sealed[s.Of] = now
		}
	}
	return configs, sealed
}

// stoodIn is the input with their names in place of those that would be made.
func (v *view) stoodIn() Input {
	in := v.in
	configs, sealed := v.standIns()
	if in.Sealed = sealed; len(configs) == 0 {
		return in
	}
	in.Stack.Configs, in.Stack.Services, in.Good = slices.Clone(in.Stack.Configs), slices.Clone(in.Stack.Services), maps.Clone(in.Good)
	for i, c := range in.Stack.Configs {
		if name := configs[c.Name]; name != "" {
			in.Stack.Configs[i].Name = name
		}
	}
	for i, s := range in.Stack.Services {
		in.Stack.Services[i] = s.ConfigsAs(configs)
	}
	for name, s := range in.Good {
		in.Good[name] = s.ConfigsAs(configs)
	}
	return in
}

// Compared is what is known of whether a secret that is taken over has the value of its file.
type Compared struct {
	Same bool
	Err  string // why that is not known; "" if it is
}

// ToCompare returns the live secrets that the stack takes over, by their names without hash: those that Input.Compared has.
func ToCompare(stack swarm.Stack, secrets []swarm.Secret) map[string]swarm.Secret {
	out := map[string]swarm.Secret{}
	for _, want := range stack.Secrets {
		for _, live := range secrets {
			if live.Name == want.Of && stack.Adopts(swarm.StackOf(want.Labels)) && deployed(want.Labels, live.Labels) {
				out[want.Of] = live
			}
		}
	}
	return out
}

func takeOf(kind string) kind {
	if kind == ofSecret {
		return takeSecret
	}
	return takeConfig
}

// rollOutOver has a service taken over when no roll-out is under way: any write makes one go on that is paused, and costs the engine what it goes back to.
func rollOutOver(_ *view, _ spent, w wish) *refusal {
	switch live := w.service.took; {
	case moving(*live):
		return blocked(GuardRollout, w.object, "not taken over yet: a roll-out runs; it follows when that has ended")
	case !settled(*live):
		return blocked(GuardRolloutPaused, w.object, "not taken over: its roll-out is paused ("+live.UpdateMessage+"), and any write would make it go on: docker service rollback "+
			live.Spec.Name+", or deploy the stack once more as it is to be")
	}
	return nil
}

// valueKnown has a secret taken over when its value can be compared with that of the file.
func valueKnown(v *view, _ spent, w wish) *refusal {
	switch s := v.hashed[w.stored.of]; {
	case s.Err != "":
		return &refusal{} // it is said of the secret already
	case s.Name == "":
		return &refusal{progressing: true, requeue: requeueWait} // the cluster's key comes first
	}
	return nil
}

func takeOver(v *view, g grant, b *builder) {
	const as = " was deployed without swarmd, and becomes the cluster's as it is: only its label is written"
	switch g.kind {
	case takeService:
		live := g.service.took
		b.step("take", "service/"+live.Spec.Name, TakeService{ID: live.ID, Name: live.Spec.Name, Version: live.Version,
			Labels: v.takenLabels(*live, g.service)}, WhyTaken, "service "+live.Spec.Name+as+", and no task restarts")
	case takeConfig:
		b.step("take", g.took.ref(), TakeConfig{ID: g.took.id, Name: g.took.name, Version: g.took.version, Labels: v.takenOver(g)}, WhyTaken, "config "+g.took.name+as)
	case takeSecret:
		b.step("take", g.took.ref(), TakeSecret{ID: g.took.id, Name: g.took.name, Version: g.took.version, Was: g.took.labels, Labels: v.takenOver(g),
			Spec: g.stored.secret, Hashed: v.hashed[g.stored.of].Name}, WhyTaken, "secret "+g.took.name+as)
	}
}

// takenLabels are the labels of a service as the cluster's.
func (v *view) takenLabels(live swarm.Service, s service) map[string]string {
	labels := live.Spec.TakenOver(v.in.Spec.Cluster, v.in.Revision)
	setOrDelete(labels, swarm.LabelProtected, s.protect)
	return labels
}

// takenOver are the labels of a config or secret as the cluster's.
func (v *view) takenOver(g grant) map[string]string {
	labels := maps.Clone(g.took.labels)
	labels[swarm.LabelCluster], labels[swarm.LabelVersionOf] = v.in.Spec.Cluster, g.stored.of
	return labels
}

// asOurs is a live service as it is once it is taken over: the label of the cluster is no change of the file's.
func asOurs(live swarm.Service, cluster string) swarm.Service {
	form := maps.Clone(live.Spec.Form())
	form["Labels."+swarm.LabelCluster] = cluster
	live.Spec.Base = swarm.NewBase(form, live.Spec.Base.Raw(), live.Spec.Pin())
	return live
}

// takenOver counts what is taken over, by stack.
func (s *overview) takenOver() []TakenOver {
	by := map[string]*TakenOver{}
	of := func(labels map[string]string) *TakenOver {
		stack := swarm.StackOf(labels)
		if by[stack] == nil {
			by[stack] = &TakenOver{Stack: stack}
		}
		return by[stack]
	}
	for _, v := range s.services {
		if v.took != nil {
			of(v.want.Labels).Services++
		}
	}
	for _, w := range proposeObjects(s.view) {
		switch w.kind {
		case takeConfig:
			of(w.stored.labels).Configs++
		case takeSecret:
			of(w.stored.labels).Secrets++
		}
	}
	for _, n := range s.in.Stack.Networks {
		if live := s.liveNetwork(n.Name); by[swarm.StackOf(n.Labels)] != nil && s.usable(n, live) {
			of(n.Labels).Networks++
		}
	}
	for _, want := range s.in.Stack.Secrets {
		if d, differs := s.secretDiffers(want.Of); differs {
			of(want.Labels).Differ = append(of(want.Labels).Differ, d)
		}
	}
	var out []TakenOver
	for _, stack := range slices.Sorted(maps.Keys(by)) {
		slices.SortFunc(by[stack].Differ, func(a, b SecretDiffers) int { return strings.Compare(a.Secret, b.Secret) })
		out = append(out, *by[stack])
	}
	return out
}

// secretDiffers is what follows from the value of a secret that is taken over, if that is another one than the file's or not known here.
func (s *overview) secretDiffers(of string) (d SecretDiffers, differs bool) {
	c, asked := s.in.Compared[of]
	if !asked || c.Same {
		return d, false
	}
	d = SecretDiffers{Secret: s.short(of), Unknown: c.Err}
	for _, v := range s.services {
		if v.took != nil && slices.Contains(v.want.Secrets, of) {
			d.Tasks += len(s.running(*v.took))
		}
	}
	return d, true
}

// withOtherSecrets is what a service becomes after it is taken over, with the secrets that are made anew then.
func (s *overview) withOtherSecrets(want swarm.ServiceSpec) swarm.ServiceSpec {
	names := maps.Clone(want.Override.Sealed)
	for of, c := range s.in.Compared {
		if !c.Same && c.Err == "" && names[of] != "" {
			names[of] = cmp.Or(s.hashed[of].Name, of+" (made anew)") // the cluster's key is perhaps not there yet
		}
	}
	return want.SealedAs(names)
}
