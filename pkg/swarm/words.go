package swarm

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// word is what a field of a normal form is called in the file.
type word struct {
	path   string              // of the form; each * stands for any text, the last one for an element where kind is set or list
	key    string              // below the service or the network in the file; each * is what the path's had there
	kind   kind                // how it belongs together with others
	show   func(string) string // the value as the file writes it; nil: as it is
	named  bool                // the value is a name in the swarm: the file's has no stack before it
	unset  string              // what having no such field means, where the file has a word for that
	secret bool                // people keep passwords there, or write them there by mistake
	beyond bool                // the file has no such key: only a hand has set it
}

// kind is how the values of the paths that a word matches belong together.
type kind int

const (
	single kind = iota // each is a field of its own
	set                // each is an element whose order means nothing: what comes and what goes is said
	list               // all of them are one list, whose order counts: it is said as a whole
)

// serviceWords are all fields of a service's form, in the order in which a change says them. Of two words with one key the first that differs is said.
var serviceWords = []word{
	{path: "TaskTemplate.ContainerSpec.Image", key: "image"},
	{path: "Labels." + LabelImage, key: "image"},
	{path: "Mode.Global", key: "deploy.mode", show: always("global"), unset: "replicated"},
	{path: "Mode.GlobalJob", key: "deploy.mode", show: always("global-job"), unset: "replicated"},
	{path: replicasPath, key: "deploy.replicas"},
	{path: completionsPath, key: "deploy.replicas"},
	{path: "Mode.ReplicatedJob.MaxConcurrent", key: "deploy.replicas", show: func(n string) string { return n + " at once" }},
	{path: "EndpointSpec.Ports[*].*", key: "ports[*].*", beyond: true},
	{path: "EndpointSpec.Mode", key: "deploy.endpoint_mode"},
	{path: "TaskTemplate.ContainerSpec.Command[*]", key: "entrypoint", kind: list, secret: true},
	{path: "TaskTemplate.ContainerSpec.Args[*]", key: "command", kind: list, secret: true},
	{path: "TaskTemplate.ContainerSpec.Env[*]", key: "environment.*", secret: true},
	{path: "TaskTemplate.ContainerSpec.Dir", key: "working_dir"},
	{path: "TaskTemplate.ContainerSpec.User", key: "user"},
	{path: "TaskTemplate.ContainerSpec.Groups[*]", key: "group_add", kind: list, beyond: true},
	{path: "TaskTemplate.ContainerSpec.Hostname", key: "hostname"},
	{path: "TaskTemplate.ContainerSpec.Init", key: "init"},
	{path: "TaskTemplate.ContainerSpec.TTY", key: "tty", unset: "false"},
	{path: "TaskTemplate.ContainerSpec.OpenStdin", key: "stdin_open", unset: "false"},
	{path: "TaskTemplate.ContainerSpec.ReadOnly", key: "read_only", unset: "false"},
	{path: "TaskTemplate.ContainerSpec.StopSignal", key: "stop_signal"},
	{path: "TaskTemplate.ContainerSpec.StopGracePeriod", key: "stop_grace_period", show: duration},
	{path: "TaskTemplate.ContainerSpec.Isolation", key: "isolation"},
	{path: "TaskTemplate.ContainerSpec.Healthcheck.Test[*]", key: "healthcheck.test", kind: list, secret: true},
	{path: "TaskTemplate.ContainerSpec.Healthcheck.Interval", key: "healthcheck.interval", show: duration},
	{path: "TaskTemplate.ContainerSpec.Healthcheck.Timeout", key: "healthcheck.timeout", show: duration},
	{path: "TaskTemplate.ContainerSpec.Healthcheck.Retries", key: "healthcheck.retries"},
	{path: "TaskTemplate.ContainerSpec.Healthcheck.StartPeriod", key: "healthcheck.start_period", show: duration},
	{path: "TaskTemplate.ContainerSpec.Healthcheck.StartInterval", key: "healthcheck.start_interval", show: duration},
	{path: mountPath + "Type", key: "volumes[*].type"},
	{path: mountPath + "Source", key: "volumes[*].source", named: true},
	{path: mountPath + "Target", key: "volumes[*].target"},
	{path: mountPath + "ReadOnly", key: "volumes[*].read_only", unset: "false"},
	{path: mountPath + "BindOptions.Propagation", key: "volumes[*].bind.propagation"},
	{path: mountPath + "BindOptions.*", key: "volumes[*].bind.*", beyond: true},
	{path: mountPath + "TmpfsOptions.SizeBytes", key: "volumes[*].tmpfs.size"},
	{path: mountPath + "TmpfsOptions.*", key: "volumes[*].tmpfs.*", beyond: true},
	{path: mountPath + "ImageOptions.Subpath", key: "volumes[*].image.subpath", beyond: true},
	{path: mountPath + "VolumeOptions.NoCopy", key: "volumes[*].volume.nocopy", unset: "false"},
	{path: mountPath + "VolumeOptions.Subpath", key: "volumes[*].volume.subpath"},
	{path: mountPath + "VolumeOptions.DriverConfig.Name", key: "volumes[*] driver"},
	{path: mountPath + "VolumeOptions.DriverConfig.Options.*", key: "volumes[*] driver_opts.*", secret: true},
	{path: mountPath + "VolumeOptions.Labels.*", key: "volumes[*] labels.*", secret: true},
	{path: mountPath + "*", key: "volumes[*].*", secret: true, beyond: true},
	{path: "TaskTemplate.Networks[*].Target", key: "networks.*"},
	{path: "TaskTemplate.Networks[*].Aliases[*]", key: "networks.*.aliases", kind: set},
	{path: "TaskTemplate.Networks[*].DriverOpts.*", key: "networks.*.driver_opts.*", secret: true},
	{path: "TaskTemplate.ContainerSpec.DNSConfig.Nameservers[*]", key: "dns", kind: list},
	{path: "TaskTemplate.ContainerSpec.DNSConfig.Search[*]", key: "dns_search", kind: list},
	{path: "TaskTemplate.ContainerSpec.DNSConfig.Options[*]", key: "dns_opt", kind: list, beyond: true},
	{path: "TaskTemplate.ContainerSpec.Hosts[*]", key: "extra_hosts", kind: list, show: extraHost},
	{path: "TaskTemplate.ContainerSpec.CapabilityAdd[*]", key: "cap_add", kind: set},
	{path: "TaskTemplate.ContainerSpec.CapabilityDrop[*]", key: "cap_drop", kind: set},
	{path: "TaskTemplate.ContainerSpec.Sysctls.*", key: "sysctls.*"},
	{path: "TaskTemplate.ContainerSpec.Ulimits[*].Name", key: "ulimits.*"},
	{path: "TaskTemplate.ContainerSpec.Ulimits[*].Soft", key: "ulimits.*.soft"},
	{path: "TaskTemplate.ContainerSpec.Ulimits[*].Hard", key: "ulimits.*.hard"},
	{path: "TaskTemplate.ContainerSpec.OomScoreAdj", key: "oom_score_adj", beyond: true},
	{path: "TaskTemplate.ContainerSpec.Privileges.CredentialSpec.*", key: "credential_spec", secret: true},
	{path: "TaskTemplate.ContainerSpec.Privileges.*", key: "security_opt", secret: true, beyond: true},
	{path: "TaskTemplate.ContainerSpec.Configs[*].ConfigName", key: "configs[*].source", named: true},
	{path: "TaskTemplate.ContainerSpec.Configs[*].File.Name", key: "configs[*].target"},
	{path: "TaskTemplate.ContainerSpec.Configs[*].File.UID", key: "configs[*].uid"},
	{path: "TaskTemplate.ContainerSpec.Configs[*].File.GID", key: "configs[*].gid"},
	{path: "TaskTemplate.ContainerSpec.Configs[*].File.Mode", key: "configs[*].mode", show: fileMode},
	{path: "TaskTemplate.ContainerSpec.Configs[*].*", key: "configs[*].*", beyond: true},
	{path: "TaskTemplate.ContainerSpec.Secrets[*].SecretName", key: "secrets[*].source", named: true},
	{path: "TaskTemplate.ContainerSpec.Secrets[*].File.Name", key: "secrets[*].target"},
	{path: "TaskTemplate.ContainerSpec.Secrets[*].File.UID", key: "secrets[*].uid"},
	{path: "TaskTemplate.ContainerSpec.Secrets[*].File.GID", key: "secrets[*].gid"},
	{path: "TaskTemplate.ContainerSpec.Secrets[*].File.Mode", key: "secrets[*].mode", show: fileMode},
	{path: "TaskTemplate.ContainerSpec.Secrets[*].*", key: "secrets[*].*", beyond: true},
	{path: "TaskTemplate.LogDriver.Name", key: "logging.driver"},
	{path: "TaskTemplate.LogDriver.Options.*", key: "logging.options.*", secret: true},
	{path: "TaskTemplate.ContainerSpec.Labels.*", key: "labels.*", secret: true},
	{path: "Labels.*", key: "deploy.labels.*", secret: true},
	{path: "TaskTemplate.Placement.Constraints[*]", key: "deploy.placement.constraints", kind: set},
	{path: "TaskTemplate.Placement.Preferences[*].Spread.SpreadDescriptor", key: "deploy.placement.preferences", kind: list},
	{path: "TaskTemplate.Placement.MaxReplicas", key: "deploy.placement.max_replicas_per_node"},
	{path: "TaskTemplate.Resources.Limits.NanoCPUs", key: "deploy.resources.limits.cpus", show: cpus},
	{path: "TaskTemplate.Resources.Limits.MemoryBytes", key: "deploy.resources.limits.memory", show: bytes},
	{path: "TaskTemplate.Resources.Limits.Pids", key: "deploy.resources.limits.pids"},
	{path: "TaskTemplate.Resources.Reservations.NanoCPUs", key: "deploy.resources.reservations.cpus", show: cpus},
	{path: "TaskTemplate.Resources.Reservations.MemoryBytes", key: "deploy.resources.reservations.memory", show: bytes},
	{path: "TaskTemplate.Resources.Reservations.GenericResources[*].DiscreteResourceSpec.Kind", key: "deploy.resources.reservations.generic_resources[*].discrete_resource_spec.kind"},
	{path: "TaskTemplate.Resources.Reservations.GenericResources[*].DiscreteResourceSpec.Value", key: "deploy.resources.reservations.generic_resources[*].discrete_resource_spec.value"},
	{path: "TaskTemplate.Resources.Reservations.GenericResources[*].*", key: "deploy.resources.reservations.generic_resources[*].*", beyond: true},
	{path: "TaskTemplate.RestartPolicy.Condition", key: "deploy.restart_policy.condition"},
	{path: "TaskTemplate.RestartPolicy.Delay", key: "deploy.restart_policy.delay", show: duration},
	{path: "TaskTemplate.RestartPolicy.MaxAttempts", key: "deploy.restart_policy.max_attempts"},
	{path: "TaskTemplate.RestartPolicy.Window", key: "deploy.restart_policy.window", show: duration},
	{path: "UpdateConfig.Parallelism", key: "deploy.update_config.parallelism"},
	{path: "UpdateConfig.Delay", key: "deploy.update_config.delay", show: duration, unset: "0s"},
	{path: "UpdateConfig.FailureAction", key: "deploy.update_config.failure_action"},
	{path: "UpdateConfig.Monitor", key: "deploy.update_config.monitor", show: duration},
	{path: "UpdateConfig.MaxFailureRatio", key: "deploy.update_config.max_failure_ratio"},
	{path: "UpdateConfig.Order", key: "deploy.update_config.order"},
	{path: "RollbackConfig.Parallelism", key: "deploy.rollback_config.parallelism"},
	{path: "RollbackConfig.Delay", key: "deploy.rollback_config.delay", show: duration, unset: "0s"},
	{path: "RollbackConfig.FailureAction", key: "deploy.rollback_config.failure_action"},
	{path: "RollbackConfig.Monitor", key: "deploy.rollback_config.monitor", show: duration},
	{path: "RollbackConfig.MaxFailureRatio", key: "deploy.rollback_config.max_failure_ratio"},
	{path: "RollbackConfig.Order", key: "deploy.rollback_config.order"},
	{path: "Name", key: "name", beyond: true},
	{path: "TaskTemplate.Runtime", key: "runtime", beyond: true},
	{path: "TaskTemplate.ForceUpdate", key: "force_update", beyond: true},
	{path: "TaskTemplate.NetworkAttachmentSpec.*", key: "network_attachment.*", beyond: true},
	{path: "TaskTemplate.PluginSpec.*", key: "plugin.*", secret: true, beyond: true},
}

const mountPath = "TaskTemplate.ContainerSpec.Mounts[*]."

// networkWords are all fields of a network's form.
var networkWords = []word{
	{path: "Name", key: "name"},
	{path: "Driver", key: "driver"},
	{path: "Options.*", key: "driver_opts.*", secret: true},
	{path: "Internal", key: "internal", unset: "false"},
	{path: "Attachable", key: "attachable", unset: "false"},
	{path: "IPAM.Driver", key: "ipam.driver"},
	{path: "IPAM.Config[*].Subnet", key: "ipam.config", kind: list},
	{path: "IPAM.Config[*].*", key: "ipam.config[*].*", beyond: true},
	{path: "IPAM.Options.*", key: "ipam.options.*", secret: true, beyond: true},
	{path: "Labels.*", key: "labels.*", secret: true},
	{path: "Ingress", key: "ingress", unset: "false", beyond: true},
	{path: "EnableIPv4", key: "enable_ipv4", beyond: true},
	{path: "EnableIPv6", key: "enable_ipv6", unset: "false", beyond: true},
	{path: "ConfigOnly", key: "config_only", unset: "false", beyond: true},
	{path: "ConfigFrom.*", key: "config_from", beyond: true},
}

// listWord is a list of the file whose elements come and go as a whole. Of an element that only one side has nothing else is said.
type listWord struct {
	path string // up to the element's name
	key  string
	show func(name string, f Form) string // the element as the file writes it; f has its fields
}

var listWords = []listWord{
	{"EndpointSpec.Ports[", "ports", portText},
	{"TaskTemplate.ContainerSpec.Mounts[", "volumes", mountText},
	{"TaskTemplate.ContainerSpec.Configs[", "configs", func(name string, f Form) string { return f["ConfigName"] + " → " + name }},
	{"TaskTemplate.ContainerSpec.Secrets[", "secrets", func(name string, f Form) string { return f["SecretName"] + " → " + name }},
	{"TaskTemplate.Networks[", "networks", func(name string, _ Form) string { return name }},
	{"TaskTemplate.ContainerSpec.Ulimits[", "ulimits", func(name string, f Form) string { return name + " " + f["Soft"] + ":" + f["Hard"] }},
}

// portText is "8080:80/tcp", as in the short form of Compose, with the mode where it is not the usual one.
func portText(_ string, f Form) string {
	text := f["TargetPort"] + "/" + f["Protocol"]
	if published := f["PublishedPort"]; published != "" && published != "0" {
		text = published + ":" + text
	}
	if f["PublishMode"] == "host" {
		text += " (mode: host)"
	}
	return text
}

// mountText is "data:/var/lib:ro".
func mountText(name string, f Form) string {
	text := name
	if source := f["Source"]; source != "" {
		text = source + ":" + name
	} else if f["Type"] != "volume" {
		text = f["Type"] + ":" + name
	}
	if f["ReadOnly"] == "true" {
		text += ":ro"
	}
	return text
}

func always(text string) func(string) string { return func(string) string { return text } }

// duration is nanoseconds as the file writes them: "1m30s".
func duration(ns string) string {
	n, err := strconv.ParseInt(ns, 10, 64)
	if err != nil {
		return ns
	}
	return DurationText(time.Duration(n))
}

// DurationText is a duration as people write it: "2m", not "2m0s".
func DurationText(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// bytes is a size as the file writes it: "256M".
func bytes(text string) string {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n == 0 {
		return text
	}
	unit := 0
	for ; unit < 3 && n%1024 == 0; unit++ {
		n /= 1024
	}
	return strconv.FormatInt(n, 10) + [...]string{"B", "K", "M", "G"}[unit]
}

// fileMode is a file's mode as the file writes it: "0440".
func fileMode(text string) string {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return text
	}
	return fmt.Sprintf("%04o", n)
}

// cpus is billionths of a processor as the file writes them: "0.5".
func cpus(nano string) string {
	n, err := strconv.ParseInt(nano, 10, 64)
	if err != nil {
		return nano
	}
	return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%d.%09d", n/1e9, n%1e9), "0"), ".")
}

// extraHost turns a line of /etc/hosts into Compose's "name:address".
func extraHost(line string) string {
	address, name, ok := strings.Cut(line, " ")
	if !ok {
		return line
	}
	return name + ":" + address
}
