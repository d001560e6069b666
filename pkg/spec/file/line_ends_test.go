package file

import (
	"bytes"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A file that was saved on Windows is read as if its lines ended in a line feed alone: the same faults at the same places, the same document.
func TestWindowsLineEndsMakeNoDifference(t *testing.T) {
	for _, path := range slices.Concat(files(t, "testdata/good/*.yaml", 8), files(t, "testdata/bad/*.yaml", 40)) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text := read(t, path)
			there := bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))
			want, warnings, err := Parse("f.yaml", text)
			got, warned, fault := Parse("f.yaml", there)
			if diff := cmp.Diff(report(warnings, err), report(warned, fault)); diff != "" {
				t.Errorf("(-LF +CRLF):\n%s", diff)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-LF +CRLF):\n%s", diff)
			}
		})
	}
}
