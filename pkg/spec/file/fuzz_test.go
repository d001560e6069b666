package file

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/swarmd/swarmd/internal/cost"
)

// FuzzParse holds the decoder, and what is asked of a file before it is decoded, to four promises for any input: it does not panic, it costs no more memory and time than a file may, each fault
// lies inside the file, and a file that is good once is good again and means the same.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/good/*.yaml", "testdata/bad/*.yaml", "../../../deploy/examples/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, name := range files {
			data, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	for _, tc := range hostile() {
		f.Add([]byte(tc.data))
	}
	for _, text := range []string{"registries: { r.example: { username: u } }", "registries: { r.example: x }", "variables: { file: registries }", "x-y: { registries: 1 }"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var document *Document
		var warnings []Fault
		var err error
		_ = PasswordFiles(data)
		_ = Bundle(data, func(string) ([]byte, error) { return nil, os.ErrNotExist })
		_, _ = ClusterOf("f.yaml", data)
		if spent, within := cost.Within(mostHeap, mostTime, func() { document, warnings, err = Parse("f.yaml", data) }); !within {
			t.Errorf("%d bytes cost %s", len(data), spent)
		}
		for _, w := range warnings {
			inside(t, data, w)
		}
		if err != nil {
			faults := Faults(nil)
			if !errors.As(err, &faults) || len(faults) == 0 {
				t.Fatalf("not faults: %v", err)
			}
			for _, fault := range faults {
				inside(t, data, fault)
			}
			return
		}
		again, _, err := Parse("f.yaml", data)
		if err != nil || !reflect.DeepEqual(document, again) {
			t.Errorf("a second parse differs: %v", err)
		}
	})
}

// inside asserts that a fault's line exists in the file, if it is in this one.
func inside(t *testing.T, data []byte, fault Fault) {
	t.Helper()
	if fault.File != "f.yaml" {
		return // it is in a file that came with this one
	}
	lines := bytes.Count(data, []byte("\n")) + bytes.Count(data, []byte("\r")) + 1
	if fault.Line < 1 || fault.Col < 1 || fault.Line > lines {
		t.Errorf("%v lies outside of %d lines", fault, lines)
	}
}
