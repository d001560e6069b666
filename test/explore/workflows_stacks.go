package explore

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/spec"
	specfile "github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// stackWorkflows have several stacks in a file.
func stackWorkflows() []Workflow {
	shop, blog := []string{"web", "api", "queue"}, []string{"app"}
	moved := stacks(map[string][]string{"shop": shop[:2], "blog": {"app", "queue"}})
	return []Workflow{
		{Name: "stacks", Sparse: 6, About: "two stacks share a network: a service moves to the other one and back, and the line of one is lost, which a person then confirms",
			Start: stacks(map[string][]string{"shop": shop, "blog": blog}),
			Play: func(r *run) {
				r.edit(moved)
				r.converge("moved", convergeWithin)
				r.edit(r.workflow.Start)
				r.converge("moved back", convergeWithin)
				r.edit(stacks(map[string][]string{"shop": shop}))
				r.wait(20 * time.Second)
				r.confirm()
			}},
	}
}

// stacks is a file with stacks of these services, all in one network.
func stacks(of map[string][]string) file {
	var lines, texts strings.Builder
	for _, name := range slices.Sorted(maps.Keys(of)) {
		text := "networks: { public: { external: true } }\nservices:\n"
		for _, svc := range of[name] {
			text += fmt.Sprintf("  %s: { image: \"nginx:1.27\", networks: [public] }\n", svc)
		}
		fmt.Fprintf(&lines, "  %s: %s.yaml\n", name, name)
		fmt.Fprintf(&texts, "  %s.yaml: [%q]\n", name, text)
	}
	return file{managers: 1, objects: "networks: { public: { shared: true } }\nstacks:\n" + lines.String() + "x-swarmd-files:\n" + texts.String()}
}

// composedDiffer says which service of the file's stacks is not as their Compose files say, and adds those that are wanted.
func (r *run) composedDiffer(s *state, want *specfile.Document, back bool, wanted map[string]bool) string {
	for _, stack := range slices.Sorted(maps.Keys(want.Composed)) {
		for _, svc := range want.Composed[stack].Services {
			name := stack + "_" + svc.Name
			wanted[name] = true
			if why := r.serviceDiffers(s, name, svc.Image, svc.Deploy.Replicas, back); why != "" {
				return why
			}
		}
	}
	for name, n := range want.Stack.Networks {
		shared := func(o object) bool { return o.Name == name }
		if n.Extras[spec.SharedKey] == true && !slices.ContainsFunc(r.person().list("/networks"), shared) {
			return "there is no network " + name
		}
	}
	return ""
}

// losesStacks: the last service of a stack does not go while others stay, unless somebody has confirmed that.
func (c *checks) losesStacks(was, now *state) {
	left := map[string]int{}
	for _, v := range now.swarm.Services {
		if v.Spec.Labels[swarm.LabelCluster] == c.run.cluster && v.Spec.Labels[swarm.LabelComponent] == "" {
			left[swarm.StackOf(v.Spec.Labels)]++
		}
	}
	for _, v := range was.swarm.Services {
		stack := swarm.StackOf(v.Spec.Labels)
		if v.Spec.Labels[swarm.LabelCluster] == c.run.cluster && left[stack] == 0 && len(left) > 0 && was.ledger.Confirmed != was.ledger.Revision {
			c.run.violate("prune", "revision %d: the stack %s is removed, and nobody has confirmed that", was.ledger.Revision, stack)
		}
	}
}
