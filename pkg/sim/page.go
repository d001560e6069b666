package sim

import (
	"bytes"
	"net/http"
)

// page is an answer that is whole when its handler returns: a http.ResponseWriter that keeps what it is given.
type page struct {
	header http.Header
	status int
	body   []byte
}

func newPage() *page { return &page{header: make(http.Header, 8)} }

func (p *page) Header() http.Header { return p.header }

func (p *page) WriteHeader(status int) {
	if p.status == 0 {
		p.status = status
	}
}

func (p *page) Write(b []byte) (int, error) {
	p.WriteHeader(http.StatusOK)
	p.body = append(p.body, b...)
	return len(b), nil
}

// Take is Write of a whole body that nobody changes any more: it is kept and not copied.
func (p *page) Take(body []byte) {
	p.WriteHeader(http.StatusOK)
	p.body = body
}

func (p *page) response(r *http.Request) *http.Response {
	p.WriteHeader(http.StatusOK)
	return response(r, p.status, p.header, p.body)
}

// content is a body that is in memory. Who reads answers whole may have its bytes, and must not change them.
type content struct {
	bytes.Reader
	all []byte
}

func newContent(body []byte) *content {
	c := &content{all: body}
	c.Reset(body)
	return c
}

// Bytes are the whole body.
func (c *content) Bytes() []byte { return c.all }

// Close does nothing.
func (c *content) Close() error { return nil }
