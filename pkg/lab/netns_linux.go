package lab

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

const netnsDir = "/run/netns"

func netnsPath(name string) string { return filepath.Join(netnsDir, name) }

// inNetns calls f on a thread that is in the named network namespace. f must not start goroutines that need the namespace; what it
// opens (sockets, processes) stays there. The thread is not used again.
func inNetns(name string, f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the runtime ends the thread with the goroutine
		done <- enterNetns(name, f)
	}()
	return <-done
}

func enterNetns(name string, f func() error) error {
	ns, err := os.Open(netnsPath(name))
	if err != nil {
		return fmt.Errorf("enter network namespace: %w", err)
	}
	defer func() { _ = ns.Close() }()
	if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter network namespace %s: %w", name, err)
	}
	return f()
}

// listenIn opens a TCP listener in a namespace. The address must be literal: a look-up would run on another thread.
func listenIn(ctx context.Context, netns, addr string) (net.Listener, error) {
	var l net.Listener
	err := inNetns(netns, func() (err error) {
		l, err = (&net.ListenConfig{}).Listen(ctx, "tcp4", addr)
		return err
	})
	return l, err
}

// dialIn connects from inside a namespace to a literal address.
func dialIn(ctx context.Context, netns, addr string) (net.Conn, error) {
	var c net.Conn
	err := inNetns(netns, func() (err error) {
		c, err = (&net.Dialer{}).DialContext(ctx, "tcp4", addr)
		return err
	})
	return c, err
}

// namespacesOf lists the named network namespaces that carry the tag.
func namespacesOf(tag string) []string {
	entries, err := os.ReadDir(netnsDir)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), tag+"-") {
			names = append(names, e.Name())
		}
	}
	return names
}

// fileID is what tells one namespace, or any other file, from another.
type fileID struct{ dev, ino uint64 }

func idOf(path string) (fileID, bool) {
	info, err := os.Stat(path)
	if err != nil {
		return fileID{}, false
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fileID{}, false
	}
	return fileID{s.Dev, s.Ino}, true
}
