package file

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// updateGolden is set by -update: the .want files are written from what the parser says.
func updateGolden(t *testing.T) bool {
	f := flag.Lookup("update")
	return f != nil && f.Value.String() == "true"
}

func TestMain(m *testing.M) {
	flag.Bool("update", false, "write the golden files")
	flag.Parse()
	os.Exit(m.Run())
}

// files returns the files that match, and fails if there are fewer than want.
func files(t testing.TB, pattern string, want int) []string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < want {
		t.Fatalf("%d files match %s, want at least %d", len(found), pattern, want)
	}
	return found
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// report is what a person sees of a file: faults, then warnings.
func report(warnings []Fault, err error) string {
	var b strings.Builder
	if err != nil {
		b.WriteString(err.Error() + "\n")
	}
	for _, w := range warnings {
		b.WriteString("warning: " + w.String() + "\n")
	}
	return b.String()
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if updateGolden(t) {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(read(t, path)), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// TestBad holds every file in testdata/bad to its faults. A bad file with no fault is an error whatever its .want says.
func TestBad(t *testing.T) {
	for _, path := range files(t, "testdata/bad/*.yaml", 40) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			s, warnings, err := Parse(filepath.Base(path), read(t, path))
			if err == nil || s != nil {
				t.Errorf("accepted: spec %v, error %v", s, err)
			}
			golden(t, strings.TrimSuffix(path, ".yaml")+".want", report(warnings, err))
		})
	}
}

// TestGood holds every file in testdata/good to having no fault, and to its warnings.
func TestGood(t *testing.T) {
	for _, path := range files(t, "testdata/good/*.yaml", 8) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			s, warnings, err := Parse(filepath.Base(path), read(t, path))
			if err != nil || s == nil {
				t.Fatalf("refused:\n%v", err)
			}
			golden(t, strings.TrimSuffix(path, ".yaml")+".want", report(warnings, nil))
		})
	}
}

// TestExamples: what people copy has no faults, and no warnings but those that belong to what it shows: an image without a
// tag.
func TestExamples(t *testing.T) {
	allowed := map[string]int{"minitwit.yaml": 1}
	for _, path := range files(t, "../../../deploy/examples/*.yaml", 3) {
		name := filepath.Base(path)
		_, warnings, err := Parse(name, withFiles(t, path))
		if err != nil {
			t.Errorf("%s:\n%v", name, err)
		}
		if len(warnings) != allowed[name] {
			t.Errorf("%s: %d warnings, want %d:\n%s", name, len(warnings), allowed[name], report(warnings, nil))
		}
	}
}
