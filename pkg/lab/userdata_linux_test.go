package lab

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/digitalocean/godo"

	"github.com/swarmd/swarmd/pkg/cloud/userdata"
)

// TestUserData boots what swarmd itself gives to its droplets: a first manager's and a worker's user-data.
func TestUserData(t *testing.T) {
	l, c := newLab(t)
	p := userdata.Params{Cluster: "lab", Pool: "managers", PrivateCIDR: l.opts.Private.String()}
	manager := create(t, l, c, "lab-managers-aaaaa", "s-1vcpu-1gb", render(t, p))
	eventually(t, l, manager.ID, "grep", "the engine is up", "/var/log/swarmd-join.log")
	truth, _ := l.Cloud.Droplet(manager.ID)
	private := truth.Private.Addr().String()
	eventually(t, l, manager.ID, "docker", "swarm", "init", "--advertise-addr", private)
	token, _ := eventually(t, l, manager.ID, "docker", "swarm", "join-token", "-q", "worker")

	p.Pool, p.Join = "workers", &userdata.Join{Token: token, Managers: []string{"10.77.255.254", private}}
	began := time.Now()
	worker := create(t, l, c, "lab-workers-bbbbb", "s-1vcpu-1gb", render(t, p))
	eventually(t, l, worker.ID, "grep", "Z joined", "/var/log/swarmd-join.log")
	t.Logf("create → joined, the first manager tried being dead: %v", time.Since(began))
	joined(t, l, manager.ID, worker)
	firewall(t, l, worker)
	forgotten(t, l, worker.ID)

	act(t, c, worker.ID, c.DropletActions.PowerOff)
	act(t, c, worker.ID, c.DropletActions.PowerOn)
	eventually(t, l, worker.ID, "docker", "version")
	firewall(t, l, worker)
	joined(t, l, manager.ID, worker)
	forgotten(t, l, worker.ID)
}

// forgotten waits until no file of cloud-init's or swarmd's has a join token, and looks for the rule that closes the metadata service. cloud-init
// writes some of its files at each boot, and they are written over at its end.
func forgotten(t *testing.T, l *Lab, id int) {
	t.Helper()
	eventually(t, l, id, "sh", "-c", "systemctl is-active --quiet cloud-final.service && ! grep -rqE 'SWMTKN-[0-9]' /var/lib/cloud /run/cloud-init /var/lib/swarmd /var/log")
	if _, err := l.Exec(t.Context(), id, "iptables", "-t", "raw", "-C", "PREROUTING", "-d", metadataIP, "-j", "DROP"); err != nil {
		t.Errorf("the metadata service is open to containers: %v", err)
	}
}

func render(t *testing.T, p userdata.Params) string {
	t.Helper()
	text, err := userdata.Render(p)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// joined waits until the manager sees the worker as it should: drained, labelled, at its private address.
func joined(t *testing.T, l *Lab, manager int, d *godo.Droplet) {
	t.Helper()
	truth, _ := l.Cloud.Droplet(d.ID)
	want := "ready drain " + itoa(d.ID) + " " + itoa(userdata.Template) + " " + truth.Private.Addr().String()
	const format = `{{.Status.State}} {{.Spec.Availability}} {{index .Description.Engine.Labels "swarmd.droplet"}} {{index .Description.Engine.Labels "swarmd.template"}} {{.Status.Addr}}`
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var got string
	err := until(ctx, "the node", func() bool {
		got, _ = l.Exec(ctx, manager, "docker", "node", "inspect", d.Name, "--format", format)
		return strings.TrimSpace(got) == want
	})
	if err != nil {
		t.Errorf("the manager sees %q, want %q", got, want)
	}
}

// firewall tries the ports from where the world is, and the metadata service from inside a container.
func firewall(t *testing.T, l *Lab, d *godo.Droplet) {
	t.Helper()
	truth, _ := l.Cloud.Droplet(d.ID)
	for port, open := range map[string]bool{"22": true, "7946": false, "2377": false} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		conn, err := l.Dial(ctx, truth.Public.Addr().String()+":"+port)
		cancel()
		if (err == nil) != open {
			t.Errorf("port %s is open to the world: %v, want %v", port, err == nil, open)
		}
		if err == nil {
			_ = conn.Close()
		}
	}
	image, _ := pushWeb(t, l)
	eventually(t, l, d.ID, "docker", "pull", "-q", image)
	_, err := l.Exec(t.Context(), d.ID, "timeout", "3", "docker", "run", "--rm", image, metadataURL+"/user-data")
	if err == nil || !strings.Contains(err.Error(), "exit status 124") {
		t.Errorf("a container that asks for user-data: %v, want a timeout", err)
	}
}
