package dockerd_test

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/swarmd/swarmd/pkg/sim/dockerd"
)

// TestTheSuiteForRealEnginesPassesOnSimulatedOnes runs the Docker adapter's tests for real engines, with their golden table of
// real engines' errors, against simulated ones of each release. What passes on both is what the simulation may be trusted with.
func TestTheSuiteForRealEnginesPassesOnSimulatedOnes(t *testing.T) {
	if os.Getenv("SWARMD_CONFORMANCE") != "1" {
		t.Skip("SKIPPED: it builds and runs another package's tests; set SWARMD_CONFORMANCE=1")
	}
	for _, r := range dockerd.Releases() {
		for _, suite := range []string{"TestRealEnginesAnswerAsTheTableSays", "TestRealEngineKeepsTheNormalForm"} {
			t.Run(string(r)+"/"+suite, func(t *testing.T) { playSuite(t, r, suite) })
		}
	}
}

// playSuite runs a test for real engines against three simulated ones. Where it takes engines for unknown, nothing was compared.
func playSuite(t *testing.T, r dockerd.Release, suite string) {
	w := dockerd.New(dockerd.Options{Seed: 5, Release: r})
	var hosts, addrs []string
	for _, addr := range []string{"10.0.0.1", "10.0.0.2", "10.0.0.3"} {
		e := w.AddEngine(dockerd.EngineConfig{Name: "vm-" + addr, Addr: addr})
		server := httptest.NewServer(e.Handler())
		defer server.Close()
		host := "tcp://" + strings.TrimPrefix(server.URL, "http://")
		hosts, addrs = append(hosts, host), append(addrs, host+"="+addr)
	}
	cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-v", "-run", "^"+suite+"$", "github.com/swarmd/swarmd/pkg/swarm/docker")
	cmd.Env = append(os.Environ(), "SWARMD_LAB=1", "SWARMD_TEST_DOCKER_HOST="+hosts[0], "SWARMD_TEST_DOCKER_ADDR=10.0.0.1",
		"SWARMD_TEST_DOCKER_HOSTS="+strings.Join(addrs, " "))
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+suite) || strings.Contains(string(out), "only the kinds were compared") {
		t.Fatalf("%v\n%s", err, out)
	}
}
