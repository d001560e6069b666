package file

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// readable reports what makes the bytes no YAML text at all, before the YAML parser sees them.
func readable(data []byte) (message string, offset int) {
	if len(data) > MaxSize {
		return "the file has more than " + strconv.Itoa(MaxSize) + " bytes, the most that are accepted", 0
	}
	for _, mark := range []string{"\xef\xbb\xbf", "\xff\xfe", "\xfe\xff"} {
		if bytes.HasPrefix(data, []byte(mark)) {
			return "the file starts with a byte order mark: save it as UTF-8 without one", 0
		}
	}
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return "the file has a NUL byte: it is no text", i
	}
	if i := firstInvalid(data); i >= 0 {
		return "the file is not UTF-8", i
	}
	return "", 0
}

// firstInvalid returns the offset of the first byte that is not UTF-8, or -1.
func firstInvalid(data []byte) int {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

// decode reads the one YAML document of the file. The fault is nil if there is one.
func decode(data []byte) (*yaml.Node, *Fault) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document, second yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		if len(bytes.TrimSpace(data)) > 0 {
			return nil, &Fault{Line: 1, Col: 1, Message: "there are only comments in the file"}
		}
		return nil, &Fault{Line: 1, Col: 1, Message: "the file is empty"}
	case err != nil:
		return nil, syntaxFault(data, err)
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		return nil, &Fault{Line: second.Line, Col: second.Column, Message: "a second YAML document starts here: the file must have one"}
	case !errors.Is(err, io.EOF):
		return nil, syntaxFault(data, err)
	}
	return document.Content[0], nil
}

// syntaxFault gives the parser's error a position. The parser names the line where the broken construct began, off by one for
// some errors and not at all for others; where it noticed the error is the shortest run of lines that fails in the same words.
func syntaxFault(data []byte, err error) *Fault {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 0
	if m := regexp.MustCompile(`^line (\d+): `).FindStringSubmatch(message); m != nil {
		line, _ = strconv.Atoi(m[1])
		message = strings.TrimPrefix(message, m[0])
	}
	if fault := unknownAnchor(data, message); fault != nil {
		return fault
	}
	if fault := unmerged(data); fault != nil {
		return fault
	}
	if line == 0 || strings.HasPrefix(message, "did not find expected") {
		line = noticed(data, err)
	}
	if fault := opening(data, line); fault != nil {
		return fault
	}
	if col := tabbed(data, line); col > 0 {
		return &Fault{Line: line, Col: col, Message: "YAML: a tab indents this line: only blanks do that"}
	}
	return &Fault{Line: line, Col: indent(data, line) + 1, Message: "YAML: " + message + meant(message)}
}

// noticed returns the line at which the parser stops with this error.
func noticed(data []byte, err error) int {
	lines := bytes.SplitAfter(data, []byte("\n"))
	return 1 + sort.Search(len(lines)-1, func(i int) bool {
		got := failure(bytes.Join(lines[:i+1], nil))
		return got != nil && got.Error() == err.Error()
	})
}

// failure returns the parser's first error in all documents of the text.
func failure(text []byte) error {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var document yaml.Node
		if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// indent counts the blanks that begin a line, counted from 1.
func indent(data []byte, line int) int {
	lines := bytes.Split(data, []byte("\n"))
	if line < 1 || line > len(lines) {
		return 0
	}
	text := lines[line-1]
	return len(text) - len(bytes.TrimLeft(text, " \t"))
}
