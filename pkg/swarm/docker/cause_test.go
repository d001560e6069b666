package docker

import (
	"testing"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/swarm"
)

func TestCauseOf(t *testing.T) {
	for _, c := range []struct {
		state    api.TaskState
		err, msg string
		want     swarm.Cause
	}{
		{api.TaskStatePending, "no suitable node (scheduling constraints not satisfied on 2 nodes)", "pending task scheduling", swarm.NoNode},
		{api.TaskStatePending, "", "pending task scheduling", ""},
		{api.TaskStateRejected, "No such image: nope:1", "preparing", swarm.NoImage},
		{api.TaskStateRejected, "pull access denied for nope, repository does not exist", "preparing", swarm.NoImage},
		{api.TaskStateRejected, "toomanyrequests: You have reached your pull rate limit", "preparing", swarm.NoImage},
		{api.TaskStateRejected, "invalid mount config for type \"bind\"", "preparing", ""},
		{api.TaskStateFailed, "task: non-zero exit (1)", "started", swarm.Ended},
		{api.TaskStateComplete, "", "finished", swarm.Ended},
		{api.TaskStateRunning, "", "started", ""},
	} {
		if got := causeOf(api.TaskStatus{State: c.state, Err: c.err, Message: c.msg}); got != c.want {
			t.Errorf("%s, %s: %q, want %q", c.state, c.err, got, c.want)
		}
	}
}
