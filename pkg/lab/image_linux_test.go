package lab

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// fakeBootstrap puts an mmdebstrap on the PATH that makes a tree of one file after running script, and counts its runs.
func fakeBootstrap(t *testing.T, script string) (o Options, runs func() int) {
	t.Helper()
	if _, err := hostSources(); err != nil {
		t.Skip("SKIPPED: ", err)
	}
	bin := t.TempDir()
	count := filepath.Join(bin, "count")
	text := fmt.Sprintf("#!/bin/sh\necho run >>%s\nfor a; do case $a in *.part) into=$a;; esac; done\n%s\nmkdir \"$into\" && echo new >\"$into/file\"\n",
		count, script)
	for name, text := range map[string]string{"mmdebstrap": text, "apt-config": "#!/bin/sh\n"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	return Options{Dir: t.TempDir()}, func() int {
		text, _ := os.ReadFile(count)
		return strings.Count(string(text), "run")
	}
}

// TestImageOnce builds one image for many who want it at once.
func TestImageOnce(t *testing.T) {
	o, runs := fakeBootstrap(t, "sleep 0.1")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			root, err := BuildImage(t.Context(), o)
			if err != nil || !exists(filepath.Join(root, "file")) {
				t.Errorf("image %q: %v", root, err)
			}
		})
	}
	all.Wait()
	if n := runs(); n != 1 {
		t.Errorf("built %d times", n)
	}
}

// TestImageBroken leaves no half image behind, neither its own nor that of a run before.
func TestImageBroken(t *testing.T) {
	o, runs := fakeBootstrap(t, `mkdir "$into" && echo half >"$into/half"; echo no space >&2; exit 1`)
	for range 2 {
		root, err := BuildImage(t.Context(), o)
		if err == nil || !strings.Contains(err.Error(), "no space") {
			t.Errorf("broken build: %v", err)
		}
		if exists(root) || exists(root+".part") {
			t.Errorf("%s is there after a broken build", root)
		}
		if err := os.MkdirAll(filepath.Join(root+".part", "stale"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if n := runs(); n != 2 {
		t.Errorf("tried %d times", n)
	}
}

func TestImageKey(t *testing.T) {
	if a, b := imageKey("bookworm"), imageKey("trixie"); a == b || a != imageKey("bookworm") {
		t.Errorf("keys %s and %s", a, b)
	}
}

func TestPrepareScript(t *testing.T) {
	if _, err := exec.LookPath("shellcheck"); err != nil {
		t.Skip("SKIPPED: shellcheck is not installed")
	}
	if out, err := exec.CommandContext(t.Context(), "shellcheck", "image/prepare.sh").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
