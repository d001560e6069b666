package file

import (
	"bytes"
	"cmp"
	"slices"
	"unicode/utf8"

	composetypes "github.com/docker/cli/cli/compose/types"
	"gopkg.in/yaml.v3"

	"github.com/swarmd/swarmd/pkg/spec"
)

// Document is a file without faults. Nothing writes to one: a Parser shares what it made of services between them.
type Document struct {
	spec.Spec
	Stack *composetypes.Config // the services, networks and volumes, as docker/cli's loader reads them; never nil
}

// Parse reads a desired state. file is what positions are reported with; nothing is opened, and no environment is read.
// The error, if there is one, is Faults: everything that is wrong, not only the first. Warnings come with a good file and with a bad one.
func Parse(file string, data []byte) (*Document, []Fault, error) {
	return new(Parser).Parse(file, data)
}

func (w *walker) parse(data []byte) *Document {
	if message, offset := readable(data); message != "" {
		line, col := position(data, offset)
		w.faultAt(line, col, place{}, "%s", message)
		return nil
	}
	document, fault := decode(data)
	if fault != nil {
		w.faultAt(fault.Line, fault.Col, place{}, "%s", fault.Message)
		return nil
	}
	t := &tree{w: w, open: map[*yaml.Node]bool{}}
	root := t.build(document, nil, place{}, 0)
	if t.broken {
		return nil
	}
	return w.read(root)
}

// position is the line and column of an offset, from 1.
func position(data []byte, offset int) (line, col int) {
	before := data[:offset]
	line = 1 + bytes.Count(before, []byte("\n"))
	return line, 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
}

// read applies the rules to the tree, then the checks across it.
func (w *walker) read(root *node) *Document {
	if root.kind == kindMap && !w.readVariables(root) {
		return nil
	}
	shape := object{known: documentKeys(), required: requiredKeys(), other: otherTopLevel}
	if isComposeFile(root) {
		w.lacks(root, "this is a Compose file: swarmd's own keys are missing; add version: 1, cluster, cloud and nodes, the services can stay as they are")
		shape.required = nil
		shape.known["version"] = func(*walker, *node) any { return 1 }
		shape.known["name"] = shape.known["version"]
	}
	if w.files = root.child(filesKey); w.files == nil {
		w.files = &node{}
	}
	values, ok := shape.rule(w, root).(map[string]any)
	if !ok {
		return nil
	}
	slices.SortFunc(w.services, func(a, b serviceFacts) int { return cmp.Compare(a.name, b.name) })
	s := assemble(values)
	w.ownServices(s)
	w.checkPools(root, s)
	w.checkNames(root, s)
	w.checkServices(root)
	w.checkPorts()
	w.checkHost(root, section(values, "volumes"))
	if w.faults.found > 0 {
		return nil // advice on a file that is not understood would be about something else than is meant
	}
	w.volumeNames = map[string]string{}
	for key := range section(values, "volumes") {
		w.volumeNames[key] = str(section(section(values, "volumes"), key), "name")
	}
	w.lint(s, values)
	return &Document{Spec: *s, Stack: w.stack(root, values)}
}

// isComposeFile reports whether somebody gave a file of docker compose or docker stack.
func isComposeFile(root *node) bool {
	return root.child("services") != nil && root.child("cluster") == nil && root.child("nodes") == nil && root.child("cloud") == nil
}

// filledSections are the top-level keys below which variables are filled in.
func filledSections() []string {
	return []string{"services", "networks", "volumes", "configs", "secrets"}
}

// readVariables takes the file's variables and fills them into what Compose would interpolate. Their own faults come with the rules.
// It reports whether the text is still within its bound.
func (w *walker) readVariables(root *node) bool {
	if variables := root.child("variables"); variables != nil {
		for _, f := range variables.fields {
			w.variables[f.key] = f.value.text
		}
	}
	for _, key := range filledSections() {
		if n := root.child(key); n != nil && !w.interpolate(n) {
			return false
		}
	}
	return true
}
