package source

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestNothingOfSwarmdsOwnIsReadThroughAFile, by whatever name: who edits the file chooses the path, and links lie on each machine.
func TestNothingOfSwarmdsOwnIsReadThroughAFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("/proc/self/environ", filepath.Join(dir, "link")); err != nil {
		t.Skip("no links can be made here: ", err)
	}
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for at, own := range map[string]bool{plain: false, filepath.Join(dir, "nothing"): false, filepath.Join(dir, "link"): true, "/run/secrets/token": true,
		"/etc/swarmd/../swarmd/token": true, "/etc/swarmd/registry": false} {
		if got := IsOwn(at); got != own {
			t.Errorf("%s: %v", at, got)
		}
	}
	file := filepath.Join(dir, "cluster.yaml")
	if err := os.WriteFile(file, []byte("version: 1\nconfigs: { a: { file: link } }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	data, err := ReadFile(file)
	if err != nil || !contains(data, "swarmd's own") || contains(data, "PATH=") {
		t.Errorf("%v\n%s", err, data)
	}
}

func contains(data []byte, text string) bool { return bytes.Contains(data, []byte(text)) }
