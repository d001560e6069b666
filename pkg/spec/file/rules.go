package file

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// walker collects what is wrong while rules go through the tree.
type walker struct {
	*reading
	namespace   string           // of the stack that is read: the names of its objects begin with it
	files       []*node          // the Compose files that it has; of the top level none
	partial     bool             // what is read is one of several files, and may lack what others have
	root        *node            // what they come to
	values      map[string]any   // of the root, decoded
	parts       []map[string]any // the same of each of several Compose files, in their order; none if there is one
	variables   map[string]string
	services    []serviceFacts    // sorted by name
	volumeNames map[string]string // that the file gives its volumes, by key
}

// reading is what is read and found in a desired state as a whole, of whichever stack.
type reading struct {
	parser           *Parser
	sources          sources
	faults, warnings findings
	bundle           *node                               // the texts that came with the file, by path, see Bundle
	fetch            func(key string, use textUse) *node // asked for each of them that did not, if there is one
	before           map[string]int                      // how many lines come before each of those texts that was read, by path
	rooms            map[string]room                     // of the pools' sizes that are understood
	sealedFiles      map[string]sealedFile               // by path, once each
	sealedVariables  map[string]SealedVariable           // by what stands for their values
	valuesRead       int
	text             int // bytes that the file stands for
	ports            int // that the services read so far publish
}

// newWalker is one for the file that is handed in under the name.
func newWalker(name string, data []byte) *walker {
	r := &reading{parser: new(Parser), bundle: &node{}, before: map[string]int{}}
	r.sources.add(name, "", data)
	return &walker{reading: r, variables: map[string]string{}}
}

func (w *walker) faultAt(line, col int, at place, format string, args ...any) {
	w.faults.add([2]int{line, col}, at, fmt.Sprintf(format, args...))
}

// fault is about a value.
func (w *walker) fault(n *node, format string, args ...any) {
	w.faultAt(n.line, n.col, n.place, format, args...)
}

// lacks is about something that should be there: it points at the key that holds the value, not into it.
func (w *walker) lacks(n *node, format string, args ...any) {
	w.faultAt(n.holder[0], n.holder[1], n.place, format, args...)
}

func (w *walker) warn(n *node, format string, args ...any) {
	w.warnings.add(n.holder, n.place, fmt.Sprintf(format, args...))
}

// rule checks a value, reports its faults, and returns it decoded; nil if it is no good. What it returns is what the rest of the
// parser and the Compose loader see: they never meet a value that no rule has read. Without a node it returns its shape: what it takes, for the
// reference of the keys and the editors' schema.
type rule func(w *walker, n *node) any

// object is a rule for a map with known keys. other sees each other key first and reports whether it has dealt with it.
type object struct {
	known    map[string]rule
	required []string
	other    func(w *walker, f field) bool
}

func (o object) rule(w *walker, n *node) any {
	if n == nil {
		return o.shape()
	}
	if !w.is(n, kindMap) {
		return nil
	}
	values := map[string]any{}
	var meant []string // what misspelt keys are likely to mean: such a key is not missing as well
	for _, f := range n.fields {
		check, ok := o.known[f.key]
		if !ok && o.other != nil && o.other(w, f) {
			continue
		}
		if !ok {
			meant = append(meant, w.unknown(f, o.known))
			continue
		}
		if value := check(w, f.value); value != nil {
			values[f.key] = value
		}
	}
	for _, key := range o.required {
		if n.child(key) == nil && !slices.Contains(meant, key) {
			w.lacks(n, "%s is missing", quote(key))
		}
	}
	return values
}

// keys is an object without required keys.
func keys(known map[string]rule) rule { return object{known: known}.rule }

// unknown reports a key that no rule knows, and suggests and returns the one that is likely meant: the nearest, or the only one that begins so. What is
// known in one of the maps below is said to belong there.
func (w *walker) unknown(f field, known map[string]rule) string {
	near := cmp.Or(w.nearest(f.key, maps.Keys(known)), completed(f.key, maps.Keys(known)))
	hint := didYouMean(near)
	if near == "" && w.faults.found <= maxFaults {
		hint = belongs(f.key, known)
	}
	w.faultAt(f.at[0], f.at[1], f.value.place, "unknown key %s%s", quote(f.key), hint)
	return near
}

// belongs says in which map below the key is known, also in the items of a list, if there are not many.
func belongs(key string, known map[string]rule) string {
	var places []string
	for under, r := range known {
		s := shapeOf(r)
		if s.knows(key) {
			places = append(places, under)
		}
		for deeper, t := range s.keys {
			if t.knows(key) {
				places = append(places, under+"."+deeper)
			}
		}
	}
	if len(places) == 0 || len(places) > maxPlaces {
		return ""
	}
	slices.Sort(places)
	return "; it belongs under " + either(places)
}

// maxPlaces is how many places a hint names.
const maxPlaces = 2

// knows reports whether the key is one of the map's, or of the maps of the list.
func (s *shape) knows(key string) bool {
	return s.keys[key] != nil || s.item != nil && s.item.keys[key] != nil
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
		if n == nil {
			return &shape{kind: shapeMap, names: names, entry: shapeOf(value)}
		}
		if !w.is(n, kindMap) {
			return nil
		}
		values := map[string]any{}
		for _, f := range n.fields {
			if !names.holds(f.key) {
				w.faultAt(f.at[0], f.at[1], f.value.place, "the name %s", names.wants(f.key))
			}
			values[f.key] = value(w, f.value)
		}
		return values
	}
}

// listOf is a rule for a list. An item that is no good keeps its place.
func listOf(item rule) rule {
	return func(w *walker, n *node) any {
		if n == nil {
			return &shape{kind: shapeList, item: shapeOf(item)}
		}
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

// someOf is a list that is not empty.
func someOf(item rule) rule {
	return func(w *walker, n *node) any {
		if n != nil && n.kind == kindList && len(n.items) == 0 {
			w.lacks(n, "is empty: at least one is wanted")
			return nil
		}
		return listOf(item)(w, n)
	}
}

// atMost bounds how much stands in a list or a map before anything in it is read.
func atMost(most int, what string, check rule) rule {
	return func(w *walker, n *node) any {
		if n == nil {
			return check(nil, nil)
		}
		if has := max(len(n.items), len(n.fields)); has > most {
			w.lacks(n, "%d %s: at most %d", has, what, most)
			return nil
		}
		return check(w, n)
	}
}

// setOf is a list in which nothing may stand twice.
func setOf(item rule) rule {
	return func(w *walker, n *node) any {
		if n == nil {
			return listOf(item)(nil, nil)
		}
		values, ok := listOf(item)(w, n).([]any)
		if !ok {
			return nil
		}
		taken := make(map[any]bool, len(values))
		for i, value := range values {
			if value != nil && taken[value] {
				w.fault(n.items[i], "%s stands here twice", shown(n.items[i], fmt.Sprint(value)))
			}
			taken[value] = true
		}
		return values
	}
}
