package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/internal/cost"
	"github.com/swarmd/swarmd/pkg/apierr"
)

// What the answer to one call may cost, whatever is in it. The call's own deadlines bound its time.
const (
	mostHeap = 256 << 20
	mostTime = 2 * time.Minute
)

// endless is a text, then others for so many bytes, then the end.
type endless struct {
	begin, again, end string
	bytes             int64
	rest              string
}

func (e *endless) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if e.rest == "" {
			switch {
			case e.begin != "":
				e.rest, e.begin = e.begin, ""
			case e.bytes > 0:
				e.rest = e.again
				e.bytes -= int64(len(e.again))
			case e.end != "":
				e.rest, e.end = e.end, ""
			default:
				return n, io.EOF
			}
		}
		c := copy(p[n:], e.rest)
		e.rest, n = e.rest[c:], n+c
	}
	return n, nil
}

const taskAnswer = `{"ID":"t","ServiceID":"s","NodeID":"n","Slot":1,"Status":{"State":"running","Err":"%s"},"Spec":{"ContainerSpec":{"Image":"x:1","Mounts":[{},{}]}}},`

// TestAnswersAreBounded: an engine, or whoever stands for it, can say what it wants: the call ends with an error and has cost no more than a
// pass may. One that is only long is read.
func TestAnswersAreBounded(t *testing.T) {
	task := fmt.Sprintf(taskAnswer, strings.Repeat("e", 2000))
	long := strings.Repeat("a", 1<<16)
	items := func(item string, most int64) *endless {
		return &endless{begin: "[", again: item, bytes: most, end: `{"ID":"z"}]`}
	}
	tasks := func(c *Client) error { _, err := c.Tasks(context.Background()); return err }
	nodes := func(c *Client) error { _, err := c.Nodes(context.Background()); return err }
	services := func(c *Client) error { _, err := c.Services(context.Background()); return err }
	for name, tc := range map[string]struct {
		body *endless
		call func(*Client) error
		says string // "" for well
	}{
		"60 MB of tasks":  {items(task, 60<<20), tasks, ""},
		"600 MB of tasks": {items(task, 600<<20), tasks, "too long"},
		"tiny tasks":      {items(`{"ID":"a"},`, 600<<20), tasks, "too long"}, "tiny nodes": {items(`{"ID":"a"},`, 20<<20), nodes, "entries"},
		"a task without an end":                 {&endless{begin: `[{"ID":"`, again: long, bytes: 1 << 40}, tasks, "too long"},
		"a task that is too long":               {&endless{begin: `[{"ID":"t1"},{"ID":"a","Status":{"Err":"`, again: long, bytes: 12 << 20, end: `"}}]`}, tasks, "after task t1: look"},
		"a task of much":                        {&endless{begin: `[{"ID":"a","Spec":{"ContainerSpec":{"Mounts":[{}`, again: strings.Repeat(",{}", 1000), bytes: 9 << 20, end: `]}}}]`}, tasks, "at the first task: look"},
		"a node that is too long":               {&endless{begin: `[{"ID":"n1"},{"ID":"a","Spec":{"Labels":{"a":"`, again: long, bytes: 12 << 20, end: `"}}]`}, nodes, "after node n1: look"},
		"nodes, each with what Swarm can store": {items(`{"ID":"a","Spec":{"Labels":{"a":"`+strings.Repeat(",", 1_400_000)+`"}}},`, 40<<20), nodes, ""},
		"more than can be kept of them":         {items(`{"ID":"a","Spec":{"Labels":{"a":"`+strings.Repeat(",", 1_400_000)+`"}}},`, 400<<20), nodes, "too long"},
		"a node's label, escaped":               {items(`{"ID":"a","Spec":{"Labels":{"a":"`+strings.Repeat(`\u003c`, 1_400_000)+`"}}},`, 9<<20), nodes, ""},
		"a service with what Swarm can store":   {items(`{"ID":"a","Spec":{"Labels":{"a":"`+strings.Repeat(",", 1_400_000)+`"}}},`, 4<<20), services, ""},
		"a swarm with what it can store":        {&endless{begin: `{"ID":"c","Spec":{"Labels":{"a":"`, again: strings.Repeat(",", 1_400_000), bytes: 1, end: `"}}}`}, func(c *Client) error { _, err := c.Cluster(context.Background()); return err }, ""},
		"blanks":                                {&endless{begin: "[", again: strings.Repeat(" ", 1<<16), bytes: 1 << 40}, tasks, "too long"},
		"long services":                         {items(`{"ID":"a","Spec":{"Labels":{"a":"`+long+`"}}},`, 600<<20), services, "too long"},
		"services of much":                      {items(`{"ID":"a","Spec":{"TaskTemplate":{"ContainerSpec":{"Mounts":[{}`+strings.Repeat(",{}", 100_000)+`]}}}},`, 60<<20), services, "too long"},
		"nodes of much":                         {items(`{"ID":"a","Description":{"Engine":{"Plugins":[{}`+strings.Repeat(",{}", 100_000)+`]}}},`, 60<<20), nodes, ""},
		"configs":                               {items(`{"ID":"a","Spec":{"Name":"swarmd.web","Data":"`+strings.Repeat("QUFB", 300_000)+`"}},`, 600<<20), func(c *Client) error { _, err := c.Configs(context.Background(), "swarmd.web"); return err }, "too long"},
		"services, as many as may be":           {&endless{begin: "[", again: `{"ID":"a","Spec":{"Labels":{"a":"` + long[:2000] + `"}}},`, bytes: 23 << 20, end: `{"ID":"z"}]`}, services, ""},
		"networks":                              {items(`{"Id":"a","Labels":{"a":"`+long+`"}},`, 600<<20), func(c *Client) error { _, err := c.Networks(context.Background()); return err }, "too long"},
		"secrets":                               {items(`{"ID":"a","Spec":{"Name":"swarmd.web","Labels":{"a":"`+long+`"}}},`, 600<<20), func(c *Client) error { _, err := c.Secrets(context.Background(), "swarmd."); return err }, "too long"},
		"the engine about itself":               {&endless{begin: `{"ID":"`, again: long, bytes: 1 << 40}, func(c *Client) error { _, err := c.Info(context.Background()); return err }, "too long"},
		"the swarm":                             {&endless{begin: `{"ID":"`, again: long, bytes: 1 << 40}, func(c *Client) error { _, err := c.Cluster(context.Background()); return err }, "too long"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.always = func(req *http.Request) (*http.Response, error) {
				resp := reply(200, "")
				body := *tc.body
				resp.Body = io.NopCloser(&body)
				return resp, nil
			}
			c := f.client(Options{})
			var err error
			spent, within := cost.Within(mostHeap, mostTime, func() { err = tc.call(c) })
			t.Logf("%s: %.200v", spent, err)
			if !within {
				t.Errorf("%s, at most %d MB and %s", spent, mostHeap>>20, mostTime)
			}
			said := ""
			if err != nil {
				said = err.Error()
			}
			if (tc.says == "") != (err == nil) || !strings.Contains(said, tc.says) || len(said) > 2000 {
				t.Errorf("it should say %q: %.300q", tc.says, said)
			}
			if e := (*apierr.Error)(nil); err != nil && !errors.As(err, &e) {
				t.Errorf("an error without a kind: %v", err)
			}
		})
	}
}

// TestAnEventWithoutAnEndEndsTheStream: the stream is bounded line by line, and goes on for ever otherwise.
func TestAnEventWithoutAnEndEndsTheStream(t *testing.T) {
	spent, within := cost.Within(mostHeap, mostTime, func() {
		s := &stream{body: io.NopCloser(&endless{again: strings.Repeat("x", 1<<16), bytes: 1 << 40})}
		if n, err := io.Copy(io.Discard, s); !errors.Is(err, errTooLong) || n > maxObject+1<<16 {
			t.Errorf("%d bytes, %v", n, err)
		}
		lines := &stream{body: io.NopCloser(&endless{again: strings.Repeat("x", 1<<16) + "\n", bytes: 4 * maxObject})}
		if n, err := io.Copy(io.Discard, lines); err != nil || n < 4*maxObject {
			t.Errorf("%d bytes, %v", n, err)
		}
	})
	if !within {
		t.Error(spent)
	}
}

// TestLongMessagesAreCut: whoever is root on a worker writes the errors of its tasks.
func TestLongMessagesAreCut(t *testing.T) {
	f := newFake(t)
	f.on("GET /tasks", func(*http.Request) (*http.Response, error) {
		return reply(200, "["+fmt.Sprintf(taskAnswer, strings.Repeat("é", 100_000))+`{"ID":"z"}]`), nil
	})
	all, err := f.client(Options{}).Tasks(t.Context())
	if err != nil || len(all) != 2 || len(all[1].Err) > maxText+3 || !strings.HasSuffix(all[1].Err, "é…") {
		t.Errorf("%v: %d tasks, %.50v", err, len(all), all)
	}
}

// TestANodesNameStaysWithinItsColumn: a worker that is broken into calls itself what it likes, and the table of all nodes would be a thousand columns wide.
func TestANodesNameStaysWithinItsColumn(t *testing.T) {
	long := strings.Repeat("é", 400)
	f := newFake(t)
	f.on("GET /nodes", func(*http.Request) (*http.Response, error) {
		return reply(200, fmt.Sprintf(`[{"ID":"a","Description":{"Hostname":%q,"Platform":{"OS":%q,"Architecture":%q}}},{"ID":"b","Description":{"Hostname":%q}}]`,
			long, long, long, strings.Repeat("m", 64))), nil
	})
	all, err := f.client(Options{}).Nodes(t.Context())
	if err != nil || len(all) != 2 {
		t.Fatalf("%d nodes, %v", len(all), err)
	}
	cut := strings.Repeat("é", 32) + "…"
	if n := all[0]; n.Hostname != cut || n.Platform.OS != cut || n.Platform.Architecture != cut {
		t.Errorf("%q on %+v", n.Hostname, n.Platform)
	}
	if len(all[1].Hostname) != 64 {
		t.Errorf("what Linux takes is cut: %q", all[1].Hostname)
	}
}

// TestALargeNodeKeepsItsLabels: what is written back to a node is the whole of its labels, however large they are; of what its engine says about
// itself little is kept.
func TestALargeNodeKeepsItsLabels(t *testing.T) {
	large := strings.Repeat(",", 1_400_000)
	f := newFake(t)
	f.on("GET /nodes", func(*http.Request) (*http.Response, error) {
		return reply(200, `[{"ID":"a","Spec":{"Labels":{"theirs":"`+large+`","swarmd.pool":"workers"}},"Description":{"Hostname":"m1","Engine":{"Labels":{"swarmd.droplet":"7","x":"`+
			large+`"},"Plugins":[{"Type":"Log","Name":"x"}]}}}]`), nil
	})
	all, err := f.client(Options{}).Nodes(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatalf("%d nodes, %v", len(all), err)
	}
	n := all[0]
	if n.Spec.Labels["theirs"] != large || n.Spec.Labels["swarmd.pool"] != "workers" || n.Hostname != "m1" {
		t.Errorf("%d labels, of %d bytes", len(n.Spec.Labels), len(n.Spec.Labels["theirs"]))
	}
	if n.EngineLabels["swarmd.droplet"] != "7" || len(n.EngineLabels) != 2 || labelsWeight(n.EngineLabels) > maxText {
		t.Errorf("%d labels of the engine", len(n.EngineLabels))
	}
}
