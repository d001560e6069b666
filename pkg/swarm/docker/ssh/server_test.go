package ssh

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
	"sync"
	"testing"

	xssh "golang.org/x/crypto/ssh"
)

// server is an ssh server in this process: it knows one user key, runs commands in a shell, and forwards to unix sockets.
type server struct {
	t        *testing.T
	listener net.Listener
	hostKey  xssh.Signer

	mu    sync.Mutex
	conns []net.Conn
}

func newSigner(t *testing.T) (xssh.Signer, ed25519.PrivateKey) {
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

// serve starts a server and returns it with the options that reach it and log in. Its host key is not known yet.
func serve(t *testing.T) (*server, Options) {
	t.Helper()
	user, private := newSigner(t)
	s := &server{t: t}
	s.hostKey, _ = newSigner(t)
	var err error
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() { s.accept(user.PublicKey()) })
	t.Cleanup(func() { s.listener.Close(); s.cut(); running.Wait() })
	dir := t.TempDir()
	return s, Options{User: "ana", Host: "127.0.0.1", Port: s.listener.Addr().(*net.TCPAddr).Port,
		KeyFile: writeKey(t, dir, private), KnownHosts: filepath.Join(dir, "ssh", "known_hosts")}
}

func writeKey(t *testing.T, dir string, private ed25519.PrivateKey) string {
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

func (s *server) accept(user xssh.PublicKey) {
	cfg := &xssh.ServerConfig{PublicKeyCallback: func(_ xssh.ConnMetadata, key xssh.PublicKey) (*xssh.Permissions, error) {
		if string(key.Marshal()) != string(user.Marshal()) {
			return nil, os.ErrPermission
		}
		return nil, nil
	}}
	cfg.AddHostKey(s.hostKey)
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

// cut breaks all connections.
func (s *server) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		c.Close()
	}
	s.conns = nil
}

func (s *server) handle(conn net.Conn, cfg *xssh.ServerConfig) {
	defer conn.Close()
	_, chans, reqs, err := xssh.NewServerConn(conn, cfg)
	if err != nil {
		return
	}
	go xssh.DiscardRequests(reqs)
	for ch := range chans {
		switch ch.ChannelType() {
		case "session":
			go s.session(ch)
		case "direct-streamlocal@openssh.com":
			go s.forward(ch)
		default:
			_ = ch.Reject(xssh.UnknownChannelType, "no")
		}
	}
}

func (s *server) session(ch xssh.NewChannel) {
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

func (s *server) forward(ch xssh.NewChannel) {
	var to struct {
		Path, Reserved0 string
		Reserved1       uint32
	}
	if err := xssh.Unmarshal(ch.ExtraData(), &to); err != nil {
		_ = ch.Reject(xssh.ConnectionFailed, err.Error())
		return
	}
	far, err := net.Dial("unix", to.Path)
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
