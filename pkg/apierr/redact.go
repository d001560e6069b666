package apierr

import (
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// redacted stands where a secret was.
const redacted = "[redacted]"

// minSecret is the shortest text that is treated as a secret: a shorter one would also be found in ordinary words.
const minSecret = 8

// wellKnown matches the secrets that can be told by their form: Docker's join tokens and unlock keys, DigitalOcean's tokens.
var wellKnown = regexp.MustCompile(`SWMTKN-[0-9A-Za-z-]+|SWMKEY-[0-9A-Za-z+/=-]+|do[opr]_v1_[0-9A-Za-z]+`)

// Redactor takes secrets out of text. The zero value and nil know only the well-known forms. It is safe for concurrent use.
type Redactor struct {
	mu      sync.RWMutex
	secrets []string // longest first, so that a secret inside another one leaves no rest
}

// NewRedactor returns a Redactor that knows the secrets, in plain and in URL-escaped form.
func NewRedactor(secrets ...string) *Redactor {
	r := &Redactor{}
	for _, s := range secrets {
		r.Add(s)
	}
	return r
}

// Add makes another secret known. Texts under eight bytes are ignored.
func (r *Redactor) Add(secret string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret)} {
		if len(form) >= minSecret && !slices.Contains(r.secrets, form) {
			r.secrets = append(r.secrets, form)
		}
	}
	slices.SortFunc(r.secrets, func(a, b string) int { return len(b) - len(a) })
}

// String returns s without the secrets.
func (r *Redactor) String(s string) string {
	if r != nil {
		r.mu.RLock()
		for _, secret := range r.secrets {
			s = strings.ReplaceAll(s, secret, redacted)
		}
		r.mu.RUnlock()
	}
	return wellKnown.ReplaceAllString(s, redacted)
}

// Writer returns a writer that passes on to w what it gets, without the secrets. A secret split over two writes is not found: it
// is meant for loggers, which write a line at once (zap: zapcore.AddSync).
func (r *Redactor) Writer(w io.Writer) io.Writer { return redactingWriter{r: r, w: w} }

type redactingWriter struct {
	r *Redactor
	w io.Writer
}

// Write reports the length of p also when less was passed on, as io.Writer demands.
func (w redactingWriter) Write(p []byte) (int, error) {
	if _, err := io.WriteString(w.w, w.r.String(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}
