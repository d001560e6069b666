package file

import (
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/cli/cli/compose/loader"

	"github.com/swarmd/swarmd/pkg/spec"
)

// mount takes what a service mounts: the short form "name:/path[:ro]", or a map.
func mount(w *walker, n *node) any {
	if n == nil {
		return eitherShape("name:/path or /path:/path, with :ro at the end for reading only, or a map", textShape("text"), longMount().shape())
	}
	if n.kind == kindMap {
		return w.longMount(n)
	}
	s, ok := lineText(w, n).(string)
	if !ok {
		return nil
	}
	m, err := loader.ParseVolume(s)
	if err != nil {
		w.fault(n, "must be name:/path or /path:/path, with :ro at the end for reading only, not %s", shown(n, s))
		return nil
	}
	if !w.mountPlaces(n, n, m.Type, m.Source, m.Target) {
		return nil
	}
	return s
}

func longMount() object {
	return object{known: map[string]rule{
		"type":        doc("what is mounted", choice("volume", "bind", "tmpfs", "npipe", "cluster")),
		"source":      doc("the volume's name under the top-level volumes, or an absolute path on the machine; of type cluster also group:NAME", lineText),
		"target":      doc("an absolute path in the container", lineText),
		"read_only":   byDefault("false", doc("whether tasks can only read it", trueFalse)),
		"consistency": doc("of no use on Linux", choice("default", "consistent", "cached", "delegated")),
		"bind":        doc("options of type bind", bindOptions().rule),
		"volume": doc("options of type volume", keys(map[string]rule{
			"nocopy":  byDefault("false", doc("leave a new volume empty; else it gets what the image has at the target", trueFalse)),
			"subpath": doc("a path in the volume to mount instead of its root; needs engines of API 1.45", lineText),
		})),
		"tmpfs": doc("options of type tmpfs", tmpfsOptions().rule),
	}, required: []string{"type", "target"}}
}

func (w *walker) longMount(n *node) any {
	values, ok := longMount().rule(w, n).(map[string]any)
	if !ok || values["type"] == nil || values["target"] == nil {
		return nil
	}
	kind := str(values, "type")
	for _, options := range []string{"bind", "volume", "tmpfs"} {
		if values[options] != nil && options != kind {
			w.lacks(n.child(options), "these options do not go with type %s", kind)
		}
	}
	if !w.mountPlaces(n.get("source"), n.get("target"), kind, str(values, "source"), str(values, "target")) {
		return nil
	}
	return values
}

func bindOptions() object {
	return object{
		known: map[string]rule{"propagation": byDefault("rprivate", doc("how later mounts below it are seen",
			choice("private", "rprivate", "shared", "rshared", "slave", "rslave")))},
		other: ignoredOption(map[string]string{
			"create_host_path": "it makes no path on a machine, and rejects a task where the path is missing",
			"selinux":          "it labels nothing",
		}),
	}
}

func tmpfsOptions() object {
	return object{
		known: map[string]rule{"size": doc("bytes; without it, no bound", whole(0, 1<<50))},
		other: ignoredOption(map[string]string{"mode": "docker stack deploy passes no mode on, and a tmpfs has 1777"}),
	}
}

// mountPlaces checks both ends of a mount. Each machine has its own disk: a path that depends on where the file lies or on whose
// home it is means nothing there.
func (w *walker) mountPlaces(from, to *node, kind, source, target string) bool {
	good := true
	refuse := func(n *node, format string, args ...any) { good = false; w.fault(n, format, args...) }
	if !path.IsAbs(target) && !onWindows(target) {
		refuse(to, "the place in the container must be an absolute path, not %s", shown(to, target))
	}
	if why := unfillable(target); why != "" {
		refuse(to, "%s; Swarm fills in %s", why, strings.Join(templates(), ", "))
	}
	switch {
	case kind == "bind" && len(source) > maxPath:
		refuse(from, "a path has at most %d bytes", maxPath)
	case kind == "bind" && isFolder(source) && path.IsAbs(target):
		refuse(from, "%s lies beside this file, and no machine has it: of each text in it that tasks read make a config, whose content comes along: under the top-level configs say NAME: { file: %s }, "+
			"and in the service configs: [{ source: NAME, target: %s }]; what tasks run belongs into the image, what they write into a volume",
			shown(from, source), strings.TrimSuffix(plainly(from, source), "/")+"/NAME", path.Join(plainly(to, target), "NAME"))
	case kind == "bind" && strings.HasPrefix(source, ".") && path.IsAbs(target):
		refuse(from, "%s lies beside this file, and no machine has it: of a text make a config, whose content comes along: under the top-level configs say %s: { file: %s }, "+
			"and in the service configs: [{ source: %s, target: %s }]; data that tasks write belongs into a volume",
			shown(from, source), configKey(source), plainly(from, source), configKey(source), plainly(to, target))
	case (kind == "bind" || kind == "npipe") && !path.IsAbs(source) && !onWindows(source):
		refuse(from, "the place on the machine must be an absolute path, not %s", shown(from, source))
	case kind == "tmpfs" && source != "":
		refuse(from, "a tmpfs has no source")
	case kind == "cluster" && source == "":
		refuse(from, "a cluster volume has a source")
	case kind == "volume" && strings.Contains(source, "{{"):
		refuse(from, "a template belongs into the volume's own name: under the top-level volumes say data: { name: %s }, and here data", strconv.Quote(plainly(from, source)))
	case (kind == "volume" && source != "" || kind == "cluster") && !objectName().holds(strings.TrimPrefix(source, clusterGroup)):
		refuse(from, "a volume's name must be %s, not %s", objectName().say, shown(from, source))
	}
	return good
}

// isFolder reports whether a path beside the file is one of a folder by how it is written.
func isFolder(source string) bool {
	return strings.HasPrefix(source, ".") && (strings.HasSuffix(source, "/") || slices.Contains([]string{".", ".."}, path.Base(source)))
}

// configKey is a name for a config that has what is in a file.
func configKey(source string) string {
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune(letters+digits+"-_", r) {
			return r
		}
		return '-'
	}, path.Base(path.Clean(source)))
	if name = strings.Trim(name, "-_"); name == "" {
		return "files"
	}
	return clip(name)
}

// plainly is a piece of the file in the words that a person can copy.
func plainly(n *node, s string) string {
	if n.substituted || n.get("source").substituted {
		return "…"
	}
	return clip(s)
}

// clusterGroup begins the source of a mount that any cluster volume of a group will do for.
const clusterGroup = "group:"

// onWindows reports whether a path is an absolute one of Windows, such as C:\data or \\.\pipe\docker_engine.
func onWindows(p string) bool { return regexp.MustCompile(`^([A-Za-z]:[\\/]|\\\\)`).MatchString(p) }

// volume takes a declaration under the top-level volumes.
func volume(w *walker, n *node) any {
	declared := object{known: map[string]rule{
		"name":        byDefault("CLUSTER_KEY", doc("its name in the swarm", volumeName)),
		"driver":      byDefault("local", doc("the volume driver", word(driver()))),
		"driver_opts": doc("the driver's options", templated(entries(optionKey(), lineText))),
		"labels":      doc("labels of the volume", templated(labels)),
		"external":    byDefault("false", doc("it is made by somebody else, under its own name", external)),
	}, other: extension}
	if n == nil {
		return declared.shape()
	}
	values, ok := declared.rule(w, n).(map[string]any)
	if !ok {
		return nil
	}
	if w.settleExternal(n, values) {
		for _, key := range []string{"driver", "driver_opts", "labels"} {
			if values[key] != nil {
				w.lacks(n.child(key), "cannot be set on something external")
			}
		}
	}
	return values
}

// ownNetwork takes a declaration at the file's own top level, which other stacks can use.
func ownNetwork(w *walker, n *node) any {
	declared := networkKeys()
	declared.known["shared"] = byDefault("false", doc("it is there also when no service here uses it, under its own name: stacks use it with external: true", trueFalse))
	values := declared.network(w, n)
	if made, ok := values.(map[string]any); ok && made["shared"] != nil {
		if made["shared"] == true && made["external"] == true {
			w.lacks(n.child("shared"), "an external network is somebody else's: take this out, or external")
		}
		made[spec.SharedKey] = made["shared"]
		delete(made, "shared")
	}
	return values
}

// network takes a declaration of a Compose file.
func network(w *walker, n *node) any { return networkKeys().network(w, n) }

func (declared object) network(w *walker, n *node) any {
	if n == nil {
		return declared.shape()
	}
	values, ok := declared.rule(w, n).(map[string]any)
	if !ok {
		return nil
	}
	if !w.settleExternal(n, values) {
		w.checkDriver(n, str(values, "driver"))
		return values
	}
	for _, key := range []string{"driver", "driver_opts", "labels", "internal", "attachable", "ipam"} {
		if values[key] != nil {
			w.warn(n.child(key), "Swarm ignores this: an external network stays as whoever made it wanted")
			delete(values, key)
		}
	}
	return values
}

func networkKeys() object {
	pool := object{known: map[string]rule{"subnet": doc("a range such as 10.20.0.0/16 that no other network has", subnet)}, required: []string{"subnet"}}
	return object{known: map[string]rule{
		"name":        byDefault("CLUSTER_KEY", doc("its name in the swarm", word(objectName()))),
		"driver":      byDefault("overlay", doc("the network driver", word(driver()))),
		"driver_opts": doc("the driver's options", entries(optionKey(), lineText)),
		"labels":      doc("labels of the network", labels),
		"external":    byDefault("false", doc("it is made by somebody else, under its own name", external)),
		"internal":    byDefault("false", doc("tasks reach nothing outside it", trueFalse)),
		"attachable":  byDefault("false", doc("containers that are no tasks may join it", trueFalse)),
		"ipam": doc("its addresses", keys(map[string]rule{
			"driver": byDefault("default", doc("the address driver", word(driver()))),
			"config": doc("its ranges; without one Swarm chooses", listOf(pool.rule)),
		})),
	}, other: extension}
}

func driver() charset {
	return charset{letters + digits, letters + digits + "._-/:", 128, "a driver's name"}
}

// checkDriver refuses the drivers whose networks end at one machine.
func (w *walker) checkDriver(n *node, driver string) {
	switch driver {
	case "bridge", "host", "none", "null", "macvlan", "ipvlan":
		w.fault(n.child("driver"), "a %s network ends at one machine: services need an overlay, or an external network of that name", driver)
	}
}

func subnet(w *walker, n *node) any {
	if n == nil {
		return textShape("a network such as 10.20.0.0/16")
	}
	s, ok := w.scalar(n)
	if !ok {
		return nil
	}
	if p, err := netip.ParsePrefix(s); err != nil || p != p.Masked() {
		w.fault(n, "must be a network such as 10.20.0.0/16, not %s", shown(n, s))
		return nil
	}
	return s
}

func extension(_ *walker, f field) bool { return strings.HasPrefix(f.key, "x-") }

// external takes true, false, or the older form that gives the name inside.
func external(w *walker, n *node) any {
	older := object{known: map[string]rule{"name": doc("its name in the swarm", word(objectName()))}, required: []string{"name"}}
	if n == nil {
		return eitherShape("true or false, or a map with its name", shapeOf(trueFalse), older.shape())
	}
	if n.kind != kindMap {
		return trueFalse(w, n)
	}
	return older.rule(w, n)
}

// settleExternal brings the older form of external into the present one, and reports whether the object is external.
func (w *walker) settleExternal(n *node, values map[string]any) bool {
	if older, ok := values["external"].(map[string]any); ok {
		if values["name"] != nil {
			w.fault(n.get("name"), "the name stands here and under external")
		}
		values["external"] = true
		values["name"] = older["name"]
	}
	return values["external"] == true
}

// volumeName takes a volume's name, in which Swarm fills templates such as {{.Task.Slot}} for each task.
func volumeName(w *walker, n *node) any {
	if n == nil {
		return textShape("a name, in which Swarm fills templates such as {{.Task.Slot}}")
	}
	s, ok := w.scalar(n)
	if !ok {
		return nil
	}
	if !w.named(n, s, objectName()) {
		return nil
	}
	return s
}

// attachments takes the networks of a service: a list of names, or a map with aliases.
func attachments(w *walker, n *node) any {
	options := object{known: map[string]rule{
		"aliases":     doc("more names under which the service is found there", setOf(word(domain()))),
		"driver_opts": doc("the driver's options", entries(optionKey(), lineText)),
	}, other: ignoredAddress}
	if n == nil {
		s := options.shape()
		s.nullable, s.ignored = true, map[string]string{"ipv4_address": "", "ipv6_address": ""}
		return eitherShape("a list of names under the top-level networks, or a map", &shape{kind: shapeList, item: textShape("text")}, entriesOf(objectName(), s))
	}
	if n.kind == kindList {
		return setOf(word(objectName()))(w, n)
	}
	return entries(objectName(), optional(options.rule))(w, n)
}

func ignoredAddress(w *walker, f field) bool {
	if f.key != "ipv4_address" && f.key != "ipv6_address" {
		return false
	}
	w.warn(f.value, "Swarm ignores this: tasks get their addresses from the network")
	return true
}
