package file

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing that is wrong in a file, or, as a warning, one that is likely not meant.
type Fault struct {
	File    string
	Line    int    // from 1
	Col     int    // from 1, in characters
	Path    string // of the field: "nodes.workers.count", "services.web.ports[0]"; "" for the file as a whole
	Message string // one line, no value of a variable or of an environment entry in it
}

func (f Fault) String() string {
	if f.Path == "" {
		return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Col, f.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s: %s", f.File, f.Line, f.Col, f.Path, f.Message)
}

// Faults is the error of a file that is not valid: every fault, sorted by position.
type Faults []Fault

func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

// findings collects faults. Of a file in which everything is wrong it keeps the first ones found: 200,000 faults would need more memory than
// the file may cost.
type findings struct {
	all   []Fault
	known map[Fault]bool // without their paths: an anchor used ten times has its fault once
	found int            // repetitions counted
	more  int            // that were not kept
}

// add takes a fault in, at a line of all files, see sources. The path is put together only if the fault is kept.
func (f *findings) add(at [2]int, where place, message string) {
	f.found++
	fault := Fault{Line: at[0], Col: at[1], Message: shorten(message, maxMessage)}
	switch {
	case f.known[fault]:
		return
	case len(f.all) == maxKept:
		f.more++
		return
	case f.known == nil:
		f.known = map[Fault]bool{}
	}
	f.known[fault] = true
	fault.Path = shorten(where.path(), maxMessage)
	f.all = append(f.all, fault)
}

// ordered sorts faults by file and position and drops repetitions that came to one place. More than maxFaults are cut.
func (f *findings) ordered(all sources) []Fault {
	faults, order := f.all, map[string]int{}
	for i, t := range slices.Backward(all) {
		order[t.name] = i
	}
	for i := range faults {
		faults[i].File, faults[i].Line, faults[i].Col = all.place(faults[i].Line, faults[i].Col)
	}
	slices.SortStableFunc(faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(order[a.File], order[b.File]), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Message, b.Message))
	})
	faults = slices.CompactFunc(faults, func(a, b Fault) bool {
		return a.File == b.File && a.Line == b.Line && a.Col == b.Col && a.Message == b.Message
	})
	if len(faults) > maxFaults {
		more := len(faults) - maxFaults + f.more
		faults = faults[:maxFaults]
		last := faults[maxFaults-1]
		faults = append(faults, Fault{File: last.File, Line: last.Line, Col: last.Col, Message: fmt.Sprintf("and %d more faults", more)})
	}
	return faults
}

// extent is the shape of a file: the number of characters in each of its lines.
type extent []int

// extentOf measures the file. A file without a byte has one empty line.
func extentOf(data []byte) extent {
	lines := strings.Split(string(data), "\n")
	size := make(extent, len(lines))
	for i, line := range lines {
		size[i] = len([]rune(line))
	}
	return size
}

// within moves a position that the YAML parser put past the end of the file or of a line back into it.
func (e extent) within(line, col int) (int, int) {
	line = min(max(line, 1), len(e))
	return line, min(max(col, 1), e[line-1]+1)
}
