package lab

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/digitalocean/godo"
	"golang.org/x/crypto/ssh"

	"github.com/swarmd/swarmd/pkg/sim/docean"
)

const countBoots = `#cloud-config
bootcmd:
- [sh, -c, "curl -sf http://169.254.169.254/metadata/v1/id >/root/id; echo boot >>/root/boots"]
runcmd:
- [touch, /root/done]
`

// TestMachine takes one droplet through its life; another one shows that it is left alone.
func TestMachine(t *testing.T) {
	l, c := newLab(t)
	d := create(t, l, c, "box-1", "s-1vcpu-1gb", countBoots)
	other := create(t, l, c, "box-2", "s-1vcpu-1gb", countBoots)
	eventually(t, l, d.ID, "test", "-e", "/root/done")
	eventually(t, l, other.ID, "test", "-e", "/root/done")
	d, _, err := c.Droplets.Get(t.Context(), d.ID)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("metadata before boot", func(t *testing.T) { metadata(t, l, d) })
	t.Run("ssh", func(t *testing.T) { sshLogin(t, l, d) })
	t.Run("no way out", func(t *testing.T) { refusedAtOnce(t, l, d.ID) })
	t.Run("registry", func(t *testing.T) { pullAndRun(t, l, d) })
	t.Run("api from droplet", func(t *testing.T) { apiFromDroplet(t, l, d.ID) })
	t.Run("cut link", func(t *testing.T) { cutLink(t, l, d.ID, other) })
	t.Run("kill engine", func(t *testing.T) { killEngine(t, l, d.ID) })
	t.Run("pause", func(t *testing.T) { pause(t, l, d) })
	t.Run("reboot from inside", func(t *testing.T) { reboot(t, l, d.ID) })
	t.Run("power cycle", func(t *testing.T) { powerCycle(t, l, c, d.ID) })
	t.Run("resize", func(t *testing.T) { resize(t, l, c, d.ID) })
	t.Run("destroy", func(t *testing.T) { destroy(t, l, c, d, other.ID) })
}

func metadata(t *testing.T, l *Lab, d *godo.Droplet) {
	if id, _ := eventually(t, l, d.ID, "cat", "/root/id"); id != itoa(d.ID) {
		t.Errorf("bootcmd saw droplet id %q, want %d", id, d.ID)
	}
	private, _ := eventually(t, l, d.ID, "curl", "-sf", metadataURL+"/interfaces/private/0/ipv4/address")
	if want, _ := d.PrivateIPv4(); private != want {
		t.Errorf("private address %q, want %q", private, want)
	}
	data, _ := eventually(t, l, d.ID, "curl", "-sf", metadataURL+"/user-data")
	if data != strings.TrimSpace(countBoots) {
		t.Errorf("user-data %q", data)
	}
}

func sshLogin(t *testing.T, l *Lab, d *godo.Droplet) {
	pem, err := os.ReadFile(l.Status().SSHKeyFile)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParsePrivateKey(pem)
	if err != nil {
		t.Fatal(err)
	}
	addr, _ := d.PublicIPv4()
	conn, err := l.Dial(t.Context(), addr+":22")
	if err != nil {
		t.Fatal(err)
	}
	sc, chans, reqs, err := ssh.NewClientConn(conn, addr, &ssh.ClientConfig{
		User: "root", Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, Timeout: 20 * time.Second,
		HostKeyCallback: func(string, net.Addr, ssh.PublicKey) error { return nil }, // the test's own machine
	})
	if err != nil {
		t.Fatal(err)
	}
	client := ssh.NewClient(sc, chans, reqs)
	defer func() { _ = client.Close() }()
	s, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := s.Output("hostname"); err != nil || strings.TrimSpace(string(out)) != "box-1" {
		t.Errorf("hostname over ssh: %q, %v", out, err)
	}
}

func refusedAtOnce(t *testing.T, l *Lab, id int) {
	for _, argv := range [][]string{
		{"curl", "-s", "http://some.example"}, {"curl", "-s", "http://198.51.100.1"}, {"docker", "pull", "nginx"},
	} {
		began := time.Now()
		if _, err := l.Exec(t.Context(), id, argv...); err == nil {
			t.Errorf("%v found a way out", argv)
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("%v took %v to fail", argv, took)
		}
	}
}

func pullAndRun(t *testing.T, l *Lab, d *godo.Droplet) {
	image, digest := pushWeb(t, l)
	if _, err := l.Exec(t.Context(), d.ID, "docker", "run", "-d", "-h", "in-a-box", "-p", "8080:8080", image); err != nil {
		t.Fatal(err)
	}
	if got, _ := l.Exec(t.Context(), d.ID, "docker", "image", "ls", "--digests", "--format", "{{.Digest}}"); !strings.Contains(got, digest) {
		t.Errorf("the engine has digest %q, the registry gave %q", got, digest)
	}
	addr, _ := d.PublicIPv4()
	var body string
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err := until(ctx, "the web server", func() bool { body = get(l, "http://"+addr+":8080/"); return body != "" })
	if err != nil || body != "in-a-box\n" {
		t.Errorf("web server answered %q, %v", body, err)
	}
}

// pushWeb builds testdata/web and puts it into the registry.
func pushWeb(t *testing.T, l *Lab) (image, digest string) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "web")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./testdata/web")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	digest, err := l.PushImage(t.Context(), "web:1", Image{Files: map[string]string{"/web": binary}, Entrypoint: []string{"/web"}})
	if err != nil {
		t.Fatal(err)
	}
	return RegistryAddr + "/web:1", digest
}

func get(l *Lab, url string) string {
	resp, err := l.dataCentreClient().Get(url)
	if err != nil {
		return ""
	}
	defer func() { _ = resp.Body.Close() }()
	text, _ := io.ReadAll(resp.Body)
	return string(text)
}

func apiFromDroplet(t *testing.T, l *Lab, id int) {
	out, err := l.Exec(t.Context(), id, "curl", "-sf", "-H", "Authorization: Bearer "+l.Status().Token, l.Status().DropletURL+"/v2/account")
	if err != nil || !strings.Contains(out, `"droplet_limit"`) {
		t.Errorf("account: %q, %v", out, err)
	}
	if _, err := l.Exec(t.Context(), id, "curl", "-sf", l.Status().DropletURL+"/v2/account"); err == nil {
		t.Error("the API answered without a token")
	}
}

func cutLink(t *testing.T, l *Lab, id int, other *godo.Droplet) {
	truth, _ := l.Cloud.Droplet(other.ID)
	ping := []string{"ping", "-c1", "-W1", truth.Private.Addr().String()}
	eventually(t, l, id, ping...)
	if err := l.CutLink(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Exec(t.Context(), id, ping...); err == nil {
		t.Error("ping went through a cut cable")
	}
	if err := l.RestoreLink(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	eventually(t, l, id, ping...)
}

func killEngine(t *testing.T, l *Lab, id int) {
	before, _ := eventually(t, l, id, "pidof", "dockerd")
	if err := l.KillEngine(id); err != nil {
		t.Fatal(err)
	}
	eventually(t, l, id, "docker", "version")
	if after, _ := eventually(t, l, id, "pidof", "dockerd"); after == before {
		t.Errorf("dockerd is process %s before and after", before)
	}
	if err := l.KillProcess(id, "nonesuch"); err == nil {
		t.Error("killed a process that is not there")
	}
}

func pause(t *testing.T, l *Lab, d *godo.Droplet) {
	ping := func() string {
		c := http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, "unix", strings.TrimPrefix(l.EngineHost(d.ID), "unix://"))
			}, DisableKeepAlives: true,
		}}
		resp, err := c.Get("http://engine/_ping")
		if err != nil {
			return err.Error()
		}
		defer func() { _ = resp.Body.Close() }()
		text, _ := io.ReadAll(resp.Body)
		return string(text)
	}
	if got := ping(); got != "OK" {
		t.Fatalf("engine over its socket: %s", got)
	}
	if err := l.Pause(d.ID); err != nil {
		t.Fatal(err)
	}
	if got := ping(); got == "OK" {
		t.Error("a paused engine answered")
	}
	if err := l.Resume(d.ID); err != nil {
		t.Fatal(err)
	}
	if got := ping(); got != "OK" {
		t.Errorf("engine after the pause: %s", got)
	}
}

func reboot(t *testing.T, l *Lab, id int) {
	before := l.EngineHost(id)
	if _, err := l.Exec(t.Context(), id, "systemctl", "reboot"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	err := until(ctx, "the next init", func() bool { now := l.EngineHost(id); return now != before && now != "" })
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, l, id, "docker", "version")
	if got, _ := eventually(t, l, id, "cat", "/root/boots"); got != "boot\nboot" {
		t.Errorf("boots: %q", got)
	}
	if s, err := ReadStatus(l.opts.Dir); err != nil || "unix:///proc/"+itoa(s.Droplets[0].Init)+"/root/run/docker.sock" != l.EngineHost(id) {
		t.Errorf("status %+v after the reboot, %v", s, err)
	}
}

// powerCycle shuts a droplet down and cuts its power, and finds it back on the same disk each time, its boot commands run again.
// resize gives the droplet another size while it is off. Its engine sees that when it is up again; the host may have fewer processors.
func resize(t *testing.T, l *Lab, c *godo.Client, id int) {
	act(t, c, id, c.DropletActions.PowerOff)
	waitStatus(t, c, id, "off")
	act(t, c, id, func(ctx context.Context, id int) (*godo.Action, *godo.Response, error) {
		return c.DropletActions.Resize(ctx, id, "s-2vcpu-4gb", false)
	})
	if d, _, err := c.Droplets.Get(t.Context(), id); err != nil || d.SizeSlug != "s-2vcpu-4gb" || d.Disk != 25 {
		t.Fatalf("%+v, %v", d, err)
	}
	act(t, c, id, c.DropletActions.PowerOn)
	waitStatus(t, c, id, "active")
	eventually(t, l, id, "docker", "version")
	want := fmt.Sprintf("%d %d", min(2, runtime.NumCPU()), 4<<30)
	if got, _ := eventually(t, l, id, "docker", "info", "-f", "{{.NCPU}} {{.MemTotal}}"); got != want {
		t.Errorf("its engine sees %q, want %q", got, want)
	}
}

func powerCycle(t *testing.T, l *Lab, c *godo.Client, id int) {
	boots := "boot\nboot" // the first one, and the reboot from inside
	for _, cut := range []bool{false, true} {
		off := c.DropletActions.Shutdown
		if cut {
			off = c.DropletActions.PowerOff
		}
		eventually(t, l, id, "systemd-run", "--unit=witness", "-pRemainAfterExit=yes", "-pExecStop=touch /root/stopped", "true")
		began := time.Now()
		act(t, c, id, off)
		waitStatus(t, c, id, "off")
		t.Logf("off after %v", time.Since(began))
		if host := l.EngineHost(id); host != "" {
			t.Errorf("a droplet that is off has the engine %s", host)
		}
		stopped := filepath.Join(l.opts.Dir, "droplets", itoa(id), "root/root/stopped")
		if exists(stopped) == cut {
			t.Errorf("power cut %v, but units were stopped in order: %v", cut, !cut)
		}
		_ = os.Remove(stopped)
		began = time.Now()
		act(t, c, id, c.DropletActions.PowerOn)
		waitStatus(t, c, id, "active")
		eventually(t, l, id, "docker", "version")
		t.Logf("engine up again after %v", time.Since(began))
		boots += "\nboot"
		if got, _ := eventually(t, l, id, "cat", "/root/boots"); got != boots {
			t.Errorf("boots: %q, want %q", got, boots)
		}
	}
}

func act(t *testing.T, c *godo.Client, id int, what func(context.Context, int) (*godo.Action, *godo.Response, error)) {
	t.Helper()
	a, _, err := what(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	err = until(ctx, "the action", func() bool {
		now, _, err := c.DropletActions.Get(ctx, id, a.ID)
		return err == nil && now.Status == "completed"
	})
	if err != nil {
		t.Fatal(err)
	}
}

func waitStatus(t *testing.T, c *godo.Client, id int, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	err := until(ctx, "status "+want, func() bool {
		d, _, err := c.Droplets.Get(ctx, id)
		return err == nil && d.Status == want
	})
	if err != nil {
		t.Fatal(err)
	}
}

func destroy(t *testing.T, l *Lab, c *godo.Client, d *godo.Droplet, other int) {
	if _, err := c.Droplets.Delete(t.Context(), d.ID); err != nil {
		t.Fatal(err)
	}
	name := l.net.machine(d.ID)
	dir := filepath.Join(l.opts.Dir, "droplets", itoa(d.ID))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := until(ctx, "the disk to go", func() bool { return !exists(dir) }); err != nil {
		t.Fatal(err)
	}
	if left := namesOf(name); len(left) > 0 || exists(netnsPath(name)) || len(processesIn([]string{name})) > 0 {
		t.Errorf("left of the droplet: %v", left)
	}
	if _, _, err := c.Droplets.Get(t.Context(), d.ID); err == nil {
		t.Error("the API still has the droplet")
	}
	if l.machines.State(other) != docean.Running || len(l.Status().Droplets) != 1 {
		t.Errorf("the other droplet: %+v", l.Status().Droplets)
	}
	if err := l.machines.PowerOn(d.ID); err == nil {
		t.Error("a destroyed droplet can be switched on")
	}
	if err := l.machines.Destroy(d.ID); err != nil {
		t.Errorf("destroyed again: %v", err)
	}
}
