//go:build linux

// Package e2e plays the scenarios on real machines: the lab's droplets, their engines, the real binary, the network between them.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/client"
	"go.uber.org/zap"

	"github.com/swarmd/swarmd/pkg/lab"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/sim/docean"
)

// needLab skips loudly where there is no lab to be had, and fails instead where CI promised one.
func needLab(t *testing.T) {
	t.Helper()
	if os.Getenv("SWARMD_LAB") != "1" {
		t.Skip("SKIPPED: real machines need root, Debian's packages and SWARMD_LAB=1, see .ci/run")
	}
	if os.Geteuid() != 0 {
		t.Fatal("SWARMD_LAB=1 needs root")
	}
}

// bench is one lab with the built binary and the images that the scenarios need.
type bench struct {
	*testing.T
	lab   *lab.Lab
	at    string // the lab's directory
	dir   string // of this test: file, state, binary
	bin   string
	state lab.Status
	host  string // DOCKER_HOST of a manager, through ssh
}

const (
	labDir   = "/var/lib/swarmd-lab-e2e"
	webImage = lab.RegistryAddr + "/web"
)

func newBench(t *testing.T, adjust ...func(*docean.Options)) *bench {
	t.Helper()
	b := newLab(t, labDir+"-"+strings.ToLower(t.Name()), adjust...)
	b.pushImages()
	return b
}

// pushImages puts swarmd and both versions of the web server into the lab's registry.
func (b *bench) pushImages() {
	b.Helper()
	b.push("swarmd:1", b.bin, "/swarmd")
	for _, v := range []string{"1", "2"} {
		b.push("web:"+v, b.goBuild("web-"+v, "-X main.version=v"+v, "./test/e2e/web"), "/web")
	}
}

// newLab is a lab in a directory of its own, with the binary built and no image in its registry. Each of adjust may change its cloud.
func newLab(t *testing.T, dir string, adjust ...func(*docean.Options)) *bench {
	t.Helper()
	needLab(t)
	b := &bench{T: t, at: dir, dir: t.TempDir()}
	b.build()
	began := time.Now()
	l, err := lab.Up(t.Context(), lab.Options{Dir: dir, ImageDir: filepath.Join(lab.DefaultDir, "image"), Engine: engineOfRun(t), Log: zap.NewNop(),
		Cloud: func(o *docean.Options) {
			for _, change := range adjust {
				change(o)
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			b.autopsy()
		}
		if err := l.Close(); err != nil {
			t.Errorf("lab: %v", err)
		}
		if left := lab.Leftovers(dir); len(left) > 0 {
			t.Errorf("the lab left behind: %v", left)
		}
	})
	b.lab, b.state = l, l.Status()
	t.Logf("lab up in %v", time.Since(began).Round(time.Millisecond))
	t.Logf("report: %v", b.state.Engine)
	return b
}

// engineOfRun is the engine that the droplets of this run have: SWARMD_LAB_ENGINE, or the lab's default.
func engineOfRun(t *testing.T) lab.Engine {
	t.Helper()
	e, err := lab.ParseEngine(os.Getenv("SWARMD_LAB_ENGINE"))
	if err != nil {
		t.Fatal("SWARMD_LAB_ENGINE: ", err)
	}
	return e
}

func (b *bench) build() { b.bin = b.goBuild("swarmd", "", "./cmd/swarmd") }

func (b *bench) goBuild(name, ldflags, pkg string) string {
	b.Helper()
	out := filepath.Join(b.dir, name)
	cmd := exec.Command("go", "build", "-ldflags", "-s -w "+ldflags, "-o", out, pkg)
	cmd.Dir, cmd.Env = "../..", append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("build %s: %v\n%s", pkg, err, text)
	}
	return out
}

func (b *bench) push(ref, file, entry string) {
	b.Helper()
	if _, err := b.lab.PushImage(b.Context(), ref, lab.Image{Files: map[string]string{entry: file}, Entrypoint: []string{entry}}); err != nil {
		b.Fatal(err)
	}
}

// swarmd runs the binary as on a laptop: in the data centre's network, with the lab's API.
func (b *bench) swarmd(host string, args ...string) (string, int) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 6*time.Minute)
	defer cancel()
	cmd, err := b.command(ctx, host, args...)
	if err != nil {
		b.Fatal(err)
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	err = cmd.Run()
	code := cmd.ProcessState.ExitCode()
	b.Logf("$ swarmd %s   (exit %d after %v)\n%s", strings.Join(args, " "), code, time.Since(began).Round(time.Millisecond), out.String())
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		b.Fatal(err)
	}
	if strings.Contains(out.String(), b.state.Token) {
		b.Errorf("the API token is in the output")
	}
	return out.String(), code
}

func (b *bench) command(ctx context.Context, host string, args ...string) (*exec.Cmd, error) {
	cmd, err := lab.Command(ctx, b.at, append([]string{b.bin}, args...)...)
	if err != nil {
		return nil, err
	}
	cmd.Env = append(os.Environ(), "DIGITALOCEAN_API_URL="+b.state.DropletURL, "DIGITALOCEAN_TOKEN="+b.state.Token, "DIGITALOCEAN_TOKEN_FILE=",
		"SWARMD_SSH_KEY="+b.state.SSHKeyFile, "SWARMD_STATE_DIR="+filepath.Join(b.dir, "state"), "SWARMD_SSH_ACCEPT_NEW=1", "SSH_AUTH_SOCK=", "DOCKER_HOST="+host)
	return cmd, nil
}

// must is swarmd with exit code 0.
func (b *bench) must(host string, args ...string) string {
	b.Helper()
	out, code := b.swarmd(host, args...)
	if code != 0 {
		b.Fatalf("swarmd %s: exit %d", strings.Join(args, " "), code)
	}
	return out
}

// write writes a file of the desired state and returns its path.
func (b *bench) write(name, text string) string {
	b.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
	return path
}

// droplet returns a droplet whose name begins so; the lab's own list, not the API's.
func (b *bench) droplets(prefix string) []lab.Droplet {
	var out []lab.Droplet
	for _, d := range b.lab.Status().Droplets {
		if strings.HasPrefix(d.Name, prefix) {
			out = append(out, d)
		}
	}
	return out
}

// engine talks to a droplet's engine past all networks.
func (b *bench) engine(id int) *client.Client {
	b.Helper()
	c, err := client.NewClientWithOpts(client.WithHost(b.lab.EngineHost(id)), client.WithAPIVersionNegotiation())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
	return c
}

// until polls until the condition holds; it returns how long that took.
func (b *bench) until(what string, limit time.Duration, ok func() (bool, string)) time.Duration {
	b.Helper()
	return b.poll(what, limit, 2*time.Second, ok) // many of these ask the cloud's API, whose limit is 250 calls a minute
}

// poll is until with the longest pause between two tries.
func (b *bench) poll(what string, limit, longest time.Duration, ok func() (bool, string)) time.Duration {
	b.Helper()
	began, last, pause := time.Now(), "", 100*time.Millisecond
	for time.Since(began) < limit {
		good, note := ok()
		if good {
			b.Logf("%s: after %v", what, time.Since(began).Round(10*time.Millisecond))
			return time.Since(began)
		}
		last = note
		time.Sleep(pause)
		pause = min(2*pause, longest)
	}
	b.Fatalf("not within %v: %s (%s)", limit, what, last)
	return 0
}

// nodes lists the swarm's nodes by host name.
func (b *bench) nodes(c *client.Client) map[string]swarm.Node {
	b.Helper()
	list, err := c.NodeList(b.Context(), swarm.NodeListOptions{})
	if err != nil {
		b.Fatal(err)
	}
	out := map[string]swarm.Node{}
	for _, n := range list {
		out[n.Description.Hostname] = n
	}
	return out
}

// running lists the running tasks of a service whose desired state is running.
func (b *bench) running(c *client.Client, service string) []swarm.Task {
	all, err := c.TaskList(b.Context(), swarm.TaskListOptions{})
	if err != nil {
		return nil
	}
	services, err := c.ServiceList(b.Context(), swarm.ServiceListOptions{})
	if err != nil {
		return nil
	}
	var out []swarm.Task
	for _, s := range services {
		for _, task := range all {
			if s.Spec.Name == service && task.ServiceID == s.ID && task.Status.State == swarm.TaskStateRunning && task.DesiredState == swarm.TaskStateRunning {
				out = append(out, task)
			}
		}
	}
	return out
}

// get asks a droplet's published port from where a laptop would be.
func (b *bench) get(host string, port int, path string) (string, error) {
	return b.getWithin(3*time.Second, host, port, path)
}

// getWithin is get with a limit of its own. An answer other than 200 is an error.
func (b *bench) getWithin(limit time.Duration, host string, port int, path string) (string, error) {
	h := &http.Client{Timeout: limit, Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) { return b.lab.Dial(ctx, addr) }}}
	resp, err := h.Get(fmt.Sprintf("http://%s:%d%s", host, port, path))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	return string(body), err
}

// status is `swarmd status --json`.
func (b *bench) status(host string) report.Report {
	b.Helper()
	out := b.must(host, "status", "--json")
	var r report.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		b.Fatalf("status: %v", err)
	}
	return r
}

// statusQuiet is status for polling: a failure is an empty report.
func (b *bench) statusQuiet() (r report.Report) {
	ctx, cancel := context.WithTimeout(b.Context(), 30*time.Second)
	defer cancel()
	cmd, err := b.command(ctx, b.host, "status", "--json")
	if err != nil {
		return r
	}
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		r.Error = string(exit.Stderr)
	} else if err == nil {
		err = json.Unmarshal(out, &r)
	}
	if err != nil && r.Error == "" {
		r.Error = err.Error()
	}
	return r
}

// autopsy shows what the machines know, when a scenario failed.
func (b *bench) autopsy() {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	for _, d := range b.lab.Status().Droplets {
		for _, argv := range [][]string{
			{"sh", "-c", "tail -n 15 /var/log/swarmd-join.log /var/log/cloud-init-output.log 2>/dev/null"},
			{"sh", "-c", "docker node ls; docker service ls; docker service ps --no-trunc $(docker service ls -q) | head -40"},
			{"sh", "-c", "for c in $(docker ps -aq --filter label=com.docker.swarm.service.name); do docker inspect -f '{{.Config.Image}} {{.State.Status}}' $c; docker logs --tail 25 $c 2>&1; done | tail -n 60"},
			{"journalctl", "-n", "30", "--no-pager", "-u", "docker", "-u", "swarmd", "-o", "cat"},
		} {
			out, err := b.lab.Exec(ctx, d.ID, argv...)
			b.Logf("--- %s: %s (%v)\n%s", d.Name, strings.Join(argv, " "), err, out)
		}
	}
}
