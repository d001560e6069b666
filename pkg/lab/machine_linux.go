package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/swarmd/swarmd/pkg/sim/docean"
)

// machine is what one droplet runs on. Its orders are carried out one after the other by its own goroutine; what they led to shows in
// state.
type machine struct {
	spec    docean.Machine
	dir     string // of its disk
	name    string // of its namespace, control group and systemd-nspawn
	image   string
	net     network
	log     *zap.Logger
	changed func()
	orders  chan func(context.Context) error
	done    chan struct{} // closed when destroyed

	mu     sync.Mutex
	state  docean.State
	nspawn int // PID of its systemd-nspawn; 0 while off
	since  time.Time
	fault  error // why the last order failed

	running *supervisor // touched by the orders only, and so is gone
	gone    bool
}

// supervisor is a running systemd-nspawn.
type supervisor struct {
	pid    int
	gone   chan struct{} // closed when it has ended
	reboot bool          // it ended because the guest wants to boot again; valid once gone is closed
}

// rebootCode is how systemd-nspawn --keep-unit asks to be started again.
const rebootCode = 133

// orderTime bounds one order; a boot takes well under a second on an idle host.
const orderTime = time.Minute

func (m *machine) serve() {
	defer close(m.done)
	for !m.gone {
		order := <-m.orders
		ctx, cancel := context.WithTimeout(context.Background(), orderTime)
		err := order(ctx)
		cancel()
		if err != nil {
			m.log.Error("order failed", zap.Error(err))
		}
		m.mu.Lock()
		m.fault = err
		m.mu.Unlock()
		m.changed()
	}
}

// give hands an order over; a machine that has too many of them waiting refuses.
func (m *machine) give(order func(context.Context) error) error {
	select {
	case m.orders <- order:
		return nil
	default:
		return fmt.Errorf("droplet %d has too many orders waiting", m.spec.ID)
	}
}

func (m *machine) set(s docean.State, nspawn int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state, m.nspawn = s, nspawn
	if s == docean.Running {
		m.since = time.Now()
	}
}

func (m *machine) look() Droplet {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := Droplet{
		ID: m.spec.ID, Name: m.spec.Name, State: m.state, Nspawn: m.nspawn, Init: initOf(m.nspawn), Since: m.since,
		Public: host(m.spec.PublicIPv4), Private: host(m.spec.PrivateIPv4),
	}
	if m.fault != nil {
		d.Error = m.fault.Error()
	}
	return d
}

func host(prefix string) string {
	addr, _, _ := strings.Cut(prefix, "/")
	return addr
}

// create makes the disk and switches the machine on for the first time.
func (m *machine) create(ctx context.Context) error {
	err := mountDisk(m.image, m.dir)
	if err == nil {
		err = writeSeed(filepath.Join(m.dir, "root"), m.spec, m.net.gateway().String())
	}
	if err == nil {
		err = m.powerOn(ctx)
	}
	if err != nil {
		m.set(docean.Off, 0)
		return fmt.Errorf("create: %w", err)
	}
	return nil
}

// powerOn boots the machine and returns when its init is there; to come up is the guest's affair.
func (m *machine) powerOn(ctx context.Context) error {
	if m.running != nil && !closed(m.running.gone) {
		return nil
	}
	if err := m.net.plug(ctx, m.spec); err != nil {
		return fmt.Errorf("power on: %w", err)
	}
	procs, err := makeCgroup(m.name)
	if err != nil {
		return fmt.Errorf("power on: %w", err)
	}
	sup, err := m.start(procs)
	if err != nil {
		return fmt.Errorf("power on: %w", err)
	}
	m.running = sup
	err = until(ctx, "the machine's init", func() bool { return initOf(sup.pid) != 0 || closed(sup.gone) })
	if err == nil && closed(sup.gone) {
		err = errors.New("systemd-nspawn ended")
	}
	if err != nil {
		return fmt.Errorf("power on: the machine did not start: %w; %s", err, m.console())
	}
	m.set(docean.Running, sup.pid)
	go m.watch(sup)
	return nil
}

// watch notes when the machine has gone off, by order or by itself, and boots it again if it wants to.
func (m *machine) watch(sup *supervisor) {
	<-sup.gone
	if sup.reboot && m.give(m.powerOn) == nil {
		return
	}
	m.set(docean.Off, 0)
	m.changed()
}

// start runs systemd-nspawn in the machine's control groups, on as many of the host's CPUs as the droplet has.
func (m *machine) start(procs []string) (*supervisor, error) {
	console, err := os.OpenFile(filepath.Join(m.dir, "console.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = console.Close() }()
	const enter = `while [ "$1" != -- ]; do echo $$ >"$1" || exit 1; shift; done; shift; exec "$@"`
	argv := append([]string{"-c", enter, "sh"}, procs...)
	cmd := exec.Command("/bin/sh", append(append(argv, "--"), m.command()...)...)
	cmd.Stdout, cmd.Stderr = console, console
	cmd.Env = append(os.Environ(), "SYSTEMD_SECCOMP=0", "SYSTEMD_NSPAWN_API_VFS_WRITABLE=network")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a Ctrl-C for the lab is none for the machines
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	sup := &supervisor{pid: cmd.Process.Pid, gone: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended does not matter, but for one way
		sup.reboot = cmd.ProcessState.ExitCode() == rebootCode
		close(sup.gone)
	}()
	return sup, nil
}

// command is what boots the machine. /var/lib/docker is a plain directory because overlay2 does not work upon an overlay; without
// filters for system calls because a droplet has none either, and runc's keyrings need them off.
func (m *machine) command() []string {
	argv := []string{
		"taskset", "-c", cpuList(m.spec.ID, m.spec.VCPUs), "systemd-nspawn", "--quiet", "--directory=" + filepath.Join(m.dir, "root"),
		"--boot", "--register=no", "--keep-unit", "--network-namespace-path=" + netnsPath(m.name), "--capability=all",
		"--bind=" + filepath.Join(m.dir, "docker") + ":/var/lib/docker", "--machine=" + m.name, "--hostname=" + m.spec.Name,
		"--resolv-conf=off", "--timezone=off", "--link-journal=no", "--console=read-only", "--kill-signal=SIGRTMIN+3",
	}
	return append(argv, initArguments(legacyCgroups())...)
}

// initArguments are for the machine's init. A systemd from 256 on refuses control groups of version 1, which are the host's, unless its
// command line has this (its NEWS of 256); an older one does not know it.
func initArguments(legacy bool) []string {
	if !legacy {
		return nil
	}
	return []string{"SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1"}
}

// shutdown asks the guest to power down. It takes the guest seconds, and it may not do it.
func (m *machine) shutdown(context.Context) error {
	if m.running == nil || closed(m.running.gone) {
		return nil
	}
	if err := unix.Kill(m.running.pid, unix.SIGTERM); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("shut down: %w", err)
	}
	return nil
}

// powerOff kills the machine's init, which takes all its processes along at once, and then what runs it.
func (m *machine) powerOff(ctx context.Context) error {
	if m.running == nil {
		return nil
	}
	sup := m.running
	if init := initOf(sup.pid); init != 0 {
		_ = unix.Kill(init, unix.SIGKILL)
	}
	if err := killIn(ctx, []string{m.name}); err != nil {
		return fmt.Errorf("power off: %w", err)
	}
	select {
	case <-sup.gone:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("power off: %w", context.Cause(ctx))
	}
}

// resize changes what a machine that is off has when it boots next: on how many of the host's CPUs it runs, and the size of its memory that is on its
// disk.
func (m *machine) resize(vcpus, memoryMB int) error {
	if m.running != nil && !closed(m.running.gone) {
		return errors.New("resize: the machine is not off")
	}
	m.mu.Lock()
	m.spec.VCPUs, m.spec.MemoryMB = vcpus, memoryMB
	m.mu.Unlock()
	if err := replaceFile(filepath.Join(m.dir, "root", meminfoFile), meminfo(memoryMB)); err != nil {
		return fmt.Errorf("resize: %w", err)
	}
	return nil
}

// destroy leaves nothing of the machine. It is the last order that is carried out.
func (m *machine) destroy(ctx context.Context) error {
	m.gone = true
	if err := m.powerOff(ctx); err != nil {
		return fmt.Errorf("destroy: %w", err)
	}
	err := errors.Join(m.net.unplug(ctx, m.spec.ID), removeCgroup(m.name), removeTree(m.dir))
	if err != nil {
		return fmt.Errorf("destroy: %w", err)
	}
	return nil
}

func (m *machine) console() string {
	text, _ := os.ReadFile(filepath.Join(m.dir, "console.log"))
	return tail(string(text), 1000)
}

// initOf finds the machine's init: the child of its systemd-nspawn that is process 1 of an inner PID namespace.
func initOf(nspawn int) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", nspawn, nspawn))
	if err != nil {
		return 0
	}
	for child := range strings.FieldsSeq(string(text)) {
		status, _ := os.ReadFile("/proc/" + child + "/status")
		for line := range strings.Lines(string(status)) {
			ids, ok := strings.CutPrefix(line, "NSpid:")
			if f := strings.Fields(ids); ok && len(f) > 1 && f[len(f)-1] == "1" {
				pid, _ := strconv.Atoi(child)
				return pid
			}
		}
	}
	return 0
}

func closed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
