package explore

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/docker/docker/api/types/registry"
	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/reconcile/brake"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/sim/dockerd"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// A registry that gives its images to who logs in alone, and with what name. The password is what is in the file beside each swarmd.
const (
	privateRegistry = "registry.example"
	privateUser     = "ci"
)

// registryWorkflows run images of a registry that wants a login.
func registryWorkflows() []Workflow {
	with := func(workers int, tag string) file { // a task on each machine
		return file{managers: 1, workers: workers, objects: "registries: { " + privateRegistry + ": { username: " + privateUser + ", password: { file: /etc/swarmd/registry } } }\n",
			services: service("app", privateRegistry+"/team/app:"+tag, 1+workers, ", placement: { max_replicas_per_node: 1 }, update_config: { monitor: 1s, failure_action: rollback }")}
	}
	return []Workflow{
		{Name: "private-image", Sparse: 4, About: "the password of a registry changes, then a machine comes and pulls an image from there, then there is a newer one, and another password", Start: with(0, "1"),
			Play: func(r *run) {
				r.rotate(2)
				r.wait(20 * time.Second)
				r.edit(with(1, "1"))
				r.wait(2 * time.Minute)
				r.edit(with(1, "2"))
				r.wait(30 * time.Second)
				r.rotate(3)
			}},
		{Name: "registry-refuses", Sparse: 4, About: "a registry wants another password, then has too many requests, then gets the password: what runs goes on meanwhile", Start: with(0, "1"),
			Play: func(r *run) {
				r.refuse(dockerd.Registry{Username: privateUser, Password: secretMark + "2"})
				r.edit(with(0, "2"))
				r.wait(30 * time.Second)
				r.refuse(dockerd.Registry{Status: http.StatusTooManyRequests})
				r.wait(90 * time.Second)
				r.rotate(2)
			}},
	}
}

// privateImages has the registry want the password of now.
func (r *run) privateImages() {
	r.refusing.Store(false)
	r.world.Swarm.SetRegistry(privateRegistry, dockerd.Registry{Username: privateUser, Password: r.secret.Load().(string)})
}

// rotate has a password become the n-th, in the files and at the registry.
func (r *run) rotate(n int) {
	if r.broken {
		return
	}
	r.secret.Store(fmt.Sprint(secretMark, n))
	r.privateImages()
	r.faults.last = time.Now()
}

// refuse has the registry answer everybody so.
func (r *run) refuse(how dockerd.Registry) {
	if r.broken {
		return
	}
	r.refusing.Store(true)
	r.world.Swarm.SetRegistry(privateRegistry, how)
	r.faults.last = time.Now()
}

func isPrivate(v api.Service) bool { return runsImage(v, privateRegistry+"/") }

// loggedIn: what is written has a login for its image's registry, and no other image while the registry tells nobody what that is. Another login alone
// changes nothing of the tasks.
func (c *checks) loggedIn(old *api.Service, v api.Service) {
	if !isPrivate(v) {
		return
	}
	if c.run.world.Swarm.RegistryAuth(v.Spec.Name) == "" {
		c.run.violate("login", "service %s is written, and no node can pull its image", v.Spec.Name)
	}
	if old != nil && renewed(*old, v) && !reflect.DeepEqual(old.Spec.TaskTemplate, v.Spec.TaskTemplate) {
		c.run.violate("renewal", "service %s gets another login, and other tasks with it", v.Spec.Name)
	}
	if old != nil && c.run.refusing.Load() && !isPutBack(v) && old.Spec.TaskTemplate.ContainerSpec.Image != v.Spec.TaskTemplate.ContainerSpec.Image {
		c.run.violate("refused", "service %s gets the image %s, which its registry refuses", v.Spec.Name, v.Spec.TaskTemplate.ContainerSpec.Image)
	}
}

// renewed reports whether a service has got another login, by a write for nothing else.
func renewed(old, v api.Service) bool {
	same := func(label string) bool { return old.Spec.Labels[label] == v.Spec.Labels[label] }
	return !same(swarm.LabelLogin) && same(swarm.LabelRevision) && same(swarm.LabelHash) && old.Spec.TaskTemplate.ContainerSpec.Image == v.Spec.TaskTemplate.ContainerSpec.Image
}

// loginsDiffer says which service has another login than the files.
func (r *run) loginsDiffer(s *state, registries map[string]spec.Registry) string {
	if len(registries) == 0 {
		return ""
	}
	want := swarm.NewLogin(privateRegistry, privateUser, r.secret.Load().(string)).Header()
	for _, v := range s.swarm.Services {
		job := v.JobStatus != nil // which has the login that its last edit was written with
		if isPrivate(v) && !job && r.world.Swarm.RegistryAuth(v.Spec.Name) != want {
			return "service " + v.Spec.Name + " has another login than the file"
		}
	}
	return ""
}

// registryMutants log in wrongly, and take a tag for an image.
func registryMutants() []Mutant {
	return []Mutant{
		engines("login-not-sent-on-update", "an update without a login keeps the one before: a node that comes later pulls nothing", func(real brake.Engine) oddEngine {
			return oddEngine{service: func(ctx context.Context, id string, version uint64, spec swarm.ServiceSpec) error {
				spec.Login = swarm.Login{}
				return real.UpdateService(ctx, id, version, spec)
			}}
		}),
		wires("renewal-drops-what-it-does-not-know", "a login renewed through a client that is too old to know a field", func(next http.RoundTripper, r *http.Request) (*http.Response, error) {
			if r.Method != http.MethodPost || !strings.HasPrefix(r.URL.Path, "/services/") || r.Header.Get(registry.AuthHeader) == "" {
				return next.RoundTrip(r)
			}
			body, err := slurp(r)
			if err != nil {
				return nil, err
			}
			body = regexp.MustCompile(`"MaxReplicas":[0-9]+,?`).ReplaceAll(body, nil)
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			return next.RoundTrip(r)
		}),
		planned("login-sent-once", "stale auth only bites on new nodes", func(_ plan.Input, p *plan.Plan) {
			kept := p.Steps[:0:0]
			for _, s := range p.Steps {
				if !strings.HasPrefix(s.ID, "login/") {
					kept = append(kept, s)
				}
			}
			p.Steps = kept
		}),
		planned("bare-tag-when-refused", "D31: a look-up that failed is taken for a warning, and each node runs what the tag means to it", func(_ plan.Input, p *plan.Plan) {
			for i, s := range p.Steps {
				if a, ok := s.Action.(plan.UpdateService); ok {
					a.BestEffort = true
					p.Steps[i].Action = a
				}
			}
		}),
	}
}
