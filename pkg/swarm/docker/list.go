package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/swarmd/swarmd/internal/respcache"
	"github.com/swarmd/swarmd/pkg/apierr"
)

// The bounds of what an engine says. Whoever is root on a worker writes the errors of its tasks, and a proxy may answer with anything. One entry
// may have what Swarm can store of it: 1.5 MB a transaction, each byte of which may take six as JSON.
const (
	maxItem        = 10 << 20  // bytes of one entry of a list
	maxItemMarks   = 500_000   // commas and opening brackets in it, outside texts
	maxList        = 512 << 20 // bytes of a list of which little is kept of each entry
	maxWhole       = 24 << 20  // bytes of a list whose entries are kept, several times over
	maxNetworks    = 16 << 20
	maxObject      = 10 << 20 // bytes of any other answer, and of one event
	maxObjectMarks = 200_000  // commas and opening brackets in it
	maxItems       = 100_000
	maxMarks       = 1_500_000 // in a list whose entries are kept: "{}," may stand for a hundred times as much in memory
	usualMarks     = 400_000   // in a list that is decoded in one go
	maxKeep        = 96 << 20  // 100,000 tasks; bytes of what is kept of a list of which not all is kept
	maxText        = 1000      // bytes of a message for people
)

// bounds are those of one kind of list.
type bounds[E any] struct {
	kind      string                         // what one is called: "node"
	name      func(E) string                 // which one it is, for people
	most      int64                          // bytes of the answer
	mostMarks int                            // of the answer; 0: any number
	decode    func(entry []byte, e *E) error // of a list that is decoded entry by entry; nil: all of it
	slim      func(*E)                       // leaves out what nobody looks at; nil: nothing
	weight    func(E) int                    // bytes that are kept of an entry; nil: what the other bounds say
}

func held[E any](kind string, most int64, name func(E) string) bounds[E] {
	return bounds[E]{kind: kind, name: name, most: most, mostMarks: maxMarks}
}

// incoming is a list that is too large, or too dense, to be decoded in one go: it is decoded entry by entry, so that no more than one is in
// memory that is not understood yet.
type incoming[E any] struct {
	bounds bounds[E]
	op     string
	taken  bool // it was such a list
	items  []E
	kept   int   // bytes
	cut    error // the answer did not come whole, or is no JSON: to ask again may help
	bad    error // it came, and is not to be believed
}

type incomingKey struct{}

// asking is one attempt to read a list, and the context of its request. A pass makes several, so that it is one piece of memory.
type asking[E any] struct {
	context.Context
	incoming[E]
	list respcache.List[E]
	open keptOpen
}

// Value finds the list for the transport that reads it.
func (a *asking[E]) Value(key any) any {
	if _, ours := key.(incomingKey); ours {
		return a
	}
	return a.Context.Value(key)
}

// hold returns the body for a reader that closes it too early: there may be more of it than it reads.
func (a *asking[E]) hold(body io.ReadCloser) io.ReadCloser {
	a.open.Reader = body
	return &a.open
}

type keptOpen struct{ io.Reader }

func (*keptOpen) Close() error { return nil }

// take reads the list.
func (in *incoming[E]) take(r io.Reader) {
	in.taken = true
	list := &entries{r: r, most: in.bounds.most, mostMarks: in.bounds.mostMarks}
	decode := in.bounds.decode
	if decode == nil {
		decode = func(entry []byte, e *E) error { return json.Unmarshal(entry, e) }
	}
	for in.bad == nil {
		entry, err := list.next()
		if err != nil || entry == nil {
			in.fail(err)
			return
		}
		var e E
		if err := decode(entry, &e); err != nil {
			in.fail(err)
			return
		}
		in.add(e)
	}
}

func (in *incoming[E]) add(e E) {
	if in.bounds.slim != nil {
		in.bounds.slim(&e)
	}
	if in.bounds.weight != nil {
		if in.kept += in.bounds.weight(e); in.kept > maxKeep {
			in.bad = in.unbelievable(fmt.Errorf("%w: what is kept of its entries needs more than %d MB, and it is %s: remove services or tasks that nobody needs",
				errTooLong, maxKeep>>20, in.place()))
			return
		}
	}
	if len(in.items) == maxItems {
		in.bad = in.unbelievable(fmt.Errorf("%w: more than %d entries", errTooLong, maxItems))
		return
	}
	if len(in.items) == cap(in.items) { // append makes room for a quarter more, and each entry of a long list would be copied five times
		in.items = slices.Grow(in.items, max(len(in.items), 100))
	}
	in.items = append(in.items, e)
}

// fail takes in why the list could not be decoded, nil for well.
func (in *incoming[E]) fail(err error) {
	if errors.Is(err, errTooLong) {
		in.bad = in.unbelievable(fmt.Errorf("%w: at most %d bytes, %d an entry, and it is %s: look with docker inspect for what is that large there (a label?), and take it away",
			errTooLong, in.bounds.most, maxItem, in.place()))
		return
	}
	in.cut = err
}

// place says for people how far the list was read.
func (in *incoming[E]) place() string {
	if len(in.items) == 0 {
		return "at the first " + in.bounds.kind
	}
	return "after " + in.bounds.kind + " " + brief(in.bounds.name(in.items[len(in.items)-1]))
}

// unbelievable is the error of a list of which a part must not be taken for the whole.
func (in *incoming[E]) unbelievable(err error) error {
	return &apierr.Error{Kind: apierr.Unavailable, Side: "swarm", Op: in.op, Err: err}
}

var errTooLong = errors.New("the answer is too long")

// meter passes on as much as is permitted so far, not much at once: what it has passed on is counted, read or not.
type meter struct {
	r                io.Reader
	read, most       int64
	marks, mostMarks int
	text, escaped    bool // within one, after a backslash in it
}

// maxPart is how much a meter passes on at once, bytes.
const maxPart = 64 << 10

func (m *meter) Read(p []byte) (int, error) {
	if m.read >= m.most || m.marks > m.mostMarks {
		return 0, errTooLong
	}
	n, err := m.r.Read(p[:min(int64(len(p)), m.most-m.read, maxPart)])
	m.read += int64(n)
	m.count(p[:n])
	return n, err
}

// count counts the marks outside texts: in a text they cost nothing.
func (m *meter) count(data []byte) {
	for _, c := range data {
		switch {
		case m.escaped:
			m.escaped = false
		case m.text:
			m.text, m.escaped = c != '"', c == '\\'
		case c == '"':
			m.text = true
		case c == ',', c == '{', c == '[':
			m.marks++
		}
	}
}

// receive bounds an answer, and shows it to who waits for it.
func receive(req *http.Request, resp *http.Response) {
	_, list := req.Context().Value(incomingKey{}).(taker)
	switch {
	case list && resp.StatusCode == http.StatusOK: // bounded by who takes it
	case strings.HasSuffix(req.URL.Path, "/events") && resp.StatusCode == http.StatusOK:
		resp.Body = &stream{body: resp.Body}
		return
	default:
		bound(resp)
	}
	show(req.Context(), resp)
}

// taker is an incoming list of any kind.
type taker interface {
	take(io.Reader)
	hold(io.ReadCloser) io.ReadCloser
}

// bound limits an answer that is no list. One that is in memory already, and short, is left as it is.
func bound(resp *http.Response) {
	if here, ok := resp.Body.(interface{ Bytes() []byte }); ok && len(here.Bytes()) <= maxKept && respcache.Marks(here.Bytes()) <= maxObjectMarks {
		return
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{&meter{r: resp.Body, most: maxObject, mostMarks: maxObjectMarks}, resp.Body}
}

// overflow gives a list of which the beginning was read to its taker if there is more of it than is decoded in one go, and reports whether.
func overflow(ctx context.Context, begin []byte, rest io.Reader) bool {
	in, ok := ctx.Value(incomingKey{}).(taker)
	if !ok || len(begin) <= maxKept && respcache.Marks(begin) <= usualMarks {
		return false
	}
	in.take(io.MultiReader(bytes.NewReader(begin), rest))
	return true
}

// stream is an answer without an end, each line of which is bounded.
type stream struct {
	body io.ReadCloser
	line int64
}

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.body.Read(p)
	if i := bytes.LastIndexByte(p[:n], '\n'); i >= 0 {
		s.line = int64(n - i)
	} else {
		s.line += int64(n)
	}
	if s.line > maxObject {
		return 0, errTooLong
	}
	return n, err
}

func (s *stream) Close() error { return s.body.Close() }

// brief cuts a message for people. What is kept does not hold the whole of it in memory.
func brief(s string) string {
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(strings.Clone(s[:maxText]), "") + "…"
}
