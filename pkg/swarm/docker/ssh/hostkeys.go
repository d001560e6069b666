package ssh

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	xssh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// hostKeys checks the server's key for one connection.
type hostKeys struct {
	options Options
	given   []xssh.PublicKey     // those of Options.HostKeys
	known   xssh.HostKeyCallback // nil: there is no file yet
	verdict error                // why a key was refused: the handshake keeps only its text
}

func (o Options) hostKeys() (*hostKeys, error) {
	if o.KnownHosts == "" {
		return nil, errors.New("no known_hosts file to check the host key with")
	}
	given, err := parseKeys(o.HostKeys)
	if err != nil {
		return nil, err
	}
	known, err := knownhosts.New(o.KnownHosts)
	if errors.Is(err, fs.ErrNotExist) {
		return &hostKeys{options: o, given: given}, nil
	}
	if err != nil {
		known, err = legible(o.KnownHosts)
	}
	if err != nil {
		return nil, fmt.Errorf("known_hosts: %w", err)
	}
	return &hostKeys{options: o, given: given, known: known}, nil
}

func parseKeys(lines []string) ([]xssh.PublicKey, error) {
	keys := make([]xssh.PublicKey, 0, len(lines))
	for _, line := range lines {
		key, _, _, _, err := xssh.ParseAuthorizedKey([]byte(line))
		if err != nil {
			return nil, fmt.Errorf("the host key %.40q that the machine was made with cannot be read: %w", line, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// check accepts a known key, pins an unknown one that was given or is taken on purpose, and refuses all else.
func (h *hostKeys) check(addr string, remote net.Addr, key xssh.PublicKey) error {
	h.verdict = h.judge(addr, remote, key)
	return h.verdict
}

func (h *hostKeys) judge(addr string, remote net.Addr, key xssh.PublicKey) error {
	err := h.lookup(addr, remote, key)
	var mismatch *knownhosts.KeyError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &mismatch):
		return err // revoked, for one
	case len(mismatch.Want) > 0:
		want := mismatch.Want[0]
		return fmt.Errorf("%w (%s:%d: %s, now %s)", ErrHostKeyChanged, h.options.KnownHosts, want.Line, xssh.FingerprintSHA256(want.Key), xssh.FingerprintSHA256(key))
	case len(h.given) > 0:
		return h.pinGiven(addr, key)
	case !h.options.Pin:
		return fmt.Errorf("%w %s (%s)", ErrHostKeyUnknown, h.options.KnownHosts, xssh.FingerprintSHA256(key))
	}
	return h.pin(addr, key)
}

// pinGiven pins a key that the machine was made with. What the file knows counts before: a person may have replaced the key since.
func (h *hostKeys) pinGiven(addr string, key xssh.PublicKey) error {
	var want []string
	for _, k := range h.given {
		if bytes.Equal(k.Marshal(), key.Marshal()) {
			return h.pin(addr, key)
		}
		want = append(want, xssh.FingerprintSHA256(k))
	}
	return fmt.Errorf("%w (%s, shown %s)", ErrHostKeyOther, strings.Join(want, " or "), xssh.FingerprintSHA256(key))
}

func (h *hostKeys) lookup(addr string, remote net.Addr, key xssh.PublicKey) error {
	if h.known == nil {
		return &knownhosts.KeyError{}
	}
	return h.known(addr, remote, key)
}

// legible reads the lines of a file that can be read, as ssh does: a line of another program's must not lock everybody out. Line numbers stay.
func legible(file string) (xssh.HostKeyCallback, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "known_hosts")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	copied := filepath.Join(dir, "known_hosts")
	parse := func(text string) (xssh.HostKeyCallback, error) { // the parser takes files only
		if err := os.WriteFile(copied, []byte(text), 0o600); err != nil {
			return nil, err
		}
		return knownhosts.New(copied)
	}
	lines := strings.Split(string(data), "\n")
	for i, line := range lines {
		if _, err := parse(line + "\n"); err != nil {
			lines[i] = ""
		}
	}
	return parse(strings.Join(lines, "\n"))
}

// pin adds the key to the file. An append of one line is whole or absent also beside another process that pins.
func (h *hostKeys) pin(addr string, key xssh.PublicKey) error {
	if err := os.MkdirAll(filepath.Dir(h.options.KnownHosts), 0o700); err != nil {
		return fmt.Errorf("pin host key: %w", err)
	}
	f, err := os.OpenFile(h.options.KnownHosts, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("pin host key: %w", err)
	}
	line := knownhosts.Line([]string{knownhosts.Normalize(addr)}, key) + "\n"
	if unended(f) {
		line = "\n" + line
	}
	_, err = f.WriteString(line)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("pin host key: %w", err)
	}
	if h.options.OnPin != nil {
		h.options.OnPin(h.options.Host, xssh.FingerprintSHA256(key))
	}
	return nil
}

// unended reports whether the file's last line lacks its end: what is appended would become part of it, and both be lost.
func unended(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return false
	}
	last := make([]byte, 1)
	_, err = f.ReadAt(last, info.Size()-1)
	return err == nil && last[0] != '\n'
}

// algorithms are those of the keys that are known for the host, or that it was made with, so that a server with several keys shows one of these;
// nil if there is none.
func (h *hostKeys) algorithms() []string {
	var none *knownhosts.KeyError
	if !errors.As(h.lookup(h.options.addr(), &net.TCPAddr{}, noKey{}), &none) {
		return nil
	}
	keys := h.given
	if len(none.Want) > 0 {
		keys = nil
	}
	for _, k := range none.Want {
		keys = append(keys, k.Key)
	}
	var out []string
	for _, k := range keys {
		switch t := k.Type(); t {
		case xssh.KeyAlgoRSA:
			out = append(out, xssh.KeyAlgoRSASHA512, xssh.KeyAlgoRSASHA256)
		default:
			out = append(out, t)
		}
	}
	return out
}

// explain gives a failed handshake its sentinel.
func (h *hostKeys) explain(err error) error {
	switch {
	case h.verdict != nil:
		return h.verdict
	case strings.Contains(err.Error(), "unable to authenticate"):
		return fmt.Errorf("%w for %s: %w", ErrLogin, h.options.user(), err)
	}
	return err
}

// noKey is a key that no file has: asked for it, the checker tells which ones it knows.
type noKey struct{}

func (noKey) Type() string                         { return "none" }
func (noKey) Marshal() []byte                      { return []byte("none") }
func (noKey) Verify([]byte, *xssh.Signature) error { return errors.New("no key") }
