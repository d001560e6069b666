package ssh

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"

	xssh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// auth is how to log in: the keys of files first, then the agent's.
type auth struct {
	methods []xssh.AuthMethod
	agent   net.Conn
}

func (a auth) close() {
	if a.agent != nil {
		a.agent.Close()
	}
}

func (o Options) auth() (auth, error) {
	var a auth
	signers, err := o.fileKeys()
	if err != nil {
		return a, err
	}
	list := func() ([]xssh.Signer, error) { return signers, nil }
	if o.AgentSocket != "" {
		if a.agent, err = net.Dial("unix", o.AgentSocket); err == nil {
			held := agent.NewClient(a.agent)
			list = func() ([]xssh.Signer, error) {
				more, err := held.Signers()
				return slices.Concat(signers, more), err
			}
		} else if len(signers) == 0 {
			return a, fmt.Errorf("ssh agent: %w", err)
		}
	}
	if a.agent == nil && len(signers) == 0 {
		return a, errors.New("no key to log in with: give a key file, or start an ssh agent")
	}
	// One method for all keys: the protocol tries each kind of method once only.
	a.methods = []xssh.AuthMethod{xssh.PublicKeysCallback(list)}
	return a, nil
}

// fileKeys reads the named key, which must work, or of the default ones those that do.
func (o Options) fileKeys() ([]xssh.Signer, error) {
	if o.KeyFile != "" {
		key, err := readKey(o.KeyFile)
		if err != nil {
			return nil, err
		}
		return []xssh.Signer{key}, nil
	}
	var keys []xssh.Signer
	for _, file := range o.DefaultKeys {
		if key, err := readKey(file); err == nil {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// readKey reads a private key. Its errors name the file and never what is in it.
func readKey(file string) (xssh.Signer, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	key, err := xssh.ParsePrivateKey(data)
	if locked := (*xssh.PassphraseMissingError)(nil); errors.As(err, &locked) {
		return nil, fmt.Errorf("key file %s has a passphrase: add it to an ssh agent", file)
	}
	if err != nil {
		return nil, fmt.Errorf("key file %s is no private key", file)
	}
	return key, nil
}
