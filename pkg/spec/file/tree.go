package file

import "gopkg.in/yaml.v3"

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
	place
	kind        kind
	line, col   int
	holder      [2]int // line and column of the key that holds the value; its own if none does
	text        string // of a scalar: as written, unquoted
	substituted bool   // text came out of a variable: it may stand for a number or true and false
	unresolved  bool   // a variable in it has no value, which is reported already: rules leave it alone
	overruled   bool   // a later file of the stack says otherwise: what it names need not be there
	items       []*node
	fields      []field          // in the order of the file, merged ones last
	named       map[string]*node // the fields by key, once there are many of them
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

// fieldsOf are the fields of a section, none if it is not there: get would land on what it is missing in.
func (n *node) fieldsOf(key string) []field {
	if section := n.child(key); section != nil {
		return section.fields
	}
	return nil
}

// few is the number of fields up to which looking at each is quicker than an index.
const few = 16

// child returns the value of a key, or nil.
func (n *node) child(key string) *node {
	if len(n.fields) > few {
		if len(n.named) != len(n.fields) {
			n.named = make(map[string]*node, len(n.fields))
			for _, f := range n.fields {
				n.named[f.key] = f.value
			}
		}
		return n.named[key]
	}
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
	before int                 // lines that come before the file's first
	open   map[*yaml.Node]bool // anchors that are being followed
	broken bool
}

// tree builds the values of a document; nil if a fault, which is told, makes them meaningless. Its lines come after as many of other files.
func (w *walker) tree(document *yaml.Node, before int) *node {
	t := &tree{w: w, before: before, open: map[*yaml.Node]bool{}}
	root := t.build(document, nil, place{}, 0)
	if t.broken {
		return nil
	}
	return root
}

func (t *tree) position(y *yaml.Node) [2]int { return [2]int{t.before + y.Line, y.Column} }

func (t *tree) fault(y *yaml.Node, at place, format string, args ...any) {
	t.w.faultAt(t.before+y.Line, y.Column, at, format, args...)
}

// build returns the value at a place; depth counts the maps and lists around it. key is the yaml.Node of its key, nil if it has none.
func (t *tree) build(y, key *yaml.Node, at place, depth int) *node {
	n := &node{place: at, line: t.before + y.Line, col: y.Column}
	n.holder = t.position(y)
	if key != nil {
		n.holder = t.position(key)
	}
	if t.exhausted(y, depth) {
		return n
	}
	switch y.Kind {
	case yaml.AliasNode:
		return t.follow(y, key, at, depth)
	case yaml.MappingNode:
		n.kind = kindMap
		t.fill(n, y, depth)
	case yaml.SequenceNode:
		n.kind = kindList
		for i, item := range y.Content {
			n.items = append(n.items, t.build(item, nil, place{up: n, item: i + 1}, depth+1))
		}
	default:
		n.kind = scalarKind(y)
		t.broken = t.broken || !t.w.fill(n, y.Value)
	}
	if y.Style&yaml.TaggedStyle != 0 && y.ShortTag() != "!!str" {
		t.fault(y, n.place, "the tag %s is not supported", clip(y.Tag))
	}
	return n
}

// exhausted reports, once, a file that stands for more values than anybody writes.
func (t *tree) exhausted(y *yaml.Node, depth int) bool {
	t.w.valuesRead++
	switch {
	case t.broken:
	case t.w.valuesRead > maxValues:
		t.broken = true
		t.fault(y, place{}, "the file stands for more than %d values, all aliases followed", maxValues)
	case depth > maxDepth:
		t.broken = true
		t.fault(y, place{}, "maps and lists are nested more than %d deep", maxDepth)
	}
	return t.broken
}

// follow builds what an alias names. Its inner positions are those of the anchor.
func (t *tree) follow(y, key *yaml.Node, at place, depth int) *node {
	if t.open[y.Alias] {
		t.broken = true
		t.fault(y, at, "the alias *%s contains itself", clip(y.Value))
		return &node{place: at, line: t.before + y.Line, col: y.Column, holder: t.position(y)}
	}
	t.open[y.Alias] = true
	defer delete(t.open, y.Alias)
	return t.build(y.Alias, key, at, depth)
}

// fill builds a map's fields: those written in it, then those that its merge keys bring and that it does not have itself.
func (t *tree) fill(n *node, y *yaml.Node, depth int) {
	first := map[string]int{}
	var merged []field
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, value := y.Content[i], y.Content[i+1]
		if key.ShortTag() == "!!merge" {
			merged = append(merged, t.merge(value, key, n, depth)...)
			continue
		}
		name, ok := t.key(key, n)
		if !ok {
			continue
		}
		if line, twice := first[name]; twice {
			t.fault(key, place{up: n, key: name}, "%s is already there, in line %d", quote(name), line)
			continue
		}
		first[name] = key.Line
		n.fields = append(n.fields, field{name, t.position(key), t.build(value, key, place{up: n, key: name}, depth+1)})
	}
	for _, f := range merged {
		if _, own := first[f.key]; !own {
			first[f.key] = f.at[0]
			n.fields = append(n.fields, f)
		}
	}
}

// merge returns the fields that the value of a merge key ("<<") brings: one map, or a list of maps of which the first wins.
func (t *tree) merge(value, key *yaml.Node, into *node, depth int) []field {
	source := t.build(value, key, into.place, depth+1)
	switch source.kind {
	case kindMap:
		return source.fields
	case kindList:
		var fields []field
		for _, item := range source.items {
			if item.kind != kindMap {
				t.fault(value, into.place, "the merge key << takes maps only")
			}
			fields = append(fields, item.fields...)
		}
		return fields
	}
	if !t.broken {
		t.fault(value, into.place, "the merge key << takes a map or a list of maps, not %s", source.kind)
	}
	return nil
}

// key returns the text of a key. Other than text is refused: YAML would read 010 and 8 as one key.
func (t *tree) key(y *yaml.Node, in *node) (string, bool) {
	if y.Kind == yaml.AliasNode {
		y = y.Alias
	}
	if y.Kind != yaml.ScalarNode || scalarKind(y) != kindText {
		t.fault(y, in.place, "a key must be text: write it in quotes")
		return "", false
	}
	t.broken = t.broken || !t.w.bears(in, len(y.Value))
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
