package file

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/swarmd/swarmd/pkg/spec"
)

// powers are the capabilities with which a container gets out of itself or takes the machine over: all of them, mounts and namespaces, kernel
// modules, other processes, devices and memory, the network's set-up, any file by its handle, programs in the kernel, the kernel's policy and clock.
func powers() []string {
	return []string{"ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "SYS_BOOT", "SYS_TIME", "NET_ADMIN", "DAC_READ_SEARCH", "BPF", "PERFMON",
		"MAC_ADMIN", "MAC_OVERRIDE", "CHECKPOINT_RESTORE"}
}

// checkHost refuses binds of the places that nobody but root may have, see hostBind.judge, be it in a mount or in a volume's options.
func (w *walker) checkHost() {
	volumes := section(w.values, "volumes")
	for _, s := range w.services {
		for _, m := range s.mounts() {
			if m.kind != "bind" {
				continue
			}
			if fault, _ := (hostBind{m.source, !m.readOnly}).judge(); fault != "" {
				w.fault(m.node, "%s", fault)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(volumes)) {
		if fault, _ := judgeVolume(section(volumes, name), false); fault != "" {
			w.lacks(w.root.get("volumes", name, "driver_opts"), "%s", fault)
		}
	}
}

// access is something of the machine that makes a service root on it, and where it stands.
type access struct {
	node *node
	what string
}

// lintHost warns of services that are root on the machines, and notes them for a daemon that is to hold them.
func (w *walker) lintHost(f *serviceFacts, s *spec.Spec, networks, volumes map[string]any) {
	for _, a := range f.hostAccess(networks, volumes) {
		w.warn(a.node, "the service gets %s: who controls it is root on every node that it may run on (%s)", a.what, f.nodesOf(s))
		if s.HostAccess == nil {
			s.HostAccess = map[string][]string{}
		}
		s.HostAccess[w.full(f.name)] = append(s.HostAccess[w.full(f.name)], a.what)
	}
	if writes := f.hostWrites(volumes); len(writes) > 0 {
		if s.HostWrites == nil {
			s.HostWrites = map[string][]string{}
		}
		s.HostWrites[w.full(f.name)] = writes
	}
}

// hostWrites are the places of the machine that the service can write to and that do not make it root themselves, in the order of the mounts.
func (f *serviceFacts) hostWrites(volumes map[string]any) []string {
	var all []string
	for _, m := range f.mounts() {
		binds := []hostBind{{m.source, true}}
		if m.kind == "volume" {
			binds, _ = hostBinds(section(volumes, m.source))
		}
		for _, b := range binds {
			if _, what := b.judge(); b.writable && !m.readOnly && what == "" && m.kind != "tmpfs" {
				all = append(all, clip(b.source))
			}
		}
	}
	return all
}

// hostAccess is what the service gets of the machine, in the order mounts, capabilities, networks.
func (f *serviceFacts) hostAccess(networks, volumes map[string]any) []access {
	var all []access
	for _, m := range f.mounts() {
		what := ""
		switch m.kind {
		case "bind":
			_, what = hostBind{m.source, !m.readOnly}.judge()
		case "volume":
			_, what = judgeVolume(section(volumes, m.source), m.readOnly)
		}
		if what != "" {
			all = append(all, access{m.node, what})
		}
	}
	for i, name := range typed[string](f.values["cap_add"]) {
		name = strings.TrimPrefix(strings.ToUpper(name), "CAP_")
		if slices.Contains(powers(), name) {
			all = append(all, access{f.node.get("cap_add").items[i], "the capability " + name})
		}
	}
	for _, at := range f.attached() {
		declared := section(networks, at.key)
		if name := str(declared, "name"); name == "host" || name == "" && at.key == "host" && declared["external"] == true {
			all = append(all, access{at.value, "the machine's own network"})
		}
	}
	return all
}

// attached are the networks that the service names, whichever way it does.
func (f *serviceFacts) attached() []field {
	all := slices.Clone(f.networkFields())
	for _, item := range f.node.get("networks").items {
		all = append(all, field{key: item.text, value: item})
	}
	return all
}

// mostPoolsNamed bounds how many pools a warning names.
const mostPoolsNamed = 5

// nodesOf names the pools that the service's constraints leave, as far as the file tells.
func (f *serviceFacts) nodesOf(s *spec.Spec) string {
	var names []string
	for _, p := range s.Pools {
		if p.Count > 0 && p.Availability == "active" && f.placed().admits(p) {
			names = append(names, p.Name)
		}
	}
	switch more := len(names) - mostPoolsNamed; {
	case len(s.Pools) == 0:
		return "any of the swarm's that its constraints leave"
	case len(names) == 0:
		return "by the file it is none now"
	case more > 0:
		return fmt.Sprintf("pools %s and %d more", strings.Join(names[:mostPoolsNamed], ", "), more)
	case len(names) == 1:
		return "pool " + names[0]
	}
	return "pools " + strings.Join(names, ", ")
}

// admits reports whether a node of the pool can satisfy the constraints on roles and on labels that the pool gives. What else constraints ask
// for, a name or a label that somebody sets by hand, the file does not know.
func (p *placement) admits(pool spec.Pool) bool {
	known := map[string]string{"node.role": pool.Role, "node.labels.swarmd.pool": pool.Name}
	for key, value := range pool.Labels {
		known["node.labels."+strings.ToLower(key)] = value
	}
	for key, only := range p.only {
		value, ok := known[strings.ToLower(key)]
		if ok && (len(only) > 1 || !only[strings.ToLower(value)]) {
			return false
		}
		if !ok && strings.HasPrefix(strings.ToLower(key), "node.labels.") {
			return false
		}
	}
	for key, never := range p.never {
		if value, ok := known[strings.ToLower(key)]; ok && never[strings.ToLower(value)] {
			return false
		}
	}
	return true
}
