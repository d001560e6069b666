// Package bench measures swarmd as people run it: the real binary, real files, real HTTP over loopback to a simulated world. It holds no
// rule of its own; figures that must not get worse are asserted in tests, the others are printed by benchmarks (make bench).
package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/sim"
	"github.com/swarmd/swarmd/pkg/sim/docean"
)

// binary is swarmd, built when the first test asks for it. It is built as everything else here, so that little has to be compiled for it.
var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(folder, "swarmd")
	if out, err := exec.Command("go", "build", "-o", path, "../../cmd/swarmd").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build swarmd: %w\n%s", err, out)
	}
	return path, nil
})

// folder is where the binary goes.
var folder string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if folder, err = os.MkdirTemp("", "swarmd-bench-"); err != nil {
			panic(err)
		}
		defer os.RemoveAll(folder)
		return m.Run()
	}())
}

// shape is the size of a cluster.
type shape struct {
	managers, workers, services, replicas int
	resync                                string // "" is the default, 30s
}

// file is the desired state of the shape, with so many replicas of the first service.
func (s shape) file(first int) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "version: 1\ncluster: web\ncloud: { digitalocean: { region: fra1, image: docker-20-04 } }\n")
	if s.resync != "" {
		fmt.Fprintf(&b, "policies: { resync: %s }\n", s.resync)
	}
	fmt.Fprintf(&b, "nodes:\n  managers: { role: manager, count: %d, size: s-1vcpu-1gb }\n", s.managers)
	fmt.Fprintf(&b, "  workers: { role: worker, count: %d, size: s-1vcpu-1gb }\nservices:\n", s.workers)
	for i := range s.services {
		n := s.replicas
		if i == 0 {
			n = first
		}
		fmt.Fprintf(&b, "  app%03d: { image: \"nginx:1.27\", ports: [\"%d:80\"], environment: { MODE: live }, deploy: { replicas: %d } }\n", i, 10000+i, n)
	}
	return b.Bytes()
}

// cluster is a simulated world of a shape with the real daemon on it.
type cluster struct {
	*sim.World
	testing.TB
	shape  shape
	server *sim.Server
	file   string
	page   string // URL of the daemon's HTTP side
	daemon *exec.Cmd
	stderr *bytes.Buffer
}

// start returns when everything is as the file wants it.
func start(tb testing.TB, s shape) *cluster {
	tb.Helper()
	c := &cluster{TB: tb, shape: s, file: filepath.Join(tb.TempDir(), "web.yaml"), stderr: &bytes.Buffer{}}
	o := sim.Options{Seed: 1, BootTime: -1, JoinTime: -1, ShutdownTime: -1}
	o.Cloud = docean.Options{ActionTime: -1, ListLag: -1, TagDelay: -1, DropletLimit: 1000}
	c.World = sim.New(o)
	if err := c.Populate(sim.Seeded{Cluster: "web", Region: "fra1", Managers: s.managers, Workers: s.workers}); err != nil {
		tb.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	server, err := c.Serve(ctx, "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { stop(); _ = server.Wait() })
	c.server = server
	c.save(s.file(s.replicas))
	c.run()
	c.await("converged", func(r report.Report) bool { return r.Converged && r.Lease.Held })
	return c
}

// run starts the daemon; it is stopped with the test.
func (c *cluster) run() {
	c.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	c.page = "http://" + addr
	swarmd, err := binary()
	if err != nil {
		c.Fatal(err)
	}
	c.daemon = exec.Command(swarmd, "run", "-f", c.file, "--listen", addr)
	c.daemon.Env = []string{"HOME=/nonexistent", "DIGITALOCEAN_API_URL=" + c.server.CloudURL(), "DIGITALOCEAN_TOKEN=" + c.Token(),
		"DOCKER_HOST=" + c.server.DockerHost()}
	c.daemon.Stderr = c.stderr
	if err := c.daemon.Start(); err != nil {
		c.Fatal(err)
	}
	c.Cleanup(c.stop)
}

// stop ends the daemon as systemd does. One that was stopped stays so.
func (c *cluster) stop() {
	if c.daemon.ProcessState != nil {
		return
	}
	began := time.Now()
	_ = c.daemon.Process.Signal(syscall.SIGTERM)
	if err := c.daemon.Wait(); err != nil {
		c.Errorf("the daemon ended with %v\n%s", err, tail(c.stderr.String(), 20))
	}
	if took := time.Since(began); took > 10*time.Second {
		c.Errorf("the daemon took %s to stop", took)
	}
}

func tail(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// save puts the file in place as editors do, by a rename, and returns when it was there.
func (c *cluster) save(data []byte) time.Time {
	c.Helper()
	if err := os.WriteFile(c.file+".new", data, 0o644); err != nil {
		c.Fatal(err)
	}
	at := time.Now()
	if err := os.Rename(c.file+".new", c.file); err != nil {
		c.Fatal(err)
	}
	return at
}

// status is the daemon's last report.
func (c *cluster) status() (r report.Report, err error) {
	resp, err := http.Get(c.page + "/status")
	if err != nil {
		return r, err
	}
	defer resp.Body.Close()
	return r, json.NewDecoder(resp.Body).Decode(&r)
}

// await asks for the status until it is as wanted.
func (c *cluster) await(what string, seen func(report.Report) bool) report.Report {
	c.Helper()
	var last report.Report
	var err error
	for began := time.Now(); time.Since(began) < 2*time.Minute; time.Sleep(20 * time.Millisecond) {
		if last, err = c.status(); err == nil && seen(last) {
			return last
		}
	}
	c.Fatalf("not seen: %s; last result %s %s, %d steps, holds %v (%v)\n%s", what, last.Result, last.Error, len(last.Steps), last.Holds, err, tail(c.stderr.String(), 20))
	return last
}
