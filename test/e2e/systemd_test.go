//go:build linux

package e2e

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/lab"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
)

const (
	systemdLabDir = "/var/lib/swarmd-lab-systemd"
	hostFile      = "/etc/swarmd/cluster.yaml"
)

// TestSystemd plays scenarios 1 and 6 with swarmd as a unit of the managers' hosts, watching a file there; then what only a unit has: its
// sandbox, its credential, its watchdog, its stop. The image is built on the same machines.
func TestSystemd(t *testing.T) {
	b := newLab(t, systemdLabDir)
	u := &units{stage: &stage{bench: b, want: want{managers: 1, noSwarmdImage: true}}}
	steps := []struct {
		name string
		run  func(*units)
	}{
		{"1 from nothing to three managers and a worker", (*units).fromNothing},
		{"1 a unit on each manager", (*units).onEachManager},
		{"the sandbox", (*units).sandbox},
		{"the token stays where it is", (*units).token},
		{"6 a broken edit of the file on the host", (*units).brokenEdit},
		{"6 a stale file on another manager", (*units).staleFile},
		{"watchdog", (*units).watchdog},
		{"stop", (*units).stop},
		{"the image, built in the lab's engine", (*units).image},
		{"8 destroy", (*units).destroy},
	}
	for _, step := range steps {
		began := time.Now()
		if !t.Run(step.name, func(t *testing.T) {
			u.T = t
			defer func() { u.T = b.T }()
			step.run(u)
		}) {
			t.Fatal("the scenarios build on each other: stopped")
		}
		t.Logf("%s: %v", step.name, time.Since(began).Round(100*time.Millisecond))
	}
}

// units is a cluster whose swarmd runs as a unit on its managers.
type units struct {
	*stage
	other lab.Droplet // a manager that joined later
}

// on runs a command in a droplet and returns what it printed.
func (u *units) on(d lab.Droplet, argv ...string) string {
	u.Helper()
	out, err := u.lab.Exec(u.Context(), d.ID, argv...)
	if err != nil {
		u.Fatalf("on %s: %v\n%s", d.Name, err, out)
	}
	return strings.TrimSpace(out)
}

// save edits the file on a droplet as an editor does: a new file, renamed into its place.
func (u *units) save(d lab.Droplet, text string) {
	u.Helper()
	const write = "cat >" + hostFile + "~ && chmod 644 " + hostFile + "~ && mv " + hostFile + "~ " + hostFile
	if out, err := u.lab.ExecInput(u.Context(), d.ID, text, "sh", "-c", write); err != nil {
		u.Fatalf("edit on %s: %v\n%s", d.Name, err, out)
	}
}

// text is the file, with a short pace: here it is passes that are waited for.
func (u *units) text() string {
	return strings.Replace(u.want.yaml(u.state.SSHKeyID), "resync: 10s", "resync: 3s", 1)
}

func (u *units) file() string { return u.write("shop.yaml", u.text()) }

// ask reads a page of the swarmd on a droplet, which listens on its private address.
func (u *units) ask(d lab.Droplet, path string) string {
	out, err := u.lab.Exec(u.Context(), d.ID, "curl", "-sS", "--max-time", "5", "http://"+d.Private+":9810"+path)
	if err != nil {
		return err.Error()
	}
	return out
}

// report is the last pass of the swarmd on a droplet; an empty one while it does not answer.
func (u *units) report(d lab.Droplet) (r report.Report) {
	_ = json.Unmarshal([]byte(u.ask(d, "/status")), &r)
	return r
}

// metric returns the value of a series without labels.
func (u *units) metric(d lab.Droplet, name string) string {
	for line := range strings.Lines(u.ask(d, "/metrics")) {
		if v, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(v)
		}
	}
	return "no such metric"
}

// property is one of the unit's properties.
func (u *units) property(d lab.Droplet, name string) string {
	u.Helper()
	return u.on(d, "systemctl", "show", "--value", "--property="+name, "swarmd.service")
}

// journal is what the unit logged since its droplet booted.
func (u *units) journal(d lab.Droplet) string {
	u.Helper()
	return u.on(d, "journalctl", "--no-pager", "-o", "cat", "-u", "swarmd.service")
}

func (u *units) fromNothing() {
	u.must("", "bootstrap", "--systemd", "-f", u.file())
	managers := u.droplets("shop-managers-")
	if len(managers) != 1 {
		u.Fatalf("%d managers after bootstrap, want 1", len(managers))
	}
	u.first = managers[0]
	u.host, u.docker = "ssh://root@"+u.first.Public, u.bench.engine(u.first.ID)
	u.want.managers, u.want.workers = 3, 1
	u.save(u.first, u.text())
	u.until("the edit on the host came true", 4*time.Minute, func() (bool, string) {
		r := u.report(u.first)
		return r.Converged && r.Revision == 2, fmt.Sprintf("revision %d, %s %s", r.Revision, r.Result, r.Error)
	})
	u.wholeAndQuiet(3, 1)
	if r, from := u.report(u.first), "file "+u.first.Name+":"+hostFile; r.Source != from {
		u.Errorf("revision 2 comes from %q, want %q", r.Source, from)
	}
}

func (u *units) onEachManager() {
	started := u.property(u.first, "ExecMainStartTimestampMonotonic")
	if out := u.must("", "bootstrap", "--systemd", "-f", u.file()); !strings.Contains(out, "already there") {
		u.Errorf("a second bootstrap does not say that the cluster is there")
	}
	if now := u.property(u.first, "ExecMainStartTimestampMonotonic"); now != started {
		u.Errorf("the unit on the first manager was restarted, and nothing of it has changed")
	}
	for _, d := range u.droplets("shop-managers-") {
		if got := u.on(d, "systemctl", "is-active", "swarmd"); got != "active" {
			u.Errorf("%s: the unit is %s", d.Name, got)
		}
		if got := u.on(d, "systemctl", "is-enabled", "swarmd"); got != "enabled" {
			u.Errorf("%s: the unit is %s", d.Name, got)
		}
		if d.ID != u.first.ID {
			u.other = d
		}
	}
	fed := u.property(u.other, "WatchdogTimestampMonotonic")
	u.nothingButTheLease()
	if now := u.property(u.other, "WatchdogTimestampMonotonic"); now == fed || now == "0" {
		u.Errorf("the watchdog was fed at %s, and 25 s later it still was %s", fed, now)
	}
	if got := u.property(u.first, "StatusText"); !strings.Contains(got, "revision 2, converged") {
		u.Errorf("systemctl status says %q", got)
	}
}

// sandbox looks at the process itself: what the unit's file asks for and a kernel or a systemd does not give would not show there.
func (u *units) sandbox() {
	score := u.on(u.first, "systemd-analyze", "security", "--no-pager", "swarmd.service")
	overall := regexp.MustCompile(`Overall exposure level for swarmd.service: ([0-9.]+)`).FindStringSubmatch(score)
	if overall == nil {
		u.Fatalf("systemd-analyze says\n%s", score)
	}
	u.Logf("%s\nstill exposed:\n%s", overall[0], exposed(score))
	if n, _ := strconv.ParseFloat(overall[1], 64); n == 0 || n > 2 {
		u.Errorf("exposure level %s, want at most 2", overall[1])
	}
	pid := u.property(u.first, "MainPID")
	process := u.statusOf(pid)
	group := u.on(u.first, "getent", "group", "docker")
	for key, want := range map[string]string{"CapEff": "0000000000000000", "CapBnd": "0000000000000000", "NoNewPrivs": "1", "Seccomp": "2"} {
		if process[key] != want {
			u.Errorf("%s of the process is %q, want %q", key, process[key], want)
		}
	}
	if strings.HasPrefix(process["Uid"], "0\t") || !slices.Contains(strings.Fields(process["Groups"]), strings.Split(group, ":")[2]) {
		u.Errorf("the process runs as %q in groups %q, want another user than root, in %s", process["Uid"], process["Groups"], group)
	}
	for path, writable := range map[string]bool{"/tmp": true, "/etc/swarmd": false, "/usr/local/bin": false, "/var/lib": false, "/root": false} {
		out, err := u.lab.Exec(u.Context(), u.first.ID, "nsenter", "--target", pid, "--mount", "touch", path+"/written")
		if (err == nil) != writable {
			u.Errorf("%s where the process lives: writable %v, want %v (%v %s)", path, err == nil, writable, err, out)
		}
	}
	if _, err := u.lab.Exec(u.Context(), u.first.ID, "test", "-e", "/tmp/written"); err == nil {
		u.Errorf("the process shares the host's /tmp")
	}
}

// exposed are the lines of systemd-analyze with something that the sandbox leaves open.
func exposed(score string) string {
	var open []string
	for line := range strings.Lines(score) {
		if strings.HasPrefix(line, "✗") {
			open = append(open, strings.TrimSpace(line))
		}
	}
	return strings.Join(open, "\n")
}

// statusOf is /proc/PID/status on the first manager.
func (u *units) statusOf(pid string) map[string]string {
	u.Helper()
	out := map[string]string{}
	for line := range strings.Lines(u.on(u.first, "cat", "/proc/"+pid+"/status")) {
		key, value, _ := strings.Cut(line, ":")
		out[key] = strings.TrimSpace(value)
	}
	return out
}

// token looks for the API token wherever somebody but root could come by it.
func (u *units) token() {
	d := u.other
	if got := u.on(d, "stat", "-c", "%a %U %G", "/etc/swarmd/token"); got != "600 root root" {
		u.Errorf("/etc/swarmd/token is %s", got)
	}
	const credentials = "/run/credentials/swarmd.service"
	for _, path := range []string{"/etc/swarmd/token", credentials + "/digitalocean-token"} {
		if got := u.on(d, "cat", path); got != u.state.Token {
			u.Errorf("%s does not hold the token", path)
		}
		if _, err := u.lab.Exec(u.Context(), d.ID, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "cat", path); err == nil {
			u.Errorf("nobody can read %s", path)
		}
	}
	pid := u.property(d, "MainPID")
	environment := u.on(d, "cat", "/proc/"+pid+"/environ")
	if !strings.Contains(environment, "CREDENTIALS_DIRECTORY="+credentials+"\x00") {
		u.Errorf("the unit has no credentials")
	}
	for name, text := range map[string]string{
		"the environment": environment, "the arguments": u.on(d, "cat", "/proc/"+pid+"/cmdline"), "systemctl show": u.on(d, "systemctl", "show", "swarmd"),
		"the unit": u.on(d, "systemctl", "cat", "swarmd"), "the journal": u.on(d, "journalctl", "--no-pager"), "the status page": u.ask(d, "/status"),
		"the metrics": u.ask(d, "/metrics"), "the user-data": u.on(d, "sh", "-c", "cat /var/lib/cloud/instance/user-data.txt*"),
	} {
		if strings.Contains(text, u.state.Token) {
			u.Errorf("the API token is in %s", name)
		}
		if text == "" {
			u.Errorf("%s could not be looked through", name)
		}
	}
}

// watchdog freezes a swarmd that does not act: it is alive, and turns no more. systemd must notice and start another one.
func (u *units) watchdog() {
	if got := u.property(u.other, "WatchdogUSec"); got != "4s" {
		u.Fatalf("the watchdog waits %s, want the test's 4s", got)
	}
	frozen := u.property(u.other, "MainPID")
	u.on(u.other, "kill", "-STOP", frozen)
	u.until("a frozen swarmd is replaced", time.Minute, func() (bool, string) {
		now := u.property(u.other, "MainPID")
		state := u.property(u.other, "ActiveState") + " " + u.property(u.other, "NRestarts")
		return now != frozen && state == "active 1", now + " " + state
	})
	if got := u.journalOfSystemd(u.other); !strings.Contains(got, "Watchdog timeout") {
		u.Errorf("it was not the watchdog:\n%s", got)
	}
}

// journalOfSystemd is what systemd itself says about the unit.
func (u *units) journalOfSystemd(d lab.Droplet) string {
	u.Helper()
	return u.on(d, "journalctl", "--no-pager", "-o", "cat", "_PID=1", "UNIT=swarmd.service")
}

// stop stops the swarmd that acts: it gives the lease back, so that another one needs not wait for it to run out.
func (u *units) stop() {
	acting, ok := u.actingDroplet()
	if !ok {
		u.Fatal("nobody acts")
	}
	began := time.Now()
	u.on(acting, "systemctl", "stop", "swarmd")
	took := time.Since(began)
	if now, ok := u.actingDroplet(); ok && now.ID == acting.ID {
		u.Errorf("the lease is still held by %s", acting.Name)
	}
	u.Logf("stopped in %v", took.Round(time.Millisecond))
	if result := u.property(acting, "Result") + " " + u.property(acting, "ExecMainStatus"); took > 10*time.Second || result != "success 0" {
		u.Errorf("stopped in %v: %s, want at most 10 s: success 0", took, result)
	}
	next := u.until("another swarmd acts", time.Minute, func() (bool, string) {
		now, ok := u.actingDroplet()
		return ok && now.ID != acting.ID, now.Name
	})
	if next > 25*time.Second {
		u.Errorf("another swarmd acted only after %v: the lease ran out, it was not released", next)
	}
	u.mended(acting)
}

// mended: bootstrap, run again, starts a unit that was stopped, gives the token back the mode that keeps others out, and makes up for the
// restart that a run which was cut off did not come to.
func (u *units) mended(d lab.Droplet) {
	u.Helper()
	u.on(d, "chmod", "644", "/etc/swarmd/token")
	u.on(u.other, "touch", "/run/swarmd.restart-due")
	before := u.property(u.other, "MainPID")
	u.must("", "bootstrap", "--systemd", "-f", u.file())
	if got := u.on(d, "systemctl", "is-active", "swarmd") + " " + u.on(d, "stat", "-c", "%a", "/etc/swarmd/token"); got != "active 600" {
		u.Errorf("after another bootstrap unit and token are %s", got)
	}
	if now := u.property(u.other, "MainPID"); now == before {
		u.Errorf("the restart that was due did not come")
	}
	for _, m := range []lab.Droplet{d, u.other} {
		if _, err := u.lab.Exec(u.Context(), m.ID, "test", "!", "-e", "/run/swarmd.restart-due"); err != nil {
			u.Errorf("on %s a restart is still due: %v", m.Name, err)
		}
	}
}
