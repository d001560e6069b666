package lab

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const initSwarm = `#cloud-config
bootcmd:
- [sh, -c, "ufw default deny incoming; ufw allow 22/tcp; ufw allow from 10.77.0.0/16; ufw --force enable"]
runcmd:
- [sh, -c, "docker swarm init --advertise-addr $(curl -s http://169.254.169.254/metadata/v1/interfaces/private/0/ipv4/address) && docker swarm join-token -q worker >/root/t && mv /root/t /root/token"]
`

const joinSwarm = `#cloud-config
bootcmd:
- [sh, -c, "ufw default deny incoming; ufw allow 22/tcp; ufw allow from 10.77.0.0/16; ufw --force enable"]
runcmd:
- [sh, -c, "docker swarm join --token %s %s:2377 >/root/log 2>&1 && touch /root/joined"]
`

// TestSwarm boots two droplets over the API whose own user-data makes them a swarm.
func TestSwarm(t *testing.T) {
	l, c := newLab(t)
	began := time.Now()
	manager := create(t, l, c, "manager-1", "s-1vcpu-1gb", initSwarm)
	token, _ := eventually(t, l, manager.ID, "cat", "/root/token")
	t.Logf("create → swarm initialised in %v", time.Since(began))

	d, _, err := c.Droplets.Get(t.Context(), manager.ID)
	if err != nil {
		t.Fatal(err)
	}
	private, err := d.PrivateIPv4()
	if err != nil || d.Status != "active" {
		t.Fatalf("droplet %d is %s at %q: %v", d.ID, d.Status, private, err)
	}
	began = time.Now()
	worker := create(t, l, c, "worker-1", "s-2vcpu-2gb", fmt.Sprintf(joinSwarm, token, private))
	eventually(t, l, worker.ID, "test", "-e", "/root/joined")
	t.Logf("create → worker joined in %v", time.Since(began))

	nodes, _ := eventually(t, l, manager.ID, "docker", "node", "ls", "--format", "{{.Hostname}} {{.Status}}")
	if !strings.Contains(nodes, "manager-1 Ready") || !strings.Contains(nodes, "worker-1 Ready") {
		t.Errorf("nodes: %s", nodes)
	}
	info, _ := eventually(t, l, manager.ID, "docker", "info", "--format", "{{.NCPU}} {{.MemTotal}}")
	if info != "1 1073741824" {
		t.Errorf("the engine of s-1vcpu-1gb sees %q", info)
	}
	if out, err := l.Exec(t.Context(), manager.ID, "systemctl", "--failed", "--no-legend"); err != nil || out != "" {
		t.Errorf("failed units: %s, %v", out, err)
	}
	overlay(t, l, manager.ID, worker.ID)
}

// overlay runs a service on both droplets and reaches each of its tasks from the other droplet, over VXLAN on the private network.
func overlay(t *testing.T, l *Lab, manager, worker int) {
	image, _ := pushWeb(t, l)
	eventually(t, l, manager, "docker", "network", "create", "-d", "overlay", "--attachable", "o1")
	eventually(t, l, manager, "docker", "service", "create", "--name", "web", "--mode", "global", "--endpoint-mode", "dnsrr",
		"--network", "o1", "--hostname", "on-{{.Node.Hostname}}", "--publish", "mode=host,target=8080,published=8080", image)
	for _, id := range []int{manager, worker} {
		seen := map[string]bool{}
		for len(seen) < 2 {
			got, took := eventually(t, l, id, "docker", "run", "--rm", "--network", "o1", image, "http://web:8080/")
			seen[got] = true
			if took > time.Minute {
				t.Fatalf("droplet %d reaches only %v", id, seen)
			}
		}
		truth, _ := l.Cloud.Droplet(id)
		if got := get(l, "http://"+truth.Public.Addr().String()+":8080/"); got != "on-"+truth.Name+"\n" {
			t.Errorf("published port of %s answers %q", truth.Name, got)
		}
	}
}
