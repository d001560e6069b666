//go:build linux

package e2e

import (
	"cmp"

	"gopkg.in/yaml.v3"

	"github.com/swarmd/swarmd/pkg/lab"
)

// What the machines are ordered as; all of the lab's have the same disk.
const (
	anyImage     = "debian-12-x64"
	smallManager = "s-1vcpu-1gb"
	smallWorker  = "s-1vcpu-2gb"
	largeWorker  = "s-2vcpu-4gb"
)

// want is the file of the desired state, as the scenarios change it.
type want struct {
	managers, workers int
	masters           int    // of a second pool that is the managers' instead of the first, 0 for none
	web               string // version, "" for no service
	webReplicas       int
	queue             string
	queueOn           string // a constraint of its tasks, "" for none
	noSwarmdImage     bool
	healthy           bool   // the queue's tasks run when their health check says so
	image             string // of the machines, "" for anyImage
	workersImage      string // of the workers, "" for that of all
	larger            bool   // workers get another size, in place
	inPlace           bool   // workers that get the size back get it in place
	workerRepair      string // how long a worker's node may be down until its power is cycled, "" for the default
	onFailure         string // what a roll-out does about a task that fails, "" for the engine's default: pause
}

func (w want) yaml(key string) string {
	services := map[string]any{}
	if w.web != "" {
		services["web"] = map[string]any{
			"image": webImage + ":" + w.web,
			"ports": []any{map[string]any{"target": 8080, "published": 8080, "mode": "host"}},
			"deploy": map[string]any{"replicas": w.webReplicas, "update_config": w.updateConfig(1, "stop-first"),
				"restart_policy": map[string]any{"delay": "1s"}},
		}
	}
	if w.queue != "" {
		deploy := map[string]any{"replicas": 6, "update_config": w.updateConfig(2, "start-first")}
		if w.queueOn != "" {
			deploy["placement"] = map[string]any{"constraints": []string{w.queueOn}}
		}
		queue := map[string]any{"image": webImage + ":" + w.queue, "deploy": deploy}
		if w.healthy {
			queue["healthcheck"] = map[string]any{"test": []string{"CMD", "/web", "probe"}, "interval": "3s", "timeout": "20s", "retries": 5}
		}
		services["queue"] = queue
	}
	file := map[string]any{
		"version": 1, "cluster": "shop",
		"cloud": map[string]any{"digitalocean": map[string]any{"region": "fra1", "image": cmp.Or(w.image, anyImage), "ssh_keys": []string{key}}},
		"nodes": map[string]any{
			"managers": map[string]any{"role": "manager", "count": w.managers, "size": smallManager},
			"workers":  map[string]any{"role": "worker", "count": w.workers, "size": smallWorker, "labels": map[string]string{"zone": "lab"}},
		},
		"services": services,
		"policies": map[string]any{"bake": "2s", "create_visible": "30s", "shutdown_timeout": "30s", "resync": "10s"},
	}
	if w.workerRepair != "" {
		file["policies"].(map[string]any)["repair"] = map[string]any{"worker": w.workerRepair}
	}
	if w.workersImage != "" {
		file["nodes"].(map[string]any)["workers"].(map[string]any)["image"] = w.workersImage
	}
	if workers := file["nodes"].(map[string]any)["workers"].(map[string]any); w.larger || w.inPlace {
		workers["resize"] = "in-place"
		if w.larger {
			workers["size"] = largeWorker
		}
	}
	if nodes := file["nodes"].(map[string]any); w.masters > 0 {
		nodes["managers"].(map[string]any)["role"] = "worker"
		nodes["masters"] = map[string]any{"role": "manager", "count": w.masters, "size": "s-1vcpu-1gb"}
	}
	if !w.noSwarmdImage {
		file["swarmd"] = map[string]any{"image": lab.RegistryAddr + "/swarmd:1"}
	}
	text, _ := yaml.Marshal(file)
	return string(text)
}

// machine is the image and the size that the file wants of a pool's machines.
func (w want) machine(pool string) (image, size string) {
	image = cmp.Or(w.image, anyImage)
	switch {
	case pool == "managers":
		return image, smallManager
	case w.larger:
		size = largeWorker
	default:
		size = smallWorker
	}
	return cmp.Or(w.workersImage, image), size
}

func (w want) updateConfig(parallelism int, order string) map[string]any {
	c := map[string]any{"parallelism": parallelism, "order": order, "monitor": "1s"}
	if w.onFailure != "" {
		c["failure_action"] = w.onFailure
	}
	return c
}
