package install

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/swarmd/swarmd/pkg/bootstrap"
	"github.com/swarmd/swarmd/pkg/swarm/docker/ssh"
)

// connect reaches a manager's host at its public address. private is its address in the VPC, "" for the first manager.
func (in *Unit) connect(ctx context.Context, host, private string) (*ssh.Conn, error) {
	o := in.Access.HostOptions(in.Spec.Cluster, host)
	conn, err := ssh.Dial(ctx, o)
	if private == "" || !errors.Is(err, ssh.ErrHostKeyUnknown) {
		return conn, bootstrap.Advise(err, o)
	}
	if err := in.meet(ctx, o, private); err != nil {
		return nil, fmt.Errorf("the host key of %s is not known here, and could not be learnt through the first manager (--ssh-accept-new takes the one that is shown): %w", host, err)
	}
	conn, err = ssh.Dial(ctx, o)
	return conn, bootstrap.Advise(err, o)
}

// meet pins the host key that a manager shows in the VPC, asked through the first manager, whose key is known. swarmd made that machine, so nobody
// here has its key, and the API token is to go there. The other way is to believe who answers on the Internet; here only who is in the VPC already
// could lie, and the swarm trusts that network anyway.
func (in *Unit) meet(ctx context.Context, o ssh.Options, private string) error {
	first, err := ssh.Dial(ctx, in.Access.HostOptions(in.Spec.Cluster, in.FirstHost))
	if err != nil {
		return err
	}
	defer func() { _ = first.Close() }() // what counts was waited for
	o.Pin, o.Dial = true, func(ctx context.Context, _, _ string) (net.Conn, error) {
		return first.DialTCP(ctx, net.JoinHostPort(private, "22"))
	}
	conn, err := ssh.Dial(ctx, o)
	if err == nil {
		_ = conn.Close() // the key is pinned; what follows is checked against it
	}
	return err
}
