package preflight

import (
	"fmt"
	"strings"

	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

// engineOf is the engine that a machine of an image gets: its release, and the version of its API. Where the first boot installs Debian's
// docker.io, it is the one of that Debian for its whole life. Other images bring their own or follow newer ones, and nothing is known of them.
func engineOf(image string) (release, api string, known bool) {
	for _, e := range []struct{ image, release, api string }{
		{"debian-11-", "20.10", "1.41"},
		{"debian-12-", "20.10", "1.41"},
		{"debian-13-", "26.1", "1.45"},
	} {
		if strings.HasPrefix(image, e.image) {
			return e.release, e.api, true
		}
	}
	return "", "", false
}

// engines warns of what services have that the engines of the pools' images are too old to know: they drop it without a word, or refuse it.
func (j *judgement) engines() {
	stack, err := docker.ConvertFile(&j.spec.Spec, j.spec.Stack, j.spec.Composed)
	if err != nil {
		return // told elsewhere
	}
	for _, p := range j.spec.Pools {
		release, api, known := engineOf(p.Image)
		if !known || p.Count == 0 {
			continue
		}
		lines, err := docker.UnknownTo(api, stack)
		if err != nil {
			return
		}
		for _, line := range lines {
			j.sayOf(true, fmt.Sprintf("machines of pool %s get Docker %s with the image %s: %s", p.Name, release, p.Image, line), "", j.where(p, "image")...)
		}
	}
}
