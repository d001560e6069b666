package spec

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// walker collects what is wrong while rules go through the tree.
type walker struct {
	file             string
	faults, warnings []Fault
	variables        map[string]string
	services         []serviceFacts // sorted by name
}

func (w *walker) faultAt(line, col int, path, format string, args ...any) {
	w.faults = append(w.faults, Fault{w.file, line, col, path, fmt.Sprintf(format, args...)})
}

// fault is about a value.
func (w *walker) fault(n *node, format string, args ...any) {
	w.faultAt(n.line, n.col, n.path, format, args...)
}

// lacks is about something that should be there: it points at the key that holds the value, not into it.
func (w *walker) lacks(n *node, format string, args ...any) {
	w.faultAt(n.holder[0], n.holder[1], n.path, format, args...)
}

func (w *walker) warn(n *node, format string, args ...any) {
	w.warnings = append(w.warnings, Fault{w.file, n.holder[0], n.holder[1], n.path, fmt.Sprintf(format, args...)})
}

// rule checks a value, reports its faults, and returns it decoded; nil if it is no good. What it returns is what the rest of the
// parser and the Compose loader see: they never meet a value that no rule has read.
type rule func(w *walker, n *node) any

// object is a rule for a map with known keys. other sees a key first and reports whether it has dealt with it.
type object struct {
	known    map[string]rule
	required []string
	other    func(w *walker, f field) bool
}

func (o object) rule(w *walker, n *node) any {
	if !w.is(n, kindMap) {
		return nil
	}
	values := map[string]any{}
	for _, f := range n.fields {
		if o.other != nil && o.other(w, f) {
			continue
		}
		check, ok := o.known[f.key]
		if !ok {
			w.unknown(f, o.known)
			continue
		}
		if value := check(w, f.value); value != nil {
			values[f.key] = value
		}
	}
	for _, key := range o.required {
		if n.child(key) == nil {
			w.lacks(n, "%s is missing", quote(key))
		}
	}
	return values
}

// keys is an object without required keys.
func keys(known map[string]rule) rule { return object{known: known}.rule }

// unknown reports a key that no rule knows and suggests the nearest that one does.
func (w *walker) unknown(f field, known map[string]rule) {
	candidates := make([]string, 0, len(known))
	for key := range known {
		candidates = append(candidates, key)
	}
	hint := ""
	if near := nearest(f.key, candidates); near != "" {
		hint = "; did you mean " + quote(near) + "?"
	}
	w.faultAt(f.at[0], f.at[1], f.value.path, "unknown key %s%s", quote(f.key), hint)
}

// is reports whether the value has the kind, and says so if not.
func (w *walker) is(n *node, want kind) bool {
	if n.kind == want {
		return true
	}
	if n.kind == kindNull {
		w.lacks(n, "has no value: must be %s", want)
	} else {
		w.fault(n, "must be %s, not %s", want, n.kind)
	}
	return false
}

// entries is a rule for a map whose keys people choose.
func entries(names charset, value rule) rule {
	return func(w *walker, n *node) any {
		if !w.is(n, kindMap) {
			return nil
		}
		values := map[string]any{}
		for _, f := range n.fields {
			if !names.holds(f.key) {
				w.faultAt(f.at[0], f.at[1], f.value.path, "the name must be %s; at most %d characters", names.say, names.max)
			}
			values[f.key] = value(w, f.value)
		}
		return values
	}
}

// listOf is a rule for a list. An item that is no good keeps its place.
func listOf(item rule) rule {
	return func(w *walker, n *node) any {
		if !w.is(n, kindList) {
			return nil
		}
		values := make([]any, len(n.items))
		for i, each := range n.items {
			values[i] = item(w, each)
		}
		return values
	}
}

// setOf is a list in which nothing may stand twice.
func setOf(item rule) rule {
	return func(w *walker, n *node) any {
		values, ok := listOf(item)(w, n).([]any)
		if !ok {
			return nil
		}
		for i, value := range values {
			if value != nil && slices.Contains(values[:i], value) {
				w.fault(n.items[i], "%s stands here twice", quote(fmt.Sprint(value)))
			}
		}
		return values
	}
}

// scalar returns the value's text. A number that YAML would print otherwise than it is written is refused where text is wanted.
func (w *walker) scalar(n *node) (string, bool) {
	switch n.kind {
	case kindText:
		return n.text, true
	case kindInt, kindFloat:
		if canonical(n) {
			return n.text, true
		}
		w.fault(n, "YAML reads this number as another than is written: put it in quotes")
	case kindBool:
		w.fault(n, "must be text, not true or false: put it in quotes")
	default:
		return "", w.is(n, kindText)
	}
	return "", false
}

// canonical reports whether a number is written as it would be printed: 010, 1_000, 0x1f and 1.10 are not.
func canonical(n *node) bool {
	if n.kind == kindInt {
		v, err := strconv.ParseInt(n.text, 10, 64)
		return err == nil && strconv.FormatInt(v, 10) == n.text
	}
	v, err := strconv.ParseFloat(n.text, 64)
	return err == nil && fmt.Sprint(v) == n.text
}

// anyText takes every text, the empty one too, but no NUL: neither an environment nor a command line can carry one.
func anyText(w *walker, n *node) any {
	s, ok := w.scalar(n)
	if !ok {
		return nil
	}
	if strings.ContainsRune(s, 0) {
		w.fault(n, "must not contain a NUL character")
		return nil
	}
	return s
}

// lineText takes one line of text.
func lineText(w *walker, n *node) any {
	s, ok := w.scalar(n)
	if !ok {
		return nil
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		w.fault(n, "must be one line without control characters")
		return nil
	}
	return s
}

// word takes a text of the character set.
func word(set charset) rule {
	return func(w *walker, n *node) any {
		s, ok := w.scalar(n)
		if !ok {
			return nil
		}
		if !set.holds(s) {
			w.fault(n, "must be %s; at most %d characters; not %s", set.say, set.max, quote(s))
			return nil
		}
		return s
	}
}

// choice takes one of the options.
func choice(options ...string) rule {
	return func(w *walker, n *node) any {
		s, ok := w.scalar(n)
		if !ok {
			return nil
		}
		if slices.Contains(options, s) {
			return s
		}
		hint := ""
		if near := nearest(s, options); near != "" {
			hint = "; did you mean " + quote(near) + "?"
		}
		w.fault(n, "must be %s, not %s%s", strings.Join(options, " or "), quote(s), hint)
		return nil
	}
}

// whole takes an integer from low to high, in plain decimal.
func whole(low, high int) rule {
	return func(w *walker, n *node) any {
		written := n.kind == kindInt || n.kind == kindText && n.substituted
		v, err := strconv.Atoi(n.text)
		switch {
		case n.kind == kindNull:
			w.lacks(n, "has no value: must be a whole number from %d to %d", low, high)
		case n.kind == kindText && !n.substituted && err == nil:
			w.fault(n, "must be a number, not text: remove the quotes")
		case n.kind == kindInt && (err != nil || !canonical(n)) && len(n.text) < 16:
			w.fault(n, "write %s as a plain decimal number: YAML reads it otherwise than people do", quote(n.text))
		case !written || err != nil || v < low || v > high:
			w.fault(n, "must be a whole number from %d to %d", low, high)
		default:
			return v
		}
		return nil
	}
}

// ratio takes a number from 0 to 1.
func ratio(w *walker, n *node) any {
	v, err := strconv.ParseFloat(n.text, 64)
	if n.kind == kindInt || n.kind == kindFloat || n.kind == kindText && n.substituted {
		if err == nil && v >= 0 && v <= 1 {
			return v
		}
	}
	w.fault(n, "must be a number from 0 to 1")
	return nil
}

// trueFalse takes true and false.
func trueFalse(w *walker, n *node) any {
	if n.kind == kindBool || n.kind == kindText && n.substituted {
		if v, err := strconv.ParseBool(strings.ToLower(n.text)); err == nil {
			return v
		}
	}
	w.fault(n, "must be true or false")
	return nil
}

// span takes a duration such as 10s, 1m30s, 500ms, and returns its text.
func span(low, high time.Duration) rule {
	return func(w *walker, n *node) any {
		if n.kind == kindInt && n.text != "0" {
			w.fault(n, "must be a duration with a unit: %ss, %sm", clip(n.text), clip(n.text))
			return nil
		}
		s, ok := w.scalar(n)
		if !ok {
			return nil
		}
		d, err := time.ParseDuration(s)
		switch {
		case err != nil:
			w.fault(n, "must be a duration such as 10s, 1m30s or 500ms, not %s", quote(s))
		case d < low || d > high:
			w.fault(n, "must be a duration from %s to %s, not %s", low, high, quote(s))
		default:
			return s
		}
		return nil
	}
}
