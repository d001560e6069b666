package file

import "strings"

// otherServiceKey deals with the keys of a service that the stack does not get: planned ones, ones that Swarm ignores, ones from
// Compose files of version 2, and those that belong one level deeper.
func otherServiceKey(w *walker, f field) bool {
	if strings.HasPrefix(f.key, "x-") {
		return true
	}
	if hint, ok := refused()[f.key]; ok {
		w.faultAt(f.at[0], f.at[1], f.value.place, "%s", hint)
		return true
	}
	if hint, ok := ignored()[f.key]; ok {
		if hint != "" {
			hint = ": " + hint
		}
		w.warnings.add(f.at, f.value.place, "Swarm ignores this"+hint)
		return true
	}
	return false
}

// refused are keys that cannot be left out without changing what the service is, with what to do instead.
func refused() map[string]string {
	const resources = "not a key of Swarm services: use deploy.resources"
	return map[string]string{
		"extends":       "not supported: use a YAML anchor",
		"volume_driver": "not a key of Swarm services: declare the volume under the top-level volumes, with its driver",
		"volumes_from":  "not a key of Swarm services: declare the volume under the top-level volumes and name it in both services",
		"cpu_quota":     resources, "cpu_shares": resources, "cpuset": resources, "cpus": resources,
		"mem_limit": resources, "memswap_limit": resources, "mem_reservation": resources,
		"scale": "not a key of Swarm services: use deploy.replicas",
		"mode":  "belongs under deploy", "replicas": "belongs under deploy", "update_config": "belongs under deploy",
		"rollback_config": "belongs under deploy", "restart_policy": "belongs under deploy", "placement": "belongs under deploy",
		"resources": "belongs under deploy", "endpoint_mode": "belongs under deploy",
	}
}

// ignored are the keys that Compose has and Swarm services do not, with what to do instead if there is something. tmpfs is one of
// them although the loader reads it: docker/cli's conversion drops it.
func ignored() map[string]string {
	const unit = "a swarm has no containers that belong to one host"
	return map[string]string{
		"build":          "images are pulled, never built",
		"container_name": "tasks are named by Swarm",
		"depends_on":     "services start in any order and must wait for each other themselves",
		"tmpfs":          "use a volumes entry with type: tmpfs",
		"expose":         "services on one network reach each other on every port",
		"links":          "services on one network reach each other by name",
		"external_links": "use a network that both share",
		"network_mode":   "use networks",
		"privileged":     "use cap_add",
		"devices":        "", "domainname": "", "mac_address": "", "security_opt": "", "shm_size": "use a volumes entry with type: tmpfs on /dev/shm",
		"cgroup_parent": "", "cgroupns_mode": "", "cgroup": "", "userns_mode": "",
		"oom_score_adj": "docker stack deploy passes it on as little",
		"ipc":           unit, "pid": unit, "uts": unit,
		"profiles": "every service of the file runs", "pull_policy": "the tag is resolved to a digest once per change",
		"platform": "use deploy.placement.constraints with node.platform.arch", "group_add": "", "runtime": "", "gpus": "",
		"attach": "", "develop": "", "annotations": "", "storage_opt": "", "oom_kill_disable": "", "mem_swappiness": "", "blkio_config": "",
	}
}

// misplaced reports a key of a service that stands among the services: its indentation lacks a step.
func (w *walker) misplaced(f field, known map[string]rule) bool {
	_, isKey := known[f.key]
	if !isKey || f.value.kind == kindMap && f.value.child("image") != nil {
		return false
	}
	w.faultAt(f.at[0], f.at[1], f.value.place, "%s is a key of a service and stands among the services: indent it below its service", f.key)
	return true
}

// ignoredOption makes a rule for keys of which Swarm makes no use.
func ignoredOption(hints map[string]string) func(w *walker, f field) bool {
	return func(w *walker, f field) bool {
		hint, ok := hints[f.key]
		if ok {
			w.warnings.add(f.at, f.value.place, "Swarm ignores this: "+hint)
		}
		return ok
	}
}
