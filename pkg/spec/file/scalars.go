package file

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// scalar returns the value's text. A number that YAML would print otherwise than it is written is refused where text is wanted.
func (w *walker) scalar(n *node) (string, bool) {
	switch n.kind {
	case kindText:
		return n.text, !n.unresolved
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
	if n == nil {
		return textShape("text")
	}
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
	if n == nil {
		return textShape("one line of text")
	}
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

// filePath takes the path of a file. Neither an empty text nor a number, which nobody means as a name, is passed over as if no file were named.
func filePath(w *walker, n *node) any {
	if n == nil {
		return textShape("the path of a file")
	}
	if n.kind == kindMap {
		w.fault(n, "must be the path of a file alone, not a map: docker stack deploy takes no options here")
		return nil
	}
	s, ok := lineText(w, n).(string)
	switch {
	case !ok:
	case n.kind != kindText:
		w.fault(n, "must be the path of a file, not a number: put the name in quotes if that is what it is called")
	case s == "":
		w.lacks(n, "names no file: write its path, or leave the line out")
	default:
		return s
	}
	return nil
}

// word takes a text of the character set.
func word(set charset) rule {
	return func(w *walker, n *node) any {
		if n == nil {
			return &shape{kind: shapeText, says: set.say, set: set}
		}
		s, ok := w.scalar(n)
		if !ok {
			return nil
		}
		if !set.holds(s) {
			w.fault(n, "%s; not %s", set.wants(s), shown(n, s))
			return nil
		}
		return s
	}
}

// choice takes one of the options.
func choice(options ...string) rule {
	return func(w *walker, n *node) any {
		if n == nil {
			return &shape{kind: shapeText, says: either(options), options: options}
		}
		s, ok := w.scalar(n)
		if !ok {
			return nil
		}
		if slices.Contains(options, s) {
			return s
		}
		w.fault(n, "must be %s, not %s%s", either(options), shown(n, s), w.suggestion(s, slices.Values(options)))
		return nil
	}
}

// whole takes an integer from low to high, in plain decimal.
func whole(low, high int) rule {
	return func(w *walker, n *node) any {
		if n == nil {
			return &shape{kind: shapeWhole, low: low, high: high, says: bounds(low, high)}
		}
		written := n.kind == kindInt || n.kind == kindText && n.substituted
		v, err := strconv.Atoi(n.text)
		switch {
		case n.unresolved:
		case n.kind == kindNull:
			w.lacks(n, "has no value: must be %s", bounds(low, high))
		case n.kind == kindText && !n.substituted && err == nil:
			w.fault(n, "must be a number, not text: remove the quotes")
		case n.kind == kindInt && (err != nil || !canonical(n)) && len(n.text) < 16:
			w.fault(n, "write %s as a plain decimal number: YAML reads it otherwise than people do", shown(n, n.text))
		case !written || err != nil || v < low || v > high:
			w.fault(n, "must be %s", bounds(low, high))
		default:
			return v
		}
		return nil
	}
}

func bounds(low, high int) string {
	switch {
	case low == high:
		return strconv.Itoa(low)
	case high > math.MaxInt32:
		return fmt.Sprintf("a whole number of at least %d", low)
	}
	return fmt.Sprintf("a whole number from %d to %d", low, high)
}

// ratio takes a number from 0 to 1.
func ratio(w *walker, n *node) any {
	if n == nil {
		return &shape{kind: shapeNumber, high: 1, says: "a number from 0 to 1"}
	}
	v, err := strconv.ParseFloat(n.text, 64)
	if n.kind == kindInt || n.kind == kindFloat || n.kind == kindText && n.substituted {
		if err == nil && v >= 0 && v <= 1 {
			return v
		}
	}
	if !n.unresolved {
		w.fault(n, "must be a number from 0 to 1")
	}
	return nil
}

// dollars takes an amount of money, in US dollars.
func dollars(w *walker, n *node) any {
	const low, high = 1, 1_000_000
	if n == nil {
		return &shape{kind: shapeNumber, low: low, high: high, says: fmt.Sprintf("a number from %d to %d", low, high)}
	}
	v, err := strconv.ParseFloat(n.text, 64)
	switch {
	case n.unresolved:
	case n.kind == kindNull:
		w.lacks(n, "has no value: must be a number of US dollars")
	case n.kind == kindText && !n.substituted && err == nil:
		w.fault(n, "must be a number, not text: remove the quotes")
	case n.kind != kindInt && n.kind != kindFloat && !n.substituted || err != nil || v < low || v > high:
		w.fault(n, "must be a number of US dollars from %d to %d", low, high)
	default:
		return v
	}
	return nil
}

// trueFalse takes true and false.
func trueFalse(w *walker, n *node) any {
	if n == nil {
		return &shape{kind: shapeTruth, says: "true or false"}
	}
	if n.kind == kindBool || n.kind == kindText && n.substituted {
		if v, err := strconv.ParseBool(strings.ToLower(n.text)); err == nil {
			return v
		}
	}
	if !n.unresolved {
		w.fault(n, "must be true or false")
	}
	return nil
}

// span takes a duration such as 10s, 1m30s, 500ms, and returns its text.
func span(low, high time.Duration) rule {
	return func(w *walker, n *node) any {
		if n == nil {
			return textShape(fmt.Sprintf("a duration from %s to %s", brief(low), brief(high)))
		}
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
			w.fault(n, "must be a duration such as 10s, 1m30s or 500ms, not %s", shown(n, s))
		case d < low || d > high:
			w.fault(n, "must be a duration from %s to %s, not %s", low, high, shown(n, s))
		default:
			return s
		}
		return nil
	}
}
