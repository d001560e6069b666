package respcache

import (
	"fmt"
	"strings"
)

// List is an answer that is a list, most of whose elements came before: only the others have to be decoded. Known is what the elements of the
// last answer mean, by their text; Common, which may be nil, what others have decoded.
type List[E any] struct {
	Known  map[string]E
	Common *Common[E]
	parts  []part[E]
}

// part is one element: its text, and what it means if that is known.
type part[E any] struct {
	text  string
	means E
	known bool
}

// Fresh takes an array's text and returns that of the array of those elements that are not known. It reports false for what is no array: then all
// of it must be decoded.
func (l *List[E]) Fresh(array string) (string, bool) {
	texts, ok := Elements(array)
	if !ok {
		l.Reset()
		return "", false
	}
	l.parts = make([]part[E], len(texts))
	var b strings.Builder
	b.WriteByte('[')
	for i, t := range texts {
		p := &l.parts[i]
		p.text = t
		if p.means, p.known = l.Known[t]; !p.known {
			p.means, p.known = l.Common.Get(t)
		}
		if !p.known {
			if b.Len() > 1 {
				b.WriteByte(',')
			}
			b.WriteString(t)
		}
	}
	b.WriteByte(']')
	return b.String(), true
}

// Reset forgets what Fresh was given: all of the answer is decoded after all.
func (l *List[E]) Reset() { l.parts = nil }

// Whole puts what was decoded of Fresh between what is known, and returns all elements in their order, with what is known from now on. What was
// decoded of the whole array, because it could not be split, comes back as it is.
func (l *List[E]) Whole(fresh []E) (all []E, known map[string]E, err error) {
	if l.parts == nil {
		return fresh, nil, nil
	}
	all, known = make([]E, 0, len(l.parts)), make(map[string]E, len(l.parts))
	for _, p := range l.parts {
		if !p.known {
			if len(fresh) == 0 {
				return nil, nil, fmt.Errorf("a list of %d elements had fewer", len(l.parts))
			}
			p.means, fresh = fresh[0], fresh[1:]
			l.Common.Put(p.text, p.means)
		}
		all, known[p.text] = append(all, p.means), p.means
	}
	if len(fresh) > 0 {
		return nil, nil, fmt.Errorf("a list of %d elements had more", len(l.parts))
	}
	return all, known, nil
}
