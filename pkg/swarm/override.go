package swarm

import (
	"cmp"
	"encoding/json"
	"maps"
	"strconv"
)

// replicasPath is where a form has the replicas; only that of a replicated service has it.
const replicasPath = "Mode.Replicated.Replicas"

// completionsPath is the same of a replicated job.
const completionsPath = "Mode.ReplicatedJob.TotalCompletions"

// Base is what a file or an engine says of a service: its normal form, and the same as the adapter sends it. It has no writer but NewBase: what is to
// differ from it is an Override, which form and bytes both follow.
type Base struct {
	form Form
	raw  json.RawMessage
	pin  Pin
}

// NewBase is for the adapter, which makes form and bytes of one specification. The pin is that of its image. Nobody changes any of them afterwards.
func NewBase(form Form, raw json.RawMessage, pin Pin) Base { return Base{form, raw, pin} }

// Raw is the specification in the engine's words, without the override: opaque to all but the adapter.
func (b Base) Raw() json.RawMessage { return b.raw }

// Override is what is bent of a Base. Its zero value bends nothing.
type Override struct {
	Replicas *uint64           // of a replicated service, where others have none; nil: those of the base
	Pin      *Pin              // of the image, see Pinned; nil: that of the base
	Sealed   map[string]string // the names of secrets with the hash of their content, by those without, see Sealed
	Configs  map[string]string // the names of configs as they are in the swarm, by those of the base, see ConfigsAs
	Restored bool              // it is sent with the counter of forced updates that its base has: the engine had it before, and its tasks stay
}

// Pin is what a registry says of an image's reference: the digest that it stands for now, and the platforms that the image is made for.
type Pin struct {
	Digest    string     // "sha256:…", "" if it is not known
	Platforms []Platform // nil: the registry did not tell any, and nodes of every platform get tasks
}

// Form is the specification's normal form. It may be shared: nobody writes into it.
func (s ServiceSpec) Form() Form {
	form := s.Base.form
	if len(s.Override.Sealed) > 0 {
		form = form.renamed(secretsPath, "].SecretName", s.Override.Sealed)
	}
	if len(s.Override.Configs) > 0 {
		form = form.renamed(configsPath, "].ConfigName", s.Override.Configs)
	}
	if _, replicated := form[replicasPath]; s.Override.Replicas == nil || !replicated {
		return form
	}
	form = maps.Clone(form)
	form[replicasPath] = strconv.FormatUint(*s.Override.Replicas, 10)
	return form
}

// Completions is how many tasks of a replicated job are to complete; 0 in another mode.
func (s ServiceSpec) Completions() int {
	n, err := strconv.Atoi(s.Form()[completionsPath])
	if err != nil {
		return 0 // there is none: the adapter writes numbers alone
	}
	return n
}

// Replicas is how many tasks a replicated service is to have; 0 in another mode.
func (s ServiceSpec) Replicas() uint64 {
	n, err := strconv.ParseUint(s.Form()[replicasPath], 10, 64)
	if err != nil {
		return 0 // there is none: the adapter writes numbers alone
	}
	return n
}

// Scaled is the specification with so many replicas. It stays the one of its revision and its hash: LabelScaled has what those say of the replicas.
func (s ServiceSpec) Scaled(replicas uint64) ServiceSpec {
	written := cmp.Or(s.Labels[LabelScaled], s.Form()[replicasPath])
	s.Override.Replicas = &replicas
	s.Labels = maps.Clone(s.Labels)
	delete(s.Labels, LabelScaled)
	if s.Labels != nil && written != s.Form()[replicasPath] {
		s.Labels[LabelScaled] = written
	}
	return s
}

// AsWritten reports whether the specification is the one that its hash is of, scaled by swarmd or not: nobody has changed it by hand.
func (s ServiceSpec) AsWritten() bool {
	if n, err := strconv.ParseUint(s.Labels[LabelScaled], 10, 64); err == nil {
		s.Override.Replicas = &n
	}
	return s.Labels[LabelHash] != "" && s.Form().Hash() == s.Labels[LabelHash]
}

// Template is a service's form without its replicas and its own labels: what is rolled out, and how. What fails as one fails with other replicas, too,
// and may come through with another update_config.
func (f Form) Template() Form {
	out := maps.Clone(f)
	maps.DeleteFunc(out, func(path, _ string) bool { return path == replicasPath || within(path, "Labels") })
	return out
}

// Pinned is the specification with an image as the registry has it. A digest that the specification names already stays. Digest and platforms come
// together: the engine holds both for parts of what is run, and neither is changed alone.
func (s ServiceSpec) Pinned(p Pin) ServiceSpec {
	p.Digest = cmp.Or(s.Pin().Digest, p.Digest)
	s.Override.Pin = &p
	return s
}

// Pin is what the specification has of its image's registry: the digest is that of a live service or the one that the file names, or "" if the image
// is not pinned or not resolved yet.
func (s ServiceSpec) Pin() Pin {
	if s.Override.Pin == nil {
		return s.Base.pin
	}
	return Pin{cmp.Or(s.Base.pin.Digest, s.Override.Pin.Digest), s.Override.Pin.Platforms}
}

// Reference is the image as it is run: with its digest, if that is known.
func (s ServiceSpec) Reference() string {
	digest := s.Pin().Digest
	if digest == "" {
		return s.Image
	}
	return s.Image + "@" + digest
}
