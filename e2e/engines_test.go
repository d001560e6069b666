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
	body, err := json.Marshal(map[string]any{"name": name, "region": "fra1", "size": "s-1vcpu-1gb", "image": "debian-12-x64", "tags": tags})
	if err != nil {
		b.Fatal(err)
	}
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, strings.TrimSuffix(b.state.APIURL, "/")+"/v2/droplets", bytes.NewReader(body))
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
	var made struct{ Droplet struct{ ID int } }
	if err := json.NewDecoder(resp.Body).Decode(&made); err != nil || made.Droplet.ID == 0 {
		b.Fatalf("order %s: %d, %v", name, resp.StatusCode, err)
	}
	return made.Droplet.ID
}

// TestAdapterOnRealEngines runs the adapter's and the simulator's own tests against the engines of three droplets: the normal form over the
// corpus of Compose files, drift by hand, the golden table of errors, the deviations from the engine's own description, and the cases
// that the simulated engines are held to.
func TestAdapterOnRealEngines(t *testing.T) {
	b := newLab(t, labDir+"-engines")
	for i := range 3 {
		b.order(fmt.Sprintf("engine-%d", i+1))
	}
	var hosts, addrs []string
	b.until("three engines answer", 2*time.Minute, func() (bool, string) {
		hosts, addrs = nil, nil
		for _, d := range b.droplets("engine-") {
			host := b.lab.EngineHost(d.ID)
			if host == "" {
				return false, d.Name
			}
			if _, err := b.engine(d.ID).Ping(b.Context()); err != nil {
				return false, err.Error()
			}
			hosts, addrs = append(hosts, host), append(addrs, d.Private)
		}
		return len(hosts) == 3, fmt.Sprint(hosts)
	})
	all := fmt.Sprintf("%s=%s %s=%s %s=%s", hosts[0], addrs[0], hosts[1], addrs[1], hosts[2], addrs[2])
	b.goTest("./pkg/swarm/docker", "TestRealEngine", "SWARMD_TEST_DOCKER_HOSTS="+all, "SWARMD_TEST_DOCKER_HOST="+hosts[0], "SWARMD_TEST_DOCKER_ADDR="+addrs[0])
	b.cloudInit()
	b.goTest("./pkg/sim/dockerd", "TestTheDeviationsAreARealEngines", "SWARMD_TEST_DOCKER_HOST="+hosts[0], "SWARMD_TEST_DOCKER_ADDR="+addrs[0])
	b.goTest("./pkg/sim/conform", "TestRealEngine", "SWARMD_TEST_DOCKER_HOSTS="+all)
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

// goTest runs tests of another room that need what this bench has. A skipped one is told, for a skip is no pass.
func (b *bench) goTest(pkg, pattern string, env ...string) {
	b.Helper()
	cmd := exec.Command("go", "test", "-count=1", "-v", "-timeout", "8m", "-run", pattern, pkg)
	cmd.Dir, cmd.Env = "..", append(append(os.Environ(), "SWARMD_LAB=1"), env...)
	out, err := cmd.CombinedOutput()
	passed := strings.Count(string(out), "\n--- PASS")
	for _, line := range strings.Split(string(out), "\n") {
		if strings.Contains(line, "--- SKIP") || strings.Contains(line, "--- FAIL") {
			b.Log(line)
		}
	}
	if err != nil || passed == 0 || strings.Contains(string(out), "\n--- SKIP") {
		b.Fatalf("%s: %v, %d passed\n%s", pkg, err, passed, out)
	}
	b.Logf("%s -run %s: %d passed", pkg, pattern, passed)
}
