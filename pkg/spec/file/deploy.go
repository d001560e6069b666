package file

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/docker/go-units"
)

func deployKeys() map[string]rule {
	return map[string]rule{
		"mode":            byDefault("replicated", doc("so many tasks as replicas says, or one on each node; those of a job run once, to their end, whenever its specification changes", choice("replicated", "global", "replicated-job", "global-job"))),
		"endpoint_mode":   byDefault("vip", doc("one virtual address, or the addresses of all tasks in DNS", inAnyCase(choice("vip", "dnsrr")))),
		"replicas":        byDefault("1", doc("how many tasks", whole(0, maxReplicas))),
		"labels":          doc("labels of the service", labels),
		"update_config":   doc("how tasks are replaced when the service changes", keys(rolloutKeys("pause", "continue", "rollback"))),
		"rollback_config": doc("how they are replaced when a change is taken back", keys(rolloutKeys("pause", "continue"))),
		"restart_policy": doc("what happens when a task ends", keys(map[string]rule{
			"condition":    byDefault("any", doc("after which ends another task is made", choice("none", "on-failure", "any"))),
			"delay":        byDefault("5s", doc("time before the next task", span(0, longest))),
			"max_attempts": byDefault("no bound", doc("tasks that are made anew, at most", whole(0, maxReplicas))),
			"window":       byDefault("for ever", doc("time in which attempts count", span(0, longest))),
		})),
		"placement": doc("where tasks run", keys(map[string]rule{
			"constraints": doc(fmt.Sprintf("what a node must satisfy, at most %d", maxConstraints), atMost(maxConstraints, "constraints", listOf(constraint))),
			"preferences": doc("over what tasks are spread", listOf(object{known: map[string]rule{
				"spread": doc("the label over whose values tasks are spread", spread),
			}, required: []string{"spread"}}.rule)),
			"max_replicas_per_node": byDefault("0, no bound", doc("tasks on one node, at most", whole(0, maxReplicas))),
		})),
		"resources": doc("what a task may use, and what is kept free for it", keys(map[string]rule{
			"limits": doc("what a task may use", keys(map[string]rule{
				"cpus": doc("processors", cpus), "memory": doc("memory; a task that takes more is killed", memory), "pids": doc("processes", whole(0, 1<<22)),
			})),
			"reservations": doc("what must be free on a node before a task starts there", keys(map[string]rule{
				"cpus": doc("processors", cpus), "memory": doc("memory", memory), "generic_resources": doc("devices that the machine's engine was told of", listOf(genericResource)),
			})),
		})),
	}
}

// rolloutKeys are the keys of update_config and rollback_config.
func rolloutKeys(failureActions ...string) map[string]rule {
	return map[string]rule{
		"parallelism":       byDefault("1", doc("tasks that are replaced at once; 0 is all", whole(0, maxReplicas))),
		"delay":             byDefault("0s", doc("time between one replacement and the next", span(0, longest))),
		"failure_action":    byDefault("pause", doc("what happens when new tasks fail", choice(failureActions...))),
		"monitor":           byDefault("5s", doc("time after its start in which a task's end counts as a failure", span(0, longest))),
		"max_failure_ratio": byDefault("0", doc("the share of tasks that may fail", ratio)),
		"order":             byDefault("stop-first", doc("whether the old task stops before the new one starts; beside data of its own, stop-first", choice("stop-first", "start-first"))),
	}
}

// inAnyCase takes a word in capitals, too.
func inAnyCase(check rule) rule {
	return func(w *walker, n *node) any {
		if n == nil {
			return check(nil, nil)
		}
		small := *n
		small.text = strings.ToLower(n.text)
		return check(w, &small)
	}
}

// genericResource takes a number of devices of a kind. Swarm counts them where an engine's node-generic-resources names them.
func genericResource(w *walker, n *node) any {
	of := object{known: map[string]rule{"discrete_resource_spec": doc("so many of a kind", object{known: map[string]rule{
		"kind":  doc("the kind, as the engine names it", word(charset{letters + digits, letters + digits + "._-/", 128, "a kind such as NVIDIA-GPU"})),
		"value": doc("how many", whole(1, 1<<20)),
	}, required: []string{"kind", "value"}}.rule)}, required: []string{"discrete_resource_spec"}}
	if n == nil {
		return of.shape()
	}
	w.warn(n, "the machines that swarmd makes have no such devices: the service waits for a node whose engine has them as node-generic-resources")
	return of.rule(w, n)
}

// cpus takes a number of processors. The engine refuses less than a thousandth and keeps nine decimals.
func cpus(w *walker, n *node) any {
	if n == nil {
		return textShape("a number of processors from 0.001 to 1024")
	}
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
	if n == nil {
		return textShape("a size of at least 4M, such as 64M or 1G")
	}
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
	if n == nil {
		return textShape("a comparison such as node.labels.zone==a")
	}
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
	if n == nil {
		return textShape("node.labels.KEY or engine.labels.KEY")
	}
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
