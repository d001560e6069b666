package unchanged

import (
	"fmt"
	"strings"
)

// List is an answer that is a list, most of whose elements came before: only the others have to be decoded. Known is what the elements of the
// last answer mean, by their text.
type List[E any] struct {
	Known map[string]E
	texts []string
}

// Fresh takes an array's text and returns that of the array of those elements that are not known. It reports false for what is no array: then all
// of it must be decoded.
func (l *List[E]) Fresh(array string) (string, bool) {
	var ok bool
	if l.texts, ok = Elements(array); !ok {
		l.texts = nil
		return "", false
	}
	var b strings.Builder
	b.WriteByte('[')
	for _, t := range l.texts {
		if _, known := l.Known[t]; !known {
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
func (l *List[E]) Reset() { l.texts = nil }

// Whole puts what was decoded of Fresh between what is known, and returns all elements in their order, with what is known from now on. What was
// decoded of the whole array, because it could not be split, comes back as it is.
func (l *List[E]) Whole(fresh []E) (all []E, known map[string]E, err error) {
	if l.texts == nil {
		return fresh, nil, nil
	}
	all, known = make([]E, 0, len(l.texts)), make(map[string]E, len(l.texts))
	for _, t := range l.texts {
		e, ok := l.Known[t]
		if !ok {
			if len(fresh) == 0 {
				return nil, nil, fmt.Errorf("a list of %d elements had fewer", len(l.texts))
			}
			e, fresh = fresh[0], fresh[1:]
		}
		all, known[t] = append(all, e), e
	}
	if len(fresh) > 0 {
		return nil, nil, fmt.Errorf("a list of %d elements had more", len(l.texts))
	}
	return all, known, nil
}
