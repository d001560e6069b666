package file

import (
	"fmt"
	"maps"
	"slices"

	"github.com/swarmd/swarmd/pkg/spec"
)

// stackRule takes a stack: a Compose file, several that are laid one over the other, or a map that says more of it.
func stackRule(w *walker, n *node) any {
	paths := composePaths
	long := object{known: map[string]rule{
		"files":          doc("its Compose files, relative to this file; a later one is laid over those before it", paths),
		"variables":      doc("values for ${NAME} in its files, before those of the top level", entries(variableName(), anyText)),
		"variables_from": doc("files with NAME=value lines, plain or encrypted with SOPS, for names that variables has not; the last that has one counts", variablesFrom),
		"adopt":          byDefault("false", doc("what docker stack deploy made under its name is taken over", trueFalse)),
		"protect":        byDefault("false", doc("none of its services is removed because this file has it no more, one that says x-swarmd: { protect: false } excepted", trueFalse)),
	}, required: []string{"files"}}
	if n == nil {
		return eitherShape("a Compose file, a list of them, or a map", textShape("text"), listShape(), long.shape())
	}
	if n.kind == kindMap {
		return long.rule(w, n)
	}
	return paths(w, n)
}

// stacks takes the stacks by their names.
func stacks(w *walker, n *node) any {
	check := atMost(maxStacks, "stacks", entries(stackName(), stackRule))
	if n != nil && n.kind == kindMap {
		for _, f := range n.fields {
			if f.key == w.namespace {
				w.faultAt(f.at[0], f.at[1], f.value.place, "the cluster's own stack has this name: write its services under the top-level services, or name the stack otherwise")
			}
		}
	}
	return check(w, n)
}

// composePaths takes one path or several.
func composePaths(w *walker, n *node) any {
	if n == nil {
		return eitherShape("a path, or a list of them", textShape("the path of a file"), listShape())
	}
	if n.kind == kindList && len(n.items) == 0 {
		w.lacks(n, "has no file: name at least one")
		return nil
	}
	return atMost(maxStackFiles, "files", oneOrMore(filePath))(w, n)
}

// scalars are the node itself, or the items of a list, that are texts.
func scalars(n *node) []*node {
	if n == nil {
		return nil
	}
	all := n.items
	if n.kind == kindText {
		all = []*node{n}
	}
	return slices.DeleteFunc(slices.Clone(all), func(at *node) bool { return at.kind != kindText || at.text == "" || at.unresolved })
}

// readStacks reads the Compose files of the stacks, without judging what they say.
func (w *walker) readStacks(root *node) []*walker {
	var all []*walker
	section := root.child("stacks")
	if section == nil || len(section.fields) > maxStacks {
		return nil
	}
	for _, f := range section.fields {
		s := &walker{reading: w.reading, namespace: f.key, variables: maps.Clone(w.variables)}
		paths := f.value
		if f.value.kind == kindMap {
			paths = f.value.child("files")
			s.takeVariables(f.value)
		}
		for _, at := range scalars(paths) {
			if one := s.composeFile(at); one != nil {
				s.files = append(s.files, one)
			}
		}
		if len(s.files) > 0 {
			overrule(s.files)
			all = append(all, s)
		}
	}
	return all
}

// overrule marks the files of configs and secrets that a later file of the stack defines anew: a base file may name what only a laptop has.
func overrule(files []*node) {
	for i, file := range files {
		for _, key := range []string{"configs", "secrets"} {
			for name, value := range valuesByKey(file.child(key)) {
				anew := slices.ContainsFunc(files[i+1:], func(later *node) bool { return valuesByKey(later.child(key))[name] != nil })
				if at := value.child("file"); at != nil && anew {
					at.overruled = true
				}
			}
		}
	}
}

// valuesByKey are a map's values by their keys, none if it is no map.
func valuesByKey(n *node) map[string]*node {
	all := map[string]*node{}
	if n != nil {
		for _, f := range n.fields {
			all[f.key] = f.value
		}
	}
	return all
}

// composeFile reads one of a stack's files, with its variables filled in; nil if it cannot be read, which is told.
func (w *walker) composeFile(at *node) *node {
	text, before, ok := w.textOf(at, composeText)
	if !ok {
		return nil
	}
	document, fault := decode([]byte(text))
	if fault != nil {
		w.faultAt(before+fault.Line, fault.Col, place{}, "%s", fault.Message)
		return nil
	}
	root := w.tree(document, before)
	if root == nil || !w.is(root, kindMap) || !w.fillIn(root) {
		return nil
	}
	return root
}

// composeKeys are the top-level keys of a Compose file and their rules.
func composeKeys() map[string]rule {
	all := map[string]rule{
		"services": services, "networks": entries(objectName(), optional(network)), "volumes": entries(objectName(), optional(volume)),
		"configs": entries(objectName(), config), "secrets": entries(objectName(), secret),
	}
	all["version"] = composeVersion
	all["name"] = func(w *walker, n *node) any {
		if s, ok := w.scalar(n); ok && s != w.namespace {
			w.warn(n, "Swarm ignores this: the stack is called %s", w.namespace)
		}
		return nil
	}
	all["include"] = func(w *walker, n *node) any {
		w.lacks(n, "not supported: name the files under stacks.%s.files", w.namespace)
		return nil
	}
	return all
}

// composeVersion takes what `docker stack deploy` takes.
func composeVersion(w *walker, n *node) any {
	known := n.text == "3"
	for i := range lastComposeVersion + 1 {
		known = known || n.text == fmt.Sprintf("3.%d", i)
	}
	if !known {
		w.fault(n, "must be 3 or 3.0 to 3.%d, as docker stack deploy takes it: leave the key out", lastComposeVersion)
	}
	return nil
}

// lastComposeVersion is the last part of the newest version of the format that `docker stack deploy` knows.
const lastComposeVersion = 13

// judge applies the rules to a stack's files: to each, for docker's loader, and to what they come to together, for the checks.
func (w *walker) judge() {
	shape := object{known: composeKeys(), other: func(_ *walker, f field) bool { return extension(nil, f) }}
	w.root = w.files[0]
	if len(w.files) > 1 {
		ports := w.ports
		for _, file := range w.files {
			part := &walker{reading: w.reading, namespace: w.namespace, variables: w.variables, partial: true}
			values, _ := shape.rule(part, file).(map[string]any)
			w.parts = append(w.parts, values)
		}
		w.ports = ports // they are counted below
		for _, over := range w.files[1:] {
			w.root = laidOver(w.root, over)
		}
	}
	w.values, _ = shape.rule(w, w.root).(map[string]any)
}

// assembleStacks says which stacks there are, and what the file says of each.
func assembleStacks(values map[string]any) []spec.Stack {
	var all []spec.Stack
	for _, name := range slices.Sorted(maps.Keys(values)) {
		all = append(all, spec.Stack{Name: name, Adopt: section(values, name)["adopt"] == true, Protect: section(values, name)["protect"] == true})
	}
	return all
}
