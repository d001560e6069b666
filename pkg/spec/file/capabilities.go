package file

import (
	"slices"
	"strings"
)

// capabilities are those of Linux 6 (capabilities(7)), without CAP_, and ALL.
func capabilities() []string {
	return []string{"ALL", "AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE", "BLOCK_SUSPEND", "BPF", "CHECKPOINT_RESTORE", "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER",
		"FSETID", "IPC_LOCK", "IPC_OWNER", "KILL", "LEASE", "LINUX_IMMUTABLE", "MAC_ADMIN", "MAC_OVERRIDE", "MKNOD", "NET_ADMIN", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_RAW",
		"PERFMON", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYSLOG", "SYS_ADMIN", "SYS_BOOT", "SYS_CHROOT", "SYS_MODULE", "SYS_NICE", "SYS_PACCT", "SYS_PTRACE", "SYS_RAWIO",
		"SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "WAKE_ALARM"}
}

// lintCapabilities warns of a capability that is none: the engine takes the service, and then starts no task of it.
func (w *walker) lintCapabilities(f *serviceFacts) {
	for _, key := range []string{"cap_add", "cap_drop"} {
		for i, name := range typed[string](f.values[key]) {
			short := strings.TrimPrefix(strings.ToUpper(name), "CAP_")
			if !slices.Contains(capabilities(), short) {
				at := f.node.get(key).items[i]
				w.warn(at, "no task starts with the capability %s, which Linux does not have%s", shown(at, name), w.suggestion(short, slices.Values(capabilities())))
			}
		}
	}
}
