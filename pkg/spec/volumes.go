package spec

import (
	"net/netip"
	"path"
	"strings"

	"github.com/docker/cli/cli/compose/loader"
)

// mount takes what a service mounts: the short form "name:/path[:ro]", or a map.
func mount(w *walker, n *node) any {
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

func (w *walker) longMount(n *node) any {
	values, ok := object{known: map[string]rule{
		"type":        choice("volume", "bind", "tmpfs"),
		"source":      lineText,
		"target":      lineText,
		"read_only":   trueFalse,
		"consistency": choice("default", "consistent", "cached", "delegated"),
		"bind":        keys(map[string]rule{"propagation": choice("private", "rprivate", "shared", "rshared", "slave", "rslave")}),
		"volume":      keys(map[string]rule{"nocopy": trueFalse}),
		"tmpfs":       keys(map[string]rule{"size": whole(0, 1<<50)}),
	}, required: []string{"type", "target"}}.rule(w, n).(map[string]any)
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

// mountPlaces checks both ends of a mount. Each machine has its own disk: a path that depends on where the file lies or on whose
// home it is means nothing there.
func (w *walker) mountPlaces(from, to *node, kind, source, target string) bool {
	good := true
	refuse := func(n *node, format string, args ...any) { good = false; w.fault(n, format, args...) }
	if !path.IsAbs(target) {
		refuse(to, "the place in the container must be an absolute path, not %s", shown(to, target))
	}
	switch {
	case kind == "bind" && len(source) > maxPath:
		refuse(from, "a path has at most %d bytes", maxPath)
	case kind == "bind" && !path.IsAbs(source):
		refuse(from, "the place on the machine must be an absolute path, not %s", shown(from, source))
	case kind == "tmpfs" && source != "":
		refuse(from, "a tmpfs has no source")
	case kind == "volume" && source != "" && !objectName().holds(source):
		refuse(from, "a volume's name must be %s, not %s", objectName().say, shown(from, source))
	}
	return good
}

// volume takes a declaration under the top-level volumes.
func volume(w *walker, n *node) any {
	values, ok := object{known: map[string]rule{
		"name": word(objectName()), "driver": word(driver()), "driver_opts": entries(labelKey(), lineText), "labels": labels, "external": external,
	}, other: extension}.rule(w, n).(map[string]any)
	if !ok {
		return nil
	}
	w.settleExternal(n, values, "driver", "driver_opts", "labels")
	return values
}

// network takes a declaration under the top-level networks.
func network(w *walker, n *node) any {
	pool := object{known: map[string]rule{"subnet": subnet}, required: []string{"subnet"}}
	values, ok := object{known: map[string]rule{
		"name": word(objectName()), "driver": networkDriver, "driver_opts": entries(labelKey(), lineText), "labels": labels, "external": external,
		"internal": trueFalse, "attachable": trueFalse,
		"ipam": keys(map[string]rule{"driver": word(driver()), "config": listOf(pool.rule)}),
	}, other: extension}.rule(w, n).(map[string]any)
	if !ok {
		return nil
	}
	w.settleExternal(n, values, "driver", "driver_opts", "labels", "internal", "attachable", "ipam")
	return values
}

func driver() charset {
	return charset{letters + digits, letters + digits + "._-/:", 128, "a driver's name"}
}

// networkDriver refuses the drivers whose networks end at one machine.
func networkDriver(w *walker, n *node) any {
	s, ok := word(driver())(w, n).(string)
	if !ok {
		return nil
	}
	switch s {
	case "bridge", "host", "none", "null", "macvlan", "ipvlan":
		w.fault(n, "a %s network ends at one machine: services need an overlay, or an external network of that name", s)
		return nil
	}
	return s
}

func subnet(w *walker, n *node) any {
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
	if n.kind != kindMap {
		return trueFalse(w, n)
	}
	return object{known: map[string]rule{"name": word(objectName())}, required: []string{"name"}}.rule(w, n)
}

// settleExternal brings the older form of external into the present one, and refuses what cannot be set on something that is not ours.
func (w *walker) settleExternal(n *node, values map[string]any, notWith ...string) {
	if older, ok := values["external"].(map[string]any); ok {
		if values["name"] != nil {
			w.fault(n.get("name"), "the name stands here and under external")
		}
		values["external"] = true
		values["name"] = older["name"]
	}
	if values["external"] != true {
		return
	}
	for _, key := range notWith {
		if values[key] != nil {
			w.lacks(n.child(key), "cannot be set on something external")
		}
	}
}

// attachments takes the networks of a service: a list of names, or a map with aliases.
func attachments(w *walker, n *node) any {
	if n.kind == kindList {
		return setOf(word(objectName()))(w, n)
	}
	options := object{known: map[string]rule{
		"aliases":     setOf(word(domain())),
		"driver_opts": entries(labelKey(), lineText),
	}, other: ignoredAddress}
	return entries(objectName(), optional(options.rule))(w, n)
}

func ignoredAddress(w *walker, f field) bool {
	if f.key != "ipv4_address" && f.key != "ipv6_address" {
		return false
	}
	w.warn(f.value, "Swarm ignores this: tasks get their addresses from the network")
	return true
}
