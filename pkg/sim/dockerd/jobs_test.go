package dockerd_test

import (
	"bytes"
	"context"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	api "github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/pkg/stdcopy"

	"github.com/swarmd/swarmd/pkg/sim/dockerd"
)

func oneJob(s *api.ServiceSpec) {
	s.Mode = api.ServiceMode{ReplicatedJob: &api.ReplicatedJob{}}
}

// What an image does not say, a job's container does: it ends by itself, as a stranger expects who begins one.
func TestAJobOfAnyImageComesToItsEnd(t *testing.T) {
	bubble(t, 1, 2, func(l *lab) {
		l.create(web("job", 0, oneJob))
		l.create(web("each", 0, func(s *api.ServiceSpec) { s.Mode = api.ServiceMode{GlobalJob: &api.GlobalJob{}} }))
		l.pass(10 * time.Second)
		if a, b := len(l.tasks("job", api.TaskStateComplete)), len(l.tasks("each", api.TaskStateComplete)); a != 1 || b != 3 {
			l.Errorf("%d and %d are complete, want 1 and 3", a, b)
		}
	})
}

// A global job runs on the machines that were there when it began, and what was on one that died is not done.
func TestAGlobalJobIsNotForMachinesThatComeLater(t *testing.T) {
	bubble(t, 1, 1, func(l *lab) {
		l.create(web("each", 0, func(s *api.ServiceSpec) { s.Mode = api.ServiceMode{GlobalJob: &api.GlobalJob{}} }))
		l.pass(10 * time.Second)
		late := l.world.AddEngine(dockerd.EngineConfig{Name: "late", Addr: "10.0.0.9"})
		l.must(late.Join(l.token(), "active", []string{l.engines[0].Addr() + ":2377"}))
		l.pass(time.Minute)
		if got := len(l.tasks("each", "")); got != 2 {
			l.Errorf("%d tasks, want two:\n%s", got, l.show("each"))
		}
		l.update("each", func(s *api.ServiceSpec) { s.TaskTemplate.ForceUpdate++ })
		l.pass(time.Minute)
		if got := len(l.tasks("each", api.TaskStateComplete)); got != 5 {
			l.Errorf("begun anew, %d are complete, want three more than the two of before:\n%s", got, l.show("each"))
		}
	})
}

// A task of a job that loses its machine runs elsewhere when the node is removed, and not before: nobody looks at it until then.
func TestAReplicatedJobOutlivesItsMachine(t *testing.T) {
	bubble(t, 1, 1, func(l *lab) {
		l.world.SetImage("job:1", dockerd.Image{DoneAfter: 2 * time.Minute})
		l.create(web("job", 0, oneJob, func(s *api.ServiceSpec) {
			s.TaskTemplate.Placement = &api.Placement{Constraints: []string{"node.labels.fast==1"}}
		}))
		l.label(1, "1")
		l.pass(time.Minute)
		l.label(0, "1")
		gone := l.node(1).ID
		l.engines[1].Stop()
		l.pass(5 * time.Minute)
		if all := l.tasks("job", ""); len(all) != 1 {
			l.Errorf("want the one that is awaited:\n%s", l.show("job"))
		}
		l.must(l.docker.NodeRemove(l.ctx, gone, api.NodeRemoveOptions{}))
		l.pass(5 * time.Minute)
		done := l.tasks("job", api.TaskStateComplete)
		if len(done) != 1 || done[0].NodeID != l.node(0).ID {
			l.Errorf("want one complete on the first machine:\n%s", l.show("job"))
		}
	})
}

func (l *lab) token() string {
	l.Helper()
	swarm, err := l.docker.SwarmInspect(l.ctx)
	l.must(err)
	return swarm.JoinTokens.Worker
}

// label sets the label "fast" of a node.
func (l *lab) label(i int, value string) {
	l.Helper()
	n := l.node(i)
	n.Spec.Labels = map[string]string{"fast": value}
	l.must(l.docker.NodeUpdate(l.ctx, n.ID, n.Version, n.Spec))
}

// logs reads with Docker's own client, and takes the frames apart as the command line does.
func (l *lab) logs(service string, o container.LogsOptions) (stdout, stderr string) {
	l.Helper()
	body, err := l.docker.ServiceLogs(l.ctx, service, o)
	l.must(err)
	defer body.Close()
	var out, errs bytes.Buffer
	_, err = stdcopy.StdCopy(&out, &errs, body)
	l.must(err)
	return out.String(), errs.String()
}

func TestLogsOfAService(t *testing.T) {
	bubble(t, 1, 1, func(l *lab) {
		l.world.SetImage("web:1", dockerd.Image{CrashAfter: time.Second})
		l.create(web("web", 2, func(s *api.ServiceSpec) {
			s.TaskTemplate.RestartPolicy = &api.RestartPolicy{Condition: api.RestartPolicyConditionNone}
		}))
		l.pass(20 * time.Second)
		const started, ended = "simulated container of web:1 started\n", "simulated container ends with exit code 1\n"
		both := container.LogsOptions{ShowStdout: true, ShowStderr: true}
		if out, errs := l.logs("web", both); out != started+started || errs != ended+ended {
			l.Errorf("stdout %q, stderr %q", out, errs)
		}
		if out, errs := l.logs("web", container.LogsOptions{ShowStderr: true, Tail: "1"}); out != "" || errs != ended+ended {
			l.Errorf("stderr alone, the last line of each task: %q, %q", out, errs)
		}
		if out, _ := l.logs("web", container.LogsOptions{ShowStdout: true, Since: "2999-01-01T00:00:00Z"}); out != "" {
			l.Errorf("since the far future: %q", out)
		}
		both.Details, both.Timestamps = true, true
		out, _ := l.logs("web", both)
		line := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z com\.docker\.swarm\.node\.id=(\w{25}),com\.docker\.swarm\.service\.id=\w{25},com\.docker\.swarm\.task\.id=(\w{25}) simulated`)
		var tasks []string
		for text := range strings.Lines(out) {
			m := line.FindStringSubmatch(text)
			if m == nil {
				l.Fatalf("%q is no line with time and details", text)
			}
			tasks = append(tasks, m[2])
		}
		var want []string
		for _, k := range l.tasks("web", "") {
			want = append(want, k.ID)
		}
		slices.Sort(tasks)
		slices.Sort(want)
		if !slices.Equal(tasks, want) {
			l.Errorf("lines of %v, want of %v", tasks, want)
		}
	})
}

func TestLogsAreFollowed(t *testing.T) {
	bubble(t, 1, 0, func(l *lab) {
		l.create(web("web", 1))
		l.pass(5 * time.Second)
		ctx, stop := context.WithCancel(l.ctx)
		body, err := l.docker.ServiceLogs(ctx, "web", container.LogsOptions{ShowStdout: true, ShowStderr: true, Follow: true})
		l.must(err)
		read := make(chan string)
		go func() {
			var out bytes.Buffer
			_, _ = stdcopy.StdCopy(&out, io.Discard, body)
			read <- out.String()
		}()
		l.pass(time.Second)
		l.update("web", func(s *api.ServiceSpec) { two := uint64(2); s.Mode.Replicated.Replicas = &two })
		l.pass(10 * time.Second)
		stop()
		if got := strings.Count(<-read, "started"); got != 2 {
			l.Errorf("%d lines, want one before and one while it was followed", got)
		}
	})
}
