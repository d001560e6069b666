package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const childDir = "SWARMD_LAB_CHILD_DIR"

// TestMain is the tests, or, as a process of its own that they start to end or kill it, a lab's server.
func TestMain(m *testing.M) {
	dir := os.Getenv(childDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM)
	err := Serve(ctx, sharedImages(dir), nil)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serveChild starts a lab in another process and boots one droplet in it.
func serveChild(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	if _, err := BuildImage(t.Context(), sharedImages(dir)); err != nil { // it may take longer than a lab may take to come up
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	s, err := Wait(ctx, dir)
	if err != nil || s.PID != cmd.Process.Pid {
		t.Fatalf("status %+v, %v", s, err)
	}
	create(t, &Lab{status: s, machines: &machines{}}, clientFor(t, s), "victim", "s-1vcpu-1gb", "")
	err = until(ctx, "the droplet's engine", func() bool {
		s, _ = ReadStatus(dir)
		return len(s.Droplets) == 1 && s.Droplets[0].Init != 0 && exists("/proc/"+itoa(s.Droplets[0].Init)+"/root/run/docker.pid")
	})
	if err != nil {
		t.Fatal(err)
	}
	return cmd
}

// TestCrash kills the serving process with a droplet on it: the next lab in that directory starts clean.
func TestCrash(t *testing.T) {
	needLab(t)
	dir := "/var/lib/swarmd-lab-test/crash"
	cmd := serveChild(t, dir)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if left := strings.Join(Leftovers(dir), "\n"); !strings.Contains(left, "mount ") || !strings.Contains(left, "(dockerd)") {
		t.Fatalf("the killed lab left only: %s", left)
	}
	if _, err := ReadStatus(dir); !errors.Is(err, ErrNotRunning) {
		t.Errorf("status of a crashed lab: %v", err)
	}
	began := time.Now()
	l, err := Up(t.Context(), sharedImages(dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("up after a crash in %v", time.Since(began))
	if d := l.Status().Droplets; len(d) != 0 || len(namesOf(l.net.tag)) != 1 {
		t.Errorf("droplets %v, names %v", d, namesOf(l.net.tag))
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if left := Leftovers(dir); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

// TestDownFromOutside ends a lab that another process serves.
func TestDownFromOutside(t *testing.T) {
	needLab(t)
	o := Options{Dir: "/var/lib/swarmd-lab-test/down"}
	cmd := serveChild(t, o.Dir)
	if _, err := Up(t.Context(), o); err == nil {
		t.Error("a second lab came up in the same directory")
	}
	out, err := commandOutput(t, o.Dir, "sh", "-c", `curl -sf -H "Authorization: Bearer $DIGITALOCEAN_TOKEN" $DIGITALOCEAN_API_URL/v2/droplets`)
	if err != nil || !strings.Contains(out, `"victim"`) {
		t.Errorf("droplets as the laptop sees them: %q, %v", out, err)
	}
	began := time.Now()
	if err := Down(t.Context(), o, false); err != nil {
		t.Fatal(err)
	}
	t.Logf("down in %v", time.Since(began))
	if err := cmd.Wait(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
	if left := Leftovers(o.Dir); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	if err := Down(t.Context(), o, false); err != nil {
		t.Errorf("down again: %v", err)
	}
}

func commandOutput(t *testing.T, dir string, argv ...string) (string, error) {
	cmd, err := Command(t.Context(), dir, argv...)
	if err != nil {
		return "", err
	}
	out, err := cmd.Output()
	return string(out), err
}
