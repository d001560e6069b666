package explore

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// jobWorkflows have jobs beside services.
func jobWorkflows() []Workflow {
	job := func(image string, completions int, more string) string {
		return fmt.Sprintf("  job: { image: %q, deploy: { mode: replicated-job, replicas: %d, restart_policy: { condition: on-failure, delay: 1s, max_attempts: 1 } }%s }\n", image, completions, more)
	}
	private := func(workers int, tag string) file {
		return file{managers: 1, workers: workers, objects: "registries: { " + privateRegistry + ": { username: " + privateUser + ", password: { file: /etc/swarmd/registry } } }\nsecrets: { token: { file: /etc/swarmd/secrets/token } }\n",
			services: job(privateRegistry+"/team/job:"+tag, 2, ", secrets: [token]") + service("app", "nginx:1.27", 2, "")}
	}
	global := "  each: { image: \"each:1\", deploy: { mode: global-job, restart_policy: { condition: none } } }\n"
	plain := func(image string, more string) file { return file{managers: 1, services: job(image, 2, "") + more} }
	return []Workflow{
		{Name: "job", Sparse: 4, About: "a job is edited; then the login to its registry and its secret are others, a machine comes, a hand changes the job, and it is edited once more", Start: private(0, "1"),
			Play: func(r *run) {
				r.edit(private(0, "2"))
				r.wait(20 * time.Second)
				r.rotate(2)
				r.wait(20 * time.Second)
				r.edit(private(1, "2"))
				r.wait(90 * time.Second)
				r.person().rerun("bent")
				r.wait(20 * time.Second)
				r.edit(private(1, "3"))
			}},
		{Name: "global-job", Sparse: 4, About: "a global job beside a machine that comes, and one that goes", Start: file{managers: 1, services: service("app", "nginx:1.27", 1, "")},
			Play: func(r *run) {
				r.edit(file{managers: 1, workers: 1, services: service("app", "nginx:1.27", 1, "") + global})
				r.wait(2 * time.Minute)
				r.edit(file{managers: 1, services: service("app", "nginx:1.27", 1, "") + global})
				r.confirm()
			}},
		{Name: "job-fails", Sparse: 4, About: "a job whose tasks die: it is named and left, and a good one follows", Start: plain("job:1", ""), Held: []string{plan.GuardJobFailed}, Settles: true,
			Image: brokenImage, Play: func(r *run) {
				r.edit(plain("job:2", ""))
				r.wait(20 * time.Second)
				r.edit(plain(brokenImage, ""))
				r.wait(30 * time.Second)
				r.edit(plain(brokenImage, service("app", "nginx:1.27", 1, "")))
			}},
		{Name: "take-over-job", Sparse: 4, Adopts: true, Start: file{managers: 1},
			About: "a stack with a job that somebody has deployed is taken over; then it is deployed once more past swarmd, and edited",
			Play: func(r *run) {
				r.person().deploy(plain("job:1", ""))
				r.edit(plain("job:1", ""))
				r.wait(20 * time.Second)
				r.edit(plain("job:2", ""))
				r.wait(20 * time.Second)
				r.person().redeploy()
				r.wait(20 * time.Second)
				r.edit(plain("job:2", service("app", "nginx:1.27", 1, "")))
			}},
	}
}

// rerun has a person run the cluster's job again, with a hostname of theirs.
func (p *person) rerun(hostname string) {
	for _, o := range p.list("/services") {
		mode, _ := o.Spec["Mode"].(map[string]any)
		template, _ := o.Spec["TaskTemplate"].(map[string]any)
		box, _ := template["ContainerSpec"].(map[string]any)
		if mode["ReplicatedJob"] != nil && box != nil {
			box["Hostname"] = hostname
			p.update("services", o)
		}
	}
	p.run.faults.last = time.Now()
}

// ran: swarmd has a job run once for each specification that a file has of it, and by no other write.
func (c *checks) ran(old *api.Service, v api.Service) {
	if v.Spec.Mode.ReplicatedJob == nil && v.Spec.Mode.GlobalJob == nil {
		return
	}
	if old != nil && reflect.DeepEqual(ofFile(old.Spec), ofFile(v.Spec)) {
		c.run.violate("job-again", "the job %s runs again for labels, a login or a secret", v.Spec.Name)
	}
	text, err := json.Marshal(ofFile(v.Spec))
	key := "job " + string(text)
	if c.pushes[key]++; c.pushes[key] > 1 || err != nil {
		c.run.violate("job-again", "the job %s runs %d times for one specification of the file", v.Spec.Name, c.pushes[key])
	}
}

// ofFile is what of a specification the file says: without our labels, and without the versions of its secrets.
func ofFile(s api.ServiceSpec) api.ServiceSpec {
	s.Labels = foreignLabels(s.Labels)
	box := *s.TaskTemplate.ContainerSpec
	box.Secrets = nil
	s.TaskTemplate.ContainerSpec, s.TaskTemplate.ForceUpdate = &box, 0
	return s
}

// hostnamePath is where a form has what rerun changes.
const hostnamePath = "TaskTemplate.ContainerSpec.Hostname"

// jobDiffers says what of a job is not as wanted: tasks of its present run that are not complete. One that dies never is.
func (r *run) jobDiffers(s *state, v api.Service) string {
	if runsImage(v, brokenImage) {
		return ""
	}
	complete, going := 0, 0
	for _, t := range s.swarm.Tasks {
		if t.ServiceID != v.ID || t.JobIteration == nil || t.JobIteration.Index != v.JobStatus.JobIteration.Index {
			continue
		}
		if t.Status.State == api.TaskStateComplete {
			complete++
		} else if t.DesiredState == api.TaskStateComplete || t.DesiredState == api.TaskStateReady {
			going++
		}
	}
	want := 1
	if j := v.Spec.Mode.ReplicatedJob; j != nil {
		want = int(*j.TotalCompletions)
	}
	if s.unbegun(v) {
		return ""
	}
	if complete < want || going > 0 {
		return fmt.Sprintf("job %s: %d of %d tasks are complete, and %d go on", v.Spec.Name, complete, want, going)
	}
	return ""
}

// unbegun reports whether the engine has begun a global job on no node at all: when it looked at it, after an election, it knew none to be ready. It does so
// again only for another write, which swarmd does not make: that is said.
func (s *state) unbegun(v api.Service) bool {
	return v.Spec.Mode.GlobalJob != nil && !slices.ContainsFunc(s.swarm.Tasks, func(t api.Task) bool {
		return t.ServiceID == v.ID && t.JobIteration != nil && t.JobIteration.Index == v.JobStatus.JobIteration.Index
	})
}

// jobMutants run jobs again.
func jobMutants() []Mutant {
	again := func(name, incident string, when func(in plan.Input, live swarm.Service) bool, spec func(in plan.Input, live swarm.Service) swarm.ServiceSpec) Mutant {
		return planned(name, incident, func(in plan.Input, p *plan.Plan) {
			for _, live := range in.World.Services {
				want := in.Stack.Named(live.Spec.Name)
				id := "service/" + live.Spec.Name
				if !live.Spec.Mode.Job() || want == nil || stepOf(*p, id) || !when(in, live) {
					continue
				}
				p.Steps = append(p.Steps, plan.NewStep(id, plan.UpdateService{ID: live.ID, Version: live.Version, Spec: spec(in, live)}, plan.Reason{}))
			}
		})
	}
	wanted := func(in plan.Input, live swarm.Service) swarm.ServiceSpec {
		s := in.Stack.Named(live.Spec.Name).Pinned(live.Spec.Pin())
		s.Labels[swarm.LabelRevision] = fmt.Sprint(in.Revision)
		return s
	}
	ours := func(in plan.Input, live swarm.Service) bool { return live.Spec.Labels[swarm.LabelCluster] != "" }
	return []Mutant{
		again("notes-the-revision-on-a-job", "a bookkeeping label that is put right runs the job again", func(in plan.Input, live swarm.Service) bool {
			return ours(in, live) && live.Spec.Labels[swarm.LabelRevision] != fmt.Sprint(in.Revision)
		}, func(in plan.Input, live swarm.Service) swarm.ServiceSpec {
			s := live.Spec
			s.Labels = foreignLabels(s.Labels)
			for k, v := range live.Spec.Labels {
				s.Labels[k] = v
			}
			s.Labels[swarm.LabelRevision] = fmt.Sprint(in.Revision)
			return s
		}),
		again("renews-the-login-of-a-job", "a password that rotates runs the job again", func(in plan.Input, live swarm.Service) bool {
			mark := in.Logins[live.Spec.Registry].Mark
			return ours(in, live) && mark != "" && live.Spec.Labels[swarm.LabelLogin] != mark
		}, func(in plan.Input, live swarm.Service) swarm.ServiceSpec { return live.Spec }),
		again("runs-a-job-for-its-secret", "a secret that rotates runs the job again", func(in plan.Input, live swarm.Service) bool {
			now := in.Sealed["web_token"].Name
			return ours(in, live) && now != "" && len(live.Spec.Secrets) > 0 && !slices.Contains(live.Spec.Secrets, now) &&
				slices.ContainsFunc(in.World.Secrets, func(o swarm.Secret) bool { return o.Name == now })
		}, func(in plan.Input, live swarm.Service) swarm.ServiceSpec {
			return wanted(in, live).SealedAs(map[string]string{"web_token": in.Sealed["web_token"].Name})
		}),
		again("puts-a-job-right", "what a hand changed of a job is put back, and a migration runs twice", func(in plan.Input, live swarm.Service) bool {
			return ours(in, live) && live.Spec.Form()[hostnamePath] != ""
		}, func(in plan.Input, live swarm.Service) swarm.ServiceSpec {
			return wanted(in, live).SealedAs(map[string]string{"web_token": live.Spec.Secrets[0]})
		}),
		again("runs-a-failed-job-again", "a job that fails is pushed again and again", func(in plan.Input, live swarm.Service) bool {
			failed := false
			for _, t := range in.World.Failed {
				failed = failed || t.ServiceID == live.ID
			}
			return ours(in, live) && failed && in.Now.Sub(live.Updated) > 20*time.Second
		}, wanted),
		planned("labels-a-job-that-it-takes-over", "F1: taken over as it runs, a job runs again for the label alone", func(in plan.Input, p *plan.Plan) {
			for _, live := range in.World.Services {
				id := "take/service/" + live.Spec.Name
				if live.Spec.Mode.Job() && live.Spec.Labels[swarm.LabelCluster] == "" && in.Stack.Named(live.Spec.Name) != nil && len(p.Steps) == 0 {
					p.Steps = append(p.Steps, plan.NewStep(id, plan.TakeService{ID: live.ID, Name: live.Spec.Name, Version: live.Version, Labels: live.Spec.TakenOver(in.Spec.Cluster, in.Revision)}, plan.Reason{}))
				}
			}
		}),
	}
}

func stepOf(p plan.Plan, id string) bool {
	for _, s := range p.Steps {
		if s.ID == id {
			return true
		}
	}
	return false
}
