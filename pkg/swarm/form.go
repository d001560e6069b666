package swarm

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"sort"
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
	// encoding/json writes a map sorted by key, and quotes: no two forms share their bytes.
	data, err := json.Marshal(f)
	if err != nil {
		panic("swarm: a map of strings has no JSON: " + err.Error())
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}
