package spec

import (
	"fmt"
	"strconv"

	"gopkg.in/yaml.v3"
)

// kind of a value in the file, as YAML 1.2's core schema reads it.
type kind int

const (
	kindNull kind = iota
	kindBool
	kindInt
	kindFloat
	kindText
	kindList
	kindMap
)

func (k kind) String() string {
	return [...]string{"nothing", "true or false", "a number", "a number", "text", "a list", "a map"}[k]
}

// node is a value with its place: aliases are followed, merge keys applied, so that each node has exactly one path.
type node struct {
	kind        kind
	path        string
	line, col   int
	holder      [2]int // line and column of the key that holds the value; its own if none does
	text        string // of a scalar: as written, unquoted
	substituted bool   // text came out of a variable: it may stand for a number or true and false
	unresolved  bool   // a variable in it has no value, which is reported already: rules leave it alone
	items       []*node
	fields      []field // in the order of the file, merged ones last
}

type field struct {
	key   string
	at    [2]int // line and column of the key
	value *node
}

// get follows keys down as far as they exist, so that a fault about something missing lands on the nearest thing there is.
func (n *node) get(keys ...string) *node {
	for _, key := range keys {
		next := n.child(key)
		if next == nil {
			return n
		}
		n = next
	}
	return n
}

// child returns the value of a key, or nil.
func (n *node) child(key string) *node {
	for _, f := range n.fields {
		if f.key == key {
			return f.value
		}
	}
	return nil
}

// tree turns yaml.Node into nodes. It stops at a fault that makes the rest meaningless.
type tree struct {
	w      *walker
	values int
	open   map[*yaml.Node]bool // anchors that are being followed
	broken bool
}

func (t *tree) fault(y *yaml.Node, path, format string, args ...any) {
	t.w.faultAt(y.Line, y.Column, path, format, args...)
}

// build returns the value at path; depth counts the maps and lists around it. key is the yaml.Node of its key, nil if it has none.
func (t *tree) build(y, key *yaml.Node, path string, depth int) *node {
	n := &node{path: path, line: y.Line, col: y.Column}
	n.holder = [2]int{y.Line, y.Column}
	if key != nil {
		n.holder = [2]int{key.Line, key.Column}
	}
	if t.exhausted(y, path, depth) {
		return n
	}
	switch y.Kind {
	case yaml.AliasNode:
		return t.follow(y, key, path, depth)
	case yaml.MappingNode:
		n.kind = kindMap
		t.fill(n, y, depth)
	case yaml.SequenceNode:
		n.kind = kindList
		for i, item := range y.Content {
			n.items = append(n.items, t.build(item, nil, path+"["+strconv.Itoa(i)+"]", depth+1))
		}
	default:
		n.kind, n.text = scalarKind(y), y.Value
	}
	if y.Style&yaml.TaggedStyle != 0 && y.ShortTag() != "!!str" {
		t.fault(y, path, "the tag %s is not supported", clip(y.Tag))
	}
	return n
}

// exhausted reports, once, a file that stands for more values than anybody writes.
func (t *tree) exhausted(y *yaml.Node, path string, depth int) bool {
	t.values++
	switch {
	case t.broken:
	case t.values > maxValues:
		t.broken = true
		t.fault(y, "", "the file stands for more than %d values, all aliases followed", maxValues)
	case depth > maxDepth:
		t.broken = true
		t.fault(y, "", "maps and lists are nested more than %d deep", maxDepth)
	}
	return t.broken
}

// follow builds what an alias names. Its inner positions are those of the anchor.
func (t *tree) follow(y, key *yaml.Node, path string, depth int) *node {
	if t.open[y.Alias] {
		t.broken = true
		t.fault(y, path, "the alias *%s contains itself", y.Value)
		return &node{path: path, line: y.Line, col: y.Column, holder: [2]int{y.Line, y.Column}}
	}
	t.open[y.Alias] = true
	defer delete(t.open, y.Alias)
	return t.build(y.Alias, key, path, depth)
}

// fill builds a map's fields: those written in it, then those that its merge keys bring and that it does not have itself.
func (t *tree) fill(n *node, y *yaml.Node, depth int) {
	first := map[string]int{}
	var merged []field
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, value := y.Content[i], y.Content[i+1]
		if key.ShortTag() == "!!merge" {
			merged = append(merged, t.merge(value, key, n.path, depth)...)
			continue
		}
		name, ok := t.key(key, n.path)
		if !ok {
			continue
		}
		if line, twice := first[name]; twice {
			t.fault(key, join(n.path, name), "%s is already there, in line %d", quote(name), line)
			continue
		}
		first[name] = key.Line
		n.fields = append(n.fields, field{name, [2]int{key.Line, key.Column}, t.build(value, key, join(n.path, name), depth+1)})
	}
	for _, f := range merged {
		if _, own := first[f.key]; !own {
			first[f.key] = f.at[0]
			n.fields = append(n.fields, f)
		}
	}
}

// merge returns the fields that the value of a merge key ("<<") brings: one map, or a list of maps of which the first wins.
func (t *tree) merge(value, key *yaml.Node, path string, depth int) []field {
	source := t.build(value, key, path, depth+1)
	switch source.kind {
	case kindMap:
		return source.fields
	case kindList:
		var fields []field
		for _, item := range source.items {
			if item.kind != kindMap {
				t.fault(value, path, "the merge key << takes maps only")
			}
			fields = append(fields, item.fields...)
		}
		return fields
	}
	if !t.broken {
		t.fault(value, path, "the merge key << takes a map or a list of maps, not %s", source.kind)
	}
	return nil
}

// key returns the text of a key. Other than text is refused: YAML would read 010 and 8 as one key.
func (t *tree) key(y *yaml.Node, path string) (string, bool) {
	if y.Kind == yaml.AliasNode {
		y = y.Alias
	}
	if y.Kind != yaml.ScalarNode || scalarKind(y) != kindText {
		t.fault(y, path, "a key must be text: write it in quotes")
		return "", false
	}
	return y.Value, true
}

// scalarKind is the kind of a scalar. A date is text here: nothing in the file is a time.
func scalarKind(y *yaml.Node) kind {
	switch y.ShortTag() {
	case "!!null":
		return kindNull
	case "!!bool":
		return kindBool
	case "!!int":
		return kindInt
	case "!!float":
		return kindFloat
	}
	return kindText
}

// join appends a key to a path. A key that is no plain word is quoted, so that a path is one line and its parts can be told apart.
func join(path, key string) string {
	if plain := (charset{rest: letters + digits + "_./-", max: 64}); !plain.holds(key) {
		key = quote(key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// quote shows a piece of the file in a message: one line, not too long.
func quote(s string) string { return fmt.Sprintf("%q", clip(s)) }

// clip shortens a text to 64 characters.
func clip(s string) string {
	if r := []rune(s); len(r) > 64 {
		return string(r[:64]) + "…"
	}
	return s
}
