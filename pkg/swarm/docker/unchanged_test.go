package docker

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	api "github.com/docker/docker/api/types/swarm"
)

// TestWhatTheEngineSaysAgainIsNotReadAgain: the same answer gives the same nodes, another one gives others, one that is no answer is an error and
// leaves nothing behind, and what a caller does with its list is its own affair.
func TestWhatTheEngineSaysAgainIsNotReadAgain(t *testing.T) {
	f := newFake(t)
	c := f.client(Options{})
	say := func(ids ...string) {
		var nodes []api.Node
		for _, id := range ids {
			nodes = append(nodes, api.Node{ID: id})
		}
		f.gives("GET /nodes", 200, nodes)
	}
	hear := func(want string) {
		t.Helper()
		nodes, err := c.Nodes(t.Context())
		got := ""
		for i := range nodes {
			got += nodes[i].ID
			nodes[i].ID = "spoilt"
		}
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	say("a", "b")
	hear("ab")
	hear("ab")
	say("a", "c")
	hear("ac")
	f.on("GET /nodes", func(*http.Request) (*http.Response, error) { return reply(200, "<html>"), nil })
	hear("error")
	hear("error")
	say("a", "c")
	hear("ac")
	f.gives("GET /nodes", 503, map[string]string{"message": "This node is not a swarm manager."})
	hear("error")
	say()
	hear("")
	say("b")
	hear("b")
}

// TestAnAnswerThatIsCutIsAnError: the bytes that came before the cut are no answer, whatever was said before.
func TestAnAnswerThatIsCutIsAnError(t *testing.T) {
	f := newFake(t)
	c := f.client(Options{})
	f.gives("GET /nodes", 200, []api.Node{{ID: "a"}})
	if _, err := c.Nodes(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.on("GET /nodes", func(*http.Request) (*http.Response, error) {
		r := reply(200, "")
		r.Body = io.NopCloser(io.MultiReader(strings.NewReader(`[{"ID":"a"}`), broken{errors.New("reset")}))
		return r, nil
	})
	if nodes, err := c.Nodes(t.Context()); err == nil {
		t.Errorf("got %v", nodes)
	}
}

// TestALengthThatAnEngineClaimsIsOnlyAHint: it says how much memory to begin with, up to a bound, and an answer is what came.
func TestALengthThatAnEngineClaimsIsOnlyAHint(t *testing.T) {
	for _, claimed := range []int64{-1, 0, 1, 1 << 62, 1<<63 - 1} {
		f := newFake(t)
		f.on("GET /nodes", func(*http.Request) (*http.Response, error) {
			resp := reply(200, `[{"ID":"a"}]`)
			resp.ContentLength = claimed
			return resp, nil
		})
		if nodes, err := f.client(Options{}).Nodes(t.Context()); err != nil || len(nodes) != 1 || nodes[0].ID != "a" {
			t.Errorf("length %d: %v, %v", claimed, nodes, err)
		}
	}
}

// TestOnlyThePartOfAnEngineThatMattersIsRead: the rest is another one with each answer, and an answer of which the part cannot be taken is read whole.
func TestOnlyThePartOfAnEngineThatMattersIsRead(t *testing.T) {
	f := newFake(t)
	c := f.client(Options{})
	for _, step := range []struct{ says, node, version string }{
		{`{"NGoroutines":1,"Swarm":{"NodeID":"a","LocalNodeState":"active"},"ServerVersion":"28.5"}`, "a", "28.5"},
		{`{"NGoroutines":2,"Swarm":{"NodeID":"a","LocalNodeState":"active"},"ServerVersion":"28.5"}`, "a", "28.5"},
		{`{"NGoroutines":2,"Swarm":{"NodeID":"b","LocalNodeState":"active"},"ServerVersion":"29.0"}`, "b", "29.0"},
		{`{"NGoroutines":3,"Swarm":{"NodeID":"b","LocalNodeState":"active"}}`, "b", ""},
		{`{"swarm":{"NodeID":"c"},"ServerVersion":"30"}`, "c", "30"},
		{`{"ServerVersion":"30","Swarm":{"NodeID":"d"}`, "error", "error"},
		{`{"ServerVersion":"30","Swarm":7}`, "error", "error"},
	} {
		f.on("GET /info", func(*http.Request) (*http.Response, error) { return reply(200, step.says), nil })
		info, err := c.Info(t.Context())
		if err != nil {
			info.NodeID, info.EngineVersion = "error", "error"
		}
		if info.NodeID != step.node || info.EngineVersion != step.version {
			t.Errorf("%s: %+v, %v", step.says, info, err)
		}
	}
}

// TestWhatOneClientUnderstood the others take over, each what its own engine said; what is no answer is an error still.
func TestWhatOneClientUnderstood(t *testing.T) {
	var common Common
	first, second := newFake(t), newFake(t)
	clients := []*Client{first.client(Options{Common: &common}), second.client(Options{Common: &common})}
	say := func(f *fake, node string) {
		f.gives("GET /info", 200, map[string]any{"ServerVersion": "20.10", "SystemTime": f.count("GET /info"), "Swarm": map[string]any{"NodeID": node}})
	}
	hear := func(i int, want string) {
		t.Helper()
		if info, err := clients[i].Info(t.Context()); err != nil || info.NodeID != want {
			t.Errorf("client %d: %+v, %v, want node %s", i, info, err, want)
		}
	}
	say(first, "a")
	say(second, "b")
	hear(0, "a")
	hear(1, "b")
	say(second, "a")
	hear(1, "a") // decoded by the first
	hear(1, "a")
	say(second, "b")
	hear(1, "b")
	if _, known := common.info.Get(`{"ServerVersion":"20.10","Swarm":{"NodeID":"b"}}`); !known {
		t.Error("what was understood is not shared")
	}
	for _, id := range []string{"x", "y"} {
		first.gives("GET /swarm", 200, api.Swarm{ClusterInfo: api.ClusterInfo{ID: id}})
		for i := range 2 {
			if c, err := clients[0].Cluster(t.Context()); err != nil || c.ID != id {
				t.Errorf("look %d: %+v, %v, want %s", i, c, err, id)
			}
		}
	}
	first.gives("GET /swarm", 200, api.Swarm{})
	if c, err := clients[0].Cluster(t.Context()); err == nil {
		t.Errorf("a swarm without an id: %+v", c)
	}
}
