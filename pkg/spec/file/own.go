package file

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/distribution/reference"
	"github.com/docker/go-units"

	"github.com/swarmd/swarmd/pkg/spec"
)

// documentKeys are the top-level keys and their rules.
func documentKeys() map[string]rule {
	return map[string]rule{
		"version": doc("the version of this format", whole(1, 1)),
		"cluster": doc("names what the file owns: droplets, tags, services and labels carry it", word(name(maxCluster))),
		"cloud": doc("where machines come from", object{known: map[string]rule{
			"digitalocean": doc("what is common to all droplets", keys(cloudKeys())),
		}, required: []string{"digitalocean"}}.rule),
		"nodes": doc(fmt.Sprintf("pools of like machines, at most %d; only a cluster that was begun with --new-cluster, in a swarm whose nodes are another's, has none", maxPools), atMost(maxPools, "pools", entries(name(maxPool),
			object{known: poolKeys(), required: []string{"role", "count", "size"}}.rule))),
		"swarmd": doc("swarmd itself", keys(map[string]rule{
			"image":  doc("what bootstrap runs on the managers as a service; without one, only bootstrap --systemd works", image),
			"memory": byDefault(fmt.Sprintf("%dM", spec.DefaultMemory>>20), doc("how much memory each swarmd may have", ownMemory)),
		})),
		"variables":      doc("values for ${NAME} in services, networks, volumes, configs and secrets, and in the stacks' files; the environment is never read", entries(variableName(), anyText)),
		"variables_from": doc("files with NAME=value lines, plain or encrypted with SOPS, relative to this one, for names that variables has not; the last that has one counts", variablesFrom),
		"stacks":         doc("stacks beside the services here, by their names: Compose files that are deployed as docker stack deploy would; apply and the watched file take them along, and what they refer to", stacks),
		"registries": doc(fmt.Sprintf("how registries are logged in to, at most %d: by the host that images name, with its port if it has one; docker.io is where images are that name none", maxRegistries),
			atMost(maxRegistries, "registries", registries)),
		"policies": doc("bounds on what swarmd does by itself", keys(policyKeys())),
		"services": doc("Compose's services, deployed as docker stack deploy would", services),
		"networks": doc("Compose's networks", entries(objectName(), optional(ownNetwork))),
		"volumes":  doc("Compose's volumes", entries(objectName(), optional(volume))),
		"configs":  doc("Compose's configs: files that tasks find at a path; a new content is a new config, and the services follow", entries(objectName(), config)),
		"secrets":  doc("Compose's secrets: the same, of which no value is ever in a file, a log or a revision", entries(objectName(), secret)),
	}
}

func requiredKeys() []string { return []string{"version", "cluster"} }

func cloudKeys() map[string]rule {
	return map[string]rule{
		"region":   doc("the region of pools that name none: a slug such as fra1", word(slug())),
		"image":    doc("the image of pools that name none: a slug such as docker-20-04, or an id", word(slug())),
		"ssh_keys": doc("keys of the account that may log in", setOf(sshKey)),
		"vpc":      byDefault("the region's own", doc("the private network", word(charset{letters + digits, letters + digits + ".-", 255, "a VPC's name or uuid"}))),
	}
}

func poolKeys() map[string]rule {
	return map[string]rule{
		"role":         doc("what the machines are in the swarm", choice("manager", "worker")),
		"count":        doc("how many machines; managers are 1, 3, 5 or 7 in all", whole(0, maxPoolCount)),
		"size":         doc("the droplets' size: a slug such as s-2vcpu-4gb", word(slug())),
		"image":        byDefault("cloud's", doc("the droplets' image", word(slug()))),
		"region":       byDefault("cloud's", doc("the droplets' region", word(slug()))),
		"labels":       doc("labels of the nodes, for placement", nodeLabels),
		"availability": byDefault("active", doc("drain: Swarm runs no tasks there", choice("active", "drain"))),
		"repair":       byDefault("on", doc("off: swarmd neither powers on a machine that is off, nor cycles the power of one that hangs, nor replaces one whose droplet is gone", choice("on", "off"))),
		"resize":       byDefault("replace", doc("how a machine gets another size: in-place drains it, shuts it down, resizes it without its disk and powers it on; replace makes another one", choice("replace", "in-place"))),
		"disruption":   byDefault("policies.disruption", doc("when machines of the pool may be taken from their work without need", disruptionKeys())),
		"adopt":        doc("ids of droplets that count in the pool although swarmd did not make them", setOf(whole(1, 1<<53))),
	}
}

func policyKeys() map[string]rule {
	d := spec.DefaultPolicies()
	return map[string]rule{
		"create_visible": byDefault(brief(d.CreateVisible), doc("how long a created droplet may stay out of the account's list before its create counts as without effect",
			span(30*time.Second, time.Hour))),
		"active_timeout": byDefault(brief(d.ActiveTimeout), doc("time from create until a droplet is active with a private address; a machine that takes longer is deleted and tried again",
			span(time.Minute, 2*time.Hour))),
		"launch_timeout": byDefault("10m, 15m with an image that is not named docker-…", doc("time from being active to joined; a machine that takes longer is deleted and tried again",
			span(time.Minute, 2*time.Hour))),
		"repair": doc("what is done about broken machines", keys(map[string]rule{
			"worker": byDefault(brief(d.Repair.Worker), doc("time that a worker's node may be down until its machine's power is cycled, and from then until another machine takes its place",
				span(time.Minute, 24*time.Hour))),
			"manager": byDefault(brief(d.Repair.Manager), doc("the same of a manager", span(time.Minute, 24*time.Hour))),
			"power_on": byDefault("[0s, 1m, 5m]", doc("the tries to power on a machine that is off: what must have passed since the one before; after the last one another machine takes its place",
				atMost(10, "tries", someOf(span(0, 24*time.Hour))))),
			"gone":         byDefault(brief(d.Repair.Gone), doc("time that a droplet does not exist in each look until another machine takes its place", span(10*time.Second, 24*time.Hour))),
			"launch_tries": byDefault(strconv.Itoa(d.Repair.LaunchTries), doc("so many tries in a row whose machines do not join hold their pool", whole(1, 20))),
			"keep_failed":  byDefault(strconv.Itoa(d.Repair.KeepFailed), doc("so many machines of a pool that never joined are kept for a look, switched off, for 24 hours; the newest", whole(0, 5))),
		})),
		"drain_timeout": byDefault(brief(d.DrainTimeout), doc("time that a drain may take before it is held and reported; until its tasks run elsewhere or for as long, the next machine of a pool is not drained", span(time.Second, 24*time.Hour))),
		"shutdown_timeout": byDefault(brief(d.ShutdownTimeout), doc("time that a shutdown may take before the power is cut",
			span(10*time.Second, time.Hour))),
		"services_wait": byDefault(brief(d.ServicesWait), doc("how long after an edit a new service waits for the machines that are still to come in the pools that can hold it, because Swarm moves no task later; 0s does not wait",
			span(0, time.Hour))),
		"progress_deadline": byDefault(brief(d.ProgressDeadline), doc("how long after its last new task a roll-out that is not over is stuck: what ran before is put back", span(time.Minute, 24*time.Hour))),
		"bake": byDefault(brief(d.Bake), doc("how long the tasks of a roll-out have to run before it has succeeded; a service whose update_config.monitor is longer has that",
			span(time.Second, time.Hour))),
		"prune":       byDefault(strconv.FormatBool(!d.KeepRemoved), doc("true: services that the file has no more are removed; false: they go on running, and status says so", trueFalse)),
		"max_creates": byDefault(strconv.Itoa(d.MaxCreates), doc("droplets that are made at once", whole(1, 100))),
		"max_droplets": byDefault("no limit", doc("droplets that the cluster may have at once, those that are being made or leave included; what would exceed it is held",
			whole(1, maxPools*maxPoolCount))),
		"max_monthly_cost": byDefault("no limit", doc("US dollars a month that the cluster's droplets may cost, those that are being made or leave included; what would exceed it is held, and so is each create while a price is not known",
			dollars)),
		"resync": byDefault(brief(d.Resync), doc("a full look at least this often", span(time.Second, time.Minute))),

		"disruption": doc("when machines may be taken from their work without need, of the pools that say nothing else", disruptionKeys()),

		"foreign_nodes": byDefault(d.ForeignNodes, doc("what becomes of a worker that joins and is no machine of the cluster: drain-new drains it after two minutes, keep only reports it",
			choice(spec.DrainNew, spec.Keep))),
		"rotate_worker_token": byDefault(strconv.FormatBool(d.RotateWorkerToken), doc("the worker join token is replaced once all machines that were made with it have joined",
			trueFalse)),
	}
}

// otherTopLevel deals with keys that stand in the wrong place, and with Compose's extension fields, which hold anchors.
func otherTopLevel(w *walker, f field) bool {
	if _, ofService := serviceKeys()[f.key]; ofService {
		w.faultAt(f.at[0], f.at[1], f.value.place, "%s is a key of a service: indent it below its service, under services", f.key)
		return true
	}
	return strings.HasPrefix(f.key, "x-")
}

// sshKey takes what DigitalOcean takes for a key: its MD5 fingerprint or its id.
func sshKey(w *walker, n *node) any {
	if n == nil {
		return textShape("an MD5 fingerprint or a key's id")
	}
	s, ok := w.scalar(n)
	if !ok {
		return nil
	}
	id := charset{"123456789", digits, 18, ""}
	if id.holds(s) || isFingerprint(s) {
		return s
	}
	w.fault(n, "must be an MD5 fingerprint (16 pairs of lower-case hex digits between colons) or a key's id, not %s", shown(n, s))
	return nil
}

func isFingerprint(s string) bool {
	pairs := strings.Split(s, ":")
	hex := charset{rest: digits + "abcdef", max: 2}
	return len(pairs) == 16 && !slices.ContainsFunc(pairs, func(p string) bool { return len(p) != 2 || !hex.holds(p) })
}

// nodeLabels takes a pool's labels. swarmd.* are its own: the binding of a node to its droplet is one of them.
func nodeLabels(w *walker, n *node) any {
	check := entries(nodeLabel(), word(nodeLabelValue()))
	if n == nil {
		return check(nil, nil)
	}
	w.reserve(n, "swarmd.")
	for _, f := range n.fields {
		if !constraintLabel().holds(f.key) && nodeLabel().holds(f.key) {
			w.warnings.add(f.at, f.value.place, "no constraint can name this label: one names only "+constraintLabel().say)
		} else if !constraintValue().holds(f.value.text) && nodeLabelValue().holds(f.value.text) {
			w.warnings.add(f.at, f.value.place, "no constraint can compare with this value: one compares only with "+constraintValue().say)
		}
	}
	return check(w, n)
}

// image takes a reference as the engine does, and warns of one that can change under the same name.
func image(w *walker, n *node) any {
	if n == nil {
		return textShape("an image reference")
	}
	s, ok := w.scalar(n)
	if !ok {
		return nil
	}
	ref, err := reference.ParseNormalizedNamed(s)
	if err != nil {
		w.fault(n, "must be an image reference such as registry.example/team/app:1.0, not %s: %v", shown(n, s), err)
		return nil
	}
	_, pinned := ref.(reference.Digested)
	tagged, hasTag := ref.(reference.Tagged)
	if !pinned && (!hasTag || tagged.Tag() == "latest") {
		w.warn(n, "the image has no tag but latest: what runs can change without an edit; name a version")
	}
	return s
}

// ownMemory takes how much memory swarmd itself may have. Below the least it could not read the largest file.
func ownMemory(w *walker, n *node) any {
	if n == nil {
		return textShape(fmt.Sprintf("a size of at least %dM", leastMemory>>20))
	}
	s, ok := memory(w, n).(string)
	if !ok {
		return nil
	}
	size, err := units.RAMInBytes(s)
	if err != nil || size < leastMemory {
		w.fault(n, "must be at least %dM, such as 512M or 1G", leastMemory>>20)
		return nil
	}
	return size
}

// optional lets a value be left empty, as Compose does for networks and volumes.
func optional(check rule) rule {
	return func(w *walker, n *node) any {
		if n == nil {
			s := *shapeOf(check)
			s.nullable = true
			return &s
		}
		if n.kind == kindNull {
			return map[string]any{}
		}
		return check(w, n)
	}
}

// section returns the map at a key of decoded values; empty, never nil.
func section(values map[string]any, key string) map[string]any {
	if m, ok := values[key].(map[string]any); ok {
		return m
	}
	return map[string]any{}
}

// str returns the text at a key of decoded values, or "".
func str(values map[string]any, key string) string {
	s, _ := values[key].(string)
	return s
}

// assemble makes the own part of the Spec from decoded values. What has a fault is left out; the caller then drops the Spec.
func assemble(values map[string]any) *spec.Spec {
	cloud := section(section(values, "cloud"), "digitalocean")
	s := &spec.Spec{
		Version:  1,
		Cluster:  str(values, "cluster"),
		Cloud:    spec.DigitalOcean{Region: str(cloud, "region"), Image: str(cloud, "image"), VPC: str(cloud, "vpc")},
		Swarmd:   spec.Swarmd{Image: str(section(values, "swarmd"), "image"), Memory: spec.DefaultMemory},
		Policies: policies(section(values, "policies")),
	}
	if size, ok := section(values, "swarmd")["memory"].(int64); ok {
		s.Swarmd.Memory = size
	}
	s.Cloud.SSHKeys = typed[string](cloud["ssh_keys"])
	s.Stacks = assembleStacks(section(values, "stacks"))
	s.Registries = logins(section(values, "registries"))
	pools := section(values, "nodes")
	for _, name := range slices.Sorted(maps.Keys(pools)) {
		s.Pools = append(s.Pools, newPool(name, section(pools, name), s.Cloud, s.Policies.Disruption))
	}
	return s
}

// typed turns a decoded list into one of its items' type; nil if it is empty.
func typed[T any](value any) []T {
	var items []T
	list, _ := value.([]any)
	for _, item := range list {
		if v, ok := item.(T); ok {
			items = append(items, v)
		}
	}
	return items
}

func newPool(name string, values map[string]any, cloud spec.DigitalOcean, all spec.Disruption) spec.Pool {
	p := spec.Pool{
		Name:         name,
		Role:         str(values, "role"),
		Size:         str(values, "size"),
		Image:        str(values, "image"),
		Region:       str(values, "region"),
		VPC:          cloud.VPC,
		Availability: str(values, "availability"),
		RepairOff:    str(values, "repair") == "off",
		ResizeHere:   str(values, "resize") == "in-place",
		Disruption:   disruption(values, all),
		Adopt:        typed[int](values["adopt"]),
		Labels:       map[string]string{},
	}
	slices.Sort(p.Adopt)
	p.Count, _ = values["count"].(int)
	for key, value := range section(values, "labels") {
		p.Labels[key], _ = value.(string)
	}
	p.Image = cmp.Or(p.Image, cloud.Image)
	p.Region = cmp.Or(p.Region, cloud.Region)
	p.Availability = cmp.Or(p.Availability, "active")
	return p
}

// policies lays the file's policies over the defaults.
func policies(values map[string]any) spec.Policies {
	p := spec.DefaultPolicies()
	for key, field := range map[string]*time.Duration{
		"create_visible": &p.CreateVisible, "active_timeout": &p.ActiveTimeout, "launch_timeout": &p.LaunchTimeout, "drain_timeout": &p.DrainTimeout,
		"shutdown_timeout": &p.ShutdownTimeout, "services_wait": &p.ServicesWait, "resync": &p.Resync,
		"progress_deadline": &p.ProgressDeadline, "bake": &p.Bake,
	} {
		if d, err := time.ParseDuration(str(values, key)); err == nil {
			*field = d
		}
	}
	for key, field := range map[string]*time.Duration{"worker": &p.Repair.Worker, "manager": &p.Repair.Manager, "gone": &p.Repair.Gone} {
		if d, err := time.ParseDuration(str(section(values, "repair"), key)); err == nil {
			*field = d
		}
	}
	if tries := typed[string](section(values, "repair")["power_on"]); len(tries) > 0 {
		p.Repair.PowerOn = nil
		for _, text := range tries {
			d, _ := time.ParseDuration(text) // one with a fault has said so
			p.Repair.PowerOn = append(p.Repair.PowerOn, d)
		}
	}
	if n, ok := values["max_creates"].(int); ok {
		p.MaxCreates = n
	}
	for key, field := range map[string]*int{"launch_tries": &p.Repair.LaunchTries, "keep_failed": &p.Repair.KeepFailed} {
		if n, ok := section(values, "repair")[key].(int); ok {
			*field = n
		}
	}
	p.Disruption = disruption(values, spec.Disruption{})
	p.MaxDroplets, _ = values["max_droplets"].(int)
	p.MaxMonthlyCost, _ = values["max_monthly_cost"].(float64)
	p.ForeignNodes = cmp.Or(str(values, "foreign_nodes"), p.ForeignNodes)
	if prune, ok := values["prune"].(bool); ok {
		p.KeepRemoved = !prune
	}
	if rotate, ok := values["rotate_worker_token"].(bool); ok {
		p.RotateWorkerToken = rotate
	}
	return p
}
