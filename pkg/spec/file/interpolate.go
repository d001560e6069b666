package file

import (
	"maps"
	"regexp"
	"strings"
)

// substitution is one "$" and what belongs to it, as docker/cli's template package cuts it: $$, $NAME, ${…} or a lone $.
const substitution = `\$(?:(\$)|([A-Za-z_][A-Za-z0-9_]*)|\{([^}]*)\}|())`

// interpolate puts the file's variables into every scalar below n, and reports whether the text is still within its bound. The process's
// environment is never looked at: a daemon's environment holds its API token.
func (w *walker) interpolate(n *node) bool {
	pattern := regexp.MustCompile(substitution)
	var below func(n *node) bool
	below = func(n *node) bool {
		if n.kind == kindText && strings.Contains(n.text, "$") {
			before := w.faults.found
			w.text -= len(n.text)
			within := w.fill(n, w.substitute(n, pattern))
			w.onlyInEnvironment(n)
			n.substituted, n.unresolved = true, w.faults.found > before
			if !within {
				return false
			}
		}
		for _, item := range n.items {
			if !below(item) {
				return false
			}
		}
		for _, f := range n.fields {
			if !below(f.value) {
				return false
			}
		}
		return true
	}
	return below(n)
}

// fill sets the text of a scalar and counts it. It reports whether the text of the file is still within its bound; a scalar that is too long
// by itself is a fault and stays without a text.
func (w *walker) fill(n *node, text string) bool {
	if len(text) > maxScalar {
		w.fault(n, "the text has more than %d bytes, variables filled in: put it into the image, or where the program can fetch it", maxScalar)
		text, n.unresolved = "", true
	}
	n.text = text
	return w.bears(n, len(text))
}

// bears counts text at n and reports whether the file's text is still within its bound.
func (w *walker) bears(n *node, bytes int) bool {
	before := w.text
	w.text += bytes
	if w.text > maxText && before <= maxText {
		w.fault(n, "the file stands for more than %d bytes of text, aliases followed and variables filled in: make it shorter", maxText)
	}
	return w.text <= maxText
}

// substitute returns the scalar's text with its variables filled in; of one that is too long only the beginning, longer than can be accepted.
func (w *walker) substitute(n *node, pattern *regexp.Regexp) string {
	filled := 0
	return pattern.ReplaceAllStringFunc(n.text, func(found string) string {
		if filled > maxScalar {
			return ""
		}
		value := w.replacement(n, pattern, found)
		filled += len(value)
		return value
	})
}

// replacement returns what stands for one substitution.
func (w *walker) replacement(n *node, pattern *regexp.Regexp, found string) string {
	m := pattern.FindStringSubmatch(found)
	switch {
	case m[1] != "":
		return "$"
	case m[2] != "":
		return w.variable(n, m[2])
	case m[3] != "":
		return w.expression(n, m[3])
	}
	w.fault(n, "a $ that names no variable: write $$ for the character itself")
	return ""
}

// variable returns the value of a variable that must be defined.
func (w *walker) variable(n *node, name string) string {
	value, ok := w.variables[name]
	if !ok {
		w.fault(n, "the variable %s is not defined under variables%s", quote(name), w.suggestion(name, maps.Keys(w.variables)))
	}
	return value
}

// expression returns what stands between ${ and }: NAME, NAME:-default (also if empty), NAME-default, NAME:?message, NAME?message.
func (w *walker) expression(n *node, inner string) string {
	end := strings.IndexFunc(inner, func(r rune) bool { return !strings.ContainsRune(letters+digits+"_", r) })
	if end < 0 {
		end = len(inner)
	}
	name, rest := inner[:end], inner[end:]
	operator, argument, known := cutOperator(rest)
	if !variableName().holds(name) || !known || strings.Contains(argument, "$") {
		w.fault(n, "%s… is no variable: write ${NAME}, ${NAME:-default} or ${NAME:?message}, without another variable inside", clip("${"+name))
		return ""
	}
	value, defined := w.variables[name]
	missing := !defined || strings.HasPrefix(operator, ":") && value == ""
	switch strings.TrimPrefix(operator, ":") {
	case "-":
		if missing {
			return argument
		}
	case "?":
		if missing {
			w.fault(n, "the variable %s has no value: %s", quote(name), clip(strings.Join(strings.Fields(argument), " ")))
		}
	default:
		return w.variable(n, name)
	}
	return value
}

// cutOperator splits what follows a variable's name into operator and argument.
func cutOperator(rest string) (operator, argument string, known bool) {
	for _, op := range []string{":-", ":?", "-", "?"} {
		if argument, ok := strings.CutPrefix(rest, op); ok {
			return op, argument, true
		}
	}
	return "", "", rest == ""
}
