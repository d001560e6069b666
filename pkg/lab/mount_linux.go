package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// mountPoints lists the mount points with a wanted file system type, in the order they were mounted.
func mountPoints(want func(fsType string) bool) ([]string, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("list mounts: %w", err)
	}
	var points []string
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		dash := slices.Index(fields, "-")
		if len(fields) > 4 && dash > 0 && dash+1 < len(fields) && want(fields[dash+1]) {
			points = append(points, unescapeMount(fields[4]))
		}
	}
	return points, nil
}

// unescapeMount undoes the kernel's octal escapes of blanks and backslashes.
func unescapeMount(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// mountsUnder lists what is mounted at or below dir, the last mounted last.
func mountsUnder(dir string) ([]string, error) {
	all, err := mountPoints(func(string) bool { return true })
	return slices.DeleteFunc(all, func(p string) bool {
		return p != dir && !strings.HasPrefix(p, strings.TrimSuffix(dir, "/")+"/")
	}), err
}

// unmountUnder takes away what is mounted at or below dir. What is still in use is detached: it is out of sight at once and ends with
// its last user.
func unmountUnder(dir string) error {
	points, err := mountsUnder(dir)
	if err != nil {
		return err
	}
	for _, p := range slices.Backward(points) {
		err := unix.Unmount(p, 0)
		if errors.Is(err, unix.EBUSY) {
			err = unix.Unmount(p, unix.MNT_DETACH)
		}
		if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("unmount %s: %w", p, err)
		}
	}
	return nil
}

// removeTree removes a directory of the lab, never anything that is mounted into it: it unmounts first and looks again.
func removeTree(dir string) error {
	if !filepath.IsAbs(dir) || filepath.Dir(dir) == "/" {
		return fmt.Errorf("remove %q: not a directory of a lab", dir)
	}
	if err := unmountUnder(dir); err != nil {
		return err
	}
	left, err := mountsUnder(dir)
	if err != nil {
		return err
	}
	if len(left) > 0 {
		return fmt.Errorf("remove %s: still mounted: %s", dir, strings.Join(left, ", "))
	}
	return os.RemoveAll(dir)
}

// mountDisk puts a machine's writable layer over the image.
func mountDisk(image, dir string) error {
	for _, sub := range []string{"up", "work", "root", "docker"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return fmt.Errorf("make disk: %w", err)
		}
	}
	data := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", image, filepath.Join(dir, "up"), filepath.Join(dir, "work"))
	if err := unix.Mount("overlay", filepath.Join(dir, "root"), "overlay", 0, data); err != nil {
		return fmt.Errorf("mount disk over the image: %w", err)
	}
	return nil
}
