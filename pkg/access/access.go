// Package access is how this machine reaches both sides: the cloud with the token of the environment, the engine that DOCKER_HOST names, the hosts of
// a cluster through ssh. It decides which token, which key and which file of known hosts count, and where what must outlive one command is kept. It
// must not decide what is asked or written there: the clients that it returns have no brakes.
package access

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud/digitalocean"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
	"github.com/swarmd/swarmd/pkg/swarm/docker/ssh"
)

// Access is what a process has to reach both sides with.
type Access struct {
	Getenv func(string) string
	SSHKey string // file with the private key for ssh; "": SWARMD_SSH_KEY, or else the agent's and those in ~/.ssh
	// AcceptNew takes the key of a host that no known_hosts file knows, and keeps it.
	AcceptNew bool
	// KnownHosts is the file to go by; "": the one that knows the host is looked for.
	KnownHosts string
	// Dial is how ssh reaches an address; nil: as the network has it.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Held are files with secrets of this process that flags name, see Own.
	Held []string
	// Secrets gets each value that no output may hold.
	Secrets *apierr.Redactor
}

// Observe is told of each call to a side, with its kind of failure, "" for none, and how long it took. nil: nobody is told.
type Observe = func(op string, kind apierr.Kind, took time.Duration)

// With is the same access with one variable of its environment set.
func (a Access) With(name, value string) Access {
	getenv := a.Getenv
	a.Getenv = func(n string) string {
		if n == name {
			return value
		}
		return getenv(n)
	}
	return a
}

// SSHHost is the DOCKER_HOST of the engine on a machine of a cluster.
func SSHHost(address string) string { return "ssh://root@" + address }

// Settled is the same access with the engine of the cluster's machine at the address, which must have the host key that is kept of the cluster.
func (a Access) Settled(cluster, address string) Access {
	there := a.With("DOCKER_HOST", SSHHost(address))
	there.KnownHosts = a.ClusterHosts(cluster)
	return there
}

// ErrNoToken is that the environment names no token for the cloud.
var ErrNoToken = errors.New("no API token: set DIGITALOCEAN_TOKEN, or DIGITALOCEAN_TOKEN_FILE to a file that holds it (README, The token)")

// Cloud returns the client of the cloud's API, or ErrNoToken.
func (a Access) Cloud(observe Observe) (*digitalocean.Client, error) {
	token, err := digitalocean.TokenFromEnv(a.Getenv, os.ReadFile)
	if err != nil {
		return nil, err
	}
	if token == "" {
		return nil, ErrNoToken
	}
	a.Secrets.Add(token)
	return digitalocean.New(digitalocean.Options{Token: token, BaseURL: a.Getenv("DIGITALOCEAN_API_URL"), Observe: observe})
}

// Engine returns the client of the engine that DOCKER_HOST names, and what ends it. It connects when it is first used.
func (a Access) Engine(observe Observe) (*docker.Client, func(), error) {
	o := docker.OptionsFromEnv(a.Getenv)
	o.Observe = observe
	closer := func() {}
	if strings.HasPrefix(o.Host, "ssh://") {
		dialer, err := a.dialer(o.Host)
		if err != nil {
			return nil, nil, err
		}
		o.Dial = dialer.DialDocker
		closer = func() { _ = dialer.Close() }
	}
	c, err := docker.New(o)
	if err != nil {
		closer()
		return nil, nil, err
	}
	return c, func() { c.Close(); closer() }, nil
}

// dialer reaches the machine of a DOCKER_HOST=ssh://…. It connects when it is first used.
func (a Access) dialer(host string) (*ssh.Dialer, error) {
	target, err := a.sshOptions().ParseHost(host)
	if err != nil {
		return nil, fmt.Errorf("DOCKER_HOST: %w", err)
	}
	target.KnownHosts, target.Pin = a.knownHosts(target), a.AcceptNew
	return ssh.NewDialer(target), nil
}

// sshOptions are the user's own, with the key that was given.
func (a Access) sshOptions() ssh.Options {
	o := ssh.Defaults(a.Getenv)
	o.KeyFile = cmp.Or(a.SSHKey, a.Getenv("SWARMD_SSH_KEY"))
	o.Dial = a.Dial
	return o
}

// knownHosts returns the file that knows the host: the one of the cluster that bootstrap made it for, or the user's own. New keys that
// are accepted on purpose go into a file of their own.
func (a Access) knownHosts(o ssh.Options) string {
	if a.KnownHosts != "" {
		return a.KnownHosts
	}
	files, _ := filepath.Glob(filepath.Join(a.StateDir(), "*"+knownHostsSuffix)) // the pattern is well-formed
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err == nil && namesHost(data, o.Host) {
			return f
		}
	}
	if a.AcceptNew {
		return a.ClusterHosts("accepted")
	}
	return o.KnownHosts
}

// namesHost reports whether a line of known hosts is about the host, on whatever port. Its address within another's, as 10.0.0.1 is in 10.0.0.11,
// is not: the keys of another cluster would be asked for, and the machine's own would count as unknown.
func namesHost(data []byte, host string) bool {
	for line := range bytes.Lines(data) {
		names, _, _ := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
		for name := range bytes.SplitSeq(names, []byte(",")) {
			if name, _, bracketed := bytes.Cut(name, []byte("]:")); bracketed {
				if string(bytes.TrimPrefix(name, []byte("["))) == host {
					return true
				}
			} else if string(name) == host {
				return true
			}
		}
	}
	return false
}

const knownHostsSuffix = ".known_hosts"

// ClusterHosts is the file with the host keys of the cluster's machines.
func (a Access) ClusterHosts(cluster string) string {
	return filepath.Join(a.StateDir(), cluster+knownHostsSuffix)
}

// HostOptions are for a machine of the cluster, which must show a key that is known of it. An unknown one is taken only where a person asked for
// that: the API token goes over these connections.
func (a Access) HostOptions(cluster, host string) ssh.Options {
	o := a.sshOptions()
	o.Host, o.KnownHosts, o.Pin = host, a.ClusterHosts(cluster), a.AcceptNew
	return o
}

// StateDir is where a laptop keeps what must outlive one command: pinned host keys, the record of a bootstrap, lists of ids.
func (a Access) StateDir() string {
	if d := a.Getenv("SWARMD_STATE_DIR"); d != "" {
		return d
	}
	if d := a.Getenv("XDG_STATE_HOME"); d != "" {
		return filepath.Join(d, "swarmd")
	}
	return filepath.Join(a.Getenv("HOME"), ".local", "state", "swarmd")
}
