package source

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/swarmd/swarmd/pkg/spec/file"
)

// patience is how long a test waits for what must come. It is below rereads: what comes in time was told by an event.
const patience = rereads - time.Second

// watching is a file under watch in a directory of its own. The directory is that of the file's real content.
type watching struct {
	t    *testing.T
	path string
	got  <-chan []byte
	errs chan error
}

func watchPath(t *testing.T, path, seen string) *watching {
	t.Helper()
	w := &watching{t: t, path: path, errs: make(chan error, 100)}
	ctx, stop := context.WithCancel(t.Context())
	w.got = Watch(ctx, path, nil, []byte(seen), func(err error) { w.errs <- err })
	t.Cleanup(func() {
		stop()
		for range w.got { // until it is closed
		}
	})
	return w
}

func watchNew(t *testing.T, content string) *watching {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cluster.yaml")
	write(t, path, content)
	return watchPath(t, path, content)
}

func write(t *testing.T, path, content string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(content), 0o644))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// saved writes beside the file and renames over it.
func saved(t *testing.T, path, content string) {
	t.Helper()
	write(t, path+".new", content)
	must(t, os.Rename(path+".new", path))
}

func (w *watching) wants(content string) {
	w.t.Helper()
	select {
	case got := <-w.got:
		if string(got) != content {
			w.t.Fatalf("sent %q, want %q", got, content)
		}
	case err := <-w.errs:
		w.t.Fatal(err)
	case <-time.After(patience):
		w.t.Fatalf("%q was not sent in %s", content, patience)
	}
}

func (w *watching) wantsError(is error) {
	w.t.Helper()
	select {
	case err := <-w.errs:
		if !errors.Is(err, is) {
			w.t.Fatalf("told %v, want %v", err, is)
		}
	case got := <-w.got:
		w.t.Fatalf("sent %q, want an error", got)
	case <-time.After(patience):
		w.t.Fatal("no error was told")
	}
}

// TestWatchSaves saves in each of the ways in which programs do, and in each a second time: a watch on the file itself would be dead.
func TestWatchSaves(t *testing.T) {
	ways := map[string]func(t *testing.T, path, content string){
		"in place":           write,
		"renamed over":       saved,
		"deleted, then made": func(t *testing.T, path, content string) { must(t, os.Remove(path)); write(t, path, content) },
		"moved away, then made": func(t *testing.T, path, content string) {
			must(t, os.Rename(path, path+"~"))
			write(t, path, content)
		},
	}
	for name, save := range ways {
		t.Run(name, func(t *testing.T) {
			w := watchNew(t, "a: 0\n")
			for _, content := range []string{"a: 1\n", "a: 2\n", "a: 1\n"} {
				save(t, w.path, content)
				w.wants(content)
			}
		})
	}
}

// TestWatchSendsChangesOnly: what was seen already is not sent, neither at the start nor when it is saved again.
func TestWatchSendsChangesOnly(t *testing.T) {
	w := watchNew(t, "a: 0\n")
	saved(t, w.path, "a: 0\n")
	saved(t, w.path, "a: 1\n")
	w.wants("a: 1\n")
	write(t, w.path, "a: 1\n")
	must(t, os.Chmod(w.path, 0o600))
	saved(t, w.path, "a: 2\n")
	w.wants("a: 2\n")
}

// TestWatchStart: a save between the caller's own reading and the watch is not lost.
func TestWatchStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cluster.yaml")
	write(t, path, "a: 1\n")
	watchPath(t, path, "a: 0\n").wants("a: 1\n")
}

// TestWatchLastCounts: of saves that nobody took only the last is sent, and none if it is what the receiver has.
func TestWatchLastCounts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cluster.yaml")
	synctest.Test(t, func(t *testing.T) {
		w := &watch{path: path, last: []byte("a: 0\n"), tell: func(err error) { t.Error(err) }}
		out := make(chan []byte)
		write(t, path, "a: 0\n")
		go w.run(t.Context(), out)
		for _, content := range []string{"a: 1\n", "a: 2\n", "a: 0\n", "a: 3\n"} {
			write(t, path, content)
			time.Sleep(2 * rereads) // in which the watch has read it
		}
		if got := <-out; string(got) != "a: 3\n" {
			t.Errorf("sent %q", got)
		}
		for _, content := range []string{"a: 4\n", "a: 3\n"} {
			write(t, path, content)
			time.Sleep(2 * rereads)
		}
		select {
		case got := <-out:
			t.Errorf("sent %q again", got)
		default:
		}
	})
}

// TestWatchLinks turns links the way Kubernetes and git-sync do, and edits behind a link to somewhere else.
func TestWatchLinks(t *testing.T) {
	dir := t.TempDir()
	for _, version := range []string{"v1", "v2", "v3"} {
		must(t, os.Mkdir(filepath.Join(dir, version), 0o755))
		write(t, filepath.Join(dir, version, "cluster.yaml"), version+"\n")
	}
	turn := func(link, target string) {
		must(t, os.Symlink(target, filepath.Join(dir, "tmp")))
		must(t, os.Rename(filepath.Join(dir, "tmp"), filepath.Join(dir, link)))
	}
	turn("..data", "v1")
	turn("cluster.yaml", "..data/cluster.yaml")
	beside, above := watchPath(t, filepath.Join(dir, "cluster.yaml"), "v1\n"), watchPath(t, filepath.Join(dir, "..data", "cluster.yaml"), "v1\n")
	for _, version := range []string{"v2", "v3", "v1"} {
		turn("..data", version)
		beside.wants(version + "\n")
		above.wants(version + "\n")
	}
	saved(t, filepath.Join(dir, "v1", "cluster.yaml"), "edited\n")
	beside.wants("edited\n")
	above.wants("edited\n")
}

// TestWatchDirectoryReplaced: the watch of a directory dies with it, and is set up again.
func TestWatchDirectoryReplaced(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "conf")
	path := filepath.Join(dir, "cluster.yaml")
	must(t, os.Mkdir(dir, 0o755))
	write(t, path, "a: 0\n")
	w := watchPath(t, path, "a: 0\n")
	must(t, os.Rename(dir, dir+".old"))
	must(t, os.Mkdir(dir, 0o755))
	write(t, path, "a: 1\n")
	w.wants("a: 1\n")
	saved(t, path, "a: 2\n")
	w.wants("a: 2\n")
}

// TestWatchErrors: a file that stays away is told once, and so is what stands in its place; then it goes on.
func TestWatchErrors(t *testing.T) {
	w := watchNew(t, "a: 0\n")
	must(t, os.Remove(w.path))
	w.wantsError(fs.ErrNotExist)
	saved(t, w.path, "a: 1\n")
	w.wantsError(nil)
	w.wants("a: 1\n")
	must(t, os.Remove(w.path))
	w.wantsError(fs.ErrNotExist)
	must(t, os.Mkdir(w.path, 0o755))
	select {
	case err := <-w.errs:
		if !strings.Contains(err.Error(), "no regular file") {
			t.Fatal(err)
		}
	case <-time.After(patience):
		t.Fatal("a directory in the file's place was not told")
	}
}

// TestWatchHalfWritten: a text that ends in mid-line waits for its rest, and counts if none comes.
func TestWatchHalfWritten(t *testing.T) {
	w := watchNew(t, "a: 0\n")
	start := time.Now()
	write(t, w.path, "a: 1")
	w.wants("a: 1")
	if took := time.Since(start); took < doubting {
		t.Errorf("half a file was believed after %s", took)
	}
	write(t, w.path, "")
	write(t, w.path, "a: 2\n")
	w.wants("a: 2\n")
}

// TestWatchHuge: more than can be accepted is not read to its end, and not hidden either: Parse refuses it.
func TestWatchHuge(t *testing.T) {
	w := watchNew(t, "a: 0\n")
	saved(t, w.path, strings.Repeat("#\n", 2*file.MaxSize))
	got := <-w.got
	if _, _, err := file.Parse("huge.yaml", got); len(got) != file.MaxSize+1 || err == nil {
		t.Errorf("%d bytes, error %v", len(got), err)
	}
}

// TestWatchLatency: what is saved is seen within 20 ms. The best of some: the machine that runs the tests has other things to do.
func TestWatchLatency(t *testing.T) {
	w := watchNew(t, "a: 0\n")
	best := time.Hour
	for i := range 20 {
		content := strings.Repeat("#", i+1) + "\n"
		start := time.Now()
		saved(t, w.path, content)
		w.wants(content)
		best = min(best, time.Since(start))
	}
	if best > 20*time.Millisecond {
		t.Errorf("the fastest of 20 saves was seen after %s", best)
	}
}

// TestWatchEnds: when ctx ends the channel is closed and nothing is left, with a save that nobody took too.
func TestWatchEnds(t *testing.T) {
	before := goleak.IgnoreCurrent()
	path := filepath.Join(t.TempDir(), "cluster.yaml")
	write(t, path, "a: 1\n")
	ctx, stop := context.WithCancel(t.Context())
	got := Watch(ctx, path, nil, []byte("a: 0\n"), func(err error) { t.Error(err) })
	stop()
	for range got { // until it is closed
	}
	goleak.VerifyNone(t, before)
}

// TestWatchWithoutEvents: where no event comes, the file is read again each five seconds. The same error is told once.
func TestWatchWithoutEvents(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cluster.yaml")
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var told []error
		w := &watch{path: path, deaf: errors.ErrUnsupported, tell: func(err error) { told = append(told, err) }}
		out := make(chan []byte)
		go w.run(ctx, out)
		time.Sleep(10 * rereads)
		synctest.Wait()
		if len(told) != 1 || !errors.Is(told[0], fs.ErrNotExist) {
			t.Errorf("told %v", told)
		}
		write(t, path, "a: 1\n")
		start := time.Now()
		if got := <-out; !bytes.Equal(got, []byte("a: 1\n")) || time.Since(start) > rereads {
			t.Errorf("got %q after %s", got, time.Since(start))
		}
		if synctest.Wait(); len(told) != 2 || !errors.Is(told[1], errors.ErrUnsupported) {
			t.Errorf("told %v", told)
		}
	})
}

// TestWatchPipe: a pipe under the file's name blocks nobody.
func TestWatchPipe(t *testing.T) {
	w := watchNew(t, "a: 0\n")
	pipe := filepath.Join(filepath.Dir(w.path), "pipe")
	must(t, unix.Mkfifo(pipe, 0o600))
	must(t, os.Rename(pipe, w.path))
	select {
	case err := <-w.errs:
		if !strings.Contains(err.Error(), "no regular file") {
			t.Fatal(err)
		}
	case <-time.After(patience):
		t.Fatal("a pipe in the file's place was not told")
	}
	saved(t, w.path, "a: 1\n")
	w.wantsError(nil)
	w.wants("a: 1\n")
}

// TestReadFileTakesRegularFilesOnly: nothing else is waited for, and nothing else is read.
func TestReadFileTakesRegularFilesOnly(t *testing.T) {
	dir := t.TempDir()
	pipe, loop := filepath.Join(dir, "pipe"), filepath.Join(dir, "loop")
	must(t, unix.Mkfifo(pipe, 0o600))
	must(t, os.Symlink(loop, loop))
	for path, said := range map[string]string{
		pipe: "no regular file but a pipe: save", dir: "no regular file but a directory: name the file in it", loop: "too many levels",
		"/dev/zero": "no regular file: put one there", "/dev/null": "no regular file: put one there",
	} {
		done := make(chan error, 1)
		go func() { _, err := ReadFile(path, nil); done <- err }()
		select {
		case err := <-done:
			if err == nil || !strings.Contains(err.Error(), said) {
				t.Errorf("%s: %v, want %q", path, err, said)
			}
		case <-time.After(patience):
			t.Errorf("%s is waited for", path)
		}
	}
}
