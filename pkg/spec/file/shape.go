package file

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// shape is what a rule takes.
type shape struct {
	kind     shapeKind
	says     string // in words; "" for a map and for a list, which say it by their parts
	doc      string // what the key is for
	absent   string // what counts where the key is missing; "" if that is nothing
	nullable bool

	set       charset  // of a text, if it has one
	options   []string // of a text, if it is one of them
	low, high int      // of a number

	keys     map[string]*shape // of a map with known keys
	required []string
	open     bool              // keys that begin with x- are passed over
	ignored  map[string]string // keys that Compose has and Swarm has not, with what to do instead
	names    charset           // of a map whose keys people choose
	entry    *shape            // the values of such a map
	item     *shape            // of a list
	either   []*shape          // one of these
}

type shapeKind int

const (
	shapeText shapeKind = iota
	shapeWhole
	shapeNumber
	shapeTruth
	shapeList
	shapeMap
	shapeEither
)

// shapeOf asks a rule what it takes.
func shapeOf(r rule) *shape { return r(nil, nil).(*shape) }

func (o object) shape() *shape {
	s := &shape{kind: shapeMap, keys: map[string]*shape{}, required: o.required, open: o.other != nil}
	for key, r := range o.known {
		s.keys[key] = shapeOf(r)
	}
	return s
}

func entriesOf(names charset, entry *shape) *shape {
	return &shape{kind: shapeMap, names: names, entry: entry}
}

func textShape(says string) *shape { return &shape{kind: shapeText, says: says} }

func listShape() *shape { return &shape{kind: shapeList, item: textShape("text")} }

func eitherShape(says string, either ...*shape) *shape {
	return &shape{kind: shapeEither, says: says, either: either}
}

// doc gives a rule its place in the reference: what the key is for.
func doc(text string, r rule) rule {
	return described(r, func(s *shape) { s.doc = text })
}

// byDefault adds what counts where the key is missing.
func byDefault(absent string, r rule) rule {
	return described(r, func(s *shape) { s.absent = absent })
}

func described(r rule, edit func(*shape)) rule {
	return func(w *walker, n *node) any {
		if n != nil {
			return r(w, n)
		}
		s := *shapeOf(r)
		edit(&s)
		return &s
	}
}

// takes says in words what the shape is.
func (s *shape) takes() string {
	switch {
	case s.says != "":
		return s.says
	case s.kind == shapeList && s.item.kind == shapeMap:
		return "a list of maps"
	case s.kind == shapeList:
		return "a list; each: " + s.item.takes()
	case s.kind == shapeMap && s.entry != nil && s.entry.kind != shapeMap:
		return "a map; each value: " + s.entry.takes()
	}
	return "a map"
}

// brief is a duration without the units that are nothing.
func brief(d time.Duration) string {
	text := d.String()
	for _, nothing := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, nothing) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// Reference is the reference of all keys, as Markdown: what each takes, what counts without it, what it is for.
func Reference() string {
	var b strings.Builder
	b.WriteString(`# The keys of the file

This page is made from the rules that read the file: ` + "`swarmd schema --reference`" + ` prints it, and ` + "`swarmd schema`" + ` prints the same as
a JSON schema for editors. A key that is missing here is a fault, which names the nearest key; keys that begin with x- are passed over at the top level and in services,
networks and volumes.
`)
	root := shapeOf(object{known: documentKeys(), required: requiredKeys(), other: otherTopLevel}.rule)
	root.section(&b, "")
	b.WriteString("\n## Keys of Compose that Swarm ignores\n\nEach is a warning.\n\n| key | instead |\n|---|---|\n")
	for _, key := range slices.Sorted(maps.Keys(ignored())) {
		fmt.Fprintf(&b, "| `services.NAME.%s` | %s |\n", key, ignored()[key])
	}
	b.WriteString("\n## Keys of Compose that are refused\n\nEach is a fault: left out, the service would be another.\n\n| key | why |\n|---|---|\n")
	for _, key := range slices.Sorted(maps.Keys(refused())) {
		fmt.Fprintf(&b, "| `services.NAME.%s` | %s |\n", key, refused()[key])
	}
	return b.String()
}

// section writes the table of a map's keys, then those of the maps below it.
func (s *shape) section(b *strings.Builder, path string) {
	title := path
	if title == "" {
		title = "The top level"
	} else {
		title = "`" + title + "`"
	}
	fmt.Fprintf(b, "\n## %s\n\n| key | takes | without it | for |\n|---|---|---|---|\n", title)
	for _, key := range slices.Sorted(maps.Keys(s.keys)) {
		k, absent := s.keys[key], s.keys[key].absent
		if slices.Contains(s.required, key) {
			absent = "a fault"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", key, strings.ReplaceAll(k.takes(), "|", "\\|"), absent, k.doc)
	}
	for _, key := range slices.Sorted(maps.Keys(s.keys)) {
		s.keys[key].below(b, strings.TrimPrefix(path+"."+key, "."))
	}
}

// below writes the sections of the maps in a value.
func (s *shape) below(b *strings.Builder, path string) {
	switch {
	case s.keys != nil:
		s.section(b, path)
	case s.entry != nil:
		s.entry.below(b, path+".NAME")
	case s.item != nil:
		s.item.below(b, path+"[]")
	}
	for _, one := range s.either {
		one.below(b, path)
	}
}
