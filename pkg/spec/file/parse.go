package file

import (
	"bytes"
	"cmp"
	"slices"
	"unicode/utf8"

	composetypes "github.com/docker/cli/cli/compose/types"

	"github.com/swarmd/swarmd/pkg/spec"
)

// Document is a file without faults. Nothing writes to one: a Parser shares what it made of services between them.
type Document struct {
	spec.Spec
	Stack    *composetypes.Config            // the services, networks and volumes at the top level, as docker/cli's loader reads them; never nil
	Composed map[string]*composetypes.Config // likewise what the Compose files of each of Stacks come to, by its name; nil without any
	Sealed   map[string]SealedVariable       // the encrypted variables, by what stands for their values in environments, see Opened; nil without any
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
	root := w.tree(document, 0)
	if root == nil {
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
	if w.bundle = root.child(filesKey); w.bundle == nil {
		w.bundle = &node{}
	}
	if root.kind == kindMap {
		if cluster := root.get("cluster").text; name(maxCluster).holds(cluster) { // else it is a fault of its own
			w.namespace = cluster
		}
		if w.takeVariables(root); !w.fillIn(root) {
			return nil
		}
	}
	shape := object{known: documentKeys(), required: requiredKeys(), other: otherTopLevel}
	if isComposeFile(root) {
		w.lacks(root, "this is a Compose file: swarmd's own keys are missing; add version: 1, cluster, cloud and nodes, the services can stay as they are")
		shape.required = nil
		shape.known["version"] = func(*walker, *node) any { return 1 }
		shape.known["name"] = shape.known["version"]
	}
	values, ok := shape.rule(w, root).(map[string]any)
	if !ok {
		return nil
	}
	w.root, w.values = root, values
	beside := w.readStacks(root)
	for _, s := range beside {
		s.judge()
	}
	s, all := assemble(values), append([]*walker{w}, beside...)
	w.checkPools(root, s)
	w.checkPoolNames(root, s)
	for _, one := range all {
		slices.SortFunc(one.services, func(a, b serviceFacts) int { return cmp.Compare(a.name, b.name) })
		one.ownServices(s)
		one.checkNames()
		one.checkServices()
		one.checkHost()
	}
	checkPorts(all)
	checkApart(all)
	if w.faults.found > 0 {
		return nil // advice on a file that is not understood would be about something else than is meant
	}
	return w.document(s, all)
}

// document makes of what has no fault what it stands for, with the advice on it.
func (w *walker) document(s *spec.Spec, all []*walker) *Document {
	for _, one := range all {
		one.volumeNames = map[string]string{}
		for key := range section(one.values, "volumes") {
			one.volumeNames[key] = str(section(section(one.values, "volumes"), key), "name")
		}
		one.lint(s)
	}
	d := &Document{Spec: *s, Stack: w.stack(), Sealed: w.sealedVariables}
	for _, one := range all[1:] {
		if d.Composed == nil {
			d.Composed = map[string]*composetypes.Config{}
		}
		d.Composed[one.namespace] = one.stack()
	}
	w.parser.forget(all)
	return d
}

// isComposeFile reports whether somebody gave a file of docker compose or docker stack.
func isComposeFile(root *node) bool {
	return root.child("services") != nil && root.child("cluster") == nil && root.child("nodes") == nil && root.child("cloud") == nil
}

// filledSections are the top-level keys below which variables are filled in.
func filledSections() []string {
	return []string{"services", "networks", "volumes", "configs", "secrets"}
}
