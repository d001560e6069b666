package docker

import (
	"slices"

	"github.com/docker/docker/api/types/mount"
	api "github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/api/types/versions"
)

// unsupported names the fields of a specification that an engine of this API version would drop without a word (API changelog of the
// engine: jobs 1.41, cluster volumes 1.42, start_interval 1.44, subpath 1.45, oom_score_adj 1.46).
func unsupported(s api.ServiceSpec, version string) []string {
	c := s.TaskTemplate.ContainerSpec
	if c == nil {
		return nil
	}
	var missing []string
	note := func(used bool, since, name string) {
		said := name + " (API " + since + ")"
		if used && versions.LessThan(version, since) && !slices.Contains(missing, said) {
			missing = append(missing, said)
		}
	}
	note(modeOf(s.Mode).Job(), "1.41", "deploy.mode "+string(modeOf(s.Mode)))
	note(c.Healthcheck != nil && c.Healthcheck.StartInterval != 0, "1.44", "healthcheck.start_interval")
	note(c.OomScoreAdj != 0, "1.46", "oom_score_adj")
	for _, m := range c.Mounts {
		note(m.Type == mount.TypeCluster, "1.42", "volumes of type cluster")
		note(m.VolumeOptions != nil && m.VolumeOptions.Subpath != "", "1.45", "volumes.volume.subpath")
	}
	return missing
}
