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
	"strconv"
	"strings"

	api "github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/client"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// RelabelService replaces a service's own labels and nothing else, if it is still at the version; a stale version is a Conflict. What is sent is the
// engine's own text of the specification with other labels in it: to leave out a digest, a counter, an empty field or one that this client does not
// know would restart every task, and so would the Docker client, which writes images' names in its own way.
func (c *Client) RelabelService(ctx context.Context, id string, version uint64, labels map[string]string) error {
	const op = "relabel service"
	var live struct {
		Version api.Version
		Spec    map[string]json.RawMessage
	}
	err := c.read(ctx, "inspect service", func(ctx context.Context) error {
		text, err := c.exact(ctx, http.MethodGet, "/services/"+url.PathEscape(id), nil)
		if err != nil {
			return err
		}
		return json.Unmarshal(text, &live)
	})
	if err != nil {
		return err
	}
	if live.Version.Index != version {
		return &apierr.Error{Kind: apierr.Conflict, Side: "swarm", Op: op, Err: fmt.Errorf("service %s is at version %d, not %d; nothing was sent", id, live.Version.Index, version)}
	}
	body, err := relabelled(live.Spec, labels)
	if err != nil {
		return badSpec(op, id, err)
	}
	return c.write(ctx, op, func(ctx context.Context) error {
		_, err := c.exact(ctx, http.MethodPost, "/services/"+url.PathEscape(id)+"/update?version="+strconv.FormatUint(version, 10), body)
		return hidingText(err, body)
	})
}

// hidingText is hiding of a specification that is text.
func hidingText(err error, spec []byte) error {
	var s api.ServiceSpec
	if bad := json.Unmarshal(spec, &s); err != nil && bad != nil {
		return errors.New("the engine refuses it")
	}
	return hiding(err, s, swarm.Login{})
}

// relabelled is a specification in the engine's own text, with other labels.
func relabelled(spec map[string]json.RawMessage, labels map[string]string) (text []byte, err error) {
	if len(spec["TaskTemplate"]) == 0 {
		return nil, errors.New("the engine shows no specification")
	}
	out := maps.Clone(spec)
	if out["Labels"], err = json.Marshal(labels); err != nil {
		return nil, err
	}
	return json.Marshal(out)
}

// exact sends a request as it is, and returns the answer as it is. It names no version of the API: an engine that is asked by an older one than its own
// leaves out, or sets back, what that one does not know.
func (c *Client) exact(ctx context.Context, method, path string, body []byte) ([]byte, error) {
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

// RelabelSecret replaces a secret's labels, if it is still at the version; its value stays.
func (c *Client) RelabelSecret(ctx context.Context, id string, version uint64, name string, labels map[string]string) error {
	spec := api.SecretSpec{Annotations: api.Annotations{Name: name, Labels: maps.Clone(labels)}} // without data the engine keeps what it has
	return c.write(ctx, "relabel secret", func(ctx context.Context) error {
		return c.api.SecretUpdate(ctx, id, api.Version{Index: version}, spec)
	})
}

// SecretIs reports whether a secret has that value, which no engine gives back. It asks for an update to it at a version that no secret has: the engine
// compares the value before it compares the version, so the refusal tells (seen on 20.10.24, 26.1.5 and 28.5.2). Nothing is written. The value
// is of at least one byte.
func (c *Client) SecretIs(ctx context.Context, id, name string, labels map[string]string, value []byte) (bool, error) {
	const op = "compare secret"
	spec := api.SecretSpec{Annotations: api.Annotations{Name: name, Labels: maps.Clone(labels)}, Data: value}
	err := c.write(ctx, op, func(ctx context.Context) error {
		return c.api.SecretUpdate(ctx, id, api.Version{Index: neverAVersion}, spec)
	})
	switch {
	case err == nil:
		return false, &apierr.Error{Kind: apierr.Incomplete, Side: "swarm", Op: op, Err: fmt.Errorf("the engine took an update of %s at version %d, which nothing has", name, neverAVersion)}
	case apierr.KindOf(err) == apierr.Conflict:
		return true, nil
	case apierr.KindOf(err) == apierr.Invalid && strings.Contains(err.Error(), "only updates to Labels are allowed"):
		return false, nil
	}
	return false, err
}

// neverAVersion is the version of nothing: the store's first write gives a higher one.
const neverAVersion = 0
