package userdata

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// box is a droplet in a folder: the scripts run for real, with their absolute paths moved into it; ufw, systemctl and sleep are
// stand-ins that write down how they were called.
type box struct {
	dir      string
	metadata string // base URL of the metadata service
}

func newBox(t *testing.T, metadata http.HandlerFunc) box {
	t.Helper()
	for _, tool := range []string{"sh", "python3", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed: every droplet has it", tool)
		}
	}
	s := httptest.NewServer(metadata)
	t.Cleanup(s.Close)
	b := box{dir: t.TempDir(), metadata: s.URL}
	b.write(t, "bin/ufw", "#!/bin/sh\necho \"ufw $*\" >>"+b.path("calls")+"\n[ \"$1\" = status ] && [ -e "+b.path("ufw-on")+
		" ] && echo Status: active\n[ \"$2\" = enable ] && : >"+b.path("ufw-on")+"\n[ ! -e "+b.path("ufw-broken")+" ]\n")
	b.write(t, "bin/systemctl", "#!/bin/sh\necho \"systemctl $*\" >>"+b.path("calls")+"\n[ \"$1\" != is-active ] || [ -e "+b.path("engine-on")+" ]\n")
	b.write(t, "bin/sleep", "#!/bin/sh\n")
	return b
}

func (b box) path(name string) string { return filepath.Join(b.dir, name) }

func (b box) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(b.path(name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(b.path(name), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

func (b box) read(name string) string {
	data, err := os.ReadFile(b.path(name))
	if err != nil {
		return "-"
	}
	return string(data)
}

// run runs a script and returns what it said and whether it succeeded.
func (b box) run(t *testing.T, script string, args ...string) (string, bool) {
	t.Helper()
	for _, p := range []string{"/var/lib/", "/etc/docker", "/etc/systemd", "/run/cloud-init", "/var/run/docker.sock"} {
		script = strings.ReplaceAll(script, p, b.dir+p)
	}
	script = strings.ReplaceAll(script, "http://169.254.169.254", b.metadata)
	script = strings.ReplaceAll(script, "time.sleep(1)", "pass")
	cmd := exec.CommandContext(t.Context(), "sh", append([]string{"-c", script, "script"}, args...)...)
	cmd.Env = []string{"PATH=" + b.path("bin") + ":" + os.Getenv("PATH"), "HOME=" + b.dir}
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

// calls returns the calls since the last time.
func (b box) calls() []string {
	text := strings.TrimSpace(strings.TrimPrefix(b.read("calls"), "-"))
	_ = os.Remove(b.path("calls"))
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

func droplet(id string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/metadata/v1/id":
			_, _ = io.WriteString(w, id)
		case "/metadata/v1/interfaces/private/0/ipv4/address":
			_, _ = io.WriteString(w, "10.114.0.9")
		default:
			http.NotFound(w, r)
		}
	}
}

func TestFirstBoot(t *testing.T) {
	b := newBox(t, droplet("4711"))
	b.write(t, "etc/docker/daemon.json", `{"insecure-registries":["10.0.0.1:5000"],"labels":["swarmd.template=2","zone=a","swarmd.droplet=1"]}`)
	b.write(t, "var/lib/docker/swarm/state.json", "of the machine that the image was made from")
	out, ok := b.run(t, bootScript, "10.114.0.0/20", "192.0.2.0/24 198.51.100.7/32", "swarmd.template=3")
	if !ok {
		t.Fatal(out)
	}
	want := []string{
		"systemctl daemon-reload", "systemctl is-active --quiet docker.service", "ufw --force reset", "ufw default deny incoming", "ufw default allow outgoing",
		"ufw allow proto tcp from 192.0.2.0/24 to any port 22", "ufw allow proto tcp from 198.51.100.7/32 to any port 22",
		"ufw allow proto tcp from 10.114.0.0/20 to any port 2377,7946,9810", "ufw allow proto udp from 10.114.0.0/20 to any port 7946,4789",
		"ufw allow proto esp from 10.114.0.0/20", "ufw --force enable", "systemctl is-active --quiet docker.service", "systemctl is-active --quiet docker.service",
	}
	if diff := cmp.Diff(want, b.calls()); diff != "" {
		t.Error(diff)
	}
	var config map[string]any
	if err := json.Unmarshal([]byte(b.read("etc/docker/daemon.json")), &config); err != nil {
		t.Fatal(err)
	}
	wantConfig := map[string]any{"insecure-registries": []any{"10.0.0.1:5000"}, "labels": []any{"zone=a", "swarmd.droplet=4711", "swarmd.template=3"}}
	if diff := cmp.Diff(wantConfig, config); diff != "" {
		t.Error(diff)
	}
	if b.read("var/lib/swarmd/prepared") != "" || b.read("var/lib/docker/swarm/state.json") != "-" {
		t.Error("not prepared, or with the state of another machine")
	}
	if unit := b.read("etc/systemd/system/docker.service.d/10-swarmd.conf"); !strings.Contains(unit, "\nExecStartPre=/bin/sh -c 'iptables ") || !strings.HasPrefix(unit, "[Unit]\nAssertPathExists="+b.dir) {
		t.Errorf("the engine is not held:\n%s", unit)
	}
}

// A second boot changes nothing, keeps the node's state, and does without the metadata service.
func TestSecondBoot(t *testing.T) {
	var down atomic.Bool
	b := newBox(t, func(w http.ResponseWriter, r *http.Request) {
		if !down.Load() {
			droplet("4711")(w, r)
			return
		}
		http.Error(w, "no", http.StatusServiceUnavailable)
	})
	if out, ok := b.run(t, bootScript, "10.114.0.0/20", "any", "swarmd.template=3"); !ok {
		t.Fatal(out)
	}
	b.calls()
	b.write(t, "var/lib/docker/swarm/state.json", "mine")
	for _, off := range []bool{false, true} {
		down.Store(off)
		if out, ok := b.run(t, bootScript, "10.114.0.0/20", "any", "swarmd.template=3"); !ok {
			t.Fatal(out)
		}
		if diff := cmp.Diff([]string{"ufw status"}, b.calls()); diff != "" {
			t.Error(diff)
		}
		if b.read("var/lib/docker/swarm/state.json") != "mine" || b.read("var/lib/swarmd/prepared") != "" {
			t.Error("the node lost its state")
		}
	}
}

// An engine that is up already starts again, after the firewall and with the label.
func TestBootAfterTheEngine(t *testing.T) {
	b := newBox(t, droplet("4711"))
	b.write(t, "engine-on", "")
	if out, ok := b.run(t, bootScript, "10.114.0.0/20", "any", "swarmd.template=3"); !ok {
		t.Fatal(out)
	}
	calls := b.calls()
	want := []string{"systemctl daemon-reload", "systemctl is-active --quiet docker.service", "systemctl stop docker.socket docker.service", "ufw --force reset"}
	if diff := cmp.Diff(want, calls[:4]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"ufw --force enable", "systemctl start docker.service"}, calls[len(calls)-2:]); diff != "" {
		t.Error(diff)
	}
}

// Without a firewall or an id the engine does not start, and a running one is stopped.
func TestBootFailsClosed(t *testing.T) {
	for name, tc := range map[string]struct {
		id  string
		set func(box)
	}{
		"no id":           {"", func(box) {}},
		"an id of words":  {"<html>", func(box) {}},
		"no firewall":     {"4711", func(b box) { b.write(t, "ufw-broken", "") }},
		"a broken config": {"4711", func(b box) { b.write(t, "etc/docker/daemon.json", "{") }},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, droplet(tc.id))
			tc.set(b)
			b.write(t, "engine-on", "")
			b.write(t, "var/lib/swarmd/prepared", "")
			out, ok := b.run(t, bootScript, "10.114.0.0/20", "any", "swarmd.template=3")
			if ok || !strings.Contains(out, "the engine is held back") || b.read("var/lib/swarmd/prepared") != "-" {
				t.Errorf("the engine is let go: %s", out)
			}
			calls := b.calls()
			if !slices.Contains(calls, "systemctl stop docker.socket docker.service") || slices.Contains(calls, "systemctl start docker.service") {
				t.Errorf("the engine is not stopped, or started again: %v", calls)
			}
		})
	}
}

// engine plays the Docker Engine on a unix socket. join says what becomes of a request by a manager's address.
type engine struct {
	mu    sync.Mutex
	state string
	log   []string
	join  func(manager string) (state string, status int)
}

func (e *engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch r.Method + " " + r.URL.Path {
	case "GET /info":
		fmt.Fprintf(w, `{"ID":"x","Swarm":{"NodeID":"","LocalNodeState":"%s","ControlAvailable":false}}`, e.state)
	case "POST /swarm/leave":
		e.state = "inactive"
		e.log = append(e.log, "leave?"+r.URL.RawQuery)
	case "POST /swarm/join":
		var body joinRequest
		err := json.NewDecoder(r.Body).Decode(&body)
		e.log = append(e.log, fmt.Sprintf("join %s as %s %s %s %s token %v %v", body.RemoteAddrs, body.ListenAddr, body.AdvertiseAddr, body.DataPathAddr,
			body.Availability, body.JoinToken == token, err))
		if e.state != "inactive" {
			http.Error(w, `{"message":"This node is already part of a swarm."}`, http.StatusServiceUnavailable)
			return
		}
		status := 0
		if e.state, status = e.join(body.RemoteAddrs[0]); status != http.StatusOK {
			http.Error(w, `{"message":"no: `+body.JoinToken+`"}`, status)
		}
	}
}

// join runs join.sh against the engine and returns its output. It gives up after so many seconds.
func join(t *testing.T, e *engine, patience int) (box, string, bool) {
	t.Helper()
	b := newBox(t, droplet("4711"))
	files, err := params().files()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files[5:] {
		b.write(t, f.Path, f.Content)
	}
	// A unix socket's path has 107 bytes at most: the box's own may be too long.
	dir, err := os.MkdirTemp("", "sw")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: e, ReadHeaderTimeout: time.Second}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Shutdown(context.Background()) })
	out, ok := b.run(t, strings.ReplaceAll(joinScript, "/var/run/docker.sock", filepath.Join(dir, "s")), strconv.Itoa(patience))
	if strings.Contains(out, token) {
		t.Errorf("the token is in the log: %s", out)
	}
	if b.read("var/lib/swarmd/join/00.json") != "-" || b.read("var/lib/swarmd/join/01.json") != "-" {
		t.Error("the token is left on the disk")
	}
	return b, out, ok
}

const (
	byFirst  = "join [10.114.0.2:2377] as 10.114.0.9:2377 10.114.0.9 10.114.0.9 drain token true <nil>"
	bySecond = "join [10.114.0.3:2377] as 10.114.0.9:2377 10.114.0.9 10.114.0.9 drain token true <nil>"
)

func TestJoin(t *testing.T) {
	for name, tc := range map[string]struct {
		start string
		join  func(string) (string, int)
		ok    bool
		log   []string
	}{
		"at once":         {start: "inactive", join: func(string) (string, int) { return "active", 200 }, ok: true, log: []string{byFirst}},
		"already in":      {start: "active", ok: true},
		"answer was lost": {start: "inactive", join: func(string) (string, int) { return "active", 503 }, ok: true, log: []string{byFirst}},
		"the first manager is gone": {start: "inactive", ok: true, log: []string{byFirst, bySecond}, join: func(m string) (string, int) {
			if m == "10.114.0.2:2377" {
				return "inactive", 500
			}
			return "active", 200
		}},
		"the first one hangs": {start: "inactive", ok: true, log: []string{byFirst, "leave?force=true", bySecond}, join: func(m string) (string, int) {
			if m == "10.114.0.2:2377" {
				return "pending", 503
			}
			return "active", 200
		}},
	} {
		t.Run(name, func(t *testing.T) {
			e := &engine{state: tc.start, join: tc.join}
			_, out, ok := join(t, e, 60)
			if ok != tc.ok {
				t.Errorf("success is %v: %s", ok, out)
			}
			if diff := cmp.Diff(tc.log, e.log); diff != "" {
				t.Errorf("%s\n%s", diff, out)
			}
		})
	}
	t.Run("never", func(t *testing.T) {
		e := &engine{state: "inactive", join: func(string) (string, int) { return "error", 500 }}
		_, out, ok := join(t, e, 2)
		if ok || !strings.Contains(out, "gave up") || len(e.log) < 4 {
			t.Errorf("success is %v after %v: %s", ok, e.log, out)
		}
	})
}

// Another apt holds a lock at first boot, for minutes: it is waited for as long as the machine has to join, and no longer.
func TestInstallWaitsForTheLocks(t *testing.T) {
	functions, _, found := strings.Cut(setupScript, "# prepare")
	script := strings.Replace(functions, "exec >>/var/log/swarmd-join.log 2>&1", "", 1) + "\ninstall nothing-of-the-kind docker.io\n"
	if !found || script == functions {
		t.Fatal("the script has changed")
	}
	for name, tc := range map[string]struct {
		busy     int // how many calls find the lock taken
		patience string
		ok       bool
		calls    int
	}{
		"free": {0, "900", true, 2}, "taken for long": {12, "900", true, 14}, "over its time": {12, "0", false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, droplet("4711"))
			b.write(t, "var/lib/swarmd/droplet", "4711")
			b.write(t, "bin/apt-get", fmt.Sprintf("#!/bin/sh\necho \"apt-get $*\" >>%[1]s\n[ \"$(wc -l <%[1]s)\" -gt %[2]d ]\n", b.path("calls"), tc.busy))
			out, ok := b.run(t, script, "10.114.0.0/20", "any", tc.patience)
			calls := b.calls()
			if ok != tc.ok || len(calls) != tc.calls {
				t.Fatalf("success is %v after %d calls: %s", ok, len(calls), out)
			}
			if !strings.Contains(calls[0], "DPkg::Lock::Timeout="+tc.patience+" ") {
				t.Errorf("dpkg's lock is not waited for as long: %s", calls[0])
			}
		})
	}
}
