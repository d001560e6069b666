package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/swarmd/swarmd/pkg/spec/file"
)

// The paces of a watch.
const (
	settling = 5 * time.Millisecond   // from the last event to the look: one save makes several
	doubting = 100 * time.Millisecond // until a look that finds no file, or half of one, is believed
	rereads  = 5 * time.Second        // for changes that no event tells: network file systems, an event that was lost
)

// ErrUnwatched is in the chain of an error that costs only time: the file can be read, but no event tells of its changes.
var ErrUnwatched = errors.New("changes are found only each " + rereads.String())

// ReadFile reads the desired state with the texts of the configs' files that it names, see file.Bundle, as far as it can be accepted: a longer file comes back cut, and long enough for file.Parse to refuse it. It takes
// regular files only, and does not wait for anything else: a pipe would block until somebody writes, a device may never end.
// Nothing of own comes along, no value beside swarmd, and no password of a registry.
func ReadFile(path string, own Own) ([]byte, error) {
	return readFile(path, own, func(string) error { return nil })
}

// ReadWatched is ReadFile of a file that swarmd watches: nobody looks at each edit of it on this machine, so it may name only what lies in its folder or below,
// by whatever links.
func ReadWatched(path string, own Own) ([]byte, error) {
	return readFile(path, own, func(named string) error { return astray(path, named) })
}

// astray is why what the file at the path names may not come along: it lies elsewhere.
func astray(path, named string) error {
	if _, err := os.Stat(named); err != nil {
		return err
	}
	real := linked(named)
	for _, folder := range []string{filepath.Dir(path), filepath.Dir(linked(path))} {
		if in := linked(folder); in == string(filepath.Separator) || strings.HasPrefix(real, in+string(filepath.Separator)) {
			return nil
		}
	}
	return errors.New("it lies outside the folder of the file that swarmd watches: put it there or below on each manager, or hand the file in with swarmd apply -f FILE")
}

// linked is where a path leads, absolute; itself if that cannot be known.
func linked(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		path = whole
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return path
}

// readFile asks allowed of each file that may come along. No file ends the process: what swarmd fails on is one that cannot be read.
func readFile(path string, own Own, allowed func(named string) error) (data []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			data, err = nil, fmt.Errorf("swarmd itself failed on %s (%v): take its last edit back, and please report what that was", path, p)
		}
	}()
	data, err = readRegular(path)
	if err != nil {
		return nil, err
	}
	passwords := Own(file.PasswordFiles(data))
	return file.Bundle(data, func(named string) ([]byte, error) {
		if !filepath.IsAbs(named) {
			named = filepath.Join(filepath.Dir(path), named)
		}
		switch {
		case own.Has(named):
			return nil, errors.New("it is swarmd's own, and nobody may have it through a file")
		case passwords.Names(named):
			return nil, errors.New("it is the password of a registry, and no service may have it")
		case file.IsBeside(named), file.IsBeside(linked(named)):
			return nil, errors.New("it is a value beside swarmd, which is never part of a revision")
		}
		if err := allowed(named); err != nil {
			return nil, err
		}
		return readRegular(named)
	}), nil
}

func readRegular(path string) ([]byte, error) {
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, irregular(path, info.Mode())
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // what is there now may be something else
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, irregular(path, info.Mode())
	}
	return io.ReadAll(io.LimitReader(f, file.MaxSize+1))
}

// irregular says what lies in the file's place, and what to do about it.
func irregular(path string, is os.FileMode) error {
	advice := ": put one there, or name another"
	switch {
	case is.IsDir():
		advice = " but a directory: name the file in it"
	case is&os.ModeNamedPipe != 0:
		advice = " but a pipe: save what comes out of it, and name the file that has it"
	}
	return fmt.Errorf("read %s: it is no regular file%s", path, advice)
}

// Watch sends the content of the file at path whenever it is another than what was sent last; seen is what the caller has read of it
// so far, so that a save between that and now is sent too, and nothing else is sent at the start. Of saves that nobody has taken only
// the last is kept. The content is ReadFile's, good or bad: what it means is for file.Parse to say.
//
// A save of a file that it names is found within five seconds: the directories of those are not watched.
//
// The file may be written in place, renamed over, deleted and made again, or lie behind links of which one is turned elsewhere. Save by
// renaming if you can: a writer that pauses in mid-file is waited for 5 ms, 100 ms if the end of the last line is missing, no longer.
//
// onError is told, on the watch's own goroutine, why the file cannot be read or its directory not be watched (ErrUnwatched): once, until it
// changes, and nil when all is well again, or if seen is nil: then the caller could not read it. The channel is closed when ctx has ended; onError is not called after that.
func Watch(ctx context.Context, path string, own Own, seen []byte, onError func(error)) <-chan []byte {
	w := &watch{path: path, kept: own, last: seen, tell: onError}
	if seen == nil {
		w.told = "not read yet"
	}
	w.notify, w.deaf = fsnotify.NewWatcher()
	if w.deaf == nil {
		w.deaf = w.aim() // before Watch returns, so that no later save goes unheard
	}
	out := make(chan []byte)
	go func() {
		defer close(out)
		w.run(ctx, out)
		if w.notify != nil {
			_ = w.notify.Close() // nobody listens any more
		}
	}()
	return out
}

// watch is one watched file.
type watch struct {
	path   string
	kept   Own
	notify *fsnotify.Watcher // nil if the system has none to give: then only rereads find changes
	deaf   error             // why events may not come
	names  []string          // of the file and of the links that lead to it
	tell   func(error)
	told   string // what tell was told last, "" since all is well

	last    []byte // as the receiver knows it
	next    []byte // what waits for the receiver, if pending
	pending bool
	armed   bool // a look is due
	doubted bool // the last look was not believed
}

// run looks at the file after each event and each five seconds until ctx ends.
func (w *watch) run(ctx context.Context, out chan<- []byte) {
	look, reread := time.NewTimer(0), time.NewTicker(rereads)
	defer look.Stop()
	defer reread.Stop()
	w.armed = true
	events, errs := w.heard()
	for {
		receiver := out
		if !w.pending {
			receiver = nil
		}
		select {
		case <-ctx.Done():
			return
		case receiver <- w.next:
			w.last, w.next, w.pending = w.next, nil, false
		case e := <-events:
			w.arm(look, settling, w.own(e.Name))
		case <-errs: // events were lost
			w.arm(look, settling, false)
		case <-reread.C:
			w.arm(look, 0, false)
		case <-look.C:
			if w.armed = w.look(); w.armed {
				look.Reset(doubting)
			}
		}
	}
}

func (w *watch) heard() (<-chan fsnotify.Event, <-chan error) {
	if w.notify == nil {
		return nil, nil
	}
	return w.notify.Events, w.notify.Errors
}

// arm sets the time of the next look. Only events of the file itself move a look that is due: neighbours in its directory may be
// written all the time.
func (w *watch) arm(look *time.Timer, after time.Duration, own bool) {
	if w.armed && !own {
		return
	}
	w.armed = true
	w.doubted = w.doubted && !own // what was doubted is another file now
	look.Reset(after)
}

// look reads the file. It reports whether it must be repeated before it counts: an editor that deletes and makes the file again leaves a
// moment without one, and a text without its last line end is likely half of one.
func (w *watch) look() (again bool) {
	if w.notify != nil {
		w.deaf = w.aim()
	}
	data, err := ReadWatched(w.path, w.kept)
	half := err != nil || !bytes.HasSuffix(data, []byte("\n")) && !bytes.Equal(data, w.last)
	if half && !w.doubted {
		w.doubted = true
		return true
	}
	w.doubted = false
	if err != nil {
		w.report(err)
		return false
	}
	w.report(w.deaf)
	w.next, w.pending = data, !bytes.Equal(data, w.last)
	return false
}

// report tells an error that was not told last, and the end of one.
func (w *watch) report(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != w.told {
		w.told = text
		w.tell(err)
	}
}
