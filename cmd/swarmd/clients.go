package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud/digitalocean"
	"github.com/swarmd/swarmd/pkg/health"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
	"github.com/swarmd/swarmd/pkg/swarm/docker/ssh"
)

// observer tells the metrics of each call to a side; nil tells nobody.
func observer(m *health.Metrics, side string) func(string, apierr.Kind, time.Duration) {
	if m == nil {
		return nil
	}
	return m.Caller(side)
}

var errNoToken = errors.New("no API token: set DIGITALOCEAN_TOKEN, or DIGITALOCEAN_TOKEN_FILE to a file that holds it (README, The token)")

// cloudClient returns the client of the cloud's API, or errNoToken.
func (a *app) cloudClient(m *health.Metrics) (*digitalocean.Client, error) {
	token, err := digitalocean.TokenFromEnv(a.getenv, os.ReadFile)
	if err != nil {
		return nil, err
	}
	if token == "" {
		return nil, errNoToken
	}
	a.secrets.Add(token)
	return digitalocean.New(digitalocean.Options{Token: token, BaseURL: a.getenv("DIGITALOCEAN_API_URL"), Observe: observer(m, "cloud")})
}

// engineClient returns the client of the engine that DOCKER_HOST names. It connects when it is first used.
func (a *app) engineClient(m *health.Metrics) (*docker.Client, func(), error) {
	o := docker.OptionsFromEnv(a.getenv)
	o.Observe = observer(m, "swarm")
	closer := func() {}
	if strings.HasPrefix(o.Host, "ssh://") {
		target, err := a.sshOptions().ParseHost(o.Host)
		if err != nil {
			return nil, nil, fmt.Errorf("DOCKER_HOST: %w", err)
		}
		target.KnownHosts, target.Pin = a.knownHosts(target), a.sshAcceptNew
		dialer := ssh.NewDialer(target)
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

// sshOptions are the user's own, with the key of --ssh-key or SWARMD_SSH_KEY.
func (a *app) sshOptions() ssh.Options {
	o := ssh.Defaults(a.getenv)
	o.KeyFile = cmp.Or(a.sshKey, a.getenv("SWARMD_SSH_KEY"))
	o.Dial = a.dial
	return o
}

// knownHosts returns the file that knows the host: the one of the cluster that bootstrap made it for, or the user's own. New keys that
// are accepted on purpose go into a file of their own.
func (a *app) knownHosts(o ssh.Options) string {
	if a.hosts != "" {
		return a.hosts
	}
	files, _ := filepath.Glob(filepath.Join(a.stateDir(), "*"+knownHostsSuffix)) // the pattern is well-formed
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err == nil && namesHost(data, o.Host) {
			return f
		}
	}
	if a.sshAcceptNew {
		return a.clusterHosts("accepted")
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

// stateDir is where a laptop keeps what must outlive one command: pinned host keys, the record of a bootstrap, lists of ids.
func (a *app) stateDir() string {
	if d := a.getenv("SWARMD_STATE_DIR"); d != "" {
		return d
	}
	if d := a.getenv("XDG_STATE_HOME"); d != "" {
		return filepath.Join(d, "swarmd")
	}
	return filepath.Join(a.getenv("HOME"), ".local", "state", "swarmd")
}

// redact takes the secrets that this command line knows out of a text.
func (a *app) redact(s string) string { return a.secrets.String(s) }
