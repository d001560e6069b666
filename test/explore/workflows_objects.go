package explore

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	api "github.com/docker/docker/api/types/swarm"
	"go.uber.org/zap"

	"github.com/swarmd/swarmd/pkg/reconcile"
	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/spec"
	specfile "github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// What the secret's values begin with, and the first of them.
const (
	secretMark  = "correct-horse-battery-staple-"
	firstSecret = secretMark + "1"
)

// mostVersions of a config or a secret stay at the end, and one more that the engine may go back to.
const mostVersions = 3

// objectWorkflows change what is in configs and secrets.
func objectWorkflows() []Workflow {
	roll := ", update_config: { parallelism: 1, monitor: 1s, order: start-first, failure_action: rollback }"
	with := func(of, top string) file {
		return file{managers: 1, services: fmt.Sprintf("  app: { image: \"nginx:1.27\", %s, deploy: { replicas: 2%s } }\n", of, roll), objects: top}
	}
	config := func(n int) file {
		return with("configs: [{ source: site, target: /etc/site.conf }]", fmt.Sprintf("configs: { site: { content: \"version %d\" } }\n", n))
	}
	secret := with("secrets: [token]", "secrets: { token: { file: /etc/swarmd/secrets/token } }\n")
	rotate := func(r *run, n int) {
		r.secret.Store(fmt.Sprint(secretMark, n))
		r.faults.last = time.Now()
	}
	return append([]Workflow{
		{Name: "config-edit", Sparse: 4, About: "a config gets another content again and again: the service follows, and the first one goes", Start: config(1),
			Play: func(r *run) {
				for n := range 3 {
					r.edit(config(n + 2))
					r.wait(10 * time.Second)
				}
			}},
		{Name: "config-taken-away", Sparse: 4, About: "the file has a config no more", Start: config(1), Play: edits(file{managers: 1, services: service("app", "nginx:1.27", 2, roll)})},
		{Name: "secret-rotated", Sparse: 4, About: "the file of a secret beside swarmd gets another value: the service follows", Start: secret,
			Play: func(r *run) {
				for n := range 3 {
					rotate(r, n+2)
					r.wait(20 * time.Second)
				}
			}},
		{Name: "first-secret", Sparse: 3, About: "a service with a secret: the cluster's key, then the secret, then the service", Start: file{managers: 1}, Play: edits(secret)},
	}, slices.Concat(sealedWorkflows(roll), variablesWorkflows(roll))...)
}

// referredIDs are the ids of the configs and secrets that a specification refers to.
func referredIDs(s *api.ServiceSpec) (ids []string) {
	if s == nil || s.TaskTemplate.ContainerSpec == nil {
		return nil
	}
	for _, r := range s.TaskTemplate.ContainerSpec.Configs {
		ids = append(ids, r.ConfigID)
	}
	for _, r := range s.TaskTemplate.ContainerSpec.Secrets {
		ids = append(ids, r.SecretID)
	}
	return ids
}

// stored are the configs and secrets that are there, with their labels, by id.
func (s *state) stored() map[string]api.Annotations {
	out := map[string]api.Annotations{}
	for _, c := range s.swarm.Configs {
		out[c.ID] = c.Spec.Annotations
	}
	for _, c := range s.swarm.Secrets {
		out[c.ID] = c.Spec.Annotations
	}
	return out
}

// objects: what is removed is a version of the cluster's, and no service refers to it, or goes back to what does.
func (c *checks) objects(was, now *state, t *ticket) {
	if !strings.HasPrefix(t.path, "/configs/") && !strings.HasPrefix(t.path, "/secrets/") || t.method != "DELETE" {
		return
	}
	left := now.stored()
	for id, gone := range was.stored() {
		if _, stays := left[id]; stays || strings.HasPrefix(gone.Name, "swarmd.") {
			continue
		}
		if gone.Labels[swarm.LabelCluster] != c.run.cluster || gone.Labels[swarm.LabelVersionOf] == "" {
			c.run.violate("foreign", "%s was removed, which is not the cluster's", gone.Name)
		}
		for _, v := range was.swarm.Services {
			if slices.Contains(referredIDs(&v.Spec), id) || slices.Contains(referredIDs(v.PreviousSpec), id) {
				c.run.violate("dangling", "%s was removed, and service %s refers to it, or goes back to what does", gone.Name, v.Spec.Name)
			}
		}
	}
}

// untold: a secret's value is in the engine's store of secrets, and nowhere else.
func (c *checks) untold(s *state, told ...string) {
	for _, k := range s.swarm.Configs {
		told = append(told, string(k.Spec.Data), fmt.Sprint(k.Spec.Labels))
	}
	for _, k := range s.swarm.Secrets {
		told = append(told, k.Spec.Name, fmt.Sprint(k.Spec.Labels))
	}
	for _, v := range s.swarm.Services {
		told = append(told, fmt.Sprint(v.Spec.Labels), fmt.Sprintf("%+v", c.withoutPassword(v)))
	}
	coded := base64.StdEncoding.EncodeToString([]byte(secretMark))
	for _, text := range told {
		if strings.Contains(text, secretMark) || strings.Contains(text, coded[:len(coded)-4]) {
			c.run.violate("secret", "a secret's value is in %.80s", text)
			return
		}
	}
}

// objectsDiffer says what of the configs and secrets is not as the file says: what tasks read, and how many versions are left.
func (r *run) objectsDiffer(s *state, want *specfile.Document, back bool) string {
	versions := map[string]int{}
	for _, o := range s.stored() {
		if of := o.Labels[swarm.LabelVersionOf]; of != "" {
			versions[of]++
		}
	}
	for of, n := range versions {
		if n > mostVersions {
			return fmt.Sprintf("%d versions of %s are left", n, of)
		}
	}
	if back {
		return "" // what the engine went back to reads what it read before
	}
	for key, c := range want.Stack.Configs {
		content, _ := c.Extras[spec.ContentKey].(string)
		if !slices.ContainsFunc(s.swarm.Configs, func(k api.Config) bool { return string(k.Spec.Data) == content && s.isRead(k.ID) }) {
			return "no service reads the content of the config " + key
		}
	}
	value := r.secret.Load().(string)
	for key := range want.Stack.Secrets {
		if !slices.ContainsFunc(s.swarm.Secrets, func(k api.Secret) bool { return string(k.Spec.Data) == value && s.isRead(k.ID) }) {
			return "no service reads the value of the secret " + key
		}
	}
	return ""
}

func (s *state) isRead(id string) bool {
	return slices.ContainsFunc(s.swarm.Services, func(v api.Service) bool { return slices.Contains(referredIDs(&v.Spec), id) })
}

// labelling makes secrets whose labels say what is in them.
type labelling struct{ execute.Objects }

func (l labelling) CreateSecret(ctx context.Context, name string, labels map[string]string, data []byte) (string, error) {
	with := map[string]string{"value": string(data)}
	for k, v := range labels {
		with[k] = v
	}
	return l.Objects.CreateSecret(ctx, name, with, data)
}

// objectMutants handle configs and secrets wrongly.
func objectMutants() []Mutant {
	return append(sealedMutants(), []Mutant{
		planned("drops-what-is-gone-back-to", "F2: what the specification before refers to was removed, and the roll-back could not start", func(in plan.Input, p *plan.Plan) {
			for _, v := range in.World.Services {
				for _, c := range in.World.Configs {
					if slices.Contains(v.Keeps, c.Name) && !slices.Contains(v.Spec.Configs, c.Name) {
						p.Steps = addStep(p.Steps, "remove-config/"+c.Name, plan.RemoveConfig{ID: c.ID, Name: c.Name})
					}
				}
			}
		}),
		planned("keeps-every-version", "swarm-cd never deletes: the store grows with each edit", dropSteps(func(a plan.Action) bool {
			_, config := a.(plan.RemoveConfig)
			_, secret := a.(plan.RemoveSecret)
			return config || secret
		})),
		planner("one-name-for-every-content", "the config of the old content is taken for the new one: the service does not follow", func(in *plan.Input) {
			in.Stack.Configs = slices.Clone(in.Stack.Configs)
			in.Stack.Services = slices.Clone(in.Stack.Services)
			for i := range in.Stack.Services {
				for _, live := range in.World.Services {
					if live.Spec.Name == in.Stack.Services[i].Name && len(live.Spec.Configs) > 0 {
						in.Stack.Services[i] = live.Spec
					}
				}
			}
		}),
		configured("tells-the-secret", "a debug line with what was read", func(c *reconcile.Config) {
			read := c.ReadSecret
			c.ReadSecret = func(path string) ([]byte, error) {
				value, err := read(path)
				c.Log.Debug("read", zap.ByteString("value", value))
				return value, err
			}
		}),
		configured("labels-the-secret", "labels are read by whoever may list", func(c *reconcile.Config) {
			c.Execute.Objects = labelling{c.Execute.Objects}
		}),
		planned("drops-the-record", "the engine takes the ledger's configs for configs like any other", func(in plan.Input, p *plan.Plan) {
			for _, c := range in.World.Configs {
				if strings.HasSuffix(c.Name, ".key") {
					p.Steps = addStep(p.Steps, "remove-config/"+c.Name, plan.RemoveConfig{ID: c.ID, Name: c.Name})
				}
			}
		}),
	}...)
}
