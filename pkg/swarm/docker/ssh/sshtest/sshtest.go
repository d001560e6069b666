// Package sshtest is an ssh server for tests, in their own process: it knows one user key, runs commands in a shell, and forwards to sockets.
package sshtest

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	xssh "golang.org/x/crypto/ssh"
)

// Server is an ssh server on a port of the loopback.
type Server struct {
	// Far opens what a channel is forwarded to: network is "unix" with a path, or "tcp" with host:port. Set it before the first connection;
	// net.Dial if it is not set.
	Far func(network, addr string) (net.Conn, error)

	listener net.Listener
	logins   atomic.Int64
	mu       sync.Mutex
	conns    []net.Conn
}

// NewKey makes a key pair.
func NewKey(t testing.TB) (xssh.Signer, ed25519.PrivateKey) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := xssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer, private
}

// WriteKey writes the private key as dir/id_ed25519 and returns that name.
func WriteKey(t testing.TB, dir string, private ed25519.PrivateKey) string {
	t.Helper()
	block, err := xssh.MarshalPrivateKey(private, "test")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "id_ed25519")
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Serve starts a server that shows the host keys and lets the user in, and ends it with the test.
func Serve(t testing.TB, user xssh.PublicKey, hostKeys ...xssh.Signer) *Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{listener: l, Far: net.Dial}
	var running sync.WaitGroup
	running.Go(func() { s.accept(user, hostKeys) })
	t.Cleanup(func() { l.Close(); s.Cut(); running.Wait() })
	return s
}

// Addr is host:port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Port is the port of Addr.
func (s *Server) Port() int { return s.listener.Addr().(*net.TCPAddr).Port }

// Logins counts the connections whose client took the host key and logged in. Nothing is sent before.
func (s *Server) Logins() int { return int(s.logins.Load()) }

// Dial connects to the server whatever the address, as ssh.Options.Dial does.
func (s *Server) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "tcp", s.Addr())
}

// Cut breaks all connections.
func (s *Server) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		c.Close()
	}
	s.conns = nil
}

func (s *Server) accept(user xssh.PublicKey, hostKeys []xssh.Signer) {
	cfg := &xssh.ServerConfig{PublicKeyCallback: func(_ xssh.ConnMetadata, key xssh.PublicKey) (*xssh.Permissions, error) {
		if string(key.Marshal()) != string(user.Marshal()) {
			return nil, os.ErrPermission
		}
		return nil, nil
	}}
	for _, key := range hostKeys {
		cfg.AddHostKey(key)
	}
	var conns sync.WaitGroup
	defer conns.Wait()
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns = append(s.conns, conn)
		s.mu.Unlock()
		conns.Go(func() { s.handle(conn, cfg) })
	}
}

func (s *Server) handle(conn net.Conn, cfg *xssh.ServerConfig) {
	defer conn.Close()
	_, chans, reqs, err := xssh.NewServerConn(conn, cfg)
	if err != nil {
		return
	}
	s.logins.Add(1)
	go xssh.DiscardRequests(reqs)
	for ch := range chans {
		switch ch.ChannelType() {
		case "session":
			go session(ch)
		case "direct-streamlocal@openssh.com":
			go s.toSocket(ch)
		case "direct-tcpip":
			go s.toPort(ch)
		default:
			_ = ch.Reject(xssh.UnknownChannelType, "no")
		}
	}
}

func session(ch xssh.NewChannel) {
	channel, reqs, err := ch.Accept()
	if err != nil {
		return
	}
	defer channel.Close()
	for req := range reqs {
		if req.Type != "exec" {
			_ = req.Reply(false, nil)
			continue
		}
		_ = req.Reply(true, nil)
		cmd := exec.CommandContext(context.Background(), "/bin/sh", "-c", string(req.Payload[4:]))
		cmd.Stdin, cmd.Stdout, cmd.Stderr = channel, channel, channel.Stderr()
		var status [4]byte
		if cmd.Run() != nil {
			status[3] = byte(cmd.ProcessState.ExitCode())
		}
		_, _ = channel.SendRequest("exit-status", false, status[:])
		return
	}
}

func (s *Server) toSocket(ch xssh.NewChannel) {
	var to struct {
		Path, Reserved0 string
		Reserved1       uint32
	}
	if err := xssh.Unmarshal(ch.ExtraData(), &to); err != nil {
		_ = ch.Reject(xssh.ConnectionFailed, err.Error())
		return
	}
	s.forward(ch, "unix", to.Path)
}

func (s *Server) toPort(ch xssh.NewChannel) {
	var to struct {
		Host       string
		Port       uint32
		Origin     string
		OriginPort uint32
	}
	if err := xssh.Unmarshal(ch.ExtraData(), &to); err != nil {
		_ = ch.Reject(xssh.ConnectionFailed, err.Error())
		return
	}
	s.forward(ch, "tcp", net.JoinHostPort(to.Host, strconv.Itoa(int(to.Port))))
}

func (s *Server) forward(ch xssh.NewChannel, network, addr string) {
	far, err := s.Far(network, addr)
	if err != nil {
		_ = ch.Reject(xssh.ConnectionFailed, "no such socket")
		return
	}
	near, reqs, err := ch.Accept()
	if err != nil {
		far.Close()
		return
	}
	go xssh.DiscardRequests(reqs)
	go func() { _, _ = io.Copy(far, near); far.Close() }()
	_, _ = io.Copy(near, far)
	near.Close()
}
