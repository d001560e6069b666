package dockerd

import (
	"net/netip"
	"regexp"
	"strings"

	api "github.com/docker/docker/api/types/swarm"
)

// constraint is one "key==value" or "key!=value" of a placement.
type constraint struct {
	key, value string
	differ     bool
}

var (
	constraintKey   = regexp.MustCompile(`^(?i)[a-z_][a-z0-9\-_.]+$`)
	constraintValue = regexp.MustCompile(`^(?i)[a-z0-9:\-_\s\.\*\(\)\?\+\[\]\\\^\$\|\/]+$`)
)

// parseConstraints refuses what the manager refuses, in its words.
func parseConstraints(exprs []string) ([]constraint, error) {
	var out []constraint
	for _, e := range exprs {
		op := "=="
		if !strings.Contains(e, op) {
			op = "!="
		}
		k, v, found := strings.Cut(e, op)
		if !found {
			return nil, rpcError(unknown, "constraint expected one operator from ==, !=")
		}
		k, v = strings.TrimSpace(k), strings.TrimSpace(v)
		if !constraintKey.MatchString(k) {
			return nil, rpcError(unknown, "key '%s' is invalid", k)
		}
		if !constraintValue.MatchString(v) {
			return nil, rpcError(unknown, "value '%s' is invalid", v)
		}
		out = append(out, constraint{k, v, op == "!="})
	}
	return out, nil
}

// nodeMatches reports whether a node satisfies all constraints. One that cannot be parsed constrains nothing: such a spec is
// refused before it is stored.
func nodeMatches(exprs []string, n *node) bool {
	all, err := parseConstraints(exprs)
	if err != nil {
		return true
	}
	for _, x := range all {
		if !x.matches(n) {
			return false
		}
	}
	return true
}

func (x constraint) matches(n *node) bool {
	key := strings.ToLower(x.key)
	switch {
	case key == "node.id":
		return x.equals(n.ID)
	case key == "node.hostname":
		return x.equals(n.Description.Hostname)
	case key == "node.role":
		return x.equals(string(n.role))
	case key == "node.platform.os":
		return x.equals(n.Description.Platform.OS)
	case key == "node.platform.arch":
		return x.equals(n.Description.Platform.Architecture)
	case key == "node.ip":
		return x.matchesIP(n.Status.Addr)
	case strings.HasPrefix(key, "node.labels."):
		return x.equals(n.Spec.Labels[x.key[len("node.labels."):]])
	case strings.HasPrefix(key, "engine.labels."):
		return x.equals(n.Description.Engine.Labels[x.key[len("engine.labels."):]])
	}
	return false // a key that nobody knows fits no node
}

// equals compares without regard to case, as the manager does.
func (x constraint) equals(what string) bool { return strings.EqualFold(x.value, what) != x.differ }

func (x constraint) matchesIP(addr string) bool {
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		return false
	}
	if one, err := netip.ParseAddr(x.value); err == nil {
		return (one == ip) != x.differ
	}
	if subnet, err := netip.ParsePrefix(x.value); err == nil {
		return subnet.Contains(ip) != x.differ
	}
	return false
}

// enforceConstraints evicts tasks from ready, active nodes that no longer meet their constraints: a changed label moves tasks at
// once (T7). Paused and drained nodes are left alone.
func (c *cluster) enforceConstraints() {
	for _, t := range c.ordered {
		n := c.nodes[t.NodeID]
		if n == nil || !t.placed() || t.finished() || !t.wanted() || t.Spec.Placement == nil {
			continue
		}
		if n.Status.State != api.NodeStateReady || n.Spec.Availability != api.NodeAvailabilityActive {
			continue
		}
		if !nodeMatches(t.Spec.Placement.Constraints, n) {
			c.setTask(t, api.TaskStateRejected, "task rejected by constraint enforcer", "assigned node no longer meets constraints")
		}
	}
}
