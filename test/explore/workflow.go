package explore

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/swarmd/swarmd/pkg/sim"
)

// Workflow is what is played: a cluster that is as wanted, then what people do, then an end.
type Workflow struct {
	Name       string
	About      string
	Start      file // what the cluster is like when the workflow is armed
	Fresh      bool // armed from the first call on, with one manager that no swarmd has seen yet
	Empty      bool // armed from the first call on, too: the account has no machine of the cluster, and there is no swarm
	Several    bool // a swarmd on every manager; otherwise on the first alone
	Beside     bool // another swarm has machines of the cluster's name in the account; a person has said that swarmd may begin all the same
	Play       func(*run)
	Held       []string // guards that hold for good at the end; empty: all must be as the file says
	Settles    bool     // in spite of what holds, the file's machines are all there at the end
	Image      string   // of which the roll-out fails: what runs at the end is another one
	Back       bool     // what ran before that image runs at the end, whatever the engine made of it
	Pages      int      // droplets a page, 0: all
	Sparse     int      // of so many of its single faults one is played; 0: all are
	Broken     bool     // machines that are made do not join
	Leaderless bool     // what it does takes the majority of the managers
	NoCycle    bool     // no machine's power is cycled: it is not the machines
	Surges     bool     // its service app has six tasks on the workers, and never fewer run
	Even       bool     // they are even at the end
	Adopts     bool     // the file takes over what was deployed under the cluster's name without swarmd
	Small      bool     // all its pairs of faults are played when there is time, see Campaign.Pairs
}

// file is a desired state in short.
type file struct {
	managers, workers int
	next              int       // of a second pool of managers; 0: there is none
	services          string    // YAML, the services' lines
	volumes           string    // a volume's name
	labels            string    // of the workers, YAML flow
	region            string    // of the workers; "": everybody's
	image             string    // of the managers; "": docker-20-04
	workersImage      string    // of the workers; "": docker-20-04
	apps              bool      // the pool of workers is named apps
	hasty             bool      // what is down is cycled and replaced soon
	quick             bool      // a launch has a minute for each of its clocks
	seldom            bool      // a full look comes once a minute, for what is waited for long
	keep              int       // of the machines that never joined
	policies          string    // more of them, YAML flow that begins with a comma
	bake              string    // how long the tasks of a roll-out have to run; "": a second
	demoted           bool      // the pool managers has workers
	swapped           bool      // so it has, and the pool workers has managers
	objects           string    // YAML, the top-level configs and secrets
	sizes             [2]string // of the managers and of the workers, which get them in place; "": the usual one, and others are made instead
}

// yaml writes the file.
func (f file) yaml(cluster string) []byte {
	var b strings.Builder
	labels := f.labels
	if labels == "" {
		labels = "{}"
	}
	image, workersImage := cmp.Or(f.image, "docker-20-04"), cmp.Or(f.workersImage, "docker-20-04")
	repair := ""
	if f.hasty {
		repair = ", repair: { worker: 2m, manager: 3m }"
	}
	name, region, roles := "workers", "fra1", [2]string{"manager", "worker"}
	if f.apps {
		name = "apps"
	}
	if f.region != "" {
		region = f.region
	}
	if f.demoted || f.swapped {
		roles[0] = "worker"
	}
	if f.swapped {
		roles[1] = "manager"
	}
	policies := "launch_timeout: 10m"
	if f.quick {
		policies = fmt.Sprintf("launch_timeout: 1m, active_timeout: 1m, repair: { keep_failed: %d }", f.keep)
	}
	resync := "12s"
	if f.seldom {
		resync = "1m"
	}
	fmt.Fprintf(&b, `version: 1
cluster: %s
cloud: { digitalocean: { region: fra1, image: docker-20-04 } }
policies: { create_visible: 40s, %s, drain_timeout: 2m, shutdown_timeout: 15s, resync: %s, bake: %s%s }
nodes:
  managers: { role: %s, count: %d, size: %s, image: %s }
  %s: { role: %s, count: %d, size: %s, image: %s, region: %s, labels: %s }
`, cluster, policies, resync, cmp.Or(f.bake, "1s"), repair+f.policies, roles[0], f.managers, f.size(0), image, name, roles[1], f.workers, f.size(1), workersImage, region, labels)
	if f.next > 0 {
		fmt.Fprintf(&b, "  next: { role: manager, count: %d, size: s-1vcpu-1gb }\n", f.next)
	}
	if f.services != "" {
		b.WriteString("services:\n" + f.services)
	}
	if f.volumes != "" {
		b.WriteString("volumes: { " + f.volumes + ": {} }\n")
	}
	b.WriteString(f.objects)
	return []byte(b.String())
}

// size writes the size of a pool's machines, and how they get it.
func (f file) size(pool int) string {
	if f.sizes[pool] == "" {
		return "s-1vcpu-1gb"
	}
	return f.sizes[pool] + ", resize: in-place"
}

// service writes one service of the file.
func service(name, image string, replicas int, more string) string {
	return fmt.Sprintf("  %s: { image: %q, deploy: { replicas: %d%s } }\n", name, image, replicas, more)
}

// rolled writes a service with an update_config.
func rolled(name, image string, replicas int, config, action string) string {
	return service(name, image, replicas, fmt.Sprintf(config, action))
}

// populate makes the machines that the cluster starts with.
func (w Workflow) populate(world *sim.World, cluster string) error {
	seeded := sim.Seeded{Cluster: cluster, Region: "fra1", Managers: w.Start.managers, Next: w.Start.next, Workers: w.Start.workers}
	if w.Fresh {
		seeded.Managers, seeded.Workers = 1, 0
	}
	if w.Beside { // first: the last swarm is the one that is explored
		if err := world.Populate(sim.Seeded{Cluster: cluster, Region: "fra1", Managers: 1, Workers: 2, From: besideFrom, Untagged: true}); err != nil {
			return err
		}
	}
	if w.Empty {
		return nil
	}
	return world.Populate(seeded)
}
