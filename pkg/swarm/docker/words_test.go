package docker

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/network"
	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// TestEveryFieldHasAWordOfTheFile: no field of a normal form, of those that a newer engine's library brings either, is told in the engine's words.
func TestEveryFieldHasAWordOfTheFile(t *testing.T) {
	var service api.ServiceSpec
	fill(reflect.ValueOf(&service).Elem(), "")
	var options network.CreateOptions
	fill(reflect.ValueOf(&options).Elem(), "")
	net, err := networkForm("n", options, true)
	if err != nil {
		t.Fatal(err)
	}
	known := referenceKeys(t)
	for _, c := range []struct {
		form    swarm.Form
		changes func(want, live swarm.Form) []swarm.Change
		below   string
		least   int
	}{{formOf(t, service), swarm.ServiceChanges, "services.NAME.", 120}, {net, swarm.NetworkChanges, "networks.NAME.", 15}} {
		if len(c.form) < c.least {
			t.Fatalf("only %d fields", len(c.form))
		}
		for path := range c.form {
			other := maps.Clone(c.form)
			other[path] = "another"
			got := c.changes(other, c.form)
			switch {
			case len(got) != 1 || got[0].Key == path:
				t.Errorf("%s has no word of the file: %+v", path, got)
			case !got[0].Beyond && !known[c.below+plainKey(got[0].Key)]:
				t.Errorf("%s is told as %s, which is no key of the file", path, got[0].Key)
			case got[0].Beyond && got[0].Key != "deploy.mode" && known[c.below+plainKey(got[0].Key)]:
				t.Errorf("%s is told as one that the file has no key for, and it has %s", path, got[0].Key)
			}
		}
	}
}

// plainKey is a key without what names the element: "volumes[/data].source" as the reference has it.
func plainKey(key string) string {
	switch {
	case strings.HasPrefix(key, "volumes[") && !strings.Contains(key, "]."): // of the top level's volume
		return "volumes"
	case strings.HasPrefix(key, "networks.") || strings.HasPrefix(key, "ulimits."):
		parts := strings.SplitN(key, ".", 3)
		parts[1] = "NAME"
		if len(parts) == 2 {
			return parts[0]
		}
		key = strings.Join(parts, ".")
	}
	key = regexp.MustCompile(`\[[^\]]*\]`).ReplaceAllString(key, "[]")
	for _, open := range []string{"environment.", "deploy.labels.", "labels.", "sysctls.", "logging.options.", "networks.NAME.driver_opts.", "driver_opts."} {
		if strings.HasPrefix(key, open) {
			return strings.TrimSuffix(open, ".")
		}
	}
	return key
}

var referenceLine = regexp.MustCompile("(?m)^(?:## `([^`]+)`|\\| `([^`]+)` \\|(?: [^|]*\\|){3}$)")

// referenceKeys are all keys that the reference lists with their place.
func referenceKeys(t *testing.T) map[string]bool {
	out, section := map[string]bool{}, ""
	for _, m := range referenceLine.FindAllStringSubmatch(file.Reference(), -1) {
		if m[1] != "" {
			section = m[1]
			continue
		}
		out[section+"."+m[2]] = true
	}
	if len(out) < 100 {
		t.Fatalf("only %d keys in the reference", len(out))
	}
	return out
}

// edits is, by key of the reference, an edit of it: what a service says before and after.
var edits = map[string][2]string{
	"configs": {"", "configs: [c]"}, "secrets": {"", "secrets: [c]"},
	"configs[].source": {"configs: [{ source: c, target: /x }]", "configs: [{ source: d, target: /x }]"},
	"configs[].uid":    {"configs: [{ source: c }]", `configs: [{ source: c, uid: "5" }]`}, "configs[].gid": {"configs: [{ source: c }]", `configs: [{ source: c, gid: "5" }]`},
	"configs[].mode":   {"configs: [{ source: c }]", "configs: [{ source: c, mode: 0400 }]"},
	"secrets[].source": {"secrets: [{ source: c, target: x }]", "secrets: [{ source: d, target: x }]"},
	"secrets[].uid":    {"secrets: [{ source: c }]", `secrets: [{ source: c, uid: "5" }]`}, "secrets[].gid": {"secrets: [{ source: c }]", `secrets: [{ source: c, gid: "5" }]`},
	"secrets[].mode": {"secrets: [{ source: c }]", "secrets: [{ source: c, mode: 0400 }]"},
	"cap_add":        {"", "cap_add: [NET_ADMIN]"}, "cap_drop": {"", "cap_drop: [CHOWN]"}, "command": {"command: [a]", "command: [b]"}, "dns": {"", "dns: [1.1.1.1]"},
	"dns_search": {"", "dns_search: [a.example]"}, "entrypoint": {"entrypoint: [a]", "entrypoint: [b]"},
	"environment": {"environment: { A: one }", "environment: { A: two }"}, "extra_hosts": {"", `extra_hosts: ["a:10.0.0.1"]`},
	"hostname": {"", "hostname: h"}, "image": {"image: app:2", "image: app:3"}, "init": {"", "init: true"}, "labels": {"", "labels: { a: b }"}, "networks": {"networks: [a]", "networks: [b]"},
	"ports": {"", `ports: ["80:80"]`}, "read_only": {"", "read_only: true"}, "stdin_open": {"", "stdin_open: true"}, "stop_grace_period": {"", "stop_grace_period: 1m"},
	"stop_signal": {"", "stop_signal: SIGINT"}, "sysctls": {"", "sysctls: { net.core.somaxconn: \"1\" }"}, "tty": {"", "tty: true"},
	"ulimits": {"", "ulimits: { nofile: 5 }"}, "user": {"", `user: "1"`}, "volumes": {"", `volumes: ["/srv:/a"]`}, "working_dir": {"", "working_dir: /a"},
	"deploy.endpoint_mode": {"", "deploy: { endpoint_mode: dnsrr }"}, "deploy.labels": {"", "deploy: { labels: { a: b } }"},
	"deploy.mode": {"", "deploy: { mode: global }"}, "deploy.replicas": {"", "deploy: { replicas: 2 }"},
	"deploy.placement.constraints":             {"", "deploy: { placement: { constraints: [node.role==worker] } }"},
	"deploy.placement.max_replicas_per_node":   {"", "deploy: { placement: { max_replicas_per_node: 2 } }"},
	"deploy.placement.preferences":             {"", "deploy: { placement: { preferences: [{ spread: node.labels.a }] } }"},
	"deploy.resources.limits.cpus":             {"", `deploy: { resources: { limits: { cpus: "0.25" } } }`},
	"deploy.resources.limits.memory":           {"", "deploy: { resources: { limits: { memory: 256M } } }"},
	"deploy.resources.limits.pids":             {"", "deploy: { resources: { limits: { pids: 5 } } }"},
	"deploy.resources.reservations.cpus":       {"", `deploy: { resources: { reservations: { cpus: "0.25" } } }`},
	"deploy.resources.reservations.memory":     {"", "deploy: { resources: { reservations: { memory: 256M } } }"},
	"deploy.restart_policy.condition":          {"", "deploy: { restart_policy: { condition: none } }"},
	"deploy.restart_policy.delay":              {"", "deploy: { restart_policy: { delay: 1s } }"},
	"deploy.restart_policy.max_attempts":       {"", "deploy: { restart_policy: { max_attempts: 2 } }"},
	"deploy.restart_policy.window":             {"", "deploy: { restart_policy: { window: 1s } }"},
	"deploy.update_config.delay":               {"", "deploy: { update_config: { delay: 1s } }"},
	"deploy.update_config.failure_action":      {"", "deploy: { update_config: { failure_action: rollback } }"},
	"deploy.update_config.max_failure_ratio":   {"", "deploy: { update_config: { max_failure_ratio: 0.5 } }"},
	"deploy.update_config.monitor":             {"", "deploy: { update_config: { monitor: 1s } }"},
	"deploy.update_config.order":               {"", "deploy: { update_config: { order: start-first } }"},
	"deploy.update_config.parallelism":         {"", "deploy: { update_config: { parallelism: 2 } }"},
	"deploy.rollback_config.delay":             {"", "deploy: { rollback_config: { delay: 1s } }"},
	"deploy.rollback_config.failure_action":    {"", "deploy: { rollback_config: { failure_action: continue } }"},
	"deploy.rollback_config.max_failure_ratio": {"", "deploy: { rollback_config: { max_failure_ratio: 0.5 } }"},
	"deploy.rollback_config.monitor":           {"", "deploy: { rollback_config: { monitor: 1s } }"},
	"deploy.rollback_config.order":             {"", "deploy: { rollback_config: { order: start-first } }"},
	"deploy.rollback_config.parallelism":       {"", "deploy: { rollback_config: { parallelism: 2 } }"},
	"isolation":                                {"", "isolation: hyperv"}, "credential_spec": {"", "credential_spec: { file: a.json }"},
	"deploy.resources.reservations.generic_resources[].discrete_resource_spec.kind":  {"deploy: { resources: { reservations: { generic_resources: [{ discrete_resource_spec: { kind: gpu, value: 1 } }] } } }", "deploy: { resources: { reservations: { generic_resources: [{ discrete_resource_spec: { kind: ssd, value: 1 } }] } } }"},
	"deploy.resources.reservations.generic_resources[].discrete_resource_spec.value": {"deploy: { resources: { reservations: { generic_resources: [{ discrete_resource_spec: { kind: gpu, value: 1 } }] } } }", "deploy: { resources: { reservations: { generic_resources: [{ discrete_resource_spec: { kind: gpu, value: 2 } }] } } }"},
	"healthcheck.interval": {"", "healthcheck: { interval: 1s }"}, "healthcheck.retries": {"", "healthcheck: { retries: 2 }"},
	"healthcheck.start_interval": {"", "healthcheck: { start_interval: 1s }"}, "healthcheck.start_period": {"", "healthcheck: { start_period: 1s }"},
	"healthcheck.test": {"", "healthcheck: { test: [CMD, a] }"}, "healthcheck.timeout": {"", "healthcheck: { timeout: 1s }"},
	"logging.driver": {"", "logging: { driver: local }"}, "logging.options": {"", "logging: { options: { a: b } }"},
	"networks.NAME.aliases":     {"networks: [a]", "networks: { a: { aliases: [x] } }"},
	"networks.NAME.driver_opts": {"networks: [a]", "networks: { a: { driver_opts: { x: y } } }"},
	"ulimits.NAME.hard":         {"ulimits: { nofile: { soft: 1, hard: 2 } }", "ulimits: { nofile: { soft: 1, hard: 3 } }"},
	"ulimits.NAME.soft":         {"ulimits: { nofile: { soft: 1, hard: 2 } }", "ulimits: { nofile: { soft: 2, hard: 2 } }"},
	"volumes[].type":            {"volumes: [{ type: volume, target: /a }]", "volumes: [{ type: tmpfs, target: /a }]"},
	"volumes[].source":          {`volumes: ["/srv:/a"]`, `volumes: ["/srw:/a"]`}, "volumes[].read_only": {`volumes: ["/srv:/a"]`, `volumes: ["/srv:/a:ro"]`},
	"volumes[].bind.propagation": {`volumes: ["/srv:/a"]`, "volumes: [{ type: bind, source: /srv, target: /a, bind: { propagation: shared } }]"},
	"volumes[].tmpfs.size":       {"volumes: [{ type: tmpfs, target: /a }]", "volumes: [{ type: tmpfs, target: /a, tmpfs: { size: 5 } }]"},
	"volumes[].volume.nocopy":    {`volumes: ["vol:/a"]`, "volumes: [{ type: volume, source: vol, target: /a, volume: { nocopy: true } }]"},
	"volumes[].volume.subpath":   {`volumes: ["vol:/a"]`, "volumes: [{ type: volume, source: vol, target: /a, volume: { subpath: x } }]"},
}

// toldOtherwise are keys that are a part of another's value, another way to write it, or swarmd's own.
var toldOtherwise = []string{"x-swarmd", "env_file", "restart", "healthcheck.disable", "ports[].", "configs[].target", "secrets[].target", "volumes[].target", "volumes[].consistency", "deploy.placement.preferences[].spread", "credential_spec."}

// TestEveryKeyOfTheFileIsToldByItsName edits each key in turn: what is said of that names the key.
func TestEveryKeyOfTheFileIsToldByItsName(t *testing.T) {
	tried := 0
	for key := range referenceKeys(t) {
		key, ok := strings.CutPrefix(key, "services.NAME.")
		edit, known := edits[key]
		switch {
		case !ok || slices.ContainsFunc(toldOtherwise, func(other string) bool { return strings.HasPrefix(key, other) }):
			continue
		case !known:
			if !slices.ContainsFunc(slices.Collect(maps.Keys(edits)), func(k string) bool { return strings.HasPrefix(k, key+".") || strings.HasPrefix(k, key+"[].") }) {
				t.Errorf("no edit of %s is tried", key)
			}
			continue
		}
		tried++
		var told []string
		for _, c := range swarm.ServiceChanges(editedText(t, edit[1]), editedText(t, edit[0])) {
			told = append(told, plainKey(c.Key))
		}
		if !slices.Contains(told, key) || len(told) > 2 {
			t.Errorf("an edit of %s is told as %v", key, told)
		}
	}
	if tried < 60 {
		t.Errorf("only %d keys were tried", tried)
	}
}

// editedText is the form of a service of a file that has networks, a volume, configs and secrets to use.
func editedText(t *testing.T, lines string) swarm.Form {
	t.Helper()
	text := "version: \"3.13\"\nnetworks: { a: , b: }\nvolumes: { vol: }\nconfigs: { c: { external: true }, d: { external: true } }\nsecrets: { c: { external: true }, d: { external: true } }\nservices:\n  s:\n"
	if !strings.HasPrefix(lines, "image:") {
		text += "    image: app:1\n"
	}
	stack, err := Convert("c", parse(t, []byte(text+"    "+lines+"\n")))
	if err != nil {
		t.Fatal(err)
	}
	return stack.Services[0].Form()
}

// TestWhatIsSaidOfAJob: its mode where it becomes one, its replicas where there are more of them.
func TestWhatIsSaidOfAJob(t *testing.T) {
	const two, three = "deploy: { mode: replicated-job, replicas: 2 }", "deploy: { mode: replicated-job, replicas: 3 }"
	for _, c := range []struct {
		live, want string
		is         swarm.Change
	}{
		{two, three, swarm.Change{Key: "deploy.replicas", From: "2", To: "3"}},
		{"deploy: { replicas: 2 }", two, swarm.Change{Key: "deploy.mode", From: "replicated", To: "replicated-job"}},
		{two, "deploy: { mode: global-job }", swarm.Change{Key: "deploy.mode", From: "replicated-job", To: "global-job"}},
		{"deploy: { mode: global }", two, swarm.Change{Key: "deploy.mode", From: "global", To: "replicated-job"}},
		{"", "deploy: { mode: global-job }", swarm.Change{Key: "deploy.mode", From: "replicated", To: "global-job"}},
	} {
		got := swarm.ServiceChanges(editedText(t, c.want), editedText(t, c.live))
		if i := slices.Index(got, c.is); i < 0 || c.is.Key == "deploy.mode" && c.live != "" && len(got) > 1 {
			t.Errorf("%s → %s: %+v, want %+v", c.live, c.want, got, c.is)
		}
	}
}
