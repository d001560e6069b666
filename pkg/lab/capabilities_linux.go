package lab

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// inotifyNeed is the number of inotify instances that about ten droplets use together.
const inotifyNeed = 128

// Capabilities tells what of this host makes droplets faithful, and what does not work for want of it.
func Capabilities() []Capability {
	_, registry := exec.LookPath("docker-registry")
	return []Capability{
		{
			Name: "overlayfs", OK: hasFilesystem("overlay"), Needed: true,
			Effect: "droplets share one image; without overlayfs each would need a copy",
		},
		{
			Name: "pid namespaces' children", OK: exists("/proc/self/task/" + strconv.Itoa(os.Getpid()) + "/children"), Needed: true,
			Effect: "the kernel lacks CONFIG_PROC_CHILDREN: a machine's init cannot be found",
		},
		{
			Name: "ip_vs", OK: exists("/proc/net/ip_vs"),
			Effect: "routing mesh and virtual IPs carry no traffic; mode: host, dnsrr and tasks themselves work",
		},
		{
			Name: "docker-registry", OK: registry == nil,
			Effect: "no registry: images have to be imported into each engine",
		},
		{
			Name: "inotify instances", OK: inotifyInstances() >= inotifyNeed,
			Effect: "fs.inotify.max_user_instances is below " + strconv.Itoa(inotifyNeed) + ": few droplets fit",
		},
	}
}

func hasFilesystem(name string) bool {
	text, _ := os.ReadFile("/proc/filesystems")
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 0 && f[len(f)-1] == name {
			return true
		}
	}
	return false
}

func inotifyInstances() int {
	text, _ := os.ReadFile("/proc/sys/fs/inotify/max_user_instances")
	n, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return n
}
