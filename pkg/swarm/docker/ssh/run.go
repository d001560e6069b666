package ssh

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"strings"

	xssh "golang.org/x/crypto/ssh"
)

// stderrLimit bounds how much of a command's complaint an error repeats, in bytes.
const stderrLimit = 500

// Run runs a command in the user's shell and returns its standard output. The error has the end of what it wrote to standard error, and not the
// command: that may hold what must not be logged. The end of the context ends the session; the far process gets a hang-up.
func (c *Conn) Run(ctx context.Context, command string, stdin io.Reader) ([]byte, error) {
	session, err := c.client.NewSession()
	if err != nil {
		return nil, fmt.Errorf("ssh session: %w", err)
	}
	defer session.Close()
	stop := context.AfterFunc(ctx, func() { session.Close() })
	defer stop()
	var out, complaint bytes.Buffer
	session.Stdin, session.Stdout, session.Stderr = stdin, &out, &complaint
	if err := session.Run(command); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return out.Bytes(), fmt.Errorf("remote command: %w%s", plain(err), tail(complaint.String()))
	}
	return out.Bytes(), nil
}

// plain makes of an exit status a short error.
func plain(err error) error {
	if exit, ok := err.(*xssh.ExitError); ok {
		return fmt.Errorf("exit status %d", exit.ExitStatus())
	}
	return err
}

func tail(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return ""
	}
	if len(s) > stderrLimit {
		s = "…" + strings.ToValidUTF8(s[len(s)-stderrLimit:], "")
	}
	return ": " + s
}

// Upload writes a file on the far side, whole or not at all: beside its place first, then renamed into it. Nobody but the user can read it before it has
// its mode.
func (c *Conn) Upload(ctx context.Context, path string, mode fs.FileMode, data io.Reader) error {
	part := quote(path + ".part")
	command := fmt.Sprintf("umask 077 && cat > %s && chmod %o %s && mv -f %s %s", part, mode.Perm(), part, part, quote(path))
	if _, err := c.Run(ctx, command, data); err != nil {
		return fmt.Errorf("upload %s: %w", path, err)
	}
	return nil
}

// quote makes a word of the shell that means exactly s.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
