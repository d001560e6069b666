package docker

import (
	"strings"

	"github.com/distribution/reference"
)

// splitImage parts a reference into what a person would write, with its tag ("nginx:latest" for "docker.io/library/nginx"), and the digest,
// "" if there is none. The engine's own clients store references so. What does not parse is left as it is.
func splitImage(ref string) (image, digest string) {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		image, digest, _ = strings.Cut(ref, "@")
		return image, digest
	}
	if d, ok := named.(reference.Digested); ok {
		image, _, _ = strings.Cut(reference.FamiliarString(named), "@")
		return image, d.Digest().String()
	}
	return reference.FamiliarString(reference.TagNameOnly(named)), ""
}

// RegistryOf is the host of the registry that an image is in, as Docker reads its reference: "docker.io" where it names none.
func RegistryOf(image string) string {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		host, _, _ := strings.Cut(image, "/")
		return host
	}
	return reference.Domain(named)
}

func joinImage(image, digest string) string {
	if digest == "" {
		return image
	}
	return image + "@" + digest
}
