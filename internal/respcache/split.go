package respcache

import (
	"bytes"
	"strings"
)

// Elements splits a JSON array into the texts of its elements. It looks at nothing but nesting, strings and commas: what an element says is for
// its decoder to judge. It reports false for anything that is not one whole array.
func Elements(text string) ([]string, bool) {
	var out []string
	ok := each(text, '[', ']', func(from int) (to int) {
		if to = skip(text, from); to > from {
			out = append(out, text[from:to])
		}
		return to
	})
	return out, ok
}

// Members tells the members of a JSON object in the same way: the name as it is written, without quotes, and the value's text. What was told counts
// only if it reports true.
func Members(text string, tell func(name, value string)) bool {
	return each(text, '{', '}', func(from int) (to int) {
		end := skip(text, from)
		colon := blank(text, end)
		if end < from+2 || text[from] != '"' || colon >= len(text) || text[colon] != ':' {
			return -1
		}
		value := blank(text, colon+1)
		if to = skip(text, value); to > value {
			tell(text[from+1:end-1], text[value:to])
			return to
		}
		return -1
	})
}

// each calls item at the beginning of every item between the brackets; it returns the item's end, and no end after its beginning if there is none.
func each(text string, open, closing byte, item func(from int) (to int)) bool {
	i := blank(text, 0)
	if i == len(text) || text[i] != open {
		return false
	}
	if i = blank(text, i+1); i < len(text) && text[i] == closing {
		return blank(text, i+1) == len(text)
	}
	for i < len(text) {
		to := item(i)
		if to <= i {
			return false
		}
		if i = blank(text, to); i == len(text) {
			return false
		}
		switch text[i] {
		case ',':
			i = blank(text, i+1)
		case closing:
			return blank(text, i+1) == len(text)
		default:
			return false
		}
	}
	return false
}

// blank is the next place from i on that is no white space.
func blank(text string, i int) int {
	for i >= 0 && i < len(text) && (text[i] == ' ' || text[i] == '\n' || text[i] == '\t' || text[i] == '\r') {
		i++
	}
	return max(i, 0)
}

// maxDepth is how deep values may be nested, the same as in encoding/json's order of magnitude; no answer comes near.
const maxDepth = 64

// skip is the end of the value that begins at i, -1 if it has none.
func skip(text string, i int) int {
	var closing [maxDepth]byte
	depth := 0
	for i < len(text) {
		switch c := text[i]; c {
		case '"':
			if i = quoted(text, i); i < 0 {
				return -1
			}
		case '{', '[':
			if depth == maxDepth {
				return -1
			}
			closing[depth] = c + 2 // in ASCII the closing bracket is two after the opening one
			depth++
			i++
		case '}', ']':
			if depth == 0 || closing[depth-1] != c {
				return -1
			}
			depth--
			i++
		case ',', ':', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return -1
			}
			i++
			continue
		default:
			i = bare(text, i)
		}
		if depth == 0 {
			return i
		}
	}
	return -1
}

// quoted is the end of the string that begins at i, -1 if it has none.
func quoted(text string, i int) int {
	for i++; ; {
		n := strings.IndexByte(text[i:], '"')
		if n < 0 {
			return -1
		}
		end := i + n
		slashes := 0
		for slashes < end-i && text[end-1-slashes] == '\\' {
			slashes++
		}
		if i = end + 1; slashes%2 == 0 {
			return i
		}
	}
}

// bare is the end of a number, true, false or null.
func bare(text string, i int) int {
	for i < len(text) {
		switch text[i] {
		case ',', ':', '}', ']', ' ', '\n', '\t', '\r', '"', '{', '[':
			return i
		}
		i++
	}
	return i
}

// Marks counts what separates and begins values in JSON, commas and opening brackets, those in texts too: each may stand for a value that takes a
// hundred times as much memory decoded.
func Marks(data []byte) (n int) {
	for _, mark := range []string{",", "{", "["} {
		n += bytes.Count(data, []byte(mark))
	}
	return n
}
