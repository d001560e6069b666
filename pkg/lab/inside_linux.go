package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// initPID is the PID, on the host, of a running machine's first process.
func (l *Lab) initPID(id int) (int, error) {
	m, err := l.machines.get(id)
	if err != nil {
		return 0, err
	}
	if d := m.look(); d.Init != 0 {
		return d.Init, nil
	}
	return 0, fmt.Errorf("droplet %d is not running", id)
}

// EngineHost is a DOCKER_HOST for the engine of a droplet, without any network in between; "" while the droplet is off. It changes
// with every power-on.
func (l *Lab) EngineHost(id int) string {
	pid, err := l.initPID(id)
	if err != nil {
		return ""
	}
	return "unix:///proc/" + strconv.Itoa(pid) + "/root/run/docker.sock"
}

// Exec runs a command inside a droplet, as root, and returns what it printed. It goes around the droplet's network and sshd.
func (l *Lab) Exec(ctx context.Context, id int, argv ...string) (string, error) {
	return l.ExecInput(ctx, id, "", argv...)
}

// ExecInput is Exec with a standard input.
func (l *Lab) ExecInput(ctx context.Context, id int, stdin string, argv ...string) (string, error) {
	pid, err := l.initPID(id)
	if err != nil {
		return "", err
	}
	enter := []string{
		"nsenter", "--target", strconv.Itoa(pid), "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--",
		"env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
	}
	return run(ctx, stdin, append(enter, argv...)...)
}

// Dial connects from where a laptop would be: to droplets' public addresses, the API or the registry. The address must be literal.
func (l *Lab) Dial(ctx context.Context, addr string) (net.Conn, error) {
	return dialIn(ctx, l.net.dataCentre(), addr)
}

// WriteFile puts a file into a running droplet.
func (l *Lab) WriteFile(id int, path string, content []byte, mode os.FileMode) error {
	pid, err := l.initPID(id)
	if err != nil {
		return err
	}
	full := fmt.Sprintf("/proc/%d/root%s", pid, path)
	if err := os.WriteFile(full, content, mode); err != nil {
		return fmt.Errorf("write into droplet %d: %w", id, err)
	}
	return os.Chmod(full, mode)
}

// CutLink takes a droplet off both networks; its processes go on. A power-on finds the cables mended.
func (l *Lab) CutLink(ctx context.Context, id int) error { return l.setLink(ctx, id, "down") }

// RestoreLink mends what CutLink cut.
func (l *Lab) RestoreLink(ctx context.Context, id int) error { return l.setLink(ctx, id, "up") }

func (l *Lab) setLink(ctx context.Context, id int, state string) error {
	if _, err := l.machines.get(id); err != nil {
		return err
	}
	return l.net.link(ctx, id, state)
}

// KillEngine kills a droplet's dockerd; its systemd starts it again.
func (l *Lab) KillEngine(id int) error { return l.KillProcess(id, "dockerd") }

// KillProcess kills the processes of that name (its first 15 bytes, as the kernel keeps it) inside a droplet with SIGKILL. None of
// that name is an error.
func (l *Lab) KillProcess(id int, comm string) error { return l.Signal(id, comm, unix.SIGKILL) }

// Signal sends a signal to the processes of that name inside a droplet, as KillProcess does.
func (l *Lab) Signal(id int, comm string, sig unix.Signal) error {
	tree, err := l.inside(id)
	if err != nil {
		return err
	}
	tree = slices.DeleteFunc(tree, func(p process) bool { return p.comm != comm })
	if len(tree) == 0 {
		return fmt.Errorf("droplet %d runs no %s", id, comm)
	}
	signalAll(tree, sig)
	return nil
}

// Pause stops everything inside a droplet, as a hypervisor that migrates it would; the network stays up and answers nothing.
func (l *Lab) Pause(id int) error {
	for stopped := -1; ; { // until no process was born meanwhile
		tree, err := l.inside(id)
		if err != nil {
			return err
		}
		if len(tree) == stopped {
			return nil
		}
		signalAll(tree, unix.SIGSTOP)
		stopped = len(tree)
	}
}

// Resume lets a paused droplet go on.
func (l *Lab) Resume(id int) error {
	tree, err := l.inside(id)
	slices.Reverse(tree)
	signalAll(tree, unix.SIGCONT)
	return err
}

func (l *Lab) inside(id int) ([]process, error) {
	pid, err := l.initPID(id)
	if err != nil {
		return nil, err
	}
	tree := treeOf(pid)
	if len(tree) == 0 {
		return nil, errors.New("the machine has just ended")
	}
	return tree, nil
}
