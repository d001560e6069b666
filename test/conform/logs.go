package conform

import (
	"net/url"
	"strings"
)

func logCases() []Case {
	return []Case{
		{"logs: refused", Together, refusedLogs},
		{"logs: of a service without tasks", Together, noLogs},
	}
}

func refusedLogs(t *T) {
	id := t.create(t.spec("web", Good, 0))
	path := "/services/" + id + "/logs"
	t.refused(t.ask(0, "GET", path, nil, nil), 500, "Bad parameters: you must choose at least one stream")
	t.refused(t.ask(0, "GET", "/services/nothere/logs", url.Values{"stdout": {"1"}}, nil), 404, "service nothere not found")
	t.refused(t.ask(0, "GET", "/tasks/nothere/logs", url.Values{"stdout": {"1"}}, nil), 404, "task nothere not found")
	t.refused(t.ask(0, "GET", path, url.Values{"stdout": {"1"}, "tail": {"-1"}}, nil), 500, "negative tail values not supported")
	t.refused(t.ask(0, "GET", path, url.Values{"stdout": {"1"}, "tail": {"many"}}, nil), 500, "tail value must be a positive integer or \"all\"")
	worker := t.ask(1, "GET", path, url.Values{"stdout": {"1"}}, nil)
	if worker.Status != 503 || !strings.HasPrefix(worker.Message, "This node is not a swarm manager.") {
		t.Errorf("a worker answers %d %q", worker.Status, worker.Message)
	}
}

func noLogs(t *T) {
	id := t.create(t.spec("web", Good, 0))
	a := t.done("logs", t.ask(0, "GET", "/services/"+id+"/logs", url.Values{"stdout": {"1"}, "stderr": {"1"}}, nil))
	t.same("body", "", string(a.body))
}
