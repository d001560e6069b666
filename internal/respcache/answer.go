// Package respcache lets an adapter see what of an API's answer is as the last time, byte for byte, before its SDK decodes that again. Only
// the answer of this moment is ever believed: what the adapter keeps saves the decoding, not the asking.
package respcache

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"net/http"
)

// Answer is an answer on its way to a reader who may have had one before.
type Answer struct {
	before []byte
	part   func(body []byte) []byte
	cut    func(body []byte) []byte
	known  func(mark []byte) bool
	mark   []byte
	same   bool
}

type key struct{}

// Watch returns a context for one request, and what becomes of its answer. before is the mark of the last answer, nil for none.
func Watch(ctx context.Context, before []byte) (context.Context, *Answer) {
	a := &Answer{before: before}
	return context.WithValue(ctx, key{}, a), a
}

// Part has a part of the answer taken for the whole: it, and no more, is compared, decoded and kept. A nil from part leaves the answer as it is.
func (a *Answer) Part(part func(body []byte) []byte) { a.part = part }

// Known has an answer whose mark known recognises taken for the one of the last time, too: it is not decoded, whoever has decoded it before.
func (a *Answer) Known(known func(mark []byte) bool) { a.known = known }

// Cut has the answer to a request that is watched shortened before it is decoded, unless it is the one of the last time. A nil from cut leaves it as it is.
func Cut(ctx context.Context, cut func(body []byte) []byte) {
	if a, ok := ctx.Value(key{}).(*Answer); ok {
		a.cut = cut
	}
}

// Watched reports whether somebody watches this request's answer.
func Watched(ctx context.Context) bool { return ctx.Value(key{}) != nil }

// Show is called by the transport that has read an answer whole. It puts instead in place of a body that is the one of the last time,
// so that there is nothing to decode, and reports whether. An answer other than 200 OK is never the same.
func Show(ctx context.Context, resp *http.Response, body []byte, instead string) (same bool) {
	a, ok := ctx.Value(key{}).(*Answer)
	if !ok || resp.StatusCode != http.StatusOK {
		return false
	}
	if a.part != nil {
		if p := a.part(body); p != nil {
			body = p
			resp.Body = io.NopCloser(bytes.NewReader(p))
		}
	}
	a.mark = markOf(body)
	a.same = len(body) > 0 && (bytes.Equal(a.mark, a.before) || a.known != nil && a.known(a.mark))
	if a.same {
		resp.Body = io.NopCloser(bytes.NewReader([]byte(instead)))
	} else if a.cut != nil {
		if short := a.cut(body); short != nil {
			resp.Body = io.NopCloser(bytes.NewReader(short))
		}
	}
	return a.same
}

// Same reports whether the answer came, and is the one of the last time or one that is known.
func (a *Answer) Same() bool { return a.same }

// Mark is by what the answer, or the part of it that was asked for, is known when it comes again: its text, or of one that is longer than Long its
// SHA-256, so that to remember it costs nothing. It is nil if none came with 200 OK.
func (a *Answer) Mark() []byte { return a.mark }

// Long is up to how many bytes of an answer are kept as they are. A swarm of 1,000 tasks answers with less.
const Long = 4 << 20

func markOf(body []byte) []byte {
	if len(body) <= Long {
		return body
	}
	sum := sha256.Sum256(body)
	return sum[:]
}

// Read reads an answer's body to its end, or to the limit. One that is in memory already is not copied; it must not be changed.
func Read(resp *http.Response, limit int64) ([]byte, error) {
	defer resp.Body.Close()
	if here, ok := resp.Body.(interface{ Bytes() []byte }); ok && int64(len(here.Bytes())) <= limit {
		return here.Bytes(), nil
	}
	// The length is what the other end claims: it bounds nothing but the room that is made ready.
	data := bytes.NewBuffer(make([]byte, 0, min(max(resp.ContentLength, 0), Long)+bytes.MinRead))
	_, err := data.ReadFrom(io.LimitReader(resp.Body, limit))
	return data.Bytes(), err
}
