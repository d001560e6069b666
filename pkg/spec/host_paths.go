package spec

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// hostPlace is a folder or a file of the machine.
type hostPlace struct{ path, what string }

// secretPlaces hold what makes their reader the cluster's master: the cloud's API token, the worker join token, credentials of units.
func secretPlaces() []hostPlace {
	return []hostPlace{
		{"/etc/swarmd", "swarmd's API token"},
		{"/var/lib/swarmd", "what a machine joins the swarm with"},
		{"/var/lib/cloud", "cloud-init's user-data"},
		{"/run/cloud-init", "cloud-init's user-data"},
		{"/run/credentials", "the credentials of systemd's units, swarmd's API token among them"},
	}
}

// ownPrograms are run as root by swarmd or cloud-init: their writer is root.
func ownPrograms() []hostPlace {
	return []hostPlace{
		{"/usr/local/bin/swarmd", "swarmd itself"},
		{"/usr/local/lib/swarmd", "what a machine runs when it boots"},
		{"/etc/systemd/system/swarmd.service", "swarmd's unit"},
		{"/etc/cloud", "what cloud-init runs"},
	}
}

// enginePlaces give whoever has them, be it for reading only, the engine or what its containers hold, their secrets among it.
func enginePlaces() []hostPlace {
	return []hostPlace{
		{"/run/docker.sock", "the Docker socket"},
		{"/run/docker", "Docker's sockets"},
		{"/run/containerd", "containerd's sockets"},
		{"/var/lib/docker", "Docker's folder"},
		{"/var/lib/containerd", "containerd's folder"},
	}
}

// rootPlaces are where the machine finds what it runs as root, and whom it lets in.
func rootPlaces() []string {
	return []string{"/boot", "/root", "/usr/bin", "/usr/sbin", "/usr/lib", "/usr/local/bin", "/usr/local/sbin", "/proc", "/sys", "/etc/systemd", "/etc/docker",
		"/etc/ssh", "/etc/sudoers", "/etc/sudoers.d", "/etc/pam.d", "/etc/passwd", "/etc/shadow", "/etc/profile.d", "/etc/ld.so.preload", "/etc/crontab",
		"/etc/cron.d", "/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly", "/etc/cron.monthly", "/var/spool/cron"}
}

// hostBind is a place of the machine as a container gets it.
type hostBind struct {
	source   string
	writable bool
}

// judge says whether a service must not have the bind, and else what it gets of the machine that makes it root there; both "" if it is
// harmless.
//
//	SOURCE                                             read only  writable
//	a secret place, a program of ours, what is in it   fault      fault
//	a folder around a secret place, such as /etc       warning    fault
//	a folder around a program of ours, such as /usr    fine       fault
//	/                                                  warning    warning
//	an engine's place, what is in it or around it      warning    warning
//	a place of root's, what is in it or around it      fine       warning
//	anything else                                      fine       fine
//
// "/" contains all of them, and is a warning because Portainer's agent and Prometheus' node exporter need it.
func (b hostBind) judge() (fault, access string) {
	source, ok := fillTemplates(b.source)
	if !ok {
		return "which place on the machine this template means cannot be told: write the path out; {{.Task.Slot}}, {{.Service.Name}} and {{.Node.Hostname}} may be in it", ""
	}
	// The engine cleans the path of a bind before the kernel follows it, and hands on that of a volume as it is.
	for _, at := range []string{followed(path.Clean(source)), followed(source)} {
		if fault := b.refused(at); fault != "" {
			return fault, ""
		}
		if access == "" {
			access = b.power(at)
		}
	}
	return "", access
}

// refused is why nobody may have the place, "" if it is not so.
func (b hostBind) refused(at string) string {
	for _, secret := range slices.Concat(secretPlaces(), ownPrograms()) {
		switch {
		case within(at, secret.path):
			return "no service may have " + secret.path + " (" + secret.what + "): bind a folder of its own"
		case b.writable && at != "/" && within(secret.path, at):
			return "no service may write to " + clip(at) + ", because " + secret.path + " is in it (" + secret.what + "): bind what it needs of it, or read only"
		}
	}
	return ""
}

// power is what a service gets that makes it root on the machine, "" if it does not.
func (b hostBind) power(at string) string {
	if at == "/" {
		return "all of the machine's disk"
	}
	for _, p := range enginePlaces() {
		if within(at, p.path) || within(p.path, at) {
			return p.what + " (" + p.path + ")"
		}
	}
	for _, p := range secretPlaces() {
		if within(p.path, at) {
			return p.what + " (" + p.path + ")"
		}
	}
	if b.writable && slices.ContainsFunc(rootPlaces(), func(p string) bool { return within(at, p) || within(p, at) }) {
		return "what root runs or obeys (" + clip(at) + ")"
	}
	return ""
}

// within reports whether the place is the folder or in it. Both are clean.
func within(place, folder string) bool {
	return folder == "/" || place == folder || strings.HasPrefix(place, folder+"/")
}

// fillTemplates puts a word in place of the templates whose values have no slash and are none of ours. Swarm fills templates into the sources
// of mounts and the options of volumes; what another one makes of a path is not known.
func fillTemplates(s string) (string, bool) {
	if !strings.Contains(s, "{{") {
		return s, true
	}
	s = regexp.MustCompile(`\{\{\s*\.(Service\.ID|Service\.Name|Node\.ID|Node\.Hostname|Task\.ID|Task\.Name|Task\.Slot)\s*\}\}`).ReplaceAllString(s, "x")
	return s, !strings.Contains(s, "{{")
}

// followed is where the kernel ends with an absolute path: one component after the other, the links that every machine has followed, "..", "."
// and empty ones gone.
func followed(p string) string {
	var at []string
	todo := strings.Split(p, "/")
	for len(todo) > 0 {
		next := todo[0]
		todo = todo[1:]
		switch next {
		case "", ".":
			continue
		case "..":
			at = at[:max(len(at)-1, 0)]
			continue
		}
		at = append(at, next)
		if to, linked := hostLink(at); linked {
			at, todo = nil, append(strings.Split(to, "/"), todo...)
		}
	}
	return "/" + strings.Join(at, "/")
}

// hostLink is where a link of Debian or Ubuntu leads. The root and the working folder that /proc shows of a process are links to "/" for
// those of the machine.
func hostLink(at []string) (to string, linked bool) {
	switch p := "/" + strings.Join(at, "/"); p {
	case "/var/run":
		return "/run", true
	case "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32":
		return "/usr" + p, true
	}
	last := at[len(at)-1]
	ofProcess := len(at) == 3 || len(at) == 5 && at[2] == "task"
	return "/", at[0] == "proc" && ofProcess && (last == "root" || last == "cwd")
}
