package file

import (
	"slices"
	"strings"
)

// hostBinds are the places of the machine that a volume of the local driver brings into a container, and mounted the kind of file system if it
// is one of the machine's own disks or of the kernel. The driver hands type, options and device to mount(2) as they are.
func hostBinds(volume map[string]any) (binds []hostBind, mounted string) {
	if driver := str(volume, "driver"); driver != "" && driver != "local" {
		return nil, ""
	}
	given := section(volume, "driver_opts")
	kind, device := strings.ToLower(str(given, "type")), str(given, "device")
	options := strings.Split(str(given, "o"), ",")
	writable := true
	for _, o := range options {
		switch strings.TrimSpace(o) {
		case "ro":
			writable = false
		case "rw":
			writable = true
		case "bind", "rbind":
			kind = "bind"
		}
	}
	switch kind {
	case "bind":
		return []hostBind{{device, writable}}, ""
	case "overlay", "overlayfs":
		return layers(options), ""
	case "", "none", "tmpfs", "nfs", "nfs4", "cifs", "smb3", "ceph", "9p", "glusterfs":
		return nil, ""
	}
	return nil, kind
}

// layers are the folders that an overlay is made of.
func layers(options []string) []hostBind {
	var binds []hostBind
	for _, o := range options {
		name, value, _ := strings.Cut(strings.TrimSpace(o), "=")
		switch {
		case name == "upperdir" || name == "workdir":
			binds = append(binds, hostBind{value, true})
		case strings.HasPrefix(name, "lowerdir"), strings.HasPrefix(name, "datadir"):
			for _, layer := range strings.Split(value, ":") {
				binds = append(binds, hostBind{layer, false})
			}
		}
	}
	return slices.DeleteFunc(binds, func(b hostBind) bool { return b.source == "" })
}

// judgeVolume is judge for what a volume brings.
func judgeVolume(volume map[string]any, readOnly bool) (fault, access string) {
	for _, value := range section(volume, "driver_opts") {
		if text, _ := value.(string); !filled(text) {
			return hostBind{source: text}.judge()
		}
	}
	binds, mounted := hostBinds(volume)
	given := section(volume, "driver_opts")
	if strings.HasPrefix(strings.ToLower(str(given, "type")), "overlay") && strings.Contains(str(given, "o"), `\`) { // overlayfs takes "\," for a comma in a name
		return "which folders the overlay is made of cannot be told: write its options without a backslash", ""
	}
	for _, b := range binds {
		b.writable = b.writable && !readOnly
		why, gets := b.judge()
		if why != "" {
			return why, ""
		}
		if access == "" {
			access = gets
		}
	}
	if mounted != "" {
		return "", "a file system of the machine's own (type: " + clip(mounted) + ")"
	}
	return "", access
}

func filled(s string) bool { _, ok := fillTemplates(s); return ok }
