package explore

import (
	"reflect"
	"strings"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// services compares the cluster's services before and after a call of swarmd's.
func (c *checks) services(was, now *state, t *ticket) {
	if !strings.HasPrefix(t.path, "/services/") {
		return
	}
	c.pruned(was, now)
	c.spared(was, now)
	for _, v := range now.swarm.Services {
		if v.Spec.Labels[swarm.LabelCluster] != c.run.cluster {
			continue
		}
		if old := serviceOf(was, v.ID); old == nil {
			c.pinned(v)
			c.loggedIn(nil, v)
			c.ran(nil, v)
		} else if objectIn(t.path) == v.ID && old.Version.Index != v.Version.Index {
			c.pinned(v)
			c.loggedIn(old, v)
			c.ran(old, v)
			c.pushed(*old, v)
			c.surged(was, *old, v)
			c.superseded(was, *old, v)
		}
	}
}

func serviceOf(s *state, id string) *api.Service {
	for i := range s.swarm.Services {
		if s.swarm.Services[i].ID == id {
			return &s.swarm.Services[i]
		}
	}
	return nil
}

// pinned: what is written names its image by digest, unless the registry could not be asked and the file is content with that.
func (c *checks) pinned(v api.Service) {
	image := v.Spec.TaskTemplate.ContainerSpec.Image
	if !c.unpinned && !strings.Contains(image, "@sha256:") {
		c.run.violate("digest", "service %s has the image %s", v.Spec.Name, image)
	}
}

// pushed: a write changes something, and no specification is rolled out twice for one revision, unless it is put back; an image that dies is not rolled
// out twice at all.
func (c *checks) pushed(old, v api.Service) {
	if reflect.DeepEqual(old.Spec, v.Spec) {
		c.run.violate("single-push", "service %s is written again as it is", v.Spec.Name)
	}
	hash := v.Spec.Labels[swarm.LabelHash]
	if c.isTakenOver(old.Spec.Labels) {
		return // nothing is rolled out, see takenOver
	}
	if old.Spec.Labels[swarm.LabelHash] == hash || isPutBack(v) {
		return
	}
	key := v.ID + " " + hash + " " + v.Spec.Labels[swarm.LabelRevision]
	if c.pushes[key]++; c.pushes[key] > 1 {
		c.run.violate("re-push", "service %s: what revision %s wants was rolled out %d times", v.Spec.Name, v.Spec.Labels[swarm.LabelRevision], c.pushes[key])
	}
	image := c.run.workflow.Image
	if image == "" || !runsImage(v, image) || runsImage(old, image) {
		return
	}
	if c.pushes[v.ID+" "+image]++; c.pushes[v.ID+" "+image] > 1 {
		c.run.violate("re-push", "service %s: %s was rolled out before, and taken back", v.Spec.Name, image)
	}
}

func runsImage(v api.Service, image string) bool {
	return strings.HasPrefix(v.Spec.TaskTemplate.ContainerSpec.Image, image)
}
