package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// process is one line of the host's process table. Start tells a PID from its next user.
type process struct {
	pid, parent int
	state       byte
	start       uint64 // clock ticks since the host's boot
	comm        string
}

func readProcess(pid int) (process, bool) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return process{}, false
	}
	return parseStat(pid, string(text))
}

// parseStat reads /proc/PID/stat. The name is in brackets and may itself hold anything, brackets and blanks too.
func parseStat(pid int, text string) (process, bool) {
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return process{}, false
	}
	fields := strings.Fields(text[end+1:])
	if len(fields) < 20 {
		return process{}, false
	}
	parent, err := strconv.Atoi(fields[1])
	start, err2 := strconv.ParseUint(fields[19], 10, 64)
	p := process{pid: pid, parent: parent, state: fields[0][0], start: start, comm: text[open+1 : end]}
	return p, err == nil && err2 == nil
}

func (p process) alive() bool {
	now, ok := readProcess(p.pid)
	return ok && now.start == p.start && now.state != 'Z' && now.state != 'X'
}

// allProcesses is the host's process table.
func allProcesses() []process {
	entries, _ := os.ReadDir("/proc")
	var all []process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if p, ok := readProcess(pid); ok {
			all = append(all, p)
		}
	}
	return all
}

// treeOf returns a process and all its descendants, parents first.
func treeOf(pid int) []process {
	children := map[int][]process{}
	var tree []process
	for _, p := range allProcesses() {
		children[p.parent] = append(children[p.parent], p)
		if p.pid == pid {
			tree = append(tree, p)
		}
	}
	for i := 0; i < len(tree); i++ {
		tree = append(tree, children[tree[i].pid]...)
	}
	return tree
}

// signalAll sends a signal to each process that is still the one it was.
func signalAll(ps []process, sig unix.Signal) {
	for _, p := range ps {
		if p.alive() {
			_ = unix.Kill(p.pid, sig)
		}
	}
}

// processesIn finds processes by what they are in, not by what they are called: a network namespace or a control group of one of
// these names.
func processesIn(names []string) []process {
	namespaces := map[fileID]bool{}
	for _, n := range names {
		if id, ok := idOf(netnsPath(n)); ok {
			namespaces[id] = true
		}
	}
	return slices.DeleteFunc(allProcesses(), func(p process) bool {
		id, ok := idOf(fmt.Sprintf("/proc/%d/ns/net", p.pid))
		return p.pid == os.Getpid() || p.state == 'Z' || !(ok && namespaces[id] || inCgroup(p.pid, names))
	})
}

// inCgroup reads lines like "4:memory:/swarmd-lab-1a2b-7/docker/...".
func inCgroup(pid int, names []string) bool {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	for line := range strings.Lines(string(text)) {
		_, path, _ := strings.Cut(line, ":/")
		group, _, _ := strings.Cut(strings.TrimSpace(path), "/")
		if slices.Contains(names, group) {
			return true
		}
	}
	return false
}

// killIn kills the processes in these namespaces and groups until none is left. Killing a machine's init takes everything in the
// machine along.
func killIn(ctx context.Context, names []string) error {
	err := until(ctx, "processes to end", func() bool {
		left := processesIn(names)
		signalAll(left, unix.SIGKILL)
		return len(left) == 0
	})
	if err != nil {
		return fmt.Errorf("kill what is in %s: %w", strings.Join(names, ", "), err)
	}
	return nil
}
