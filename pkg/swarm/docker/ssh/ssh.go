// Package ssh reaches an engine's socket, and a shell, through one ssh connection, with no ssh or docker binary on either side. It decides whom
// to trust: a host key is checked against a known_hosts file, and an unknown one is accepted only where the caller says which it must be, or asked
// for any, then written down. It must not decide when to try again, and it never takes a changed host key.
//
// The user's ~/.ssh/config is not read.
package ssh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	xssh "golang.org/x/crypto/ssh"
)

// Errors that no waiting mends. The other ones of Dial may pass: the machine may still be booting.
var (
	ErrHostKeyChanged = errors.New("the host key is not the one in known_hosts: either the machine was made anew or somebody is in between")
	ErrHostKeyUnknown = errors.New("the host key is not in known_hosts")
	ErrHostKeyOther   = errors.New("the host key is not the one that the machine was made with")
	ErrLogin          = errors.New("login refused")
)

// Options say where to connect and as whom.
type Options struct {
	User        string // "" is root
	Host        string // name or address
	Port        int    // 0 is 22
	KeyFile     string // a private key without passphrase; "" if the agent has it
	DefaultKeys []string
	AgentSocket string // of an ssh agent, as in SSH_AUTH_SOCK; "" for none
	KnownHosts  string // file
	// HostKeys, if there are any, are the only keys that a host may show that KnownHosts does not know, as NewHostKey writes them. What it shows is
	// added to KnownHosts. They are for a machine that was made with one of them, and count before Pin.
	HostKeys []string
	// Pin accepts a host that known_hosts does not know and adds it there: for a machine that was made a moment ago. OnPin, if set, is told.
	Pin   bool
	OnPin func(host, fingerprint string)
	// Socket is the engine's on the far side; "" is /var/run/docker.sock.
	Socket string
	// Dial replaces the TCP connection: by one through another machine, or a test's.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

const (
	handshakeTimeout  = 20 * time.Second
	keepaliveInterval = 15 * time.Second
	defaultSocket     = "/var/run/docker.sock"
)

// ParseHost reads ssh://[user@]host[:port] into the options. A path or a password is an error.
func (o Options) ParseHost(host string) (Options, error) {
	rest, ok := strings.CutPrefix(host, "ssh://")
	if !ok {
		return o, fmt.Errorf("%q does not begin with ssh://", host)
	}
	rest = strings.TrimSuffix(rest, "/")
	if user, after, ok := strings.Cut(rest, "@"); ok {
		o.User, rest = user, after
	}
	if strings.ContainsAny(rest, "/@?#") || strings.Contains(o.User, ":") {
		return o, fmt.Errorf("%q must be ssh://[user@]host[:port]", "ssh://"+rest)
	}
	o.Host = rest
	if h, p, err := net.SplitHostPort(rest); err == nil {
		port, err := strconv.ParseUint(p, 10, 16)
		if err != nil {
			return o, fmt.Errorf("port %q: %w", p, err)
		}
		o.Host, o.Port = h, int(port)
	}
	if o.Host = strings.Trim(o.Host, "[]"); o.Host == "" {
		return o, errors.New("ssh:// without a host")
	}
	return o, nil
}

func (o Options) addr() string {
	port := o.Port
	if port == 0 {
		port = 22
	}
	return net.JoinHostPort(o.Host, strconv.Itoa(port))
}

// Conn is an ssh connection. It is safe for concurrent use.
type Conn struct {
	client *xssh.Client
	socket string
	dead   chan struct{} // closed when the connection is gone
}

// Dial connects and logs in. The context bounds this only, not the connection's life.
func Dial(ctx context.Context, o Options) (*Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	auth, err := o.auth()
	if err != nil {
		return nil, fmt.Errorf("ssh to %s: %w", o.addr(), err)
	}
	defer auth.close()
	keys, err := o.hostKeys()
	if err != nil {
		return nil, fmt.Errorf("ssh to %s: %w", o.addr(), err)
	}
	client, err := o.handshake(ctx, &xssh.ClientConfig{User: o.user(), Auth: auth.methods, HostKeyCallback: keys.check, HostKeyAlgorithms: keys.algorithms()})
	if err != nil {
		return nil, fmt.Errorf("ssh to %s: %w", o.addr(), keys.explain(err))
	}
	c := &Conn{client: client, socket: o.Socket, dead: make(chan struct{})}
	if c.socket == "" {
		c.socket = defaultSocket
	}
	go c.watch()
	go c.keepalive()
	return c, nil
}

func (o Options) user() string {
	if o.User == "" {
		return "root"
	}
	return o.User
}

func (o Options) handshake(ctx context.Context, cfg *xssh.ClientConfig) (*xssh.Client, error) {
	dial := o.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	conn, err := dial(ctx, "tcp", o.addr())
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	sc, chans, reqs, err := xssh.NewClientConn(conn, o.addr(), cfg)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return xssh.NewClient(sc, chans, reqs), nil
}

// DialDocker opens the engine's socket. Network and address do not matter: it fits docker.Options.Dial.
func (c *Conn) DialDocker(ctx context.Context, _, _ string) (net.Conn, error) {
	conn, err := c.client.DialContext(ctx, "unix", c.socket)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "ssh", Err: fmt.Errorf("%s through ssh: %w", c.socket, err)}
	}
	return conn, nil
}

// DialTCP connects to host:port from the far side, as ssh -J does.
func (c *Conn) DialTCP(ctx context.Context, addr string) (net.Conn, error) {
	conn, err := c.client.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "ssh", Err: fmt.Errorf("%s through ssh: %w", addr, err)}
	}
	return conn, nil
}

// Close ends the connection and all that runs through it.
func (c *Conn) Close() error {
	err := c.client.Close()
	<-c.dead
	return err
}

func (c *Conn) watch() {
	// The error says how the connection ended; whoever uses it meets the same one.
	_ = c.client.Wait()
	close(c.dead)
}

// keepalive finds out that the far side is gone, which a silent TCP connection would not tell for hours.
func (c *Conn) keepalive() {
	t := time.NewTicker(keepaliveInterval)
	defer t.Stop()
	for {
		select {
		case <-c.dead:
			return
		case <-t.C:
			if !c.answers() {
				c.client.Close()
				return
			}
		}
	}
}

// answers asks the server for anything; a refusal is an answer too.
func (c *Conn) answers() bool {
	done := make(chan error, 1)
	go func() {
		_, _, err := c.client.SendRequest("keepalive@openssh.com", true, nil)
		done <- err
	}()
	limit := time.NewTimer(keepaliveInterval)
	defer limit.Stop()
	select {
	case err := <-done:
		return err == nil
	case <-limit.C:
		return false
	case <-c.dead:
		return false
	}
}
