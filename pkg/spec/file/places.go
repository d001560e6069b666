package file

import (
	"slices"
	"strconv"
)

// Places knows where the fields of a file stand, for faults that are found out elsewhere than in the file.
type Places struct {
	sources sources
	root    *node
}

// PlacesOf reads the places of a file that Parse takes. Of one that cannot be read at all every field is at its beginning.
func PlacesOf(file string, data []byte) Places {
	w := newWalker(file, data)
	p := Places{sources: w.sources, root: &node{line: 1, col: 1}}
	document, fault := decode(data)
	if fault != nil {
		return p
	}
	if root := w.tree(document, 0); root != nil {
		p.root = root
	}
	return p
}

// Has reports whether the file has the field, by its keys; items of lists are counted from "0".
func (p Places) Has(keys ...string) bool { return p.find(keys) != nil }

// Fault is about the field, or, if the file lacks it, about what it would be in.
func (p Places) Fault(message string, keys ...string) Fault {
	n := p.find(keys)
	for n == nil {
		keys = keys[:len(keys)-1]
		n = p.find(keys)
	}
	file, line, col := p.sources.place(n.line, n.col)
	return Fault{File: file, Line: line, Col: col, Path: shorten(n.path(), maxMessage), Message: shorten(message, maxMessage)}
}

// find returns what the keys lead to, or nil.
func (p Places) find(keys []string) *node {
	n := p.root
	for _, key := range keys {
		if n.kind != kindList {
			n = n.child(key)
		} else if i, err := strconv.Atoi(key); err == nil && i >= 0 && i < len(n.items) {
			n = n.items[i]
		} else {
			n = nil
		}
		if n == nil {
			return nil
		}
	}
	return n
}

// DidYouMean completes a message about a word that is not known with the nearest of those that are, as the file's own faults do: "; did you mean
// \"fra1\"?". It is empty if none is near.
func DidYouMean(word string, known []string) string {
	known = slices.Sorted(slices.Values(known))
	return didYouMean(nearest(word, known))
}
