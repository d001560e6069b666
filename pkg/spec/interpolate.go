package spec

import (
	"regexp"
	"strings"
)

// substitution is one "$" and what belongs to it, as docker/cli's template package cuts it: $$, $NAME, ${…} or a lone $.
const substitution = `\$(?:(\$)|([A-Za-z_][A-Za-z0-9_]*)|\{([^}]*)\}|())`

// interpolate puts the file's variables into every scalar below n. The process's environment is never looked at: a daemon's
// environment holds its API token.
func (w *walker) interpolate(n *node) {
	pattern := regexp.MustCompile(substitution)
	var below func(n *node)
	below = func(n *node) {
		if n.kind == kindText && strings.Contains(n.text, "$") {
			before := len(w.faults)
			n.text = w.substitute(n, pattern)
			n.substituted, n.unresolved = true, len(w.faults) > before
		}
		for _, item := range n.items {
			below(item)
		}
		for _, f := range n.fields {
			below(f.value)
		}
	}
	below(n)
}

// substitute returns the scalar's text with its variables filled in.
func (w *walker) substitute(n *node, pattern *regexp.Regexp) string {
	return pattern.ReplaceAllStringFunc(n.text, func(found string) string {
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
	})
}

// variable returns the value of a variable that must be defined.
func (w *walker) variable(n *node, name string) string {
	value, ok := w.variables[name]
	if !ok {
		known := make([]string, 0, len(w.variables))
		for v := range w.variables {
			known = append(known, v)
		}
		w.fault(n, "the variable %s is not defined under variables%s", quote(name), suggestion(name, known))
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
		w.fault(n, "%s is no variable: write ${NAME}, ${NAME:-default} or ${NAME:?message}, without another variable inside", quote("${"+inner+"}"))
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
