package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/swarmd/swarmd/pkg/access"
	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/spec"
)

// hosts have read tokens, or none: what `cat` says there.
type hosts map[string]string

// on is a connection to the host.
func (h hosts) on(host string) runner {
	return runnerFunc(func() ([]byte, error) { return []byte(h[host]), nil })
}

type runnerFunc func() ([]byte, error)

func (f runnerFunc) Run(context.Context, string, io.Reader) ([]byte, error) { return f() }

// TestAnotherOperatorsReadTokenStays: two people bootstrap a cluster from two laptops, and the first one's scripts go on.
func TestAnotherOperatorsReadTokenStays(t *testing.T) {
	theirs := strings.Repeat("theirs", 5)
	laptop := func(t *testing.T) (*Unit, *bytes.Buffer, string) {
		out, dir := &bytes.Buffer{}, t.TempDir()
		env := map[string]string{"SWARMD_STATE_DIR": dir}
		return &Unit{Options: Options{Spec: &spec.Spec{Cluster: "web"}, Access: access.Access{Getenv: func(n string) string { return env[n] }, Secrets: apierr.NewRedactor()},
			Say: func(format string, args ...any) { fmt.Fprintf(out, format, args...) }}}, out, dir
	}
	get := func(in *Unit, h hosts, host string) string {
		t.Helper()
		token, err := in.readToken(t.Context(), h.on(host), host)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	t.Run("the first", func(t *testing.T) {
		in, out, dir := laptop(t)
		h := hosts{"m2": "  \n"}
		mine := get(in, h, "m1")
		file := filepath.Join(dir, "web.read-token")
		if saved, err := os.ReadFile(file); err != nil || string(saved) != mine+"\n" || get(in, h, "m2") != mine {
			t.Errorf("made %q, saved %q: %v", mine, saved, err)
		}
		if strings.Count(out.String(), "other machines is in "+file) != 1 || strings.Contains(out.String(), mine) {
			t.Errorf("said %q", out)
		}
	})
	t.Run("the second", func(t *testing.T) {
		in, out, dir := laptop(t)
		h := hosts{"m1": theirs + "\n", "m3": strings.Repeat("older", 5)}
		for host, want := range map[string]string{"m1": theirs, "m3": h["m3"]} {
			if got := get(in, h, host); got != want {
				t.Errorf("%s: %q", host, got)
			}
		}
		if strings.Contains(out.String(), theirs) || !strings.Contains(out.String(), "is in "+readTokenPath+" on m") {
			t.Errorf("said %q", out)
		}
		if _, err := os.Stat(filepath.Join(dir, "web.read-token")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a token was made: %v", err)
		}
	})
	t.Run("the second, and a new host", func(t *testing.T) {
		in, _, _ := laptop(t)
		h := hosts{"m1": theirs}
		if get(in, h, "m1") != theirs || get(in, h, "m2") != theirs {
			t.Error("the new host has another one")
		}
	})
	t.Run("a host that does not answer", func(t *testing.T) {
		in, _, _ := laptop(t)
		if _, err := in.readToken(t.Context(), runnerFunc(func() ([]byte, error) { return nil, io.ErrUnexpectedEOF }), "m1"); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("got %v", err)
		}
	})
}
