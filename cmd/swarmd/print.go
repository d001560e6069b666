package main

import (
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"unicode"
)

// printf is fmt.Fprintf for people: each text among args, whatever node, droplet or engine it comes from, stays within its line and does
// nothing to the terminal. A machine says itself what its host is called.
func printf(w io.Writer, format string, args ...any) {
	for i, arg := range args {
		switch arg := arg.(type) {
		case error:
			args[i] = plain(arg.Error())
		case fmt.Stringer:
			args[i] = plain(arg.String())
		default:
			if v := reflect.ValueOf(arg); v.Kind() == reflect.String {
				args[i] = plain(v.String())
			}
		}
	}
	fmt.Fprintf(w, format, args...)
}

// printLines prints each text as a line of its own.
func printLines(w io.Writer, lines []string) {
	for _, line := range lines {
		printf(w, "%s\n", line)
	}
}

// plain is the text with everything escaped that is no printable character: control characters, line ends, marks that turn the direction.
func plain(s string) string { return escaped(s, "") }

// paragraph is plain for a text that may have several lines: those after the first are indented, so that none passes for a line of ours.
func paragraph(s string) string { return strings.ReplaceAll(escaped(s, "\n\t"), "\n", "\n  ") }

// escaped escapes what is neither printable nor in keep.
func escaped(s, keep string) string {
	s = strings.ToValidUTF8(s, string(unicode.ReplacementChar))
	odd := func(r rune) bool { return !unicode.IsPrint(r) && !strings.ContainsRune(keep, r) }
	if !strings.ContainsFunc(s, odd) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if !odd(r) {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRune(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}

// plainWriter passes on what it gets with everything escaped that could do something to a terminal. It is for loggers, which write whole
// lines at once.
type plainWriter struct{ w io.Writer }

// Write reports the length of p also when more was passed on, as io.Writer demands.
func (w plainWriter) Write(p []byte) (int, error) {
	if _, err := io.WriteString(w.w, escaped(string(p), "\n\t")); err != nil {
		return 0, err
	}
	return len(p), nil
}
