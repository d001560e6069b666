package docean

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	defaultPage = 20
	maxPage     = 200
	maxBody     = 1 << 20 // bytes of a request
)

// request is one authenticated API call, made while the model is locked.
type request struct {
	*http.Request
	now   time.Time
	token Token
}

// reply is what goes back. A nil body has no content.
type reply struct {
	status int
	body   any
}

type endpoint func(*request) reply

// fault is DigitalOcean's error body.
type fault struct {
	ID        string `json:"id"`
	Message   string `json:"message"`
	RequestID string `json:"request_id,omitempty"`
}

// ServeHTTP is the API.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.routes.ServeHTTP(w, r) }

func (c *Cloud) newRoutes() http.Handler {
	mux := http.NewServeMux()
	for pattern, e := range c.endpoints() {
		mux.Handle(pattern, c.wrap(e))
	}
	return mux
}

func (c *Cloud) endpoints() map[string]endpoint {
	return map[string]endpoint{
		"GET /v2/droplets":                   c.listDroplets,
		"POST /v2/droplets":                  c.createDroplets,
		"DELETE /v2/droplets":                c.deleteByTag,
		"GET /v2/droplets/{id}":              c.getDroplet,
		"DELETE /v2/droplets/{id}":           c.deleteDroplet,
		"GET /v2/droplets/{id}/actions":      c.listActions,
		"POST /v2/droplets/{id}/actions":     c.postAction,
		"GET /v2/droplets/{id}/actions/{no}": c.getAction,
		"GET /v2/actions/{no}":               c.getAction,
		"GET /v2/account":                    c.getAccount,
		"GET /v2/account/keys":               c.listKeys,
		"POST /v2/account/keys":              c.createKey,
		"GET /v2/sizes":                      c.listSizes,
		"GET /v2/regions":                    c.listRegions,
		"GET /v2/images":                     c.listImages,
		"GET /v2/images/{image}":             c.getImage,
		"GET /v2/vpcs":                       c.listVPCs,
		"GET /v2/vpcs/{vpc}":                 c.getVPC,
		"GET /v2/tags":                       c.listTags,
		"POST /v2/tags":                      c.createTag,
		"GET /v2/tags/{tag}":                 c.getTag,
		"DELETE /v2/tags/{tag}":              c.deleteTag,
		"GET /v2/account/keys/{key}":         c.getKey,
		"PUT /v2/account/keys/{key}":         c.renameKey,
		"DELETE /v2/account/keys/{key}":      c.deleteKey,
		"GET /v2/droplets/{id}/snapshots":    c.listSnapshots,
		"DELETE /v2/images/{image}":          c.deleteImage,
		"POST /v2/tags/{tag}/resources":      c.tagResources,
		"DELETE /v2/tags/{tag}/resources":    c.untagResources,
		"/":                                  func(*request) reply { return notFound() },
	}
}

// wrap does what every call has: request id, token, rate limit, and the lock.
func (c *Cloud) wrap(e endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		c.mu.Lock()
		defer c.mu.Unlock()
		id := c.uuid()
		now := c.now()
		c.endActions(now)
		w.Header().Set("x-request-id", id)
		c.answer(w, id, c.admit(w, r, now, e))
	})
}

// admit checks the token, then the limits, then runs the endpoint. Unauthenticated calls cost nothing.
func (c *Cloud) admit(w http.ResponseWriter, r *http.Request, now time.Time, e endpoint) reply {
	token, ok := c.tokenOf(r)
	if !ok {
		c.limitHeaders(w, verdict{limit: c.opts.RateLimit.PerHour, remaining: c.opts.RateLimit.PerHour, reset: now.Add(time.Hour)})
		return fail(http.StatusUnauthorized, "unauthorized", "Unable to authenticate you")
	}
	v := c.limits.take(now, r.Method == http.MethodGet && r.URL.Path == "/v2/account/keys")
	c.limitHeaders(w, v)
	if !v.allowed {
		return fail(http.StatusTooManyRequests, "too_many_requests", "API rate limit exceeded.")
	}
	if token.ReadOnly && r.Method != http.MethodGet {
		return fail(http.StatusForbidden, "Forbidden", "You are not authorized to perform this operation")
	}
	return e(&request{Request: r, now: now, token: token})
}

func (c *Cloud) tokenOf(r *http.Request) (Token, bool) {
	secret, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || secret == "" {
		return Token{}, false
	}
	if secret == c.opts.Token {
		return Token{Secret: secret}, true
	}
	i := slices.IndexFunc(c.opts.OtherTokens, func(t Token) bool { return t.Secret == secret })
	if i < 0 {
		return Token{}, false
	}
	return c.opts.OtherTokens[i], true
}

func (c *Cloud) limitHeaders(w http.ResponseWriter, v verdict) {
	h := w.Header()
	h.Set("ratelimit-limit", strconv.Itoa(v.limit))
	h.Set("ratelimit-remaining", strconv.Itoa(v.remaining))
	h.Set("ratelimit-reset", strconv.FormatInt(v.reset.Unix(), 10))
	if v.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(v.retrySeconds()))
	}
}

func (c *Cloud) answer(w http.ResponseWriter, id string, rep reply) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if f, ok := rep.body.(fault); ok {
		f.RequestID = id
		rep.body = f
	}
	w.WriteHeader(rep.status)
	if rep.body != nil {
		body := text(rep.body)
		if to, ok := w.(interface{ Take(body []byte) }); ok {
			to.Take(body)
			return
		}
		_, _ = w.Write(body) // a client that has gone away is its own concern
	}
}

func fail(status int, id, message string) reply {
	return reply{status, fault{ID: id, Message: message}}
}

func notFound() reply {
	return fail(http.StatusNotFound, "not_found", "The resource you requested could not be found.")
}

func unprocessable(format string, args ...any) reply {
	return fail(http.StatusUnprocessableEntity, "unprocessable_entity", fmt.Sprintf(format, args...))
}

// decode reads the request's JSON.
func (r *request) decode(into any) (reply, bool) {
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		return fail(http.StatusBadRequest, "bad_request", "Unable to parse the request body."), false
	}
	return reply{}, true
}

// page cuts the answer's page out of the entries as they are now, and renders it: pages are no snapshot.
func page[T any, J any](c *Cloud, r *request, name string, all []T, render func(T) J) reply {
	q := r.URL.Query()
	per := atLeast(q.Get("per_page"), defaultPage)
	per = min(per, c.opts.PageSize)
	no := atLeast(q.Get("page"), 1)
	from := min((no-1)*per, len(all))
	to := min(from+per, len(all))
	last := max(1, (len(all)+per-1)/per)
	texts := make([][]byte, to-from)
	for i, e := range all[from:to] {
		texts[i] = text(render(e))
	}
	list := bytes.Join(texts, []byte{','})
	b := fmt.Appendf(make([]byte, 0, len(list)+512), `{"links":%s,"meta":{"total":%d},"%s":[`, text(r.links(no, per, last)), len(all), name)
	return reply{http.StatusOK, json.RawMessage(append(append(b, list...), "]}\n"...))}
}

// text is a value as JSON.
func text(v any) []byte {
	if written, ok := v.(json.RawMessage); ok {
		return written
	}
	data, err := json.Marshal(v)
	if err != nil {
		panic("docean: no JSON: " + err.Error()) // there are only maps, strings and numbers
	}
	return data
}

func atLeast(s string, def int) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return def
	}
	return min(n, 1<<20)
}

// links names the neighbouring pages; a single page has none.
func (r *request) links(no, per, last int) map[string]any {
	pages := map[string]string{}
	if no > 1 {
		pages["first"], pages["prev"] = r.pageURL(1, per), r.pageURL(no-1, per)
	}
	if no < last {
		pages["next"], pages["last"] = r.pageURL(no+1, per), r.pageURL(last, per)
	}
	if len(pages) == 0 {
		return map[string]any{}
	}
	return map[string]any{"pages": pages}
}

func (r *request) pageURL(no, per int) string {
	q := r.URL.Query()
	q.Set("page", strconv.Itoa(no))
	q.Set("per_page", strconv.Itoa(per))
	u := url.URL{Scheme: "http", Host: r.Host, Path: r.URL.Path, RawQuery: q.Encode()}
	if r.TLS != nil || r.URL.Scheme == "https" {
		u.Scheme = "https"
	}
	return u.String()
}
