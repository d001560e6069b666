package source

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/swarmd/swarmd/pkg/spec/file"
)

// Own are the files and folders in which this process has secrets of its own, beside those that lie where every swarmd has them: its environment and
// its flags name them.
type Own []string

// Has reports whether a path leads to a secret of swarmd's own, by whatever links. Whoever edits the file chooses the path. What is there and does not
// say where it lies, as what a process has open, counts as one.
func (o Own) Has(named string) bool {
	if file.IsOwn(named) || o.Names(named) {
		return true
	}
	real, err := filepath.EvalSymlinks(named)
	if err != nil {
		_, unseen := os.Stat(named)
		return unseen == nil
	}
	return file.IsOwn(real)
}

// Names reports whether a path leads to one of the files, or into one of the folders.
func (o Own) Names(named string) bool {
	is, err := os.Stat(named)
	for _, own := range o {
		if own == "" {
			continue
		}
		if own, named := filepath.Clean(own), filepath.Clean(named); own == named || strings.HasPrefix(named, own+string(filepath.Separator)) {
			return true
		}
		has, missing := os.Stat(own)
		if err != nil || missing != nil {
			continue
		}
		if os.SameFile(is, has) || has.IsDir() && lies(named, own) {
			return true
		}
	}
	return false
}

// lies reports whether a path leads into a folder.
func lies(named, folder string) bool {
	real, err := filepath.EvalSymlinks(named)
	in, missing := filepath.EvalSymlinks(folder)
	return err == nil && missing == nil && strings.HasPrefix(real, in+string(filepath.Separator))
}
