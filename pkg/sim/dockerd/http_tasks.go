package dockerd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/filters"
	api "github.com/docker/docker/api/types/swarm"
)

// taskName is how swarmkit names a task: service, slot or node, id.
func taskName(t *task) string {
	if t.Slot == 0 {
		return fmt.Sprintf("%s.%s.%s", t.serviceName, t.NodeID, t.ID)
	}
	return fmt.Sprintf("%s.%d.%s", t.serviceName, t.Slot, t.ID)
}

// shownTask is a task without the field that only later engines know.
type shownTask struct {
	*api.Task
	Volumes *struct{} `json:",omitempty"`
}

// show is a task as the release shows it, good until the world is left.
func (d *dialect) show(t *task) any {
	if d.taskVolumes {
		return &t.Task
	}
	return shownTask{Task: &t.Task}
}

func listTasks(c *call) (answer, error) {
	args, err := c.filters("name", "id", "label", "service", "node", "desired-state", "_up-to-date", "runtime")
	if err != nil {
		return answer{}, err
	}
	for _, s := range args.Get("desired-state") {
		if s != "" && rank(api.TaskState(strings.ToLower(s))) < 0 {
			return answer{}, &apiError{500, "Invalid desired-state filter: '" + s + "'"}
		}
	}
	if err := c.resolveTaskFilters(&args); err != nil {
		return answer{}, err
	}
	found := []*task{}
	for _, t := range c.cluster.ordered {
		if c.cluster.passes(t, args) {
			found = append(found, t)
		}
	}
	slices.SortFunc(found, func(a, b *task) int { return compareText(a.ID, b.ID) })
	out := make([]any, len(found))
	for i, t := range found {
		out[i] = c.engine.world.dialect.show(t)
	}
	return list(c, out, func(i int) (string, *api.Meta, string) { return found[i].ID, &found[i].Meta, "" })
}

// resolveTaskFilters turns names of services and nodes into ids; one that does not exist is an error.
func (c *call) resolveTaskFilters(args *filters.Args) error {
	for _, ref := range args.Get("service") {
		s, err := c.cluster.findService(ref)
		if err != nil {
			return err
		}
		args.Del("service", ref)
		args.Add("service", s.ID)
	}
	for _, ref := range args.Get("node") {
		n, err := c.cluster.findNode(ref)
		if err != nil {
			return err
		}
		args.Del("node", ref)
		args.Add("node", n.ID)
	}
	return nil
}

func (c *cluster) passes(t *task, args filters.Args) bool {
	if len(args.Get("_up-to-date")) > 0 {
		if s := c.services[t.ServiceID]; s == nil || c.dirty(s, t) {
			return false
		}
	}
	return hasPrefixOf(args, "name", taskName(t)) && hasPrefixOf(args, "id", t.ID) && hasLabels(args, "label", t.labels) &&
		oneOf(args, "service", t.ServiceID) && oneOf(args, "node", t.NodeID) &&
		oneOf(args, "desired-state", string(t.DesiredState)) && oneOf(args, "runtime", string(api.RuntimeContainer))
}

func inspectTask(c *call) (answer, error) {
	t, err := c.cluster.findTask(c.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	return ok(c.engine.world.dialect.show(t))
}

// findTask resolves an id, or else a name or a prefix of an id.
func (c *cluster) findTask(ref string) (*task, error) {
	if t := c.tasks[ref]; t != nil {
		return t, nil
	}
	return one("task", ref, slices.DeleteFunc(slices.Clone(c.ordered), func(t *task) bool {
		return taskName(t) != ref && !strings.HasPrefix(t.ID, ref)
	}))
}

// killContainer kills the container of one of the machine's own tasks. There are no others.
func killContainer(c *call) (answer, error) {
	ref := c.PathValue("id")
	if cluster := c.engine.cluster; cluster != nil {
		for _, t := range cluster.ordered {
			if t.NodeID != c.engine.nodeID || t.Status.ContainerStatus == nil || t.Status.ContainerStatus.ContainerID != ref {
				continue
			}
			if t.Status.State != api.TaskStateRunning {
				return answer{}, &apiError{409, "cannot kill container: " + ref + ": container " + ref + " is not running"}
			}
			cluster.kill(t)
			return noContent()
		}
	}
	return answer{}, &apiError{404, "No such container: " + ref}
}
