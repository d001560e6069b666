package swarm

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"sort"
	"strings"
)

// Absent stands in a Diff for a path that one side does not have.
const Absent = "∅"

// Diff returns what must change in live to make it want, one "path: old → new" a line, sorted by path; nil if both mean the same.
func Diff(want, live Form) []string {
	var out []string
	for path, w := range want {
		l, ok := live[path]
		switch {
		case !ok:
			out = append(out, path+": "+Absent+" → "+show(w))
		case l != w:
			out = append(out, path+": "+show(l)+" → "+show(w))
		}
	}
	for path, l := range live {
		if _, ok := want[path]; !ok {
			out = append(out, path+": "+show(l)+" → "+Absent)
		}
	}
	sort.Strings(out)
	return out
}

// show keeps an empty value visible.
func show(v string) string {
	if v == "" {
		return `""`
	}
	return v
}

// Hash is a short digest of the form: 16 hex digits of a SHA-256. Equal forms have equal hashes, on every machine and in every release
// that normalises alike; a release that does not only writes its services once more.
func (f Form) Hash() string {
	sum := sha256.Sum256(f.json())
	return hex.EncodeToString(sum[:8])
}

// json is what encoding/json writes of a map, sorted by key; it quotes, so no two forms share their bytes. A plan hashes the form of every service,
// and most texts need no escapes.
func (f Form) json() []byte {
	if f == nil {
		return []byte("null")
	}
	length := 2
	for path, value := range f {
		length += len(path) + len(value) + len(`"":"",`)
	}
	data := append(make([]byte, 0, length), '{')
	for i, path := range slices.Sorted(maps.Keys(f)) {
		if i > 0 {
			data = append(data, ',')
		}
		data = appendText(append(appendText(data, path), ':'), f[path])
	}
	return append(data, '}')
}

// appendText appends a text as encoding/json writes it.
func appendText(data []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || strings.IndexByte(`"\<>&`, c) >= 0 {
			quoted, err := json.Marshal(text)
			if err != nil {
				panic("swarm: a text has no JSON: " + err.Error())
			}
			return append(data, quoted...)
		}
	}
	return append(append(append(data, '"'), text...), '"')
}
