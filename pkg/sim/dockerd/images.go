package dockerd

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	api "github.com/docker/docker/api/types/swarm"
)

// Image is how a reference behaves when it is pulled and run. The zero Image runs well, and its digest derives from its name.
type Image struct {
	Digest     string         // "sha256:…" of the manifest; "" derives one from the name
	Platforms  []api.Platform // that it is made for, in the words of images; nil: linux/amd64
	Missing    bool           // neither registry nor machine has it: tasks are rejected, a digest cannot be resolved
	PullTime   time.Duration  // on top of Options.TaskPrepare
	CrashAfter time.Duration  // a container of it exits with code 1 so long after its start; 0 never
	DoneAfter  time.Duration  // the same, with code 0
	SickAfter  time.Duration  // its health check fails so long after its start, and never succeeds: it never runs, and heeds the signal that stops it
	Stays      bool           // one of a job does not end by itself either
}

// SetImage says how a reference ("name", "name:tag", with or without a registry) behaves from now on, by whatever digest it is run. With a digest
// ("name:tag@sha256:…") it says so of that manifest alone.
func (s *Swarm) SetImage(ref string, i Image) {
	s.lockForChange()
	defer s.unlock()
	s.images[manifestName(ref)] = i
}

// image returns the behaviour of a reference. Every reference that was not set is an image that runs well.
func (s *Swarm) image(ref string) Image {
	if len(s.images) == 0 {
		return Image{}
	}
	if i, set := s.images[manifestName(ref)]; set {
		return i
	}
	return s.images[imageName(ref)]
}

// manifestName is imageName with the reference's digest, if it has one.
func manifestName(ref string) string {
	name := imageName(ref)
	if _, digest, named := strings.Cut(ref, "@"); named {
		name += "@" + digest
	}
	return name
}

// digestOf is what the registry says is the reference's digest: the one that the reference names, the image's, or one that derives from the name.
func digestOf(ref string, i Image) string {
	if _, named, ok := strings.Cut(ref, "@"); ok {
		return named
	}
	if i.Digest != "" {
		return i.Digest
	}
	sum := sha256.Sum256([]byte("manifest of " + imageName(ref)))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// platformsOf is what the registry says the image is made for. It never says nothing: of an image for one platform it looks into its configuration.
func platformsOf(i Image) []map[string]string {
	if i.Platforms == nil {
		i.Platforms = []api.Platform{{Architecture: "amd64", OS: "linux"}}
	}
	out := []map[string]string{}
	for _, p := range i.Platforms {
		out = append(out, map[string]string{"architecture": p.Architecture, "os": p.OS})
	}
	return out
}

// imageName is a reference without digest and without what Docker Hub's names imply, and with a tag.
func imageName(ref string) string {
	name, _, _ := strings.Cut(ref, "@")
	name = strings.TrimPrefix(strings.TrimPrefix(name, "docker.io/"), "library/")
	if last := name[strings.LastIndex(name, "/")+1:]; !strings.Contains(last, ":") {
		name += ":latest"
	}
	return name
}
