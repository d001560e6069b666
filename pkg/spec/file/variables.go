package file

import (
	"strings"

	"github.com/swarmd/swarmd/pkg/sealed"
)

// variablesFrom takes the paths of files with variables.
func variablesFrom(w *walker, n *node) any {
	return atMost(maxStackFiles, "files", oneOrMore(filePath))(w, n)
}

// takeVariables puts the variables of a map, the file's top level or one of its stacks, over those that are known: first those of files, then its own.
func (w *walker) takeVariables(n *node) {
	for _, at := range scalars(n.child("variables_from")) {
		for _, f := range w.assignments(at, n) {
			w.variables[f.key] = f.value.text
		}
	}
	if variables := n.child("variables"); variables != nil {
		for _, f := range variables.fields {
			w.variables[f.key] = f.value.text
		}
	}
}

// assignments are the lines NAME=value of the file that at names, as docker reads an env_file; up is the node that they become fields of. A line with a
// name alone has the variable's value: where docker has the environment of whoever calls it, the file has its variables.
func (w *walker) assignments(at, up *node) []field {
	text, before, ok := w.textOf(at, linesText)
	if !ok {
		return nil
	}
	if sealed.Looks([]byte(text)) {
		return w.sealedAssignments(at, up, text, before)
	}
	var all []field
	for i, line := range strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n") {
		line = strings.TrimSuffix(line, "\r")
		rest := strings.TrimLeft(line, " \t\v\f")
		if rest == "" || rest[0] == '#' {
			continue
		}
		key, value, found := strings.Cut(rest, "=")
		n := &node{kind: kindText, place: place{up: up, key: key}, line: before + i + 1, col: 1 + len(line) - len(rest)}
		n.holder = [2]int{n.line, n.col}
		if strings.ContainsAny(key, " \t") || key == "" {
			n.place = place{}
			w.fault(n, "must be NAME=value, without a blank in the name")
			continue
		}
		if !found {
			value, n.substituted = w.variables[key]
			if !n.substituted {
				n.place = place{} // what should be a name may be a piece of a value
				w.fault(n, noValue)
				continue
			}
		}
		if !w.fill(n, value) {
			return nil
		}
		all = append(all, field{key, n.holder, n})
	}
	return all
}

// noValue is said of an entry of an environment without a value.
const noValue = "has no value: name it here or through variables, the daemon's environment is never read"

// fillIn fills variables into what Compose would interpolate, and files into environments. It reports whether the text is still within its bound.
func (w *walker) fillIn(root *node) bool {
	for _, key := range filledSections() {
		if n := root.child(key); n != nil && !w.interpolate(n) {
			return false
		}
	}
	for _, f := range root.fieldsOf("services") {
		w.fillEnvironment(f.value)
	}
	return w.text <= maxText
}

// fillEnvironment gives a service's environment what its env_file has, below what the environment itself says, and the entries without a value that of
// the variable of their name.
func (w *walker) fillEnvironment(service *node) {
	own, from := service.child("environment"), scalars(service.child("env_file"))
	if own != nil {
		w.fillEntries(own)
	}
	if len(from) == 0 || own != nil && own.kind != kindMap && own.kind != kindList {
		return
	}
	all := &node{kind: kindMap, place: place{up: service, key: "environment"}, line: from[0].line, col: from[0].col, holder: from[0].holder}
	for _, at := range from {
		for _, f := range w.assignments(at, all) {
			all.set(f)
		}
	}
	if own != nil {
		all.line, all.col, all.holder = own.line, own.col, own.holder
		if own.kind == kindList {
			own = w.unfold(own, "=", environmentName())
		}
		for _, f := range own.fields {
			all.set(f)
		}
	}
	service.set(field{"environment", all.holder, all})
}

func (w *walker) fillEntries(environment *node) {
	for _, f := range environment.fields {
		if value, known := w.variables[f.key]; known && f.value.kind == kindNull {
			f.value.kind, f.value.substituted = kindText, true
			w.fill(f.value, value)
		}
	}
	for _, item := range environment.items {
		if value, known := w.variables[item.text]; known && item.kind == kindText && !strings.Contains(item.text, "=") {
			item.substituted = true
			w.fill(item, item.text+"="+value)
		}
	}
}
