package file

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
		{"/run/systemd/private", "systemd's socket, which starts what root tells it"},
		{"/run/dbus", "the system's bus, where systemd does what root tells it"},
		{"/var/lib/docker", "Docker's folder"},
		{"/var/lib/containerd", "containerd's folder"},
	}
}

// rootPlaces are where the machine finds what it runs as root, and whom it lets in.
func rootPlaces() []string {
	return []string{"/boot", "/root", "/usr/bin", "/usr/sbin", "/usr/lib", "/usr/libexec", "/usr/local/bin", "/usr/local/sbin", "/usr/local/lib",
		"/opt/digitalocean", "/proc", "/sys", "/run/systemd", "/run/udev", "/etc/systemd", "/etc/init.d", "/etc/udev", "/etc/docker", "/etc/containerd",
		"/etc/ssh", "/etc/sudoers", "/etc/sudoers.d", "/etc/pam.d", "/etc/security", "/etc/passwd", "/etc/shadow", "/etc/group", "/etc/environment",
		"/etc/profile", "/etc/profile.d", "/etc/bash.bashrc", "/etc/update-motd.d", "/etc/ld.so.preload", "/etc/ld.so.conf", "/etc/ld.so.conf.d",
		"/etc/ld.so.cache", "/etc/default", "/etc/modprobe.d", "/etc/modules-load.d", "/etc/sysctl.conf", "/etc/sysctl.d", "/etc/tmpfiles.d",
		"/etc/logrotate.conf", "/etc/logrotate.d", "/etc/apt", "/etc/dpkg", "/etc/network", "/etc/ufw", "/etc/apparmor.d", "/etc/kernel",
		"/etc/initramfs-tools", "/etc/grub.d", "/etc/crontab", "/etc/anacrontab", "/etc/cron.d", "/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly",
		"/etc/cron.monthly", "/var/spool/cron", "/var/lib/dpkg"}
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
//	/proc, and a process' folder in it                 warning    warning
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
	for _, p := range []string{path.Clean(source), source} {
		at, through := followed(p)
		if fault := b.refused(at); fault != "" {
			return fault, ""
		}
		if access == "" {
			access = b.power(at)
		}
		if access == "" && through {
			access = ofProcesses(p)
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
	if at == "/proc" || isProcess(at) {
		return ofProcesses(at)
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

// isProcess reports whether the place is what /proc shows of a process, or in it.
func isProcess(at string) bool {
	rest, inProc := strings.CutPrefix(at, "/proc/")
	name, _, _ := strings.Cut(rest, "/")
	return inProc && (name == "self" || name == "thread-self" || name != "" && strings.Trim(name, digits) == "")
}

// ofProcesses says what /proc gives: below it lie the files of each process that has no more capabilities than the reader, which is what other
// containers have, and links that a container made for itself.
func ofProcesses(at string) string {
	return "the files of other containers, swarmd's API token among them (" + clip(at) + ")"
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
// and empty ones gone. through: the path goes through the root or the working folder of a process that may be a container's, so that what comes
// after it may be a link that the container made.
func followed(p string) (end string, through bool) {
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
			through = through || at[0] == "proc" && at[1] != "1"
			at, todo = nil, append(strings.Split(to, "/"), todo...)
		}
	}
	return "/" + strings.Join(at, "/"), through
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
