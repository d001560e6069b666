package audit_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/audit"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/pkg/swarm"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

// sound is a cluster without a single point of failure.
const sound = `version: 1
cluster: web
cloud: { digitalocean: { region: fra1, image: docker-20-04 } }
nodes:
  managers: { role: manager, count: 3, size: s-1vcpu-1gb, availability: drain }
  workers: { role: worker, count: 3, size: s-2vcpu-2gb, labels: { zone: a } }
services:
  app:
    image: "app:1"
    deploy: { replicas: 4, resources: { reservations: { memory: 900M } } }
`

// audited are the findings of the file, a line each: notes in brackets.
func audited(t *testing.T, text string, w *world.World) string {
	t.Helper()
	d, _, err := file.Parse("web.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	stack, err := docker.Convert(d.Cluster, d.Stack)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, f := range audit.Audit(audit.Cluster{Spec: &d.Spec, Stack: stack, Sizes: file.RoomOf, World: w}) {
		line := strings.Join(f.Keys, ".") + ": " + f.Text
		if f.Note {
			line = "(" + line + ")"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

const region = "(cloud.digitalocean.region: all managers are in fra1, and so is everything in one VPC: against the loss of a region only a second cluster elsewhere helps)"

// TestFindings changes one thing of what is sound, and says what is found then.
func TestFindings(t *testing.T) {
	for _, c := range []struct {
		name, from, to string
		want           string // besides the region's note
	}{
		{"nothing", "", "", ""},
		{"one manager", "count: 3, size: s-1vcpu-1gb", "count: 1, size: s-1vcpu-1gb", "nodes.managers.count: 1 manager: when it is lost"},
		{"one replica", "replicas: 4", "replicas: 1, update_config: { order: start-first }", "services.app.deploy.replicas: 1 replica: when its machine is lost"},
		{"one replica that stops first", "replicas: 4", "replicas: 1", "services.app.deploy.replicas: 1 replica: when its machine is lost\nservices.app.deploy.update_config: each roll-out stops its only task"},
		{"one machine fits", `services:
  app:
    image: "app:1"
    deploy: { replicas: 4,`, `  big: { role: worker, count: 1, size: s-2vcpu-2gb, labels: { disk: big } }
services:
  app:
    image: "app:1"
    deploy: { replicas: 1, update_config: { order: start-first }, placement: { constraints: ["node.labels.disk==big"] },`,
			"services.app.deploy.placement.constraints: only machine 1 of pool big can run it"},
		{"a volume", `image: "app:1"`, `image: "app:1"` + "\n    volumes: [\"data:/data\"]", "services.app.volumes: volume web_data is on the machine where its task runs"},
		{"no reservation", ", resources: { reservations: { memory: 900M } }", "", "(services: no service reserves memory"},
		{"a size that says nothing", "s-2vcpu-2gb", "gd-special", "(nodes: what the machines have is not known of every size"},
		{"no machine to spare", "replicas: 4", "replicas: 5", "nodes.workers.count: without machine 1 of pool workers 1 of 5 reserving tasks have no room on the others, the first one of service web_app (900 MB each)"},
		{"no more on one machine", "replicas: 4,", "replicas: 4, placement: { max_replicas_per_node: 2 },", ""},
		{"not two on one machine", "replicas: 4,", "replicas: 3, placement: { max_replicas_per_node: 1 },", "nodes.workers.count: without machine 1 of pool workers 1 of 3 reserving tasks"},
		{"one on each", "replicas: 4,", "mode: global,", ""},
		{"none", "replicas: 4", "replicas: 0", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := sound
			if c.name == "a volume" {
				text += "volumes: { data: {} }\n"
			}
			if !strings.Contains(text, c.from) {
				t.Fatalf("%q is not in the file", c.from)
			}
			got := audited(t, strings.ReplaceAll(text, c.from, c.to), nil)
			var kept []string
			for _, line := range strings.Split(got, "\n") {
				if line != region {
					kept = append(kept, line)
				}
			}
			want := strings.Split(c.want, "\n")
			if c.want == "" {
				want = nil
			}
			if len(kept) != len(want) || !strings.Contains(got, region) {
				t.Fatalf("found\n%s\nwant %d besides the region", got, len(want))
			}
			for i, line := range want {
				if !strings.HasPrefix(kept[i], line) {
					t.Errorf("found %q, want %q…", kept[i], line)
				}
			}
		})
	}
}

// running is what runs of the sound file: each task on a machine of its own as far as there are some.
func running(lost ...string) *world.World {
	w := &world.World{Services: []swarm.Service{{ID: "app", Spec: swarm.ServiceSpec{Name: "web_app"}}}}
	for _, id := range []string{"m1", "m2", "m3", "w1", "w2", "w3"} {
		n := swarm.Node{ID: id, Hostname: id, State: swarm.NodeReady, CPUs: 2, MemoryBytes: 2 << 30, Created: time.Unix(0, 0),
			Spec: swarm.NodeSpec{Role: swarm.Worker, Availability: swarm.Active}}
		pool := "workers"
		if id[0] == 'm' {
			pool, n.Spec.Role, n.Spec.Availability, n.Manager = "managers", swarm.Manager, swarm.Drain, &swarm.ManagerStatus{Reachability: "reachable"}
		}
		for _, l := range lost {
			if l == id {
				n.State = swarm.NodeDown
			}
		}
		w.Machines = append(w.Machines, world.Machine{Node: &n, Pool: pool})
	}
	for i, on := range []string{"w1", "w2", "w3", "w1"} {
		w.Tasks = append(w.Tasks, swarm.Task{ServiceID: "app", Slot: i + 1, NodeID: on, State: "running", DesiredState: "running"})
	}
	return w
}

// TestFindingsOfWhatRuns: what the file wants is not all there.
func TestFindingsOfWhatRuns(t *testing.T) {
	piled := running()
	for i := range piled.Tasks {
		piled.Tasks[i].NodeID = "w2"
	}
	for _, c := range []struct {
		name string
		w    *world.World
		want string
	}{
		{"all is there", running(), ""},
		{"a manager is lost", running("m2"), "nodes.managers.count: 2 of 3 managers answer: with one more the quorum is lost: swarmd status names who does not answer\n"},
		{"a worker is lost", running("w3"), "nodes.workers.count: without w1 2 of 4 reserving tasks have no room on the others, the first one of service web_app (900 MB each): one machine more, or less reserved"},
		{"all on one", piled, "services.app.deploy.replicas: all 4 tasks run on w2: when that is lost, all are: its next roll-out spreads them, docker service update --force web_app does so now"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := strings.TrimSpace(strings.ReplaceAll(audited(t, sound, c.w), region, ""))
			if diff := cmp.Diff(strings.TrimSpace(c.want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
