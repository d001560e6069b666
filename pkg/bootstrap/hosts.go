package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/swarmd/swarmd/pkg/access"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/cloud/userdata"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
	"github.com/swarmd/swarmd/pkg/swarm/docker/ssh"
)

// OverSSH has the first manager made with a host key that this machine keeps, reached through ssh, and recorded in the state folder.
func (o *Options) OverSSH(a access.Access) {
	cluster := o.Spec.Cluster
	o.Cloud = newHosts{o.Cloud, a.ClusterHosts(cluster)}
	o.Intent = Intent{Dir: a.StateDir()}
	boot := o.Boot
	o.UserData = func(context.Context) (string, string, error) { return withHostKey(boot) }
	o.Dial = func(ctx context.Context, host string, hostKeys []string) (Engine, error) {
		return dialEngine(ctx, a, cluster, host, hostKeys)
	}
}

// newHosts forgets the host keys of an earlier cluster of this name when the first machine of a new one is made: addresses come back.
type newHosts struct {
	Cloud
	file string
}

func (n newHosts) CreateDroplet(ctx context.Context, r cloud.CreateDroplet) (cloud.Droplet, error) {
	if err := os.Remove(n.file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return cloud.Droplet{}, err
	}
	return n.Cloud.CreateDroplet(ctx, r)
}

// withHostKey renders user-data that gives the machine a new ssh host key, and returns the public one. The private key is in the request for the
// machine and nowhere else: in no file and no log.
func withHostKey(p userdata.Params) (text, public string, err error) {
	private, public, err := ssh.NewHostKey()
	if err != nil {
		return "", "", err
	}
	p.HostKey = &userdata.HostKey{Private: private, Public: public}
	text, err = userdata.Render(p)
	return text, public, err
}

// dialEngine reaches the engine of a machine that must show one of the keys, which are those that it was made with, or that known_hosts knows.
func dialEngine(ctx context.Context, a access.Access, cluster, host string, hostKeys []string) (Engine, error) {
	o := a.HostOptions(cluster, host)
	o.HostKeys = hostKeys
	conn, err := ssh.Dial(ctx, o)
	if err != nil {
		return nil, Advise(err, o)
	}
	engine, err := docker.New(docker.Options{Host: "ssh://" + host, Dial: conn.DialDocker})
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return engine, nil
}

const showKey = "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub, on the machine's console,"

// Advise says what to do about a host key that is not taken. No waiting mends that. All other errors may pass.
func Advise(err error, o ssh.Options) error {
	switch {
	case errors.Is(err, ssh.ErrHostKeyChanged):
		return &FatalError{Err: err}
	case errors.Is(err, ssh.ErrHostKeyOther):
		return &FatalError{Err: fmt.Errorf("%w; nothing was sent there: either somebody is in between, or the machine did not take its key from "+
			"user-data; %s tells which: where it is the first one, run bootstrap again from another network; where it is the one that was shown, "+
			"put it into %s, or run swarmd destroy and begin anew with another image", err, showKey, o.KnownHosts)}
	case errors.Is(err, ssh.ErrHostKeyUnknown):
		return &FatalError{Err: fmt.Errorf("%w; nothing was sent there: it was not made from here, or by an older swarmd; run bootstrap where it was made, "+
			"or compare the key with what %s tells, and run bootstrap again with --ssh-accept-new", err, showKey)}
	}
	return err
}
