package explore

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/reconcile"
	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	specfile "github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// takeOverWorkflows have a stack that somebody has deployed without swarmd.
func takeOverWorkflows() []Workflow {
	roll := ", update_config: { parallelism: 1, monitor: 1s, order: start-first, failure_action: rollback }"
	with := func(image string, config string) file {
		return file{managers: 1, services: fmt.Sprintf("  app: { image: %q, configs: [{ source: site, target: /etc/site.conf }], secrets: [token], deploy: { replicas: 2%s } }\n", image, roll) +
			service("queue", "redis:7", 1, roll),
			objects: fmt.Sprintf("configs: { site: { content: %q } }\nsecrets: { token: { file: /etc/swarmd/secrets/token } }\n", config)}
	}
	return []Workflow{
		{Name: "take-over", Sparse: 4, Adopts: true, Start: file{managers: 1},
			About: "a stack that somebody has deployed is taken over by a file with another image and the same config and secret; then it is deployed once more past swarmd, and edited",
			Play: func(r *run) {
				r.person().deploy(with("nginx:1.27", "version 1"))
				r.edit(with("nginx:1.28", "version 1"))
				r.wait(20 * time.Second)
				r.person().redeploy()
				r.wait(20 * time.Second)
				r.edit(with("nginx:1.28", "version 2"))
			}},
	}
}

// deploy makes a stack, as docker stack deploy does: no label of ours, and names without a hash.
func (p *person) deploy(f file) {
	if p.run.broken {
		return
	}
	read := p.run.explorer.read("deployed.yaml", f.yaml(p.run.cluster))
	if read.err != nil || read.fault != nil {
		p.run.violate("harness", "deploy: %v, %v", read.err, read.fault)
		return
	}
	ids := map[string]string{} // of configs and secrets, by the name that a file of ours gives them
	for _, n := range read.stack.Networks {
		var body map[string]any
		p.decode(n.Raw, &body)
		body["Name"], body["Labels"] = n.Name, foreignLabels(n.Labels)
		p.create("/networks/create", body)
	}
	for _, c := range read.stack.Configs {
		ids[c.Name] = p.create("/configs/create", api.ConfigSpec{Annotations: api.Annotations{Name: c.Of, Labels: foreignLabels(c.Labels)}, Data: c.Data})
	}
	for _, s := range read.stack.Secrets {
		value := []byte(p.run.secret.Load().(string))
		ids[s.Of] = p.create("/secrets/create", api.SecretSpec{Annotations: api.Annotations{Name: s.Of, Labels: foreignLabels(s.Labels)}, Data: value})
	}
	for _, s := range read.stack.Services {
		var spec api.ServiceSpec
		p.decode(s.Base.Raw(), &spec)
		spec.Labels = foreignLabels(spec.Labels)
		box := spec.TaskTemplate.ContainerSpec
		box.Image += "@" + p.digest(box.Image)
		for _, ref := range box.Configs {
			ref.ConfigID, ref.ConfigName = ids[ref.ConfigName], ref.ConfigName[:strings.LastIndexByte(ref.ConfigName, '-')]
		}
		for _, ref := range box.Secrets {
			ref.SecretID = ids[ref.SecretName]
		}
		p.create("/services/create", spec)
	}
	p.run.wait(5 * time.Second) // its tasks come up
	p.run.faults.last = time.Now()
	p.run.scheduler.remark("a person deploys a stack")
}

func (p *person) decode(text []byte, to any) {
	if err := json.Unmarshal(text, to); err != nil {
		p.run.violate("harness", "deploy: %v", err)
	}
}

// create makes an object and returns its id. While no manager answers a person tries again.
func (p *person) create(path string, body any) string {
	var made struct{ ID string }
	var err error
	for range 60 {
		if err = p.run.world.Ask(http.MethodPost, path, body, &made); err == nil || p.run.broken {
			return made.ID
		}
		p.run.wait(tick)
	}
	p.run.violate("harness", "deploy: %s: %v", path, err)
	return ""
}

// digest is what the registry says of an image.
func (p *person) digest(image string) string {
	var said struct{ Descriptor struct{ Digest string } }
	if err := p.run.world.Ask(http.MethodGet, "/distribution/"+image+"/json", nil, &said); err != nil {
		return "sha256:" + strings.Repeat("0", 64)
	}
	return said.Descriptor.Digest
}

// foreignLabels are labels without ours.
func foreignLabels(labels map[string]string) map[string]string {
	out := maps.Clone(labels)
	maps.DeleteFunc(out, func(k, _ string) bool { return strings.HasPrefix(k, "swarmd.") })
	return out
}

// redeploy takes our labels off the stack, as every docker stack deploy does that comes later.
func (p *person) redeploy() {
	for _, kind := range []string{"services", "configs", "secrets"} {
		for _, o := range p.list("/" + kind) {
			labels, _ := o.Spec["Labels"].(map[string]any)
			of, version := labels[swarm.LabelVersionOf]
			if labels[swarm.LabelNamespace] != p.run.cluster || labels[swarm.LabelCluster] == nil || version && of != o.Spec["Name"] {
				continue // the stack's file knows none of the versions
			}
			maps.DeleteFunc(labels, func(k string, _ any) bool { return strings.HasPrefix(k, "swarmd.") })
			if kind != "services" {
				delete(o.Spec, "Data")
			}
			p.update(kind, o)
		}
	}
	p.run.faults.last = time.Now()
}

// isTakenOver reports whether what has these labels may be taken over.
func (c *checks) isTakenOver(labels map[string]string) bool {
	return c.run.workflow.Adopts && labels[swarm.LabelNamespace] == c.run.cluster && labels[swarm.LabelCluster] == ""
}

// takenOver: what becomes the cluster's stays what it was but for our labels, so that no task restarts, and no config or secret is made whose content a
// taken one has.
func (c *checks) takenOver(was, now *state) {
	if !c.run.workflow.Adopts {
		return
	}
	for _, v := range now.swarm.Services {
		old := serviceOf(was, v.ID)
		if old == nil || old.Spec.Labels[swarm.LabelCluster] != "" || v.Spec.Labels[swarm.LabelCluster] == "" {
			continue
		}
		if v.JobStatus != nil {
			continue // it gets them with an edit, see ran
		}
		before, after := old.Spec, v.Spec
		before.Labels, after.Labels = foreignLabels(before.Labels), foreignLabels(after.Labels)
		if !reflect.DeepEqual(before, after) {
			c.run.violate("take-over", "service %s is taken over, and more than our labels is written", v.Spec.Name)
		}
	}
	for _, k := range now.swarm.Secrets {
		twin := func(o api.Secret) bool {
			return o.ID != k.ID && slices.Equal(o.Spec.Data, k.Spec.Data) && o.Spec.Name == k.Spec.Labels[swarm.LabelVersionOf]
		}
		made := !slices.ContainsFunc(was.swarm.Secrets, func(o api.Secret) bool { return o.ID == k.ID })
		if made && slices.ContainsFunc(was.swarm.Secrets, twin) {
			c.run.violate("re-made", "the secret %s is made, and %s has its value", k.Spec.Name, k.Spec.Labels[swarm.LabelVersionOf])
		}
	}
	for _, k := range now.swarm.Configs {
		twin := func(o api.Config) bool {
			return o.ID != k.ID && slices.Equal(o.Spec.Data, k.Spec.Data) && o.Spec.Name == k.Spec.Labels[swarm.LabelVersionOf]
		}
		made := !slices.ContainsFunc(was.swarm.Configs, func(o api.Config) bool { return o.ID == k.ID })
		if made && slices.ContainsFunc(was.swarm.Configs, twin) {
			c.run.violate("re-made", "the config %s is made, and %s has its content", k.Spec.Name, k.Spec.Labels[swarm.LabelVersionOf])
		}
	}
}

// adopting has the file of a workflow take the cluster's stack over.
func (r *run) adopting(convert func(*specfile.Document) (swarm.Stack, error)) func(*specfile.Document) (swarm.Stack, error) {
	if !r.workflow.Adopts {
		return convert
	}
	return func(d *specfile.Document) (swarm.Stack, error) {
		s, err := convert(d)
		s.Adopt = []string{s.Namespace}
		return s, err
	}
}

// differing finds no secret equal.
type differing struct{ execute.Objects }

func (d differing) SecretIs(context.Context, string, string, map[string]string, []byte) (bool, error) {
	return false, nil
}

// takeOverMutants take over wrongly.
func takeOverMutants() []Mutant {
	return []Mutant{
		planned("writes-the-file-over-it", "F1: the file's specification, written over what runs at once, restarts every task before anybody has seen what differs", func(in plan.Input, p *plan.Plan) {
			for i, s := range p.Steps {
				if a, ok := s.Action.(plan.TakeService); ok {
					if want := in.Stack.Named(a.Name); want != nil && len(want.Configs)+len(want.Secrets) == 0 {
						p.Steps[i].Action = plan.UpdateService{ID: a.ID, Version: a.Version, Spec: *want}
					}
				}
			}
		}),
		configured("re-makes-the-secret", "F1: a secret's value cannot be read back, so each was made once more, and every task restarted", func(c *reconcile.Config) {
			c.Execute.Objects = differing{c.Execute.Objects}
		}),
	}
}
