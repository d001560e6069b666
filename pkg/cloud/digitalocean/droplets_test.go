package digitalocean

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
)

func request() cloud.CreateDroplet {
	return cloud.CreateDroplet{
		Name: "web-workers-abcde", Region: "fra1", Size: "s-1vcpu-1gb", Image: "docker-20-04", VPC: "v-1",
		SSHKeys: []string{"01:97:fe", "512"}, Tags: []string{"swarmd:web", "swarmd-op:abcdefghijklmnop"}, UserData: "#cloud-config\n",
	}
}

func TestCreateDroplet(t *testing.T) {
	c, w := client(t, answer{status: 202, body: `{"droplet":` + dropletJSON(42) + `}`})
	got, err := c.CreateDroplet(t.Context(), request())
	if err != nil || got.ID != 42 {
		t.Fatal(got, err)
	}
	var sent map[string]any
	if err := json.Unmarshal([]byte(w.bodies[0]), &sent); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"name": "web-workers-abcde", "region": "fra1", "size": "s-1vcpu-1gb", "image": "docker-20-04", "vpc_uuid": "v-1",
		"ssh_keys": []any{"01:97:fe", 512.0}, "tags": []any{"swarmd:web", "swarmd-op:abcdefghijklmnop"}, "user_data": "#cloud-config\n",
		"backups": false, "ipv6": false, "monitoring": false, "private_networking": false,
	}
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Error(diff)
	}
}

// Whatever happens to a write, it is sent once (traps 1: godo's own client would send a create up to five times).
func TestWritesAreSentOnce(t *testing.T) {
	for name, a := range map[string]answer{
		"500": {status: 500}, "502 with a page": {status: 502, body: "<html>"}, "504": {status: 504}, "cut": {err: io.ErrUnexpectedEOF},
		"reset": {err: errors.New("connection reset by peer")}, "no answer": {delay: time.Hour}, "an empty object": {status: 202, body: "{}"},
		"no body": {status: 202}, "id 0": {status: 202, body: `{"droplet":{"id":0},"action":{"id":0}}`}, "a page": {status: 200, body: "<html>"},
		"408": apiError(408, "timeout"), "a redirect": {status: 307, header: map[string]string{"Location": "/elsewhere"}},
		"a proxy's not found": {status: 404, body: "<html>no</html>"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for op, call := range map[string]func(*Client) error{
					"create":   func(c *Client) error { _, err := c.CreateDroplet(t.Context(), request()); return err },
					"delete":   func(c *Client) error { return c.DeleteDroplet(t.Context(), 7) },
					"shutdown": func(c *Client) error { _, err := c.Shutdown(t.Context(), 7); return err },
					"off":      func(c *Client) error { _, err := c.PowerOff(t.Context(), 7); return err },
					"resize":   func(c *Client) error { _, err := c.Resize(t.Context(), 7, "s-2vcpu-4gb"); return err },
					"on":       func(c *Client) error { _, err := c.PowerOn(t.Context(), 7); return err },
				} {
					c, w := client(t, a)
					start := time.Now()
					err := call(c)
					if got := apierr.KindOf(err); got != apierr.Unknown || got.Refused() {
						t.Errorf("%s: kind is %q, want unknown: %v", op, got, err)
					}
					if w.requests() != 1 || time.Since(start) > attemptTimeout {
						t.Errorf("%s: %d requests in %v", op, w.requests(), time.Since(start))
					}
				}
			})
		})
	}
}

func TestDeleteDroplet(t *testing.T) {
	for name, tc := range map[string]struct {
		a    answer
		kind apierr.Kind
	}{
		"done":        {answer{status: 204}, ""},
		"gone before": {apiError(404, "The resource you were accessing could not be found."), ""},
		"accepted":    {answer{status: 200, body: "{}"}, apierr.Unknown},
		"busy":        {apiError(422, "Droplet already has a pending event."), apierr.Busy},
	} {
		t.Run(name, func(t *testing.T) {
			c, w := client(t, tc.a)
			wantKind(t, c.DeleteDroplet(t.Context(), 7), tc.kind)
			if w.seen[0] != "DELETE /v2/droplets/7" {
				t.Errorf("sent %s", w.seen[0])
			}
		})
	}
}

func TestTagDroplet(t *testing.T) {
	for name, tc := range map[string]struct {
		a    answer
		kind apierr.Kind
		sent int
	}{
		"done":         {answer{status: 204}, "", 2},
		"no such tag":  {apiError(404, "The resource you were accessing could not be found."), apierr.NotFound, 1},
		"not answered": {apiError(500, "Server Error"), apierr.Unknown, 1},
	} {
		t.Run(name, func(t *testing.T) {
			c, w := client(t, tc.a)
			wantKind(t, c.TagDroplet(t.Context(), 7, "swarmd-swarm:x"), tc.kind)
			if w.requests() != tc.sent || w.seen[0] != "POST /v2/tags" || tc.sent > 1 && w.seen[1] != "POST /v2/tags/swarmd-swarm:x/resources" {
				t.Errorf("sent %v", w.seen)
			}
		})
	}
}

func TestRefusedWithoutARequest(t *testing.T) {
	c, w := client(t, answer{status: 204})
	with := func(change func(*cloud.CreateDroplet)) cloud.CreateDroplet {
		r := request()
		change(&r)
		return r
	}
	var errs []error
	for _, id := range []int{0, -1} {
		_, get := c.Droplet(t.Context(), id)
		_, shut := c.Shutdown(t.Context(), id)
		_, off := c.PowerOff(t.Context(), id)
		_, on := c.PowerOn(t.Context(), id)
		_, size := c.Resize(t.Context(), id, "s-2vcpu-4gb")
		_, none := c.Resize(t.Context(), 7, "")
		_, act := c.Action(t.Context(), 1, id)
		errs = append(errs, c.DeleteDroplet(t.Context(), id), c.TagDroplet(t.Context(), id, "x"), c.TagDroplet(t.Context(), 7, "a b"), get, shut, off, on, size, none, act)
	}
	for _, r := range []cloud.CreateDroplet{
		{}, with(func(r *cloud.CreateDroplet) { r.Region = "" }), with(func(r *cloud.CreateDroplet) { r.Tags = []string{"a b"} }),
		with(func(r *cloud.CreateDroplet) { r.UserData = strings.Repeat("x", maxUserData+1) }),
	} {
		_, err := c.CreateDroplet(t.Context(), r)
		errs = append(errs, err)
	}
	for i, err := range errs {
		if apierr.KindOf(err) != apierr.Invalid {
			t.Errorf("call %d: %v", i, err)
		}
	}
	if w.requests() != 0 {
		t.Errorf("sent %v", w.seen)
	}
}

func TestDroplet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, tc := range map[string]struct {
			body string
			kind apierr.Kind
		}{
			"right":      {`{"droplet":` + dropletJSON(7) + `}`, ""},
			"another":    {`{"droplet":` + dropletJSON(8) + `}`, apierr.Unavailable},
			"none":       {`{}`, apierr.Unavailable},
			"no account": {`{"droplet":null}`, apierr.Unavailable},
		} {
			c, _ := client(t, answer{status: 200, body: tc.body})
			d, err := c.Droplet(t.Context(), 7)
			if apierr.KindOf(err) != tc.kind || (err == nil) != (d.ID == 7) {
				t.Errorf("%s: %v, %v", name, d.ID, err)
			}
		}
	})
}

// A time that cannot be right makes a droplet young, never old.
func TestCreatedIsNeverOldByMistake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, created := range []string{"", "yesterday", "2999-01-01T00:00:00Z"} {
			c, _ := client(t, answer{status: 200, body: `{"droplet":{"id":7,"created_at":"` + created + `","image":{"id":99}}}`})
			d, err := c.Droplet(t.Context(), 7)
			if err != nil || !d.Created.Equal(time.Now()) || d.Image != "99" || d.PrivateIPv4 != "" {
				t.Errorf("%q: %+v, %v", created, d, err)
			}
		}
	})
}

func TestActions(t *testing.T) {
	c, w := client(t, answer{status: 201, body: `{"action":{"id":5,"type":"power_off","status":"in-progress"}}`})
	want := cloud.Action{ID: 5, Type: "power_off", Status: "in-progress"}
	for _, call := range []func() (cloud.Action, error){
		func() (cloud.Action, error) { return c.PowerOff(t.Context(), 7) },
		func() (cloud.Action, error) { return c.Shutdown(t.Context(), 7) },
		func() (cloud.Action, error) { return c.PowerOn(t.Context(), 7) },
		func() (cloud.Action, error) { return c.Resize(t.Context(), 7, "s-2vcpu-4gb") },
		func() (cloud.Action, error) { return c.Action(t.Context(), 7, 5) },
	} {
		if got, err := call(); err != nil || got != want {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if diff := cmp.Diff([]string{"{\"type\":\"power_off\"}\n", "{\"type\":\"shutdown\"}\n", "{\"type\":\"power_on\"}\n",
		"{\"disk\":false,\"size\":\"s-2vcpu-4gb\",\"type\":\"resize\"}\n", ""}, w.bodies); diff != "" {
		t.Error(diff)
	}
	if w.seen[4] != "GET /v2/droplets/7/actions/5" {
		t.Error(w.seen[4])
	}
}

func TestAccount(t *testing.T) {
	c, _ := client(t, answer{status: 200, body: `{"account":{"uuid":"u","status":"active","droplet_limit":25,"team":{"uuid":"t"}}}`})
	got, err := c.Account(t.Context())
	if want := (cloud.Account{UUID: "u", TeamUUID: "t", DropletLimit: 25, Status: "active"}); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	synctest.Test(t, func(t *testing.T) {
		c, _ := client(t, answer{status: 200, body: `{"account":{}}`})
		_, err := c.Account(t.Context())
		wantKind(t, err, apierr.Unavailable)
	})
}
