package swarm

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// hashDigits are the hex digits at the end of a config's or secret's name.
const hashDigits = 12

// ConfigSpec is a config of the stack. Its data never changes: another content has another name, and the services follow.
type ConfigSpec struct {
	Name   string // with the hash of the content at its end
	Of     string // without it
	Labels map[string]string
	Data   []byte
}

// SecretSpec is a secret of the stack, without its value. That is in a file beside the daemon, or encrypted, and nowhere else but in the engine's store.
type SecretSpec struct {
	Of     string // its name without the hash
	Labels map[string]string

	File       string // of the value: an absolute path; of an encrypted one: as the file writes it, for people
	Credential string // of the unit, in place of File
	Sealed     string // the encrypted text, see sealed.Read; "" if the value is beside the daemon
	Key        string // which value of that it is
}

// From says where the value comes from, for people.
func (s SecretSpec) From() string {
	switch {
	case s.Credential != "":
		return "the credential " + s.Credential
	case s.Key != "":
		return s.Key + " of " + s.File
	}
	return s.File
}

// Secret is a live secret. Nobody can read its value back.
type Secret struct {
	ID      string
	Version uint64
	Name    string
	Labels  map[string]string
	Created time.Time
}

// Templated is what a name is made of, for a content whose templates the driver fills in: with another driver it is another config or secret.
func Templated(driver string, data []byte) []byte {
	if driver == "" {
		return data
	}
	return append([]byte("templates of "+driver+"\x00"), data...)
}

// HashedConfig is the name of a config with that content: 12 hex digits of a SHA-256 follow the name.
func HashedConfig(of string, data []byte) string {
	sum := sha256.Sum256(data)
	return of + "-" + hex.EncodeToString(sum[:])[:hashDigits]
}

// HashedSecret is the name of a secret with that value. The hash is keyed: who sees the name alone cannot try out values.
func HashedSecret(key []byte, of string, value []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(of + "\x00"))
	mac.Write(value)
	return of + "-" + hex.EncodeToString(mac.Sum(nil))[:hashDigits]
}

// Where a form has the secrets and the configs.
const (
	secretsPath = "TaskTemplate.ContainerSpec.Secrets["
	configsPath = "TaskTemplate.ContainerSpec.Configs["
)

// SealedAs is the specification with the names of its secrets as they are in the swarm. The hash of what is wanted follows.
func (s ServiceSpec) SealedAs(names map[string]string) ServiceSpec {
	if !renames(s.Secrets, names) {
		return s
	}
	s.Override.Sealed, s.Secrets = names, renamed(s.Secrets, names)
	return s.hashed()
}

// ConfigsAs is the same for its configs: others with the same content stand for them.
func (s ServiceSpec) ConfigsAs(names map[string]string) ServiceSpec {
	if !renames(s.Configs, names) {
		return s
	}
	s.Override.Configs, s.Configs = names, renamed(s.Configs, names)
	return s.hashed()
}

// renames reports whether one of them has another name.
func renames(of []string, names map[string]string) bool {
	return slices.ContainsFunc(of, func(n string) bool { return names[n] != "" })
}

func renamed(of []string, names map[string]string) []string {
	out := slices.Clone(of)
	for i, n := range out {
		out[i] = cmp.Or(names[n], n)
	}
	slices.Sort(out)
	return out
}

// hashed has the hash of what is wanted in its labels.
func (s ServiceSpec) hashed() ServiceSpec {
	s.Labels = maps.Clone(s.Labels)
	if s.Labels != nil {
		s.Labels[LabelHash] = s.Form().Hash()
	}
	return s
}

// renamed is the form with other names in the fields of a list that end so.
func (f Form) renamed(list, field string, names map[string]string) Form {
	out := maps.Clone(f)
	for path, name := range f {
		if strings.HasPrefix(path, list) && strings.HasSuffix(path, field) && names[name] != "" {
			out[path] = names[name]
		}
	}
	return out
}

// TakenOver are the labels of a live specification as that of a cluster, written in a revision. Their hash is of what lives: an edit that follows finds its
// way back.
func (s ServiceSpec) TakenOver(cluster string, revision int) map[string]string {
	labels := maps.Clone(s.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	form := maps.Clone(s.Form())
	form["Labels."+LabelCluster] = cluster
	labels[LabelCluster], labels[LabelHash], labels[LabelRevision] = cluster, form.Hash(), strconv.Itoa(revision)
	return labels
}
