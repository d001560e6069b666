package file

import (
	"path"
	"slices"
	"strings"
)

// sourceText is one of the files that a desired state is read from: its own, Compose files, files of variables. Their lines count on from one to the next,
// so that a node's line says of which file it is.
type sourceText struct {
	name   string // as people call it
	folder string // what its relative paths are relative to, seen from the file that was handed in; "" for that itself
	before int    // lines that come before its first
	size   extent
}

// sources are all files, in the order in which they were read. The first is the one that was handed in.
type sources []sourceText

// past is the room between two files: a parser puts some faults behind the last line.
const past = 100

// add takes a file in and returns how many lines come before its first.
func (s *sources) add(name, folder string, text []byte) int {
	before := 0
	if n := len(*s); n > 0 {
		last := (*s)[n-1]
		before = last.before + len(last.size) + past
	}
	*s = append(*s, sourceText{name, folder, before, extentOf(text)})
	return before
}

// of is the file that a line is of.
func (s sources) of(line int) sourceText {
	i, found := slices.BinarySearchFunc(s, line, func(t sourceText, line int) int { return t.before + 1 - line })
	if !found {
		i--
	}
	return s[max(i, 0)]
}

// place is where a position is: a file, a line and a column in it, all three as people count them.
func (s sources) place(line, col int) (name string, at, char int) {
	t := s.of(line)
	at, char = t.size.within(line-t.before, col)
	return t.name, at, char
}

// besides is what people call a file that is named by another one: its path from where they are.
func besides(name, ref string) string {
	if path.IsAbs(ref) || !strings.Contains(name, "/") {
		return ref
	}
	return path.Join(path.Dir(name), ref)
}

// fileKey names a file in a bundle: as the file that was handed in writes it, or from there.
func fileKey(folder, ref string) string {
	if folder == "" || path.IsAbs(ref) {
		return ref
	}
	return path.Join(folder, ref)
}
