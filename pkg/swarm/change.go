package swarm

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// The bounds of what is said about a change.
const (
	mostChanges = 20
	mostValue   = 200 // bytes of one line
)

// Change is a field of a service or a network that becomes another one, in the words of the file.
type Change struct {
	Key     string `json:"key"`               // below the service or network: "deploy.replicas", "environment.LEVEL"
	From    string `json:"from,omitempty"`    // what is, as the file writes it; "" where Adds
	To      string `json:"to,omitempty"`      // what is wanted; "" where Removes
	Adds    bool   `json:"adds,omitempty"`    // there is no such field or element yet
	Removes bool   `json:"removes,omitempty"` // there is to be none
	Secret  bool   `json:"secret,omitempty"`  // people keep passwords there: From and To are for who asks for them alone, see Masked
	Beyond  bool   `json:"beyond,omitempty"`  // the file has no such key: a hand has set it
}

// ServiceChanges returns what must change in a live service to make it the wanted one, in the order of the file's reference; nil if both mean the same.
func ServiceChanges(want, live Form) []Change { return changes(want, live, serviceWords, listWords) }

// NetworkChanges is the same for networks.
func NetworkChanges(want, live Form) []Change { return changes(want, live, networkWords, nil) }

// Masked is the change without the values that may be passwords.
func (c Change) Masked() Change {
	if c.Secret {
		c.From, c.To = "", ""
	}
	return c
}

// Masked is the changes without the values that may be passwords: for everybody's eyes.
func Masked(all []Change) []Change {
	out := make([]Change, len(all))
	for i, c := range all {
		out[i] = c.Masked()
	}
	return out
}

// Text is the change for people, in one line. Values that may be passwords show where values says so.
func (c Change) Text(values bool) string {
	text := c.Key + ": "
	switch {
	case c.Secret && !values && c.Adds:
		text += "added (value not shown)"
	case c.Secret && !values && c.Removes:
		text += "removed (value not shown)"
	case c.Secret && !values:
		text += "changed (values not shown)"
	default:
		text += cmp.Or(c.From, nothing(c.Adds)) + " → " + cmp.Or(c.To, nothing(c.Removes))
	}
	if c.Beyond {
		text += " (the file has no key for it)"
	}
	return text
}

// nothing is what stands for a side without a value.
func nothing(absent bool) string {
	if absent {
		return "not set"
	}
	return `""`
}

// Summary is the changes in one line for everybody's eyes, cut after some of them.
func Summary(all []Change) string {
	rest := ""
	if more := len(all) - mostChanges; more > 0 {
		all, rest = all[:mostChanges], fmt.Sprintf(" and %d more changes", more)
	}
	var texts []string
	for _, c := range all {
		texts = append(texts, cut(c.Text(false), mostValue))
	}
	return strings.Join(texts, ", ") + rest
}

// said is a change and the place of its word among the words.
type said struct {
	Change
	order int
}

// comparison is two forms on the way to the words of what differs.
type comparison struct {
	want, live Form
	words      []word
	namespace  string                 // the stack's: names in the swarm begin with it, those in the file do not
	out        map[string]*said       // by key
	elements   map[string][2][]string // by the key of a set: what goes and what comes
}

func changes(want, live Form, words []word, wholes []listWord) []Change {
	c := comparison{want: want, live: live, words: words, out: map[string]*said{}, elements: map[string][2][]string{},
		namespace: cmp.Or(want["Labels."+LabelNamespace], live["Labels."+LabelNamespace])}
	differ := slices.DeleteFunc(c.takeMode(c.differing()), func(path string) bool { return path == "Labels."+LabelFailed }) // swarmd's own, and nothing of the file
	for _, w := range wholes {
		differ = c.takeOneSided(w, differ)
	}
	for _, path := range differ {
		c.field(path)
	}
	for key, e := range c.elements {
		f := c.out[key]
		f.From, f.To, f.Adds, f.Removes = strings.Join(e[0], ", "), strings.Join(e[1], ", "), len(e[0]) == 0, len(e[1]) == 0
	}
	byPlace := func(a, b *said) int { return cmp.Or(cmp.Compare(a.order, b.order), strings.Compare(a.Key, b.Key)) }
	var all []Change
	for _, f := range slices.SortedFunc(maps.Values(c.out), byPlace) {
		all = append(all, f.Change)
	}
	return all
}

// differing are the paths that only one side has, or with another value, sorted.
func (c *comparison) differing() []string {
	paths := map[string]bool{}
	for path, w := range c.want {
		if l, ok := c.live[path]; !ok || l != w {
			paths[path] = true
		}
	}
	for path := range c.live {
		if _, ok := c.want[path]; !ok {
			paths[path] = true
		}
	}
	return slices.Sorted(maps.Keys(paths))
}

// takeMode takes the mode out of the paths that differ, where one side alone is a replicated job: no field of its own says that it is one.
func (c *comparison) takeMode(differ []string) []string {
	_, is := c.want[completionsPath]
	if _, was := c.live[completionsPath]; was == is || len(c.live) == 0 || len(c.want) == 0 {
		return differ
	}
	c.out["deploy.mode"] = &said{Change{Key: "deploy.mode", From: modeIn(c.live), To: modeIn(c.want)}, c.orderOf("Mode.")}
	return slices.DeleteFunc(differ, func(path string) bool { return strings.HasPrefix(path, "Mode.") })
}

// modeIn is the mode that a form says.
func modeIn(f Form) string {
	modes := map[string]Mode{"Mode.Global": Global, "Mode.GlobalJob": GlobalJob, completionsPath: ReplicatedJob}
	for path, mode := range modes {
		if _, is := f[path]; is {
			return string(mode)
		}
	}
	return string(Replicated)
}

// takeOneSided takes the elements that only one side has out of the paths that differ.
func (c *comparison) takeOneSided(w listWord, differ []string) []string {
	gone := map[string]bool{}
	for side, f := range []Form{c.live, c.want} {
		other := []Form{c.want, c.live}[side]
		elements := elementsOf(f, w.path)
		for _, name := range slices.Sorted(maps.Keys(elements)) {
			if has(other, w.path+name+"]") {
				continue
			}
			gone[name] = true
			fields := elements[name]
			for _, named := range []string{"Source", "ConfigName", "SecretName"} {
				fields[named] = c.short(fields[named])
			}
			e := c.elements[w.key]
			e[side] = append(e[side], w.show(c.short(name), fields))
			c.elements[w.key] = e
			c.out[w.key] = &said{Change{Key: w.key}, c.orderOf(w.path)}
		}
	}
	return slices.DeleteFunc(differ, func(path string) bool {
		name, _, ok := element(path, w.path)
		return ok && gone[name]
	})
}

// orderOf is the place of the first word whose path begins so.
func (c *comparison) orderOf(prefix string) int {
	return slices.IndexFunc(c.words, func(w word) bool { return strings.HasPrefix(w.path, prefix) })
}

// elementsOf are the elements of a list in a form, each with its fields.
func elementsOf(f Form, prefix string) map[string]Form {
	out := map[string]Form{}
	for path, value := range f {
		name, field, ok := element(path, prefix)
		if !ok {
			continue
		}
		if out[name] == nil {
			out[name] = Form{}
		}
		out[name][field] = value
	}
	return out
}

// element splits the path of a field of an element.
func element(path, prefix string) (name, field string, ok bool) {
	rest, ok := strings.CutPrefix(path, prefix)
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, "].")
}

func has(f Form, prefix string) bool {
	for path := range f {
		if within(path, prefix) {
			return true
		}
	}
	return false
}

// short is a name of the swarm as the file has it.
func (c *comparison) short(name string) string {
	if c.namespace == "" {
		return name
	}
	return strings.TrimPrefix(name, c.namespace+"_")
}

// field adds what a path that differs means.
func (c *comparison) field(path string) {
	at, w, names := c.find(path)
	for i, name := range names {
		names[i] = c.short(name)
	}
	last := ""
	if w.kind != single {
		last = names[len(names)-1]
	}
	key := fill(w.key, names)
	if f, known := c.out[key]; known && f.order < at {
		return // the word before says it
	}
	f := &said{Change{Key: key, Secret: w.secret, Beyond: w.beyond}, at}
	from, was := c.live[path]
	to, is := c.want[path]
	switch w.kind {
	case set:
		e := c.elements[key]
		side := 0
		if is {
			side = 1
		}
		e[side] = append(e[side], last)
		c.elements[key] = e
	case list:
		from, to = c.list(c.live, w), c.list(c.want, w)
		f.From, f.To, f.Adds, f.Removes = from, to, from == "", to == ""
	default:
		f.From, f.Adds = c.value(w, from, was)
		f.To, f.Removes = c.value(w, to, is)
	}
	c.out[key] = f
}

// value is a value as the file writes it, and whether there is none.
func (c *comparison) value(w word, value string, is bool) (text string, none bool) {
	switch {
	case !is:
		return w.unset, w.unset == ""
	case w.named:
		return c.short(value), false
	case w.show != nil:
		return w.show(value), false
	}
	return value, false
}

// find returns the word of a path and what stands for each * of it. A path without a word names itself, and its values are nobody's business.
func (c *comparison) find(path string) (int, word, []string) {
	for i, w := range c.words {
		if names, ok := match(w.path, path); ok {
			return i, w, names
		}
	}
	return len(c.words), word{key: path, secret: true, beyond: true}, nil
}

// list is a list as a whole; elements with blanks are quoted.
func (c *comparison) list(f Form, w word) string {
	var elements []string
	for i := 0; ; i++ {
		value, ok := f[fill(w.path, []string{strconv.Itoa(i)})]
		if !ok {
			return strings.Join(elements, ", ")
		}
		if w.show != nil {
			value = w.show(value)
		}
		elements = append(elements, quoted(value))
	}
}

// quoted is an element that would not be seen as one without quotes.
func quoted(value string) string {
	if value == "" || strings.ContainsAny(value, ", \"\n\t") {
		return strconv.Quote(value)
	}
	return value
}

// match returns what stands for each * of a pattern.
func match(pattern, path string) (names []string, ok bool) {
	parts := strings.Split(pattern, "*")
	if path, ok = strings.CutPrefix(path, parts[0]); !ok {
		return nil, false
	}
	for i, part := range parts[1:] {
		at := strings.Index(path, part)
		if i == len(parts)-2 { // the last one goes to the end
			at = len(path) - len(part)
		}
		if at < 0 || !strings.HasPrefix(path[at:], part) {
			return nil, false
		}
		names, path = append(names, path[:at]), path[at+len(part):]
	}
	return names, path == ""
}

// fill puts the names in place of the stars.
func fill(pattern string, names []string) string {
	parts := strings.Split(pattern, "*")
	text := parts[0]
	for i, part := range parts[1:] {
		text += names[i] + part
	}
	return text
}

// Replaces reports whether a Diff of two services' forms replaces tasks: the engine compares the template and the endpoint alone.
func Replaces(diff []string) bool {
	return slices.ContainsFunc(diff, func(line string) bool {
		path, _, _ := strings.Cut(line, ": ")
		return !slices.ContainsFunc([]string{"Name", "Labels", "Mode", "UpdateConfig", "RollbackConfig"}, func(f string) bool { return within(path, f) })
	})
}

// within reports whether a path is the field or below it.
func within(path, field string) bool {
	rest, ok := strings.CutPrefix(path, field)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// cut shortens a line to a number of bytes, at the start of a character.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && s[most]&0xC0 == 0x80 {
		most--
	}
	return s[:most] + "…"
}
