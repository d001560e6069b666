package swarm

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"maps"
	"strings"
)

// Login is what a registry is shown, so that it gives a private image. Its zero value shows nothing. It tells nobody what it is, however it is
// printed or encoded, and is compared with nothing.
type Login struct {
	reveal func() (header, password string)
}

// hubAddress is how Docker's own client names Docker Hub in a login.
const hubAddress = "https://index.docker.io/v1/"

// NewLogin makes the login for a registry, which is the host of its images' references; docker.io is Docker Hub.
func NewLogin(registry, username, password string) Login {
	address := registry
	if registry == "docker.io" {
		address = hubAddress
	}
	said, err := json.Marshal(map[string]string{"username": username, "password": password, "serveraddress": address})
	if err != nil {
		panic(err) // texts always encode
	}
	header := base64.URLEncoding.EncodeToString(said)
	return Login{func() (string, string) { return header, password }}
}

// Header is what the engine takes as X-Registry-Auth; "" without a login. It is a secret.
func (l Login) Header() string {
	if l.reveal == nil {
		return ""
	}
	header, _ := l.reveal()
	return header
}

// Hide takes the login out of a text that an engine or a registry said.
func (l Login) Hide(text string) string {
	if l.reveal == nil {
		return text
	}
	header, password := l.reveal()
	text = strings.ReplaceAll(text, header, notShown)
	return strings.ReplaceAll(text, password, notShown)
}

const notShown = "(value not shown)"

// String is for whoever prints one.
func (l Login) String() string { return notShown }

// GoString likewise.
func (l Login) GoString() string { return notShown }

// MarkLogin is how a service's label names the login that it was written with: 12 hex digits. The hash is keyed: who sees the mark alone cannot try out
// passwords.
func MarkLogin(key []byte, registry, username, password string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("login\x00" + registry + "\x00" + username + "\x00" + password))
	return hex.EncodeToString(mac.Sum(nil))[:hashDigits]
}

// LoggedInAs is the specification as it is sent with a login, of which the label has the mark; "" leaves the label as it is.
func (s ServiceSpec) LoggedInAs(l Login, mark string) ServiceSpec {
	s.Login = l
	if mark = cmp.Or(mark, s.Labels[LabelLogin]); mark != "" {
		if s.Labels = maps.Clone(s.Labels); s.Labels == nil {
			s.Labels = map[string]string{}
		}
		s.Labels[LabelLogin] = mark
	}
	return s
}
