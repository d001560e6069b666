// Package unchanged lets an adapter see what of an API's answer is as the last time, byte for byte, before its SDK decodes that again. Only
// the answer of this moment is ever believed: what the adapter keeps saves the decoding, not the asking.
package unchanged

import (
	"bytes"
	"context"
	"io"
	"net/http"
)

// Answer is an answer on its way to a reader who may have had one before.
type Answer struct {
	before []byte
	part   func(body []byte) []byte
	cut    func(body []byte) []byte
	body   []byte
	same   bool
}

type key struct{}

// Watch returns a context for one request, and what becomes of its answer. before is the body of the last answer, nil for none.
func Watch(ctx context.Context, before []byte) (context.Context, *Answer) {
	a := &Answer{before: before}
	return context.WithValue(ctx, key{}, a), a
}

// Part has a part of the answer taken for the whole: it, and no more, is compared, decoded and kept. A nil from part leaves the answer as it is.
func (a *Answer) Part(part func(body []byte) []byte) { a.part = part }

// Cut has the answer to a request that is watched shortened before it is decoded, unless it is the one of the last time. A nil from cut leaves it as it is.
func Cut(ctx context.Context, cut func(body []byte) []byte) {
	if a, ok := ctx.Value(key{}).(*Answer); ok {
		a.cut = cut
	}
}

// Watched reports whether somebody watches this request's answer.
func Watched(ctx context.Context) bool { return ctx.Value(key{}) != nil }

// Show is called by the transport that has read an answer whole. It puts instead in place of a body that is the one of the last time,
// so that there is nothing to decode. An answer other than 200 OK is never the same.
func Show(ctx context.Context, resp *http.Response, body []byte, instead string) {
	a, ok := ctx.Value(key{}).(*Answer)
	if !ok || resp.StatusCode != http.StatusOK {
		return
	}
	a.body = body
	if a.part != nil {
		if p := a.part(body); p != nil {
			a.body = p
			resp.Body = io.NopCloser(bytes.NewReader(p))
		}
	}
	if a.same = len(a.body) > 0 && bytes.Equal(a.body, a.before); a.same {
		resp.Body = io.NopCloser(bytes.NewReader([]byte(instead)))
	} else if a.cut != nil {
		if short := a.cut(a.body); short != nil {
			resp.Body = io.NopCloser(bytes.NewReader(short))
		}
	}
}

// Same reports whether the answer came, and is the one of the last time.
func (a *Answer) Same() bool { return a.same }

// Body is the answer as it came, or the part of it that was asked for; nil if none came with 200 OK.
func (a *Answer) Body() []byte { return a.body }

// firstRoom bounds the memory that is made ready for an answer because of the length that the other end claims.
const firstRoom = 4 << 20

// Read reads an answer's body to its end, or to the limit. One that is in memory already is not copied; it must not be changed.
func Read(resp *http.Response, limit int64) ([]byte, error) {
	defer resp.Body.Close()
	if here, ok := resp.Body.(interface{ Bytes() []byte }); ok && int64(len(here.Bytes())) <= limit {
		return here.Bytes(), nil
	}
	data := bytes.NewBuffer(make([]byte, 0, min(max(resp.ContentLength, 0), firstRoom)+bytes.MinRead))
	_, err := data.ReadFrom(io.LimitReader(resp.Body, limit))
	return data.Bytes(), err
}
