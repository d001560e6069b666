package file

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xeipuuv/gojsonschema"
	"gopkg.in/yaml.v3"
)

// TestReference holds the page to the rules; -update writes it.
func TestReference(t *testing.T) { golden(t, "../../../docs/reference.md", Reference()) }

// TestEveryKeyIsDocumented: whoever adds a key says what it is for.
func TestEveryKeyIsDocumented(t *testing.T) {
	seen := 0
	var below func(path string, s *shape)
	below = func(path string, s *shape) {
		if s == nil {
			return
		}
		for key, k := range s.keys {
			seen++
			if k.doc == "" {
				t.Errorf("%s.%s has no doc", path, key)
			}
			below(path+"."+key, k)
		}
		below(path+".NAME", s.entry)
		below(path+"[]", s.item)
		for _, one := range s.either {
			below(path, one)
		}
	}
	below("", shapeOf(keys(documentKeys())))
	if seen < 100 {
		t.Errorf("%d keys were looked at", seen)
	}
}

// unfit says what the schema has against a file.
func unfit(t *testing.T, schema *gojsonschema.Schema, data []byte) []string {
	t.Helper()
	var value any
	if err := yaml.Unmarshal(data, &value); err != nil {
		t.Fatal(err)
	}
	result, err := schema.Validate(gojsonschema.NewGoLoader(value))
	if err != nil {
		return []string{err.Error()} // such as a number that JSON has not
	}
	var all []string
	for _, e := range result.Errors() {
		all = append(all, e.String())
	}
	return all
}

func compiled(t *testing.T) *gojsonschema.Schema {
	t.Helper()
	schema, err := gojsonschema.NewSchema(gojsonschema.NewBytesLoader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// TestGoodFilesFitTheSchema: an editor draws no line under what the check accepts.
func TestGoodFilesFitTheSchema(t *testing.T) {
	schema := compiled(t)
	for _, path := range slices.Concat(files(t, "../../../deploy/examples/*.yaml", 3), files(t, "testdata/good/*.yaml", 8)) {
		if all := unfit(t, schema, read(t, path)); len(all) > 0 {
			t.Errorf("%s: %s", path, strings.Join(all, "\n"))
		}
	}
}

// TestBadFilesDoNotFitTheSchema: what is wrong with these a schema can say.
func TestBadFilesDoNotFitTheSchema(t *testing.T) {
	schema := compiled(t)
	for _, name := range []string{"compose-file", "counts", "deploy", "empty-values", "list-document", "missing-keys", "misplaced", "names",
		"policies", "service-names", "too-long", "unknown-keys", "version", "version-2-keys", "wrong-types"} {
		if all := unfit(t, schema, read(t, filepath.Join("testdata/bad", name+".yaml"))); len(all) == 0 {
			t.Errorf("%s fits", name)
		}
	}
	for text, field := range map[string]string{
		"version: 2": "version", "cluster: Web": "cluster", "policies: { resync: 5 }": "", "nodes: { a: { role: boss, count: 1, size: s } }": "nodes.a.role",
		"nodes: { a: { role: worker, count: 501, size: s } }": "nodes.a.count", "services: { a: { image: x, prots: [] } }": "services.a",
		"services: { a: { image: x, deploy: { replicas: $N } } }": "",
	} {
		all := strings.Join(unfit(t, schema, []byte(without("version: 1\ncluster: web\nnodes: {}\n", text)+text+"\n")), "\n")
		if field != "" && !strings.Contains(all, field) || field == "" && all != "" {
			t.Errorf("%s: %q, want %q", text, all, field)
		}
	}
}

// without leaves out the line of the key that the text has itself.
func without(lines, text string) string {
	key, _, _ := strings.Cut(text, ":")
	return strings.Join(slices.DeleteFunc(strings.SplitAfter(lines, "\n"), func(l string) bool { return strings.HasPrefix(l, key+":") }), "")
}
