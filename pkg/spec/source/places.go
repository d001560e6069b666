package source

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxLinks is how many symbolic links are followed; the Linux kernel follows no more either.
const maxLinks = 40

// own reports whether an event is about the file itself and not about a neighbour.
func (w *watch) own(event string) bool { return slices.Contains(w.names, filepath.Base(event)) }

// aim brings the watched directories up to date. It comes before each reading of the file, so that no change falls between the two. A
// directory and not the file: what is watched is the inode, and a file that is renamed over has another one.
func (w *watch) aim() error {
	var wanted []string
	w.names = nil
	for _, place := range places(w.path) {
		wanted, w.names = append(wanted, filepath.Dir(place)), append(w.names, filepath.Base(place))
	}
	for _, dir := range w.notify.WatchList() {
		if !slices.Contains(wanted, dir) {
			_ = w.notify.Remove(dir) // it fails only for what is gone
		}
	}
	for _, dir := range wanted {
		if err := w.notify.Add(dir); err != nil {
			return fmt.Errorf("watch %s: %w: %w", dir, ErrUnwatched, err)
		}
	}
	return nil
}

// places are the names at which a change can put another file at path: each symbolic link on the way and, last, the file behind them.
// Their directories hold no link, so that each has one name. Kubernetes turns a link beside the file, git-sync one above it.
func places(path string) []string {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil // the working directory is gone: reading the file says so too
	}
	var all []string
	for range maxLinks {
		link, target := firstLink(path)
		if link == "" {
			break
		}
		all = append(all, link)
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(link), target)
		}
		path = filepath.Join(target, strings.TrimPrefix(path, link))
	}
	return append(all, path)
}

// firstLink returns the first step of a clean absolute path that is a symbolic link, and where it points; "" if none is.
func firstLink(path string) (link, target string) {
	steps := strings.Split(path, string(filepath.Separator))
	for i := 2; i <= len(steps); i++ {
		step := strings.Join(steps[:i], string(filepath.Separator))
		if target, err := os.Readlink(step); err == nil {
			return step, target
		}
	}
	return "", ""
}
