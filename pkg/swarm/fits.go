package swarm

import (
	"net/netip"
	"slices"
	"strings"
)

// Platform is an operating system and a processor, as Docker names them; "" is any.
type Platform struct {
	OS           string
	Architecture string
}

// Fits reports whether a node meets the constraints and the platforms of a service's placement. The rules are swarmkit's
// (manager/constraint, manager/scheduler/filter.go): keys without regard to case but for the labels' own, values without regard to case, and a key that
// nobody knows fits no node.
func (s ServiceSpec) Fits(n Node) bool {
	platforms := s.Pin().Platforms
	return !slices.ContainsFunc(s.Constraints, func(expr string) bool { return !meets(expr, n) }) &&
		(len(platforms) == 0 || slices.ContainsFunc(platforms, n.is))
}

func meets(expr string, n Node) bool {
	operator := "=="
	if !strings.Contains(expr, operator) {
		operator = "!="
	}
	key, value, ok := strings.Cut(expr, operator)
	if !ok {
		return true // the engine refuses such a specification
	}
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	differ := operator == "!="
	if strings.EqualFold(key, "node.ip") {
		return meetsIP(value, n.Addr, differ)
	}
	has, known := n.attribute(key)
	return known && strings.EqualFold(value, has) != differ
}

// attribute is what a node has for a constraint's key.
func (n Node) attribute(key string) (value string, known bool) {
	switch lower := strings.ToLower(key); {
	case lower == "node.id":
		return n.ID, true
	case lower == "node.hostname":
		return n.Hostname, true
	case lower == "node.role" && n.Manager != nil:
		return string(Manager), true
	case lower == "node.role":
		return string(Worker), true
	case lower == "node.platform.os":
		return n.Platform.OS, true
	case lower == "node.platform.arch":
		return n.Platform.Architecture, true
	case strings.HasPrefix(lower, "node.labels."):
		return n.Spec.Labels[key[len("node.labels."):]], true
	case strings.HasPrefix(lower, "engine.labels."):
		return n.EngineLabels[key[len("engine.labels."):]], true
	}
	return "", false
}

func meetsIP(value, addr string, differ bool) bool {
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		return false
	}
	if one, err := netip.ParseAddr(value); err == nil {
		return (one == ip) != differ
	}
	subnet, err := netip.ParsePrefix(value)
	return err == nil && subnet.Contains(ip) != differ
}

// is reports whether a node is of the platform. Images say amd64 and arm64 where engines say x86_64 and aarch64.
func (n Node) is(p Platform) bool {
	return (p.OS == "" || strings.EqualFold(p.OS, n.Platform.OS)) && (p.Architecture == "" || plain(p.Architecture) == plain(n.Platform.Architecture))
}

func plain(arch string) string {
	switch arch = strings.ToLower(arch); arch {
	case "x86_64", "x86-64":
		return "amd64"
	case "aarch64":
		return "arm64"
	}
	return arch
}
