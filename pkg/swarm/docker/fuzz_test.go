package docker

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/swarmd/swarmd/internal/cost"
	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// FuzzAnswers gives any answer to any call: it is an error with a kind, or what it says is whole. A write that may have happened is never told as
// one that surely did not. None costs more than a pass may.
func FuzzAnswers(f *testing.F) {
	for _, body := range []string{
		"", "{}", "null", "[]", "[null]", "<html>504</html>", `{"ID":"x"}`, `[{"ID":""}]`, `[{"ID":"a"},{"ID":"a"}]`,
		`{"message":"rpc error: code = Unknown desc = update out of sequence"}`, `{"message":"The swarm does not have a leader."}`,
		`[{"ID":"a","Spec":{"Name":"swarmd.web","Labels":null}}]`, strings.Repeat("[", 2000), `[{"ID":"a","Spec":{"TaskTemplate":{},"Mode":{}}}]`,
		`[{"ID":"a","Spec":{"TaskTemplate":{"ContainerSpec":null},"Mode":{"Replicated":{}}},"UpdateStatus":null}]`,
		`[{"ID":"a","Spec":{"TaskTemplate":{"ContainerSpec":{"Image":"x","Mounts":[{}],"Healthcheck":{}},"Networks":[{"Target":"n"}]},` +
			`"EndpointSpec":{"Ports":[{}]},"Mode":{"Global":{}}}}]`,
		`[{"ID":"a","Description":{"Engine":null},"Status":{},"ManagerStatus":{}}]`, `{"Swarm":{"Cluster":null,"RemoteManagers":null}}`,
		`{"JoinTokens":{"Worker":"SWMTKN-1-canary"},"ID":"c"}`, `{"Descriptor":{"digest":"nonsense"}}`, `[{"Id":"n","Name":"web_default","IPAM":{"Config":[{}]}}]`,
	} {
		for call := range uint8(len(calls)) {
			for _, status := range []int{200, 201, 204, 400, 404, 500, 503} {
				f.Add(call, status, body)
			}
		}
	}
	f.Fuzz(func(t *testing.T, call uint8, status int, body string) {
		if status < 200 || status > 599 {
			return
		}
		spent, within := cost.Within(mostHeap, mostTime, func() {
			synctest.Test(t, func(t *testing.T) {
				fake := newFake(t)
				fake.always = func(*http.Request) (*http.Response, error) { return reply(status, body), nil }
				one := calls[int(call)%len(calls)]
				judge(t, one.write, status, body, one.call(t, fake.client(Options{})))
			})
		})
		if !within {
			t.Errorf("%d bytes cost %s", len(body), spent)
		}
	})
}

// calls are those that the loop makes.
var calls = []struct {
	write bool
	call  func(*testing.T, *Client) error
}{
	{false, func(t *testing.T, c *Client) error { _, err := c.Info(t.Context()); return err }},
	{false, func(t *testing.T, c *Client) error { _, err := c.Cluster(t.Context()); return err }},
	{false, func(t *testing.T, c *Client) error { _, err := c.Tasks(t.Context()); return err }},
	{false, func(t *testing.T, c *Client) error { _, err := c.Networks(t.Context()); return err }},
	{false, func(t *testing.T, c *Client) error {
		_, err := c.ResolveImage(t.Context(), "nginx:1", swarm.Login{})
		return err
	}},
	{false, func(t *testing.T, c *Client) error {
		all, err := c.Nodes(t.Context())
		for _, n := range all {
			identified(t, "node", n.ID)
		}
		return err
	}},
	{false, func(t *testing.T, c *Client) error {
		all, err := c.Services(t.Context())
		for _, s := range all {
			identified(t, "service", s.ID)
		}
		return err
	}},
	{false, func(t *testing.T, c *Client) error {
		all, err := c.Configs(t.Context(), "swarmd.web")
		for _, v := range all {
			identified(t, "config", v.ID)
		}
		return err
	}},
	{true, func(t *testing.T, c *Client) error {
		return c.UpdateNode(t.Context(), "n", 1, swarm.NodeSpec{Role: swarm.Worker, Availability: swarm.Active})
	}},
	{true, func(t *testing.T, c *Client) error { return c.RemoveNode(t.Context(), "n") }},
	{true, func(t *testing.T, c *Client) error { return c.UpdateConfig(t.Context(), "c", 1, nil) }},
	{true, func(t *testing.T, c *Client) error { return c.RemoveService(t.Context(), "s") }},
}

func identified(t *testing.T, what, id string) {
	t.Helper()
	if id == "" {
		t.Errorf("a %s without an id", what)
	}
}

// judge checks the error of a call.
func judge(t *testing.T, write bool, status int, body string, err error) {
	t.Helper()
	if err == nil {
		if status >= 500 {
			t.Errorf("status %d is no error: %q", status, body)
		}
		return
	}
	var e *apierr.Error
	if !errors.As(err, &e) || e.Kind == "" {
		t.Errorf("an error without a kind: %v", err)
		return
	}
	lost := strings.Contains(body, "out of sequence") // the engine's own word that somebody else's write was faster
	if write && status >= 502 && e.Kind.Refused() && !lost {
		t.Errorf("status %d: it may have happened, and the kind is %s", status, e.Kind)
	}
}
