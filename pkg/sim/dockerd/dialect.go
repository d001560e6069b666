package dockerd

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
)

// Release names the engine that a simulated one speaks as. The zero value is DefaultRelease.
type Release string

// The releases that were looked at, each in Debian's build.
const (
	Release20 Release = "20.10"
	Release26 Release = "26.1"
	Release28 Release = "28.5"
)

// DefaultRelease is what an engine speaks as when nobody asks for another.
const DefaultRelease = Release28

// Releases are all there are, the oldest first.
func Releases() []Release { return []Release{Release20, Release26, Release28} }

// ParseRelease finds the release with this name. "" is DefaultRelease. The error names the choices.
func ParseRelease(name string) (Release, error) {
	if name == "" {
		return DefaultRelease, nil
	}
	var names []string
	for _, r := range Releases() {
		if string(r) == name {
			return r, nil
		}
		names = append(names, string(r))
	}
	return "", fmt.Errorf("no engine %q is simulated; name one of %s", name, strings.Join(names, ", "))
}

// Version is what engines of the release say that they are, as in "28.5.2+dfsg4".
func (r Release) Version() string { return r.dialect().version }

// API returns the highest and the lowest version of the API that the release speaks.
func (r Release) API() (highest, lowest string) { return r.dialect().api, r.dialect().minAPI }

// dialect is everything in which the releases differ: what is not here, all of them do alike. Each value was seen on a real engine.
type dialect struct {
	version string // of the engine, in Debian's build
	api     string // the highest version of the API
	minAPI  string // the lowest
	commit  string // "" where nobody looked, like the two below
	golang  string
	built   string

	takesNoBody     bool   // a body of no length is an object without fields
	oldInJSON       bool   // clients of before API 1.24 are refused in JSON, too, as all others are; otherwise in plain text
	jsonFault       string // what stands before the decoder's own words
	zeroSwarm       bool   // what an update of the swarm leaves out becomes zero; otherwise the default
	diesOfPlacement bool   // see panic.go
	taskVolumes     bool   // a task has the field Volumes
	clusterVolumes  bool   // a mount may be of the type cluster
	unknownKey      string // of a filter; a format with the key
	badFilters      error  // nil: the decoder's own words, as an error that nobody expected
	badSubnet       apiError
	fromWorker      error // an overlay network is asked of a worker
	fromOutsider    error // the same of an engine in no swarm

	headers http.Header // of every answer; they are shared
}

// dialects has a row for each release.
var dialects = map[Release]*dialect{
	Release20: headed(dialect{
		version: "20.10.24+dfsg1", api: "1.41", minAPI: "1.12", commit: "5d6db84", golang: "go1.19.8", built: "2023-04-04T18:23:15.000000000+00:00",
		unknownKey: "Invalid filter '%s'",
		badSubnet:  apiError{http.StatusInternalServerError, "Invalid subnet %[1]s : invalid CIDR address: %[1]s"},
		fromWorker: &apiError{http.StatusForbidden, "Cannot create a multi-host network from a worker node. " +
			"Please create the network from a manager node."},
		fromOutsider: &apiError{http.StatusInternalServerError, errNotInSwarm.Error()},
	}),
	Release26: since26(dialect{version: "26.1.5+dfsg1", api: "1.45", oldInJSON: true}),
	Release28: since26(dialect{version: "28.5.2+dfsg4", api: "1.51"}),
}

// since26 adds what 26.1 and 28.5 have in common.
func since26(d dialect) *dialect {
	d.minAPI = "1.24"
	d.takesNoBody, d.zeroSwarm, d.taskVolumes, d.clusterVolumes, d.diesOfPlacement = true, true, true, true, true
	d.jsonFault = "invalid JSON: "
	d.unknownKey = "invalid filter '%s'"
	d.badFilters = badRequest("invalid filter")
	d.badSubnet = apiError{http.StatusBadRequest, "invalid network config:\ninvalid subnet %s: invalid CIDR block notation"}
	d.fromOutsider = &apiError{http.StatusForbidden, errNotInSwarm.Error()}
	d.fromWorker = d.fromOutsider // on a worker too it speaks of an engine in no swarm
	return headed(d)
}

// headed adds the headers of every answer.
func headed(d dialect) *dialect {
	d.headers = http.Header{"Api-Version": {d.api}, "Docker-Experimental": {"false"}, "Ostype": {"linux"}, "Server": {"Docker/" + d.version + " (linux)"}}
	return &d
}

// dialect of the release. Whoever has a name from outside asks ParseRelease first.
func (r Release) dialect() *dialect {
	d := dialects[cmp.Or(r, DefaultRelease)]
	if d == nil {
		panic("dockerd: no release " + string(r))
	}
	return d
}
