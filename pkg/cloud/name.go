package cloud

import "strings"

// nameLetters is how many letters of its operation's id end a droplet's name.
const nameLetters = 5

// DropletName is the name of the droplet that an operation makes for a pool of the cluster: CLUSTER-POOL-xxxxx, with the first letters of the
// operation's id. An id that is too short for that names nothing: "".
func DropletName(cluster, pool, opID string) string {
	if len(opID) < nameLetters {
		return ""
	}
	return cluster + "-" + pool + "-" + opID[:nameLetters]
}

// ParseDropletName returns the pool of a name that DropletName gave for the cluster and the operation, "" if it gave another one.
func ParseDropletName(cluster, name, opID string) (pool string) {
	if len(opID) < nameLetters {
		return ""
	}
	rest, ok := strings.CutPrefix(name, cluster+"-")
	if !ok {
		return ""
	}
	if pool, ok = strings.CutSuffix(rest, "-"+opID[:nameLetters]); !ok {
		return ""
	}
	return pool
}
