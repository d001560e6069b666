package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// hierarchies are the mount points of all control group hierarchies: ten or so on a host with version 1, one with version 2.
func hierarchies() ([]string, error) {
	mounts, err := mountPoints(func(fsType string) bool { return fsType == "cgroup" || fsType == "cgroup2" })
	if err == nil && len(mounts) == 0 {
		err = errors.New("no control groups are mounted")
	}
	return mounts, err
}

// legacyCgroups says whether this host has hierarchies of version 1.
func legacyCgroups() bool {
	mounts, err := mountPoints(func(fsType string) bool { return fsType == "cgroup" })
	return err == nil && len(mounts) > 0
}

// makeCgroup makes a group of that name in every hierarchy, so that what the machine's engine makes lies below it and not beside
// the host's own. It returns the files a process has to write itself into to be in all of them.
func makeCgroup(name string) (procs []string, err error) {
	all, err := hierarchies()
	if err != nil {
		return nil, err
	}
	for _, h := range all {
		dir := filepath.Join(h, name)
		if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("make control group: %w", err)
		}
		if err := inheritCPUSet(h, dir); err != nil {
			return nil, fmt.Errorf("make control group: %w", err)
		}
		procs = append(procs, filepath.Join(dir, "cgroup.procs"))
	}
	return procs, nil
}

// inheritCPUSet copies the parent's CPUs and memory nodes: a version 1 cpuset group starts without any and takes no process.
func inheritCPUSet(parent, dir string) error {
	for _, f := range []string{"cpuset.cpus", "cpuset.mems"} {
		value, err := os.ReadFile(filepath.Join(parent, f))
		if errors.Is(err, fs.ErrNotExist) {
			return nil // not the cpuset hierarchy
		}
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, f), value, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// removeCgroup removes the group and all below it. Its processes must be gone.
func removeCgroup(name string) error {
	all, err := hierarchies()
	if err != nil {
		return err
	}
	var errs []error
	for _, h := range all {
		errs = append(errs, removeGroupTree(filepath.Join(h, name)))
	}
	return errors.Join(errs...)
}

func removeGroupTree(root string) error {
	var dirs []string
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, path)
		}
		return nil // a group that vanishes meanwhile is what we want
	})
	for _, dir := range slices.Backward(dirs) {
		if err := unix.Rmdir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove control group %s: %w", dir, err)
		}
	}
	return nil
}

// cgroupsOf lists the names of the groups, in any hierarchy, that carry the tag.
func cgroupsOf(tag string) []string {
	all, _ := hierarchies()
	var names []string
	for _, h := range all {
		entries, _ := os.ReadDir(h)
		for _, e := range entries {
			if e.IsDir() && strings.HasPrefix(e.Name(), tag+"-") {
				names = append(names, e.Name())
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
