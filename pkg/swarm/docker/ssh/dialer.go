package ssh

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
)

// Dialer connects when it is first needed, and again when the connection broke. It is for clients that are made before, and outlive, a connection.
type Dialer struct {
	options Options
	conn    chan *Conn // holds one value, nil if there is no connection
}

// NewDialer prepares a dialer. It connects to nothing yet.
func NewDialer(o Options) *Dialer {
	d := &Dialer{options: o, conn: make(chan *Conn, 1)}
	d.conn <- nil
	return d
}

// DialDocker opens the engine's socket. Network and address do not matter.
func (d *Dialer) DialDocker(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := d.connection(ctx)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "ssh", Err: err}
	}
	return c.DialDocker(ctx, network, addr)
}

// DialTCP opens a connection from the machine to an address, HOST:PORT.
func (d *Dialer) DialTCP(ctx context.Context, _, addr string) (net.Conn, error) {
	c, err := d.connection(ctx)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "ssh", Err: err}
	}
	return c.DialTCP(ctx, addr)
}

func (d *Dialer) connection(ctx context.Context) (*Conn, error) {
	var c *Conn
	select {
	case c = <-d.conn:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { d.conn <- c }()
	if c != nil {
		select {
		case <-c.dead:
		default:
			return c, nil
		}
	}
	fresh, err := Dial(ctx, d.options)
	if err != nil {
		return nil, err
	}
	c = fresh
	return c, nil
}

// Close ends the connection, if there is one. A later DialDocker makes a new one.
func (d *Dialer) Close() error {
	c := <-d.conn
	d.conn <- nil
	if c == nil {
		return nil
	}
	if err := c.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Defaults are the options of a user as ssh itself would have them: the agent, known_hosts and keys of the home folder.
func Defaults(getenv func(string) string) Options {
	o := Options{AgentSocket: getenv("SSH_AUTH_SOCK")}
	home := getenv("HOME")
	if home == "" {
		home, _ = os.UserHomeDir() // without one there are no files, and Dial says what is missing
	}
	if home == "" {
		return o
	}
	folder := filepath.Join(home, ".ssh")
	o.KnownHosts = filepath.Join(folder, "known_hosts")
	for _, name := range []string{"id_ed25519", "id_ecdsa", "id_rsa"} {
		o.DefaultKeys = append(o.DefaultKeys, filepath.Join(folder, name))
	}
	return o
}
