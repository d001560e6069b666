package apierr

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

const (
	apiToken  = "canary/api+token=01"
	joinToken = "SWMTKN-1-canary0123456789-canary"
	unlockKey = "SWMKEY-1-canary+0123/456789="
	doToken   = "dop_v1_canary0123456789"
)

func TestRedactorString(t *testing.T) {
	r := NewRedactor("longsecret", "longsecretandmore", "", "short")
	for text, want := range map[string]string{
		"plain words": "plain words", "a longsecret b": "a [redacted] b", "longsecretandmore": "[redacted]", "short": "short",
		"token " + joinToken + ".": "token [redacted].", "key " + unlockKey: "key [redacted]", doToken + "\n": "[redacted]\n",
	} {
		if got := r.String(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	r = NewRedactor(apiToken)
	for _, text := range []string{apiToken, "q=canary%2Fapi%2Btoken%3D01&x", "/canary%2Fapi+token=01/"} {
		if got := r.String(text); strings.Contains(got, "canary") {
			t.Errorf("%q became %q", text, got)
		}
	}
	var none *Redactor
	if got := none.String("a " + joinToken); got != "a [redacted]" {
		t.Errorf("a nil Redactor made %q", got)
	}
}

// K5: whatever a logger is given, in whatever kind of field, no secret comes out.
func TestLogsHaveNoSecrets(t *testing.T) {
	r := NewRedactor()
	r.Add(apiToken) // known only after the writer was made, like a join token
	for name, encoder := range map[string]zapcore.Encoder{
		"json": zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), "console": zapcore.NewConsoleEncoder(zap.NewDevelopmentEncoderConfig()),
	} {
		var out bytes.Buffer
		core := zapcore.NewCore(encoder, zapcore.AddSync(r.Writer(&out)), zap.DebugLevel)
		log := zap.New(core, zap.AddStacktrace(zap.ErrorLevel))
		for _, secret := range []string{apiToken, joinToken, doToken} {
			err := fmt.Errorf("create: %w", errors.New(secret))
			log.With(zap.String("with", secret)).Error("message "+secret, zap.Error(err), zap.Stringer("stringer", text(secret)), zap.Any("map", map[string]string{secret: secret}),
				zap.Reflect("struct", struct{ Token string }{secret}), zap.ByteString("bytes", []byte(secret)), zap.Strings("list", []string{secret}), zap.Errors("errors", []error{err}))
		}
		if got := out.String(); strings.Contains(got, "canary") || strings.Count(got, redacted) < 3*9 {
			t.Errorf("%s: %s", name, got)
		}
	}
}

type text string

func (s text) String() string { return string(s) }

func TestWriterReports(t *testing.T) {
	var out bytes.Buffer
	line := "the token is " + joinToken + "\n"
	n, err := io.WriteString(NewRedactor().Writer(&out), line)
	if n != len(line) || err != nil || out.String() != "the token is [redacted]\n" {
		t.Errorf("wrote %d, %v: %q", n, err, out.String())
	}
	failing := errors.New("disk full")
	if n, err := NewRedactor().Writer(broken{failing}).Write([]byte("x")); n != 0 || !errors.Is(err, failing) {
		t.Errorf("%d, %v", n, err)
	}
}

type broken struct{ err error }

func (b broken) Write([]byte) (int, error) { return 0, b.err }
