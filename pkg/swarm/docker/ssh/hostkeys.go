package ssh

import (
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
	known   xssh.HostKeyCallback // nil: there is no file yet
	verdict error                // why a key was refused: the handshake keeps only its text
}

func (o Options) hostKeys() (*hostKeys, error) {
	if o.KnownHosts == "" {
		return nil, errors.New("no known_hosts file to check the host key with")
	}
	known, err := knownhosts.New(o.KnownHosts)
	if errors.Is(err, fs.ErrNotExist) {
		return &hostKeys{options: o}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("known_hosts: %w", err)
	}
	return &hostKeys{options: o, known: known}, nil
}

// check accepts a known key, pins an unknown one if told to, and refuses all else.
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
		return fmt.Errorf("%w (%s, now %s)", ErrHostKeyChanged, mismatch.Want[0].String(), xssh.FingerprintSHA256(key))
	case !h.options.Pin:
		return fmt.Errorf("%w %s (%s)", ErrHostKeyUnknown, h.options.KnownHosts, xssh.FingerprintSHA256(key))
	}
	return h.pin(addr, key)
}

func (h *hostKeys) lookup(addr string, remote net.Addr, key xssh.PublicKey) error {
	if h.known == nil {
		return &knownhosts.KeyError{}
	}
	return h.known(addr, remote, key)
}

// pin adds the key to the file. An append of one line is whole or absent also beside another process that pins.
func (h *hostKeys) pin(addr string, key xssh.PublicKey) error {
	if err := os.MkdirAll(filepath.Dir(h.options.KnownHosts), 0o700); err != nil {
		return fmt.Errorf("pin host key: %w", err)
	}
	f, err := os.OpenFile(h.options.KnownHosts, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("pin host key: %w", err)
	}
	_, err = f.WriteString(knownhosts.Line([]string{knownhosts.Normalize(addr)}, key) + "\n")
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("pin host key: %w", err)
	}
	if h.options.OnPin != nil {
		h.options.OnPin(h.options.Host, xssh.FingerprintSHA256(key))
	}
	return nil
}

// algorithms are those of the keys that are known for the host, so that a server with several keys shows one of these; nil if none is known.
func (h *hostKeys) algorithms() []string {
	var none *knownhosts.KeyError
	if !errors.As(h.lookup(h.options.addr(), &net.TCPAddr{}, noKey{}), &none) {
		return nil
	}
	var out []string
	for _, k := range none.Want {
		switch t := k.Key.Type(); t {
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
