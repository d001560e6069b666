package spec

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/distribution/reference"
	"github.com/docker/go-units"
)

// documentKeys are the top-level keys and their rules.
func documentKeys() map[string]rule {
	return map[string]rule{
		"version": whole(1, 1),
		"cluster": word(name(maxCluster)),
		"cloud":   object{known: map[string]rule{"digitalocean": keys(cloudKeys())}, required: []string{"digitalocean"}}.rule,
		"nodes": atMost(maxPools, "pools", entries(name(maxPool),
			object{known: poolKeys(), required: []string{"role", "count", "size"}}.rule)),
		"swarmd":    keys(map[string]rule{"image": image, "memory": ownMemory}),
		"variables": entries(variableName(), anyText),
		"policies":  keys(policyKeys()),
		"services":  services,
		"networks":  entries(objectName(), optional(network)),
		"volumes":   entries(objectName(), optional(volume)),
	}
}

func cloudKeys() map[string]rule {
	return map[string]rule{
		"region":   word(slug()),
		"image":    word(slug()),
		"ssh_keys": setOf(sshKey),
		"vpc":      word(charset{letters + digits, letters + digits + ".-", 255, "a VPC's name or uuid"}),
	}
}

func poolKeys() map[string]rule {
	return map[string]rule{
		"role":         choice("manager", "worker"),
		"count":        whole(0, maxPoolCount),
		"size":         word(slug()),
		"image":        word(slug()),
		"region":       word(slug()),
		"labels":       nodeLabels,
		"availability": choice("active", "drain"),
		"adopt":        setOf(whole(1, 1<<53)),
	}
}

func policyKeys() map[string]rule {
	return map[string]rule{
		"create_visible":   span(30*time.Second, time.Hour),
		"launch_timeout":   span(time.Minute, 2*time.Hour),
		"drain_timeout":    span(time.Second, 24*time.Hour),
		"shutdown_timeout": span(10*time.Second, time.Hour),
		"max_creates":      whole(1, 100),
		"resync":           span(time.Second, time.Minute),

		"foreign_nodes":       choice(DrainNew, Keep),
		"rotate_worker_token": trueFalse,
	}
}

// otherTopLevel deals with the keys that are planned, and with Compose's extension fields, which hold anchors.
func otherTopLevel(w *walker, f field) bool {
	switch f.key {
	case "stacks", "configs", "secrets":
		w.faultAt(f.at[0], f.at[1], f.value.place, "not yet supported")
		return true
	}
	if _, ofService := serviceKeys()[f.key]; ofService {
		w.faultAt(f.at[0], f.at[1], f.value.place, "%s is a key of a service: indent it below its service, under services", f.key)
		return true
	}
	return strings.HasPrefix(f.key, "x-")
}

// sshKey takes what DigitalOcean takes for a key: its MD5 fingerprint or its id.
func sshKey(w *walker, n *node) any {
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
	w.reserve(n, "swarmd.")
	for _, f := range n.fields {
		if !constraintLabel().holds(f.key) && nodeLabel().holds(f.key) {
			w.warnings.add(w.file, f.at, f.value.place, "no constraint can name this label: one names only "+constraintLabel().say)
		} else if !constraintValue().holds(f.value.text) && nodeLabelValue().holds(f.value.text) {
			w.warnings.add(w.file, f.at, f.value.place, "no constraint can compare with this value: one compares only with "+constraintValue().say)
		}
	}
	return entries(nodeLabel(), word(nodeLabelValue()))(w, n)
}

// image takes a reference as the engine does, and warns of one that can change under the same name.
func image(w *walker, n *node) any {
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
func assemble(values map[string]any) *Spec {
	cloud := section(section(values, "cloud"), "digitalocean")
	s := &Spec{
		Version:  1,
		Cluster:  str(values, "cluster"),
		Cloud:    DigitalOcean{Region: str(cloud, "region"), Image: str(cloud, "image"), VPC: str(cloud, "vpc")},
		Swarmd:   Swarmd{Image: str(section(values, "swarmd"), "image"), Memory: DefaultMemory},
		Policies: policies(section(values, "policies")),
	}
	if size, ok := section(values, "swarmd")["memory"].(int64); ok {
		s.Swarmd.Memory = size
	}
	s.Cloud.SSHKeys = typed[string](cloud["ssh_keys"])
	pools := section(values, "nodes")
	for _, name := range slices.Sorted(maps.Keys(pools)) {
		s.Pools = append(s.Pools, newPool(name, section(pools, name), s.Cloud))
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

func newPool(name string, values map[string]any, cloud DigitalOcean) Pool {
	p := Pool{
		Name:         name,
		Role:         str(values, "role"),
		Size:         str(values, "size"),
		Image:        str(values, "image"),
		Region:       str(values, "region"),
		Availability: str(values, "availability"),
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
func policies(values map[string]any) Policies {
	p := defaultPolicies()
	for key, field := range map[string]*time.Duration{
		"create_visible": &p.CreateVisible, "launch_timeout": &p.LaunchTimeout, "drain_timeout": &p.DrainTimeout,
		"shutdown_timeout": &p.ShutdownTimeout, "resync": &p.Resync,
	} {
		if d, err := time.ParseDuration(str(values, key)); err == nil {
			*field = d
		}
	}
	if n, ok := values["max_creates"].(int); ok {
		p.MaxCreates = n
	}
	p.ForeignNodes = cmp.Or(str(values, "foreign_nodes"), p.ForeignNodes)
	if rotate, ok := values["rotate_worker_token"].(bool); ok {
		p.RotateWorkerToken = rotate
	}
	return p
}
