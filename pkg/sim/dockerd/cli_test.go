package dockerd_test

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/sim/dockerd"
)

// terminal runs the docker command line against a simulated engine over loopback.
type terminal struct {
	*testing.T
	host string
}

func (c terminal) docker(args ...string) string {
	c.Helper()
	cmd := exec.CommandContext(c.Context(), "docker", args...)
	cmd.Env = append(os.Environ(), "DOCKER_HOST="+c.host, "DOCKER_CONTEXT=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// shows fails unless the command prints all of these.
func (c terminal) shows(command string, want ...string) {
	c.Helper()
	out := c.docker(strings.Fields(command)...)
	for _, w := range want {
		if !strings.Contains(out, w) {
			c.Errorf("docker %s does not show %q:\n%s", command, w, out)
		}
	}
}

// TestTheDockerCommandLine drives a swarm with the command that people use. Tasks start at once and a roll-out is watched for 1 ms,
// so that no real time passes.
func TestTheDockerCommandLine(t *testing.T) {
	if _, err := exec.LookPath("docker"); err != nil {
		t.Skip("SKIPPED: there is no docker command here, so nothing shows that it works against the simulation")
	}
	for _, r := range dockerd.Releases() {
		t.Run(string(r), func(t *testing.T) { driveByCommand(t, r) })
	}
}

func driveByCommand(t *testing.T, r dockerd.Release) {
	fast := time.Nanosecond
	w := dockerd.New(dockerd.Options{
		Seed: 3, Release: r, TaskPrepare: fast, TaskStart: fast, TaskStop: fast, JoinTime: fast, PromoteDelay: fast, DemoteDelay: fast, ReconnectTime: fast,
	})
	var hosts []terminal
	for i, name := range []string{"boss", "hand"} {
		e := w.AddEngine(dockerd.EngineConfig{Name: name, Addr: "10.0.0." + string(rune('1'+i))})
		server := httptest.NewServer(e.Handler())
		defer server.Close()
		hosts = append(hosts, terminal{t, "tcp://" + strings.TrimPrefix(server.URL, "http://")})
	}
	boss, hand := hosts[0], hosts[1]
	boss.shows("swarm init --advertise-addr 10.0.0.1", "is now a manager")
	token := strings.TrimSpace(boss.docker("swarm", "join-token", "-q", "worker"))
	hand.shows("swarm join --token "+token+" 10.0.0.1:2377", "joined a swarm as a worker")
	boss.shows("node ls", "boss", "hand", "Leader", "Ready")
	boss.shows("service create --detach --name web --replicas 3 --publish 8080:80 nginx:1.25")
	boss.shows("service ls", "web", "replicated", "3/3", "*:8080->80/tcp")
	boss.shows("service scale --detach web=5", "web scaled to 5")
	boss.shows("service ps web", "web.5", "Running", "nginx:1.25")
	boss.shows("service update --update-monitor 1ms --image nginx:1.26 web", "web")
	boss.shows("service ls", "5/5", "nginx:1.26")
	boss.shows("service inspect --pretty web", "nginx:1.26", "Replicas:\t5")
	boss.shows("node update --availability drain hand", "hand")
	boss.shows("node inspect --pretty hand", "Drain", "10.0.0.2")
	boss.shows("network ls", "ingress", "docker_gwbridge", "bridge")
	boss.shows("info", "Is Manager: true", "Managers: 1", "Nodes: 2")
	// The command line writes whole seconds: what happened in this one is told only until the next.
	boss.shows("events --since 1h --until -1s", "service create", "node update")
	api, lowest := r.API()
	boss.shows("version", r.Version(), api+" (minimum version "+lowest+")")
	boss.shows("service rm web", "web")
}
