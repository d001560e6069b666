//go:build linux

package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// order creates a droplet past swarmd, as somebody else would.
func (b *bench) order(name string, tags ...string) int {
	b.Helper()
	var made struct{ Droplet struct{ ID int } }
	code := b.cloud(http.MethodPost, "/v2/droplets", map[string]any{"name": name, "region": "fra1", "size": "s-1vcpu-1gb", "image": "debian-12-x64", "tags": tags,
		"ssh_keys": []string{b.state.SSHKeyID}}, &made)
	if made.Droplet.ID == 0 {
		b.Fatalf("order %s: %d", name, code)
	}
	return made.Droplet.ID
}

// cloud asks DigitalOcean's API past swarmd, and returns the status.
func (b *bench) cloud(method, path string, in, out any) int {
	b.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		b.Fatal(err)
	}
	req, err := http.NewRequestWithContext(b.Context(), method, strings.TrimSuffix(b.state.APIURL, "/")+path, bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+b.state.Token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	if out != nil {
		if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
			b.Fatalf("%s %s: %d, %v", method, path, resp.StatusCode, err)
		}
	}
	return resp.StatusCode
}

// TestAdapterOnRealEngines runs the adapter's and the simulator's own tests against the engines of droplets: the normal form over the corpus
// of Compose files, drift by hand, the golden table of errors, the deviations from the engine's own description, and the cases that the
// simulated engines are held to. Two halves have three engines each and run side by side: they wait more than they work.
func TestAdapterOnRealEngines(t *testing.T) {
	b := newLab(t, labDir+"-engines")
	const each = 3
	for i := range 2 * each {
		b.order(fmt.Sprintf("engine-%d", i+1))
	}
	hosts, all := b.engines(2 * each)
	engine := "SWARMD_TEST_ENGINE=" + string(b.state.Engine.Engine)
	t.Run("suites", func(t *testing.T) {
		t.Run("in a swarm", func(t *testing.T) {
			t.Parallel()
			env := []string{engine, "SWARMD_TEST_DOCKER_HOSTS=" + strings.Join(all[:each], " "), "SWARMD_TEST_DOCKER_HOST=" + hosts[0],
				"SWARMD_TEST_DOCKER_ADDR=" + strings.TrimPrefix(all[0], hosts[0]+"=")}
			b := b.as(t)
			b.goTest("./pkg/swarm/docker", "TestRealEngine", env...)
			b.cloudInit()
			b.goTest("./pkg/sim/dockerd", "TestTheDeviationsAreARealEngines", env...)
			b.goTest("./test/conform", "TestRealEnginesConformShared", env...)
		})
		t.Run("fresh", func(t *testing.T) {
			t.Parallel()
			b.as(t).goTest("./test/conform", "TestRealEnginesConformFresh", engine, "SWARMD_TEST_DOCKER_HOSTS="+strings.Join(all[each:], " "))
		})
	})
}

// as is the bench for a test within the bench's own.
func (b *bench) as(t *testing.T) *bench {
	of := *b
	of.T = t
	return &of
}

// engines waits until n engines answer: where they are reached, and the same as HOST=ADDRESS.
func (b *bench) engines(n int) (hosts, all []string) {
	b.Helper()
	b.until(fmt.Sprintf("%d engines answer", n), 2*time.Minute, func() (bool, string) {
		hosts, all = nil, nil
		for _, d := range b.droplets("engine-") {
			host := b.lab.EngineHost(d.ID)
			if host == "" {
				return false, d.Name
			}
			if _, err := b.engine(d.ID).Ping(b.Context()); err != nil {
				return false, err.Error()
			}
			hosts, all = append(hosts, host), append(all, host+"="+d.Private)
		}
		return len(all) == n, fmt.Sprint(hosts)
	})
	return hosts, all
}

// cloudInit has the user-data judged by the cloud-init that the droplets boot with.
func (b *bench) cloudInit() {
	b.Helper()
	tools := filepath.Join(b.dir, "tools")
	// The test calls it as `cloud-init schema -c FILE`.
	script := fmt.Sprintf("#!/bin/sh\nexec nsenter --target %d --mount --uts --ipc --net --pid -- "+
		"sh -c 'cat >/run/user-data && cloud-init schema -c /run/user-data' <\"$3\"\n", b.droplets("engine-")[0].Init)
	if err := errors.Join(os.Mkdir(tools, 0o755), os.WriteFile(filepath.Join(tools, "cloud-init"), []byte(script), 0o755)); err != nil {
		b.Fatal(err)
	}
	b.goTest("./pkg/cloud/userdata", "TestCloudInitSchema", "PATH="+tools+":"+os.Getenv("PATH"))
}

// goTest runs tests of another room that need what this bench has. A skipped one is told, for a skip is no pass; of what failed, only its
// own words are shown, and the other suites go on.
func (b *bench) goTest(pkg, pattern string, env ...string) {
	b.Helper()
	cmd := exec.Command("go", "test", "-json", "-count=1", "-timeout", "20m", "-run", pattern, pkg)
	cmd.Dir, cmd.Env = "../..", append(append(os.Environ(), "SWARMD_LAB=1"), env...)
	out, err := cmd.Output()
	said, top, ended := map[string]string{}, map[string]int{}, map[string][]string{}
	for line := range bytes.Lines(out) {
		var e struct{ Action, Test, Output string }
		if json.Unmarshal(line, &e) != nil {
			e.Output = string(line) // not of a test: the build's
		}
		said[e.Test] += e.Output
		if e.Test == "" {
			continue
		}
		ended[e.Action] = append(ended[e.Action], e.Test)
		if !strings.Contains(e.Test, "/") {
			top[e.Action]++
		}
	}
	for _, name := range append(ended["skip"], ended["fail"]...) {
		b.Log(said[name])
	}
	if err != nil || top["pass"] == 0 || top["skip"] > 0 {
		b.Errorf("%s: %v; %d passed, failed: %q\n%s", pkg, err, top["pass"], ended["fail"], said[""])
	}
	b.Logf("%s -run %s: %d passed", pkg, pattern, top["pass"])
}
