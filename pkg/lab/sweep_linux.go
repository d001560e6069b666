package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// perRun are the entries of a lab's directory that end with it; what is left is the cached image and the lock.
func perRun() []string {
	return []string{"droplets", "registry", "registry.yml", "registry.log", "state.json", "id_ed25519", "id_ed25519.pub"}
}

// sweep takes away everything a lab in that directory ever made, by tag and directory alone, so that it also works after a crash. It
// must not be called while a lab is served from it.
func sweep(ctx context.Context, dir string) error {
	tag := tagOf(dir)
	names := namesOf(tag)
	if len(names) > 0 {
		if err := killIn(ctx, names); err != nil {
			return fmt.Errorf("sweep: %w", err)
		}
	}
	var errs []error
	for _, ns := range namespacesOf(tag) {
		_, err := run(ctx, "", "ip", "netns", "del", ns)
		errs = append(errs, err)
	}
	for _, group := range cgroupsOf(tag) {
		errs = append(errs, removeCgroup(group))
	}
	errs = append(errs, removeTree(filepath.Join(dir, "droplets")))
	for _, entry := range perRun() {
		errs = append(errs, os.RemoveAll(filepath.Join(dir, entry)))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	return nil
}

func namesOf(tag string) []string {
	names := append(namespacesOf(tag), cgroupsOf(tag)...)
	slices.Sort(names)
	return slices.Compact(names)
}

// Leftovers names what still exists of a lab in that directory outside of its cached image: namespaces, control groups, processes,
// mounts and files. After Down it is empty.
func Leftovers(dir string) []string {
	dir = Options{Dir: dir}.withDefaults().Dir
	names := namesOf(tagOf(dir))
	var left []string
	for _, n := range names {
		left = append(left, "namespace or control group "+n)
	}
	for _, p := range processesIn(names) {
		left = append(left, fmt.Sprintf("process %d (%s)", p.pid, p.comm))
	}
	mounts, err := mountsUnder(dir)
	if err != nil {
		left = append(left, err.Error())
	}
	for _, m := range mounts {
		left = append(left, "mount "+m)
	}
	for _, entry := range perRun() {
		if exists(filepath.Join(dir, entry)) {
			left = append(left, "file "+filepath.Join(dir, entry))
		}
	}
	return left
}
