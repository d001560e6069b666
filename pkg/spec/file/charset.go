package file

import (
	"fmt"
	"strings"
)

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

// wants says what is wrong with a text that does not hold: one that is only too long is told so.
func (c charset) wants(s string) string {
	if fits := (charset{c.first, c.rest, len(s), c.say}); len(s) > c.max && fits.holds(s) {
		return fmt.Sprintf("must have at most %d characters, not %d", c.max, len(s))
	}
	return fmt.Sprintf("must be %s; at most %d characters", c.say, c.max)
}

// name is for clusters and pools: both become part of host names.
func name(longest int) charset {
	return charset{lower, lower + digits + "-", longest, "a lower-case letter, then lower-case letters, digits and dashes"}
}

// slug is DigitalOcean's kind of identifier for sizes, regions and images: "s-1vcpu-1gb", "so1_5-2vcpu-16gb", "ubuntu-24-04-x64".
func slug() charset {
	return charset{lower + digits, lower + digits + "-_.", 64, "a slug: lower-case letters, digits, dashes"}
}

// stackName is what the names of a stack's objects begin with.
func stackName() charset {
	return charset{letters + digits, letters + digits + "-_", 40, "letters, digits, dashes and underscores, a letter or digit first"}
}

// swarmName is what Swarm takes for a service and for a network: a component of a DNS name.
func swarmName() charset {
	return charset{letters + digits, letters + digits + "-_", 63, "letters, digits, dashes and underscores, a letter or digit first and last"}
}

// isSwarmName reports whether Swarm takes the name (swarmkit, controlapi: isValidDNSName and 63 characters).
func isSwarmName(s string) bool {
	return swarmName().holds(s) && strings.IndexByte(letters+digits, s[len(s)-1]) >= 0
}

// objectName is what Compose takes for networks and volumes, and the engine for their names.
func objectName() charset {
	return charset{letters + digits, letters + digits + "._-", 64, "letters, digits, dots, dashes and underscores, a letter or digit first"}
}

// nodeLabel is for the keys of a pool's labels: they are also written into the node label that lists them, between commas.
func nodeLabel() charset {
	return charset{letters + digits, letters + digits + "._/-", 63, "letters, digits, dots, slashes, dashes and underscores"}
}

// constraintLabel is what a placement constraint can name of a label's key (swarmkit, constraint: alphaNumeric).
func constraintLabel() charset {
	return charset{"", letters + digits + "._-", 255, "letters, digits, dots, dashes and underscores"}
}

// constraintValue is what a placement constraint can compare with (swarmkit, constraint: valuePattern).
func constraintValue() charset {
	return charset{"", letters + digits + ":-_.*()?+[]\\^$|/ ", 255, "letters, digits and :-_.*()?+[]\\^$|/"}
}

// nodeLabelValue is for the values of a pool's labels.
func nodeLabelValue() charset {
	return charset{"", letters + digits + "._:/@+-", 63, "letters, digits and ._:/@+-"}
}

// labelName is for labels of services, containers, networks and volumes. The engine takes any; proxies use most of what a keyboard has.
func labelName() charset {
	const marks = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
	return charset{letters + digits + marks, letters + digits + marks + " ", 255, "letters, digits, blanks and ASCII punctuation, no blank first"}
}

// optionKey is for options of drivers and loggers, and for sysctls.
func optionKey() charset {
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
