package plan_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// job is a job of the file with three tasks, in the place of the service app.
func job(mode swarm.Mode, image string) swarm.ServiceSpec {
	s := swarm.ServiceSpec{Name: "web_app", Image: image, Registry: "registry.example", Mode: mode, Networks: []string{"web_default"}}
	form := swarm.Form{"TaskTemplate.ContainerSpec.Image": image}
	if mode == swarm.ReplicatedJob {
		form["Mode.ReplicatedJob.TotalCompletions"], form["Mode.ReplicatedJob.MaxConcurrent"] = "3", "3"
	} else {
		form["Mode.GlobalJob"] = "{}"
	}
	return formed(s, form)
}

// atMost is a job whose tasks are started again so often.
func atMost(s swarm.ServiceSpec, attempts string) swarm.ServiceSpec {
	form := maps.Clone(s.Form())
	form["TaskTemplate.RestartPolicy.MaxAttempts"] = attempts
	return formed(s, form)
}

// withJob is a cluster whose job the file wants as want, and lives as live in its second run, with tasks in these states: "complete", "running" or "failed".
func withJob(t *testing.T, want, live swarm.ServiceSpec, states ...string) plan.Input {
	in := grown(t, 1, 2).input()
	in.Stack = stack(want)
	in.World.Services, in.World.Tasks, in.World.Failed = slices.Clone(in.World.Services), nil, nil
	s := &in.World.Services[0]
	s.Spec, s.Update, s.Iteration, s.Updated = stored(live, swarm.Pin{Digest: "sha256:a"}), "", 1, in.Now.Add(-time.Hour)
	var nodes []string
	for _, m := range in.World.Machines {
		nodes = append(nodes, m.Node.ID)
	}
	task := func(i int, state string, iteration uint64) swarm.Task {
		return swarm.Task{ID: string(rune('a' + i)), ServiceID: s.ID, Slot: i, NodeID: nodes[i%len(nodes)], State: state, DesiredState: "complete", Job: true, Iteration: iteration,
			Created: in.Now.Add(-time.Hour), Updated: in.Now.Add(-time.Minute)}
	}
	in.World.Tasks = append(in.World.Tasks, task(9, "complete", 0)) // of the run before
	for i, state := range states {
		k := task(i, state, 1)
		if state == "failed" {
			k.DesiredState, k.Err = "shutdown", "task: non-zero exit (1)"
			in.World.Failed = append(in.World.Failed, k)
			continue
		}
		in.World.Tasks = append(in.World.Tasks, k)
	}
	slices.SortFunc(in.World.Tasks, func(a, b swarm.Task) int { return a.Slot - b.Slot })
	return in
}

// TestAJobIsWrittenForAnEditAlone: every other reason to write to a service would run it again.
func TestAJobIsWrittenForAnEditAlone(t *testing.T) {
	one, two := job(swarm.ReplicatedJob, "job:1"), job(swarm.ReplicatedJob, "job:2")
	hand := one
	hand.Base = swarm.NewBase(two.Form(), nil, swarm.Pin{}) // with the hash of what the file says
	theirs := one
	theirs.Labels = nil
	for name, c := range map[string]struct {
		want, live   swarm.ServiceSpec
		change       func(in *plan.Input)
		steps, holds []string
	}{
		"as the file says":                      {want: one, live: one},
		"edited":                                {want: two, live: one, steps: []string{"service/web_app"}},
		"changed by hand":                       {want: one, live: hand, holds: []string{"~job service/web_app"}},
		"changed by hand as the file is edited": {want: two, live: hand},
		"another login": {want: one, live: one, change: func(in *plan.Input) {
			in.Logins = map[string]plan.Login{"registry.example": {Mark: "new"}}
			in.World.Services[0].Spec.Labels[swarm.LabelLogin] = "old"
		}},
		"a digest that was not known": {want: one, live: one, change: func(in *plan.Input) {
			s := &in.World.Services[0].Spec
			s.Base = swarm.NewBase(s.Form(), nil, swarm.Pin{})
			s.Labels[swarm.LabelUnpinned] = in.Now.Add(-time.Hour).UTC().Format(time.RFC3339)
			in.Memory.Looked = map[string]plan.Looked{"job:1": {Pin: swarm.Pin{Digest: "sha256:b"}}}
		}},
		"another value of its secret": {want: secretive(one), live: secretiveAs(one, "web_token-1"), change: func(in *plan.Input) { rotated(in) },
			steps: []string{"secret/web_token-2"}, holds: []string{"~job service/web_app"}},
		"another value of its secret, and edited": {want: secretive(two), live: secretiveAs(one, "web_token-1"), change: func(in *plan.Input) { rotated(in) },
			steps: []string{"secret/web_token-2", "service/web_app"}},
		"of another mode": {want: service("app", "job:1", 3), live: one, holds: []string{"mode-changed service/web_app"}},
		"deployed without swarmd": {want: one, live: theirs, change: func(in *plan.Input) {
			adoptJob(in, one)
		}, holds: []string{"~job service/web_app"}},
		"deployed without swarmd, and edited": {want: two, live: theirs, change: func(in *plan.Input) {
			adoptJob(in, two)
		}, steps: []string{"service/web_app"}},
		"deployed without swarmd, of no stack that is taken over": {want: one, live: theirs, change: func(in *plan.Input) {
			adoptJob(in, one)
			in.Stack.Adopt = nil
		}, holds: []string{"foreign-service service/web_app"}},
		"global, edited": {want: job(swarm.GlobalJob, "job:2"), live: job(swarm.GlobalJob, "job:1"), steps: []string{"service/web_app"}},
		"global, edited after an election": {want: job(swarm.GlobalJob, "job:2"), live: job(swarm.GlobalJob, "job:1"), change: func(in *plan.Input) {
			in.World.Machines = slices.Clone(in.World.Machines)
			node := *in.World.Machines[2].Node
			node.State = swarm.NodeUnknown
			in.World.Machines[2].Node = &node
		}},
		"not in the file": {want: service("other", "other:1", 0), live: one, change: func(in *plan.Input) { in.World.Ledger.Confirmed = in.Revision },
			steps: []string{"remove-service/web_app", "service/web_other"}},
	} {
		t.Run(name, func(t *testing.T) {
			in := withJob(t, c.want, c.live, "complete", "complete", "complete")
			if c.change != nil {
				c.change(&in)
			}
			p := plan.Compute(in)
			got := ids(p)
			slices.Sort(got)
			if diff := cmp.Diff(c.steps, got); diff != "" {
				t.Errorf("steps: -want +got\n%s", diff)
			}
			if diff := cmp.Diff(c.holds, holds(p)); diff != "" {
				t.Errorf("holds: -want +got\n%s", diff)
			}
			for _, s := range p.Steps {
				if a, ok := s.Action.(plan.UpdateService); ok && a.Spec.Labels[swarm.LabelGood] != "" {
					t.Errorf("it is to be gone back from: %v", a.Spec.Labels)
				}
			}
		})
	}
}

// secretive is a job that has a secret of the file's.
func secretive(s swarm.ServiceSpec) swarm.ServiceSpec {
	form := maps.Clone(s.Form())
	form["TaskTemplate.ContainerSpec.Secrets[token].SecretName"] = "web_token"
	s.Secrets = []string{"web_token"}
	return formed(s, form)
}

// secretiveAs is the same as it lives, with that version of the secret.
func secretiveAs(s swarm.ServiceSpec, version string) swarm.ServiceSpec {
	s = secretive(s).SealedAs(map[string]string{"web_token": version})
	s.Base, s.Override = swarm.NewBase(s.Form(), nil, swarm.Pin{}), swarm.Override{}
	return s
}

// rotated has the secret have its second value in the file.
func rotated(in *plan.Input) {
	labels := map[string]string{swarm.LabelCluster: "web", swarm.LabelVersionOf: "web_token"}
	in.Stack.Secrets = []swarm.SecretSpec{{Of: "web_token", File: "/run/token", Labels: labels}}
	in.Sealed = map[string]plan.Sealing{"web_token": {Name: "web_token-2"}}
	in.World.Configs = []swarm.Config{{ID: "k", Name: "swarmd.web.key", Data: []byte("k")}}
	in.World.Secrets = []swarm.Secret{{ID: "s", Version: 5, Name: "web_token-1", Labels: labels}}
}

// adoptJob has the file take over what was deployed as its stack, the job as it lives.
func adoptJob(in *plan.Input, want swarm.ServiceSpec) {
	mark := func(form swarm.Form, cluster bool) swarm.Form {
		out := swarm.Form{"Labels." + swarm.LabelNamespace: "web"}
		for k, v := range form {
			out[k] = v
		}
		if cluster {
			out["Labels."+swarm.LabelCluster] = "web"
		}
		return out
	}
	s := formed(want, mark(want.Form(), true))
	s.Labels[swarm.LabelNamespace] = "web"
	in.Stack.Services, in.Stack.Adopt = []swarm.ServiceSpec{s}, []string{"web"}
	live := &in.World.Services[0].Spec
	live.Labels, live.Base = ofStack(), swarm.NewBase(mark(live.Form(), false), nil, live.Pin())
}

// TestHowTheRunOfAJobStands: what is said of it, what is waited for and what is held; nothing of it is written.
func TestHowTheRunOfAJobStands(t *testing.T) {
	one, each := job(swarm.ReplicatedJob, "job:1"), job(swarm.GlobalJob, "job:1")
	for name, c := range map[string]struct {
		want   swarm.ServiceSpec
		states []string
		change func(in *plan.Input)
		text   string
		holds  []string
		waits  bool
	}{
		"complete":                    {want: one, states: []string{"complete", "complete", "complete"}, text: "completed 3 of 3"},
		"on its way":                  {want: one, states: []string{"complete", "running", "pending"}, text: "running, 1 of 3 completed", waits: true},
		"a task failed, another runs": {want: one, states: []string{"failed", "complete", "running"}, text: "running, 1 of 3 completed: task: non-zero exit (1) (on web-managers-first)", waits: true},
		"failed": {want: one, states: []string{"complete", "failed", "complete"}, text: "failed, 2 of 3 completed: task: non-zero exit (1)",
			holds: []string{"job-failed service/web_app"}},
		"fails again and again": {want: one, states: []string{"complete", "failed", "running"}, text: "crash-looping, 1 of 3 completed: task: non-zero exit (1)",
			change: func(in *plan.Input) { in.Memory.Tries = map[string]plan.Try{"web_app": {Failed: 3}} }, holds: []string{"job-failed service/web_app"}},
		"fails, and is not started for ever": {want: atMost(one, "1"), states: []string{"failed", "failed", "failed", "running"}, text: "running, 0 of 3 completed: task: non-zero exit (1)",
			change: func(in *plan.Input) { in.Memory.Tries = map[string]plan.Try{"web_app": {Failed: 3}} }, waits: true},
		"of which nothing is seen":        {want: one, text: "stuck, 0 of 3 completed", holds: []string{"job-failed service/web_app"}},
		"begun just now":                  {want: one, text: "running, 0 of 3 completed", change: func(in *plan.Input) { in.World.Services[0].Updated = in.Now }, waits: true},
		"global, complete":                {want: each, states: []string{"complete", "complete", "complete"}, text: "completed 3 of 3"},
		"global, complete where it began": {want: each, states: []string{"complete", "complete"}, text: "completed 2 of 2"},
		"global, failed on one":           {want: each, states: []string{"complete", "failed", "complete"}, text: "failed, 2 of 3 completed: task: non-zero exit (1)", holds: []string{"job-failed service/web_app"}},
		"global, of which no node is one": {want: each, text: "unplaceable, 0 of 0 completed", holds: []string{"job-failed service/web_app"}},
	} {
		t.Run(name, func(t *testing.T) {
			in := withJob(t, c.want, c.want, c.states...)
			if c.change != nil {
				c.change(&in)
			}
			p := plan.Compute(in)
			if len(p.Steps) > 0 {
				t.Errorf("steps %v", ids(p))
			}
			if diff := cmp.Diff(c.holds, holds(p)); diff != "" {
				t.Errorf("holds: -want +got\n%s", diff)
			}
			s := p.Services[0]
			if got := s.RollOut.Text(s.Desired); !strings.HasPrefix(got, c.text) {
				t.Errorf("%q, want %q", got, c.text)
			}
			if p.Progressing != c.waits || p.Converged != (c.holds == nil && !c.waits) {
				t.Errorf("progressing %v, converged %v", p.Progressing, p.Converged)
			}
		})
	}
}

// TestADrainLeavesJobsAlone: it is said, and nothing of the job is written.
func TestADrainLeavesJobsAlone(t *testing.T) {
	one := job(swarm.ReplicatedJob, "job:1")
	for state, want := range map[string][]string{"running": {"~job node/web-workers-aaaab"}, "complete": nil} {
		in := withJob(t, one, one, "complete", "complete", state)
		in.World.Machines = slices.Clone(in.World.Machines)
		node := *in.World.Machines[2].Node
		node.Spec.Availability = swarm.Drain
		in.World.Machines[2].Node = &node
		p := plan.Compute(in)
		got := slices.DeleteFunc(holds(p), func(h string) bool { return !strings.Contains(h, "job") })
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: -want +got\n%s", state, diff)
		}
		for _, s := range p.Steps {
			if strings.Contains(s.ID, "service/") {
				t.Errorf("%s: step %s", state, s.ID)
			}
		}
	}
}

// TestTheOverviewOfAJob: it runs when it is created or edited, and at nothing else.
func TestTheOverviewOfAJob(t *testing.T) {
	one, two, each := job(swarm.ReplicatedJob, "job:1"), job(swarm.ReplicatedJob, "job:2"), job(swarm.GlobalJob, "job:1")
	type change struct {
		What  plan.What
		Runs  int
		Tasks plan.TaskChange
	}
	for name, c := range map[string]struct {
		want, live swarm.ServiceSpec
		is         []change
	}{
		"as it is": {want: one, live: one},
		"edited":   {want: two, live: one, is: []change{{What: plan.Update, Runs: 3}}},
		"new":      {want: one, is: []change{{What: plan.Create, Runs: 3}}},
		"global":   {want: each, is: []change{{What: plan.Create, Runs: 3}}},
	} {
		in := withJob(t, c.want, one, "complete", "complete", "complete")
		if in.World.Services[0].Spec = c.live; c.live.Name == "" {
			in.World.Services = nil
		}
		var got []change
		for _, s := range plan.OverviewOf(in, plan.Compute(in), plan.Accepted{}).Services {
			got = append(got, change{s.What, s.Runs, s.Tasks})
		}
		if diff := cmp.Diff(c.is, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}
