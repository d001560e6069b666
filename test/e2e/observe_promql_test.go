package e2e

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// unfiltered returns an expression in which every comparison has the modifier bool: it keeps each sample that has something to be
// compared with, instead of those for which the comparison holds. So an alert's expression returns data exactly where it could fire.
func unfiltered(expr string) string {
	var out strings.Builder
	for i := 0; i < len(expr); {
		op := comparison(expr[i:])
		n := max(1, len(op), opaque(expr[i:]))
		out.WriteString(expr[i : i+n])
		i += n
		if op != "" && !strings.HasPrefix(strings.TrimSpace(expr[i:]), "bool") {
			out.WriteString(" bool ")
		}
	}
	return out.String()
}

// comparison returns the comparison operator that the text begins with, or "".
func comparison(s string) string {
	for _, op := range []string{"==", "!=", ">=", "<=", ">", "<"} {
		if strings.HasPrefix(s, op) {
			return op
		}
	}
	return ""
}

// opaque returns the length of the string or of the label matchers that the text begins with; 0 if it begins with neither.
func opaque(s string) int {
	switch s[0] {
	case '"', '\'', '`':
		for i := 1; i < len(s); i++ {
			if s[i] == '\\' && s[0] != '`' {
				i++
			} else if s[i] == s[0] {
				return i + 1
			}
		}
		return len(s)
	case '{':
		for i := 1; i < len(s); i++ {
			if s[i] == '}' {
				return i + 1
			}
			if n := opaque(s[i:]); n > 0 {
				i += n - 1
			}
		}
		return len(s)
	}
	return 0
}

var ownName = regexp.MustCompile(`\b(swarmd_|swarmd:|process_)[a-z0-9_:]+`)

// names returns the metrics and recorded series of ours that an expression reads, sorted.
func names(expr string) []string {
	var bare strings.Builder
	for i := 0; i < len(expr); {
		n := opaque(expr[i:])
		if n == 0 {
			bare.WriteByte(expr[i])
		}
		i += max(1, n)
	}
	found := ownName.FindAllString(bare.String(), -1)
	slices.Sort(found)
	return slices.Compact(found)
}

func TestUnfilteredTouchesComparisonsOnly(t *testing.T) {
	for in, want := range map[string]string{
		`a < 1`:                                  `a < bool  1`,
		`(a < 1) > 0`:                            `(a < bool  1) > bool  0`,
		`a == bool 0`:                            `a == bool 0`,
		`a{b!="c", d=~"}<"} >= 2`:                `a{b!="c", d=~"}<"} >= bool  2`,
		`label_replace(a, "x>", '<', "\">", "")`: `label_replace(a, "x>", '<', "\">", "")`,
		`a != on (x) b or absent(a)`:             `a != bool  on (x) b or absent(a)`,
		`time() - a`:                             `time() - a`,
	} {
		if got := unfiltered(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestNamesOfAnExpression(t *testing.T) {
	got := names(`sum(rate(swarmd_a_total{x="swarmd_no"}[5m])) / swarmd:b:ratio and on (swarmd) process_c and swarmd_a_total`)
	if want := []string{"process_c", "swarmd:b:ratio", "swarmd_a_total"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
