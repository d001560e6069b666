package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/registry"
	api "github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/client"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// serviceText is a service in the engine's own text, and what this client understands of its specification.
type serviceText struct {
	id      string
	version api.Version
	fields  map[string]json.RawMessage // of the specification
	spec    api.ServiceSpec
}

// text reads a service. One at another version is a Conflict.
func (c *Client) text(ctx context.Context, op, id, name string, version uint64) (serviceText, error) {
	live := serviceText{id: id}
	err := c.read(ctx, "inspect service", func(ctx context.Context) error {
		text, err := c.exact(ctx, http.MethodGet, "/services/"+url.PathEscape(id), nil, "")
		if err != nil {
			return err
		}
		var exact struct{ Spec map[string]json.RawMessage }
		var understood api.Service
		err = errors.Join(json.Unmarshal(text, &exact), json.Unmarshal(text, &understood))
		live.version, live.fields, live.spec = understood.Version, exact.Spec, understood.Spec
		return err
	})
	if err == nil && live.version.Index != version {
		err = &apierr.Error{Kind: apierr.Conflict, Side: "swarm", Op: op, Err: fmt.Errorf("service %s is at version %d, not %d; nothing was sent", name, live.version.Index, version)}
	}
	return live, err
}

// amend sends what replaces no task of the live specification: the engine's own text with other labels, replicas and settings of updates. To leave out
// a digest, a counter, an empty field or one that this client does not know would restart every task, and so would the Docker client, which writes
// images' names and networks in its own way.
func (c *Client) amend(ctx context.Context, op string, live serviceText, want api.ServiceSpec, login swarm.Login) error {
	fields := map[string]any{"Labels": want.Labels}
	if !reflect.DeepEqual(fullMode(live.spec.Mode), fullMode(want.Mode)) {
		fields["Mode"] = want.Mode
	}
	if !reflect.DeepEqual(fullUpdate(live.spec.UpdateConfig), fullUpdate(want.UpdateConfig)) {
		fields["UpdateConfig"] = want.UpdateConfig
	}
	if !reflect.DeepEqual(fullUpdate(live.spec.RollbackConfig), fullUpdate(want.RollbackConfig)) {
		fields["RollbackConfig"] = want.RollbackConfig
	}
	return c.writeText(ctx, op, live, fields, login)
}

// sameTasks reports whether both specifications mean the same tasks and the same endpoint, of the same bytes. Networks go by name in both.
func sameTasks(a, b api.ServiceSpec) bool {
	if a.TaskTemplate.ContainerSpec == nil || b.TaskTemplate.ContainerSpec == nil || a.TaskTemplate.ForceUpdate != b.TaskTemplate.ForceUpdate ||
		!slices.Equal(platformsOf(a), platformsOf(b)) || wholeImage(a) != wholeImage(b) {
		return false
	}
	as, err := serviceForm(a)
	bs, other := serviceForm(b)
	return err == nil && other == nil && !swarm.Replaces(swarm.Diff(as, bs))
}

func platformsOf(s api.ServiceSpec) []api.Platform {
	if s.TaskTemplate.Placement == nil {
		return nil
	}
	return s.TaskTemplate.Placement.Platforms
}

// wholeImage is the image with its digest, in one way of writing.
func wholeImage(s api.ServiceSpec) string {
	return joinImage(splitImage(s.TaskTemplate.ContainerSpec.Image))
}

// writeText sends the engine's own text with other values of some of its fields. The engine keeps the login that it has if there is none.
func (c *Client) writeText(ctx context.Context, op string, live serviceText, fields map[string]any, login swarm.Login) error {
	body, err := live.with(fields)
	if err != nil {
		return badSpec(op, live.id, err)
	}
	var sent api.ServiceSpec
	if err := json.Unmarshal(body, &sent); err != nil {
		return badSpec(op, live.id, err)
	}
	return c.write(ctx, op, func(ctx context.Context) error {
		path := "/services/" + url.PathEscape(live.id) + "/update?version=" + strconv.FormatUint(live.version.Index, 10)
		_, err := c.exact(ctx, http.MethodPost, path, body, login.Header())
		return hiding(err, sent, login)
	})
}

// with is the specification in the engine's own text, with other values of these fields.
func (t serviceText) with(fields map[string]any) ([]byte, error) {
	if len(t.fields["TaskTemplate"]) == 0 {
		return nil, errors.New("the engine shows no specification")
	}
	out := maps.Clone(t.fields)
	for name, value := range fields {
		text, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		out[name] = text
	}
	return json.Marshal(out)
}

// exact sends a request as it is, and returns the answer as it is. It names no version of the API: an engine that is asked by an older one than its own
// leaves out, or sets back, what that one does not know.
func (c *Client) exact(ctx context.Context, method, path string, body []byte, login string) ([]byte, error) {
	to := "http://" + client.DummyHost // as the Docker client names the socket
	if at, err := client.ParseHostURL(c.api.DaemonHost()); err == nil && at.Scheme != "unix" {
		to = c.scheme + "://" + at.Host + at.Path
	}
	req, err := http.NewRequestWithContext(ctx, method, to+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if req.ContentLength = int64(len(body)); body == nil {
		req.Body = http.NoBody
	} else {
		req.Header.Set("Content-Type", "application/json")
	}
	if login != "" {
		req.Header.Set(registry.AuthHeader, login)
	}
	resp, err := c.api.HTTPClient().Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }() // all of it was read, or that is an error already
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode < 400 {
		return text, err
	}
	var said struct{ Message string }
	if json.Unmarshal(text, &said) != nil || said.Message == "" {
		said.Message = strings.TrimSpace(string(text))
	}
	return nil, errors.New(said.Message)
}
