package docker

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/docker/cli/cli/compose/loader"
)

// unused are the places of the schema that no file of the corpus has, and why. What stands below a place is meant with it.
func unused() map[string]string {
	return map[string]string{
		"volumes.*.x-cluster-spec": "docker stack deploy makes no cluster volumes: it hands over the mounts of those that there are",
		"secrets.*.driver":         "the value comes from a plugin of the machine's, and no version of it can be told from another",
		"secrets.*.driver_opts":    "goes with driver",

		"services.*.extra_hosts.* as nothing": "a host without an address: no engine starts a container with it",
	}
}

// TestTheCorpusUsesTheWholeSchema walks the schema that docker stack deploy loads files with. Every key is used by some file, in each form that it
// has: as text, as a list, as a map.
func TestTheCorpusUsesTheWholeSchema(t *testing.T) {
	s := newestSchema(t)
	left := map[string]bool{}
	s.every(s.root, "", func(place string) { left[place] = true })
	if len(left) < 150 {
		t.Fatalf("the schema has %d places: it is read wrongly", len(left))
	}
	for _, file := range corpus(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tree, err := loader.ParseYAML(data)
		if err != nil {
			t.Fatal(err)
		}
		s.used(s.root, "", tree, func(place string) { delete(left, place) })
	}
	for place := range unused() {
		below := func(other string, _ bool) bool {
			return other == place || strings.HasPrefix(other, place+".") || strings.HasPrefix(other, place+" ")
		}
		before := len(left)
		if maps.DeleteFunc(left, below); len(left) == before {
			t.Errorf("%s is used, or is no place of the schema: take it out of the table", place)
		}
	}
	for _, place := range slices.Sorted(maps.Keys(left)) {
		t.Errorf("no file of the corpus has %s", place)
	}
}

// schema is a JSON schema.
type schema struct{ root, definitions map[string]any }

// newestSchema is the newest of those that docker/cli comes with.
func newestSchema(t *testing.T) schema {
	t.Helper()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/docker/cli").Output()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "cli/compose/schema/data/config_schema_v3.13.json"))
	if err != nil {
		t.Fatal(err)
	}
	var s schema
	if err := json.Unmarshal(data, &s.root); err != nil {
		t.Fatal(err)
	}
	s.definitions = s.root["definitions"].(map[string]any)
	return s
}

// form is one of those that a value may have: its type, and what the schema says of it then.
type form struct {
	kind string
	says map[string]any
}

// forms of a value. Numbers and truth are texts here: YAML writes them alike.
func (s schema) forms(says map[string]any) []form {
	if ref, ok := says["$ref"].(string); ok {
		return s.forms(s.definitions[strings.TrimPrefix(ref, "#/definitions/")].(map[string]any))
	}
	var all []form
	if one, ok := says["oneOf"].([]any); ok {
		for _, each := range one {
			all = append(all, s.forms(each.(map[string]any))...)
		}
		return slices.CompactFunc(all, func(a, b form) bool { return a.kind == "text" && b.kind == "text" })
	}
	types, ok := says["type"].([]any)
	if !ok {
		types = []any{says["type"]}
	}
	for _, named := range types {
		f := form{"text", says}
		switch named {
		case "object":
			f.kind = "map"
		case "array":
			f.kind = "list"
		case "null":
			f.kind = "nothing"
		}
		if !slices.ContainsFunc(all, func(other form) bool { return other.kind == f.kind }) {
			all = append(all, f)
		}
	}
	return all
}

// keys of a map: those with names, and * for those that people choose.
func keys(says map[string]any) map[string]map[string]any {
	all := map[string]map[string]any{}
	for key, of := range section(says, "properties") {
		all[key] = of.(map[string]any)
	}
	for pattern, of := range section(says, "patternProperties") {
		if pattern != "^x-" {
			all["*"] = of.(map[string]any)
		}
	}
	return all
}

func section(of map[string]any, key string) map[string]any {
	m, _ := of[key].(map[string]any)
	return m
}

// every names all places, once for each form.
func (s schema) every(says map[string]any, place string, found func(string)) {
	all := s.forms(says)
	for _, f := range all {
		if len(all) > 1 {
			found(place + " as " + f.kind)
		}
		for key, of := range keys(f.says) {
			below := strings.TrimPrefix(place+"."+key, ".")
			found(below)
			s.every(of, below, found)
		}
		if items := section(f.says, "items"); f.kind == "list" && items != nil {
			s.every(items, place+"[]", found)
		}
	}
}

// used names the places that a value has.
func (s schema) used(says map[string]any, place string, value any, found func(string)) {
	kind := "text"
	switch value.(type) {
	case map[string]any:
		kind = "map"
	case []any:
		kind = "list"
	case nil:
		kind = "nothing"
	}
	for _, f := range s.forms(says) {
		if f.kind != kind {
			continue
		}
		found(place + " as " + kind)
		switch value := value.(type) {
		case map[string]any:
			known := keys(f.says)
			for key, v := range value {
				name := key
				if known[key] == nil {
					name = "*"
				}
				if below := strings.TrimPrefix(place+"."+name, "."); known[name] != nil {
					found(below)
					s.used(known[name], below, v, found)
				}
			}
		case []any:
			for _, item := range value {
				s.used(section(f.says, "items"), place+"[]", item, found)
			}
		}
	}
}
