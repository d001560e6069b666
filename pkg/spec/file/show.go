package file

import "slices"

// shown is a piece of the file for a message. What may be a password is not shown: faults end in logs and in the status. That is whatever a
// variable filled in, and all that stands in fields which are not known to be harmless.
func shown(n *node, s string) string {
	if n.substituted || !n.harmless() {
		return "what stands here"
	}
	return quote(s)
}

// harmless reports whether nobody keeps a password in the field.
func (p place) harmless() bool {
	keys := p.keys()
	if len(keys) == 0 || slices.ContainsFunc(keys[1:], func(k string) bool { return k == "labels" || k == "driver_opts" || k == "options" }) {
		return len(keys) > 0 && keys[0] == "nodes"
	}
	switch keys[0] {
	case "version", "cluster", "cloud", "nodes", "swarmd", "policies", "networks", "volumes", "variables_from":
		return true
	case "stacks":
		return len(keys) < 3 || keys[2] == "files" || keys[2] == "variables_from"
	case "configs", "secrets":
		return len(keys) > 2 && slices.Contains([]string{"file", "name", "external", "key", "credential"}, keys[2])
	case "services":
		return len(keys) > 2 && slices.Contains(harmlessServiceKeys(), keys[2]) || len(keys) > 3 && keys[2] == "healthcheck" && keys[3] != "test"
	}
	return false
}

func harmlessServiceKeys() []string {
	return []string{"image", "env_file", "ports", "deploy", "networks", "volumes", "cap_add", "cap_drop", "restart", "stop_grace_period", "stop_signal",
		"configs", "secrets", "init", "read_only", "tty", "stdin_open", "ulimits", "dns", "dns_search"}
}

// keys are the keys that lead to the place, items of lists left out.
func (p place) keys() []string {
	if p.up == nil {
		return nil
	}
	keys := p.up.keys()
	if p.item == 0 {
		keys = append(keys, p.key)
	}
	return keys
}
