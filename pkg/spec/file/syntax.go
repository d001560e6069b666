package file

import (
	"fmt"
	"regexp"
	"strings"
)

// opened is a bracket, a brace or a quote, and where it stands, from 1.
type opened struct {
	mark      byte
	line, col int
	closed    int // the line where a quote of several lines ends; 0 if it never does
}

// scanner finds what is opened and not closed in a text that is no YAML. It knows as much of YAML as that takes: quotes and brackets count
// where a value can begin, comments and block scalars are passed over.
type scanner struct {
	open   []opened
	quote  *opened
	quotes []opened // of several lines
	block  int      // the indentation of the key whose block scalar is passed over; -1 outside
}

var blockScalar = regexp.MustCompile(`(^|[:\-] +)[|>][-+0-9]*\s*(#.*)?$`)

func scan(data []byte) *scanner {
	s := &scanner{block: -1}
	for i, line := range strings.Split(string(data), "\n") {
		s.line(strings.TrimSuffix(line, "\r"), i+1)
	}
	return s
}

func (s *scanner) line(line string, number int) {
	blanks := len(line) - len(strings.TrimLeft(line, " "))
	if s.block >= 0 && (blanks > s.block || blanks == len(line)) {
		return
	}
	s.block = -1
	begins := true // a value can begin here
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case s.quote != nil:
			i = s.unquote(line, i, number)
			begins = false
		case c == '#' && (i == 0 || line[i-1] == ' '):
			return
		case c == ' ' || c == '\t':
		case begins && (c == '"' || c == '\''):
			s.quote = &opened{mark: c, line: number, col: i + 1}
		case begins && (c == '{' || c == '['):
			s.open = append(s.open, opened{mark: c, line: number, col: i + 1})
		case len(s.open) > 0 && (c == '}' || c == ']'):
			s.open, begins = s.open[:len(s.open)-1], false
		default:
			begins = c == ',' && len(s.open) > 0 || (c == ':' || c == '-' && begins) && (i+1 == len(line) || line[i+1] == ' ')
		}
	}
	if s.quote == nil && len(s.open) == 0 && blockScalar.MatchString(line) {
		s.block = blanks
	}
}

// unquote looks at one character inside a quote and returns where to go on from.
func (s *scanner) unquote(line string, i, number int) int {
	switch {
	case s.quote.mark == '"' && line[i] == '\\':
		return i + 1
	case line[i] != s.quote.mark:
		return i
	case s.quote.mark == '\'' && i+1 < len(line) && line[i+1] == '\'':
		return i + 1
	}
	if s.quote.closed = number; s.quote.line < number {
		s.quotes = append(s.quotes, *s.quote)
	}
	s.quote = nil
	return i
}

// opening says what the parser's error, noticed in a line, comes from, if something opens before it and is not closed where it should be.
func opening(data []byte, noticed int) *Fault {
	s := scan(data)
	switch last := len(s.open) - 1; {
	case s.quote != nil && s.quote.line <= noticed:
		return &Fault{Line: s.quote.line, Col: s.quote.col, Message: "YAML: the quote that opens here is never closed"}
	case len(s.quotes) > 0 && s.quotes[0].line <= noticed && s.quotes[0].closed <= noticed:
		q := s.quotes[0]
		return &Fault{Line: q.line, Col: q.col, Message: fmt.Sprintf("YAML: the quote that opens here ends only in line %d: is its end missing?", q.closed)}
	case last >= 0 && s.open[last].line <= noticed:
		o := s.open[last]
		return &Fault{Line: o.line, Col: o.col, Message: fmt.Sprintf("YAML: the %c that opens here is never closed", o.mark)}
	}
	return nil
}

// meant says of the parser's commonest messages what people did who got them.
func meant(message string) string {
	return map[string]string{
		"mapping values are not allowed in this context":         ": the line is indented too far, or a text with a colon in it needs quotes",
		"found character that cannot start any token":            ": a text that begins with @, %, ` or a tab needs quotes",
		"did not find expected key":                              ": the line is indented otherwise than those that it belongs to",
		"did not find expected '-' indicator":                    ": the line is indented otherwise than the items of the list",
		"could not find expected ':'":                            ": a key has no colon, or a text of several lines is indented too little",
		"block sequence entries are not allowed in this context": ": an item of a list begins on a line of its own",
	}[message]
}

// unmerged finds the first of the lines that a version control system puts around what two people changed.
func unmerged(data []byte) *Fault {
	at := regexp.MustCompile(`(?m)^(<<<<<<<|>>>>>>>)( |\r?$)`).FindIndex(data)
	if at == nil {
		return nil
	}
	line, col := position(data, at[0])
	return &Fault{Line: line, Col: col, Message: "a merge has not been finished here: keep one of the two sides, and take out the lines that begin with <<<<<<<, ======= and >>>>>>>"}
}

// tabbed is where a tab indents the line, from 1; 0 if none does.
func tabbed(data []byte, line int) int {
	lines := strings.Split(string(data), "\n")
	if line < 1 || line > len(lines) {
		return 0
	}
	text := lines[line-1]
	return 1 + strings.IndexByte(text[:len(text)-len(strings.TrimLeft(text, " \t"))], '\t')
}

// unknownAnchor finds the alias that names no anchor: the parser says only its name.
func unknownAnchor(data []byte, message string) *Fault {
	m := regexp.MustCompile(`^unknown anchor '(.*)' referenced$`).FindStringSubmatch(message)
	if m == nil {
		return nil
	}
	at := regexp.MustCompile(`\*` + regexp.QuoteMeta(m[1]) + `([\s,\]}]|$)`).FindIndex(data)
	if at == nil {
		return nil
	}
	line, col := position(data, at[0])
	return &Fault{Line: line, Col: col, Message: "YAML: no anchor &" + clip(m[1]) + " stands before this alias"}
}
