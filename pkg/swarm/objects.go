package swarm

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
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

// secretsPath is where a form has the secrets.
const secretsPath = "TaskTemplate.ContainerSpec.Secrets["

// SealedAs is the specification with the names of its secrets as they are in the swarm. The hash of what is wanted follows.
func (s ServiceSpec) SealedAs(names map[string]string) ServiceSpec {
	if !slices.ContainsFunc(s.Secrets, func(n string) bool { return names[n] != "" }) {
		return s
	}
	s.Override.Sealed = names
	s.Secrets = slices.Clone(s.Secrets)
	for i, n := range s.Secrets {
		s.Secrets[i] = cmp.Or(names[n], n)
	}
	s.Labels = maps.Clone(s.Labels)
	if s.Labels != nil {
		s.Labels[LabelHash] = s.Form().Hash()
	}
	return s
}

// sealed is the form with those names.
func (f Form) sealed(names map[string]string) Form {
	out := maps.Clone(f)
	for path, name := range f {
		if strings.HasPrefix(path, secretsPath) && strings.HasSuffix(path, "].SecretName") && names[name] != "" {
			out[path] = names[name]
		}
	}
	return out
}
