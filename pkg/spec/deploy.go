package spec

import (
	"math/big"
	"slices"
	"strings"

	"github.com/docker/go-units"
)

func deployKeys() map[string]rule {
	return map[string]rule{
		"mode":            deployMode,
		"endpoint_mode":   choice("vip", "dnsrr"),
		"replicas":        whole(0, maxReplicas),
		"labels":          labels,
		"update_config":   keys(rolloutKeys("pause", "continue", "rollback")),
		"rollback_config": keys(rolloutKeys("pause", "continue")),
		"restart_policy": keys(map[string]rule{
			"condition":    choice("none", "on-failure", "any"),
			"delay":        span(0, longest),
			"max_attempts": whole(0, maxReplicas),
			"window":       span(0, longest),
		}),
		"placement": keys(map[string]rule{
			"constraints":           atMost(maxConstraints, "constraints", listOf(constraint)),
			"preferences":           listOf(object{known: map[string]rule{"spread": spread}, required: []string{"spread"}}.rule),
			"max_replicas_per_node": whole(0, maxReplicas),
		}),
		"resources": keys(map[string]rule{
			"limits":       keys(map[string]rule{"cpus": cpus, "memory": memory, "pids": whole(0, 1<<22)}),
			"reservations": keys(map[string]rule{"cpus": cpus, "memory": memory, "generic_resources": notYet}),
		}),
	}
}

// rolloutKeys are the keys of update_config and rollback_config.
func rolloutKeys(failureActions ...string) map[string]rule {
	return map[string]rule{
		"parallelism":       whole(0, maxReplicas),
		"delay":             span(0, longest),
		"failure_action":    choice(failureActions...),
		"monitor":           span(0, longest),
		"max_failure_ratio": ratio,
		"order":             choice("stop-first", "start-first"),
	}
}

func deployMode(w *walker, n *node) any {
	if n.text == "replicated-job" || n.text == "global-job" {
		w.fault(n, "jobs are not yet supported")
		return nil
	}
	return choice("replicated", "global")(w, n)
}

func notYet(w *walker, n *node) any {
	w.lacks(n, "not yet supported")
	return nil
}

// cpus takes a number of processors. The engine refuses less than a thousandth and keeps nine decimals.
func cpus(w *walker, n *node) any {
	s, ok := w.scalar(n)
	if !ok {
		return nil
	}
	v, valid := new(big.Rat), (charset{rest: digits + ".", max: 16}).holds(s) // first, since an exponent could ask for a number of any length
	if valid {
		v, valid = v.SetString(s)
	}
	nano := valid && new(big.Rat).Mul(v, big.NewRat(1e9, 1)).IsInt()
	if !nano || v.Cmp(big.NewRat(1, 1000)) < 0 || v.Cmp(big.NewRat(1024, 1)) > 0 {
		w.fault(n, "must be a number of processors from 0.001 to 1024, such as 0.5, not %s", shown(n, s))
		return nil
	}
	return s
}

// memory takes a size such as 64M. The engine refuses less than 4 MiB.
func memory(w *walker, n *node) any {
	s, ok := w.scalar(n)
	if !ok {
		return nil
	}
	size, err := units.RAMInBytes(s)
	if err != nil || size < 4<<20 || size > 1<<50 || !(charset{rest: letters + digits + ".", max: 32}).holds(s) {
		w.fault(n, "must be a size of at least 4M, such as 64M or 1G, not %s", shown(n, s))
		return nil
	}
	return s
}

// constraint takes what Swarm's scheduler can compare: a known attribute of the node, == or !=, a value.
func constraint(w *walker, n *node) any {
	s, ok := w.scalar(n)
	if !ok {
		return nil
	}
	c, ok := parseConstraint(s)
	switch {
	case !ok || !constraintValue().holds(c.value):
		w.fault(n, "must compare with == or !=, such as node.role==manager, not %s", shown(n, s))
	case isLabelKey(c.key) && !isNodeAttribute(c.key):
		w.fault(n, "a constraint can name only labels of %s, not %s: give the nodes a label without the rest", constraintLabel().say, shown(n, c.key))
	case !isNodeAttribute(c.key):
		w.fault(n, "%s is nothing that a node has: %s%s", shown(n, c.key), "use node.role, node.hostname, node.id, node.ip, node.platform.os, "+
			"node.platform.arch, node.labels.KEY or engine.labels.KEY", w.suggestion(c.key, slices.Values(nodeAttributes())))
	case strings.EqualFold(c.key, "node.role") && c.value != "manager" && c.value != "worker":
		w.fault(n, "node.role is manager or worker, not %s", shown(n, c.value))
	default:
		return s
	}
	return nil
}

// compare is a placement constraint.
type compare struct {
	key, value string
	equal      bool
}

func parseConstraint(s string) (compare, bool) {
	for _, op := range []string{"==", "!="} {
		if key, value, found := strings.Cut(s, op); found {
			c := compare{strings.TrimSpace(key), strings.TrimSpace(value), op == "=="}
			return c, c.key != "" && c.value != ""
		}
	}
	return compare{}, false
}

func nodeAttributes() []string {
	return []string{"node.role", "node.hostname", "node.id", "node.ip", "node.platform.os", "node.platform.arch"}
}

// isLabelKey reports whether a constraint's key is meant to name a label.
func isLabelKey(key string) bool {
	key = strings.ToLower(key)
	return len(key) > len("node.labels.") && strings.HasPrefix(key, "node.labels.") || len(key) > len("engine.labels.") && strings.HasPrefix(key, "engine.labels.")
}

func isNodeAttribute(key string) bool {
	for _, prefix := range []string{"node.labels.", "engine.labels."} {
		if rest, ok := strings.CutPrefix(strings.ToLower(key), prefix); ok {
			return constraintLabel().holds(rest)
		}
	}
	for _, attribute := range nodeAttributes() {
		if strings.EqualFold(key, attribute) {
			return true
		}
	}
	return false
}

// spread takes the node attribute over whose values tasks are spread. Swarm knows labels only.
func spread(w *walker, n *node) any {
	s, ok := w.scalar(n)
	if !ok {
		return nil
	}
	if isLabelKey(s) && isNodeAttribute(s) {
		return s
	}
	if slices.Contains(nodeAttributes(), s) {
		w.warn(n, "Swarm ignores this: it spreads over node.labels.KEY and engine.labels.KEY only, and over the nodes by itself")
		return s
	}
	w.fault(n, "must be node.labels.KEY or engine.labels.KEY, not %s", shown(n, s))
	return nil
}
