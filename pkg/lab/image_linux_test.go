package lab

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeTools puts commands on the PATH, each a shell script.
func fakeTools(t *testing.T, tools map[string]string) {
	t.Helper()
	bin := t.TempDir()
	for name, text := range tools {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
}

// chrootTool stands in for the engine of a tree: the tree's file "file" is its release.
const chrootTool = `case $2 in dockerd) echo "Docker version $(cat "$1/file"), build 0";; docker) echo 1.45; exit 1;; esac`

// fakeBootstrap puts an mmdebstrap on the PATH that makes a tree of one file after running script, and counts its runs.
func fakeBootstrap(t *testing.T, script string) (o Options, runs func() int) {
	t.Helper()
	if _, err := writeSources(t.TempDir(), "trixie"); err != nil {
		t.Skip("SKIPPED: ", err)
	}
	count := filepath.Join(t.TempDir(), "count")
	fakeTools(t, map[string]string{
		"mmdebstrap": fmt.Sprintf("echo run >>%s\nfor a; do case $a in *.part) into=$a;; esac; done\n%s\nmkdir -p \"$into/etc\" && echo 26.1.5 >\"$into/file\"",
			count, script),
		"apt-config": "", "chroot": chrootTool,
	})
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

// TestImageKey gives every engine an image of its own, and the same one each time.
func TestImageKey(t *testing.T) {
	seen := map[string]Engine{}
	for _, e := range Engines() {
		r, err := recipeOf(e)
		if err != nil {
			t.Fatal(err)
		}
		if other, twice := seen[r.key()]; twice || !strings.HasPrefix(r.key(), string(e)+"-") {
			t.Errorf("%s has the key %s, which %q has too", e, r.key(), other)
		}
		seen[r.key()] = e
		changed := r
		changed.packages = append(changed.packages, "one-more")
		if again, _ := recipeOf(e); again.key() != r.key() || changed.key() == r.key() {
			t.Errorf("keys %s, again %s, with another package %s", r.key(), again.key(), changed.key())
		}
	}
}

// TestImageEngine tells which engine an image has, by what its binaries say.
func TestImageEngine(t *testing.T) {
	o, _ := fakeBootstrap(t, "")
	root, err := BuildImage(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	got, err := readEngine(root)
	if age := time.Since(got.Built); age < 0 || age > time.Minute {
		t.Errorf("built at %v", got.Built)
	}
	want := EngineVersion{Engine: Engine26, Release: "26.1.5", API: "1.45", Debian: "trixie", Built: got.Built, Seconds: got.Seconds}
	if err != nil || got != want {
		t.Errorf("engine %+v, %v, want %+v", got, err, want)
	}
	o.Engine = "19.03"
	if _, err := BuildImage(t.Context(), o); err == nil || !strings.Contains(err.Error(), "choose 20.10, 26.1 or 28.5") {
		t.Errorf("an engine that is none: %v", err)
	}
	fakeTools(t, map[string]string{"chroot": "echo Podman"})
	o.Engine = Engine20
	if root, err := BuildImage(t.Context(), o); err == nil || exists(root) {
		t.Errorf("an image without an engine became %s (%v)", root, err)
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
