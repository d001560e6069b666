package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fakeUnstable puts an apt-get and a dpkg on the PATH. The suite has the release that set names, or cannot be reached with "";
// asked counts how often somebody tried.
func fakeUnstable(t *testing.T) (o Options, set func(release string), asked func() int) {
	t.Helper()
	o, _ = fakeBootstrap(t, "")
	o.Engine = Engine28
	dir := t.TempDir()
	has, count := filepath.Join(dir, "has"), filepath.Join(dir, "count")
	fakeTools(t, map[string]string{
		"apt-get": fmt.Sprintf(`case " $* " in *" update "*) echo run >>%s; test -s %s || { echo no way there >&2; exit 100; }; exit;; esac
while [ "$1" != download ]; do shift; done
shift
for p; do cp %s "${p}_$(cat %s)_amd64.deb"; done`, count, has, has, has),
		// -x FILE INTO
		"dpkg": `cd "$3" && mkdir -p etc/default etc/systemd/system usr/local/sbin && echo packaged >etc/default/docker && cp "$2" file`,
	})
	set = func(release string) {
		if err := os.WriteFile(has, []byte(release), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return o, set, func() int {
		text, _ := os.ReadFile(count)
		return strings.Count(string(text), "run")
	}
}

// TestImageOfUnstable takes what the suite has, asks it again after a week, and does without its answer only where there is an image.
func TestImageOfUnstable(t *testing.T) {
	o, set, asked := fakeUnstable(t)
	set("")
	if root, err := BuildImage(t.Context(), o); err == nil || !strings.Contains(err.Error(), "no way there") {
		t.Fatalf("without the suite there is an image: %s, %v", root, err)
	}
	var last string
	for _, step := range []struct {
		name, has, want string
		old, same       bool
		asked           int
	}{
		{"first", "28.5.2", "28.5.2", false, false, 1},
		{"fresh", "28.5.3", "28.5.2", false, true, 0},
		{"a week later, nothing new", "28.5.2", "28.5.2", true, true, 1},
		{"fresh again", "28.5.3", "28.5.2", false, true, 0},
		{"a week later, no way there", "", "28.5.2", true, true, 1},
		{"a week later, something new", "28.5.3", "28.5.3", true, false, 1},
		{"fresh, both are there", "28.5.4", "28.5.3", false, true, 0},
		{"a week later, the first one again", "28.5.2", "28.5.2", true, false, 1},
		{"fresh, both are there still", "28.5.4", "28.5.2", false, true, 0},
	} {
		set(step.has)
		if step.old {
			week := time.Now().Add(-askedAgain - time.Minute)
			if err := os.Chtimes(last, week, week); err != nil {
				t.Fatal(err)
			}
		}
		before := asked()
		root, err := BuildImage(t.Context(), o)
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		isUnstable(t, root, step.name, step.want)
		if (root == last) != step.same || asked()-before != step.asked {
			t.Errorf("%s: %s after %s, the suite was asked %d times", step.name, root, last, asked()-before)
		}
		last = root
	}
	o.Engine = Engine26
	root, err := BuildImage(t.Context(), o)
	if v, _ := readEngine(root); err != nil || v.Release != "26.1.5" {
		t.Errorf("the image below has %v, %v", v, err)
	}
}

// isUnstable wants that release of the engine in an image, with the lab's settings.
func isUnstable(t *testing.T, root, step, release string) {
	t.Helper()
	v, err := readEngine(root)
	if err != nil || v.Engine != Engine28 || v.Release != release || v.Debian != "unstable" {
		t.Errorf("%s: %+v, %v, want %s of unstable", step, v, err, release)
	}
	if got := read(t, root, "etc/default/docker"); !strings.Contains(got, "--insecure-registry="+RegistryAddr) {
		t.Errorf("%s: the package's settings won over the lab's: %s", step, got)
	}
}
