package lab

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"gopkg.in/yaml.v3"

	"github.com/swarmd/swarmd/pkg/sim/docean"
)

func TestParseStat(t *testing.T) {
	tail := strings.Repeat(" 0", 17)
	p, ok := parseStat(7, "7 (a) b (c) S 3"+tail+" 4711 0")
	if !ok || p.comm != "a) b (c" || p.parent != 3 || p.state != 'S' || p.start != 4711 {
		t.Errorf("got %+v, %v", p, ok)
	}
	for _, bad := range []string{"", "7 (a", "7 (a) S 1", "7 )a( S 3" + tail, "7 (a) S x" + tail + " 1 0"} {
		if p, ok := parseStat(7, bad); ok {
			t.Errorf("%q gives %+v", bad, p)
		}
	}
}

// TestTree finds a grandchild, and signals only the processes it saw.
func TestTree(t *testing.T) {
	cmd := exec.Command("sh", "-c", "sleep 60 & wait")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var tree []process
	err := until(ctx, "the child", func() bool { // which is a shell too until it has become sleep
		tree = treeOf(cmd.Process.Pid)
		return len(tree) == 2 && tree[1].comm == "sleep"
	})
	if err != nil || tree[0].pid != cmd.Process.Pid {
		t.Fatalf("tree %+v, %v", tree, err)
	}
	reused := tree[1]
	reused.start++
	signalAll([]process{reused}, unix.SIGKILL)
	if !tree[1].alive() {
		t.Error("a process was killed for having an older one's PID")
	}
	signalAll(tree, unix.SIGKILL)
	_ = cmd.Wait()
	if err := until(ctx, "both to end", func() bool { return !tree[0].alive() && !tree[1].alive() }); err != nil {
		t.Error(err)
	}
}

func TestCPUList(t *testing.T) {
	for _, c := range []struct {
		id, vcpus, cpus int
		want            string
	}{{1, 1, 2, "1"}, {2, 1, 2, "0"}, {3, 2, 4, "3,0"}, {1, 8, 2, "1,0"}, {5, 0, 2, "1"}} {
		if got := cpuListOf(c.id, c.vcpus, c.cpus); got != c.want {
			t.Errorf("%d vCPUs for droplet %d on %d: %q, want %q", c.vcpus, c.id, c.cpus, got, c.want)
		}
	}
}

// TestInitArguments tells a systemd of the host's old control groups, and of nothing else.
func TestInitArguments(t *testing.T) {
	if got := initArguments(false); len(got) > 0 {
		t.Errorf("without control groups of version 1 init gets %q", got)
	}
	if got := initArguments(true); len(got) != 1 || got[0] != "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1" {
		t.Errorf("with control groups of version 1 init gets %q", got)
	}
}

func TestSeed(t *testing.T) {
	root := t.TempDir()
	outside := filepath.Join(t.TempDir(), "outside")
	err := errors.Join(os.Mkdir(filepath.Join(root, "etc"), 0o755), os.Symlink(outside, filepath.Join(root, "etc/resolv.conf")))
	if err != nil {
		t.Fatal(err)
	}
	m := docean.Machine{ID: 42, Name: "c-p-abcde", MemoryMB: 512, UserData: "#cloud-config\n", SSHKeys: []string{"ssh-ed25519 AAAA: # me"}}
	if err := writeSeed(root, m, "203.0.113.1"); err != nil {
		t.Fatal(err)
	}
	if exists(outside) {
		t.Error("a link in the image led the lab out of the droplet's disk")
	}
	var meta struct {
		ID   string   `yaml:"instance-id"`
		Name string   `yaml:"local-hostname"`
		Keys []string `yaml:"public-keys"`
	}
	text := read(t, root, "var/lib/cloud/seed/nocloud/meta-data")
	if err := yaml.Unmarshal([]byte(text), &meta); err != nil {
		t.Fatal(err)
	}
	if meta.ID != "42" || meta.Name != m.Name || len(meta.Keys) != 1 || meta.Keys[0] != m.SSHKeys[0] {
		t.Errorf("meta-data %s", text)
	}
	if got := read(t, root, "etc/lab-meminfo"); !strings.HasPrefix(got, "MemTotal:         524288 kB\n") {
		t.Errorf("meminfo %q", got)
	}
	if got := read(t, root, "etc/resolv.conf"); got != "nameserver 203.0.113.1\n" {
		t.Errorf("resolv.conf %q", got)
	}
	if got := read(t, root, "etc/hosts"); !strings.Contains(got, "203.0.113.1 registry.lab\n") {
		t.Errorf("hosts %q", got)
	}
}

func read(t *testing.T, root, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestRemoveTree(t *testing.T) {
	for _, dir := range []string{"", "/", "/home", "relative/dir"} {
		if err := removeTree(dir); err == nil {
			t.Fatalf("removed %q", dir)
		}
	}
	dir := filepath.Join(t.TempDir(), "a", "b")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := removeTree(filepath.Dir(dir)); err != nil || exists(dir) {
		t.Errorf("not removed: %v", err)
	}
}

// TestRemoveTreeMounted loses what is mounted inside out of sight, not its content.
func TestRemoveTreeMounted(t *testing.T) {
	needLab(t)
	precious, dir := t.TempDir(), filepath.Join(t.TempDir(), "disk with blank")
	err := errors.Join(os.Mkdir(dir, 0o755), os.WriteFile(filepath.Join(precious, "file"), nil, 0o644),
		unix.Mount(precious, dir, "", unix.MS_BIND, ""))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := mountsUnder(dir); err != nil || len(got) != 1 || got[0] != dir {
		t.Fatalf("mounts %q, %v", got, err)
	}
	if err := removeTree(dir); err != nil || exists(dir) {
		t.Errorf("not removed: %v", err)
	}
	if !exists(filepath.Join(precious, "file")) {
		t.Error("what was mounted there was removed")
	}
}

func TestTags(t *testing.T) {
	a, b := tagOf("/var/lib/a"), tagOf("/var/lib/b")
	if a == b || !strings.HasPrefix(a, "swarmd-lab-") || len(a) != len("swarmd-lab-")+4 {
		t.Errorf("tags %s and %s", a, b)
	}
	if d := (Options{Dir: "some/dir"}).withDefaults(); !filepath.IsAbs(d.Dir) || d.ImageDir != d.Dir+"/image" {
		t.Errorf("directories %s and %s", d.Dir, d.ImageDir)
	}
}

// TestStatus is not taken in by a file that a dead process left.
func TestStatus(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadStatus(dir); !errors.Is(err, ErrNotRunning) {
		t.Errorf("without a file: %v", err)
	}
	self, _ := readProcess(os.Getpid())
	l := &Lab{opts: Options{Dir: dir}, status: Status{PID: self.pid, StartTime: self.start, Token: "secret"}, machines: &machines{}}
	if err := l.writeStatus(); err != nil {
		t.Fatal(err)
	}
	if s, err := ReadStatus(dir); err != nil || s.Token != "secret" {
		t.Errorf("status %+v, %v", s, err)
	}
	info, err := os.Stat(filepath.Join(dir, "state.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the file with the token: %v, %v", info.Mode(), err)
	}
	l.status.StartTime--
	if err := l.writeStatus(); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadStatus(dir); !errors.Is(err, ErrNotRunning) {
		t.Errorf("with another process of that PID: %v", err)
	}
}

// TestLock gives a file to one holder at a time.
func TestLock(t *testing.T) {
	dir := t.TempDir()
	unlock, err := lockLab(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockLab(dir); err == nil {
		t.Error("locked twice")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := lockFile(ctx, filepath.Join(dir, "lock")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting for a held lock: %v", err)
	}
	unlock()
	again, err := lockLab(dir)
	if err != nil {
		t.Fatal(err)
	}
	again()
}

func TestOrders(t *testing.T) {
	ms := &machines{byID: map[int]*machine{}, changed: func() {}}
	for name, order := range map[string]func(int) error{"shutdown": ms.Shutdown, "power off": ms.PowerOff, "power on": ms.PowerOn} {
		if err := order(1); err == nil {
			t.Errorf("%s of an unknown droplet is no error", name)
		}
	}
	if err := ms.Destroy(1); err != nil {
		t.Errorf("destroy of an unknown droplet: %v", err)
	}
	busy := &machine{spec: docean.Machine{ID: 2}, orders: make(chan func(context.Context) error)}
	ms.byID[2] = busy
	if err := ms.PowerOn(2); err == nil || !strings.Contains(err.Error(), "too many orders") {
		t.Errorf("a machine with a full queue: %v", err)
	}
	if err := ms.Create(docean.Machine{ID: 2}); err == nil {
		t.Error("created twice")
	}
}

func TestCapabilities(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Capabilities() {
		seen[c.Name] = true
		if c.Effect == "" {
			t.Errorf("%s says nothing of what is missing without it", c.Name)
		}
	}
	if !seen["ip_vs"] || !seen["overlayfs"] {
		t.Errorf("capabilities %v", seen)
	}
}
