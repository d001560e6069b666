package spec

import "strings"

// The characters that names are made of. All checks are whitelists: what is not named here (blanks, line ends, quotes, $, {}, ;)
// reaches no droplet name, tag, label, cloud-init file or PromQL expression.
const (
	lower   = "abcdefghijklmnopqrstuvwxyz"
	upper   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	letters = lower + upper
	digits  = "0123456789"
)

// charset is the set of texts that begin with a character of first (of rest, if first is empty), go on with characters of rest
// and have 1 to max bytes.
type charset struct {
	first, rest string
	max         int
	say         string // completes "must be …"
}

func (c charset) holds(s string) bool {
	if s == "" || len(s) > c.max {
		return false
	}
	if c.first == "" {
		return strings.Trim(s, c.rest) == ""
	}
	return strings.IndexByte(c.first, s[0]) >= 0 && strings.Trim(s[1:], c.rest) == ""
}

// name is for clusters and pools: both become part of host names.
func name(longest int) charset {
	return charset{lower, lower + digits + "-", longest, "a lower-case letter, then lower-case letters, digits and dashes"}
}

// slug is DigitalOcean's kind of identifier for sizes, regions and images: "s-1vcpu-1gb", "so1_5-2vcpu-16gb", "ubuntu-24-04-x64".
func slug() charset {
	return charset{lower + digits, lower + digits + "-_.", 64, "a slug: lower-case letters, digits, dashes"}
}

// serviceName is what Swarm takes for a service and what DNS can carry.
func serviceName() charset {
	return charset{letters + digits, letters + digits + "-_", 63, "letters, digits, dashes and underscores, a letter or digit first"}
}

// objectName is what Compose takes for networks and volumes, and the engine for their names.
func objectName() charset {
	return charset{letters + digits, letters + digits + "._-", 64, "letters, digits, dots, dashes and underscores, a letter or digit first"}
}

// nodeLabel is for the keys of a pool's labels: they are also written into the node label that lists them, between commas.
func nodeLabel() charset {
	return charset{letters + digits, letters + digits + "._/-", 63, "letters, digits, dots, slashes, dashes and underscores"}
}

// nodeLabelValue holds what a placement constraint can compare with.
func nodeLabelValue() charset {
	return charset{"", letters + digits + "._:/@+-", 63, "letters, digits and ._:/@+-"}
}

// labelKey is for labels of services, containers, networks and volumes. Proxies put brackets and colons into theirs.
func labelKey() charset {
	return charset{letters + digits, letters + digits + "._/-[]:@", 255, "letters, digits and ._/-[]:@"}
}

// variableName is what ${…} can name.
func variableName() charset {
	return charset{letters + "_", letters + digits + "_", 64, "letters, digits and underscores, no digit first"}
}

// environmentName is for the names in a container's environment.
func environmentName() charset {
	return charset{letters + "_", letters + digits + "_.-", 255, "letters, digits, underscores, dots and dashes, no digit first"}
}
