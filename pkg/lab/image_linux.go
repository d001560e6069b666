package lab

import (
	"context"
	"crypto/sha256"
	_ "embed" // packages.txt and prepare.sh are the recipe of the image
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

//go:embed image/packages.txt
var imagePackages string

//go:embed image/prepare.sh
var imagePrepare []byte

// BuildImage makes the droplets' image unless it is there already (about half a minute), and returns its root directory. The image is
// known by its recipe: another package list or preparation is another image. It appears whole or not at all, and is built only
// once however many ask.
func BuildImage(ctx context.Context, o Options) (string, error) {
	o = o.withDefaults()
	suite, err := hostSuite()
	if err != nil {
		return "", err
	}
	root := filepath.Join(o.ImageDir, imageKey(suite))
	if exists(root) {
		return root, nil
	}
	if err := os.MkdirAll(o.ImageDir, 0o755); err != nil {
		return "", fmt.Errorf("make image directory: %w", err)
	}
	unlock, err := lockFile(ctx, filepath.Join(o.ImageDir, "lock"))
	if err != nil {
		return "", fmt.Errorf("lock images: %w", err)
	}
	defer unlock()
	if exists(root) {
		return root, nil
	}
	return root, buildImage(ctx, o, suite, root)
}

func buildImage(ctx context.Context, o Options, suite, root string) error {
	began := time.Now()
	tmp := root + ".part"
	if err := removeTree(tmp); err != nil {
		return fmt.Errorf("remove unfinished image: %w", err)
	}
	o.Log.Info("building the droplets' image", zap.String("suite", suite), zap.String("path", root))
	recipe, err := os.MkdirTemp("", "swarmd-lab-recipe-")
	if err != nil {
		return fmt.Errorf("build image: %w", err)
	}
	defer func() { _ = os.RemoveAll(recipe) }()
	argv, err := bootstrapCommand(ctx, recipe, suite, tmp)
	if err != nil {
		return fmt.Errorf("build image: %w", err)
	}
	if _, err := run(ctx, "", argv...); err != nil {
		return errors.Join(fmt.Errorf("build image: %w", err), removeTree(tmp))
	}
	if err := os.Rename(tmp, root); err != nil {
		return fmt.Errorf("finish image: %w", err)
	}
	o.Log.Info("image built", zap.Duration("took", time.Since(began)))
	return nil
}

// bootstrapCommand writes the recipe's files and returns the command that follows them. Packages come from where the host itself gets
// its own, with the same way to get there.
func bootstrapCommand(ctx context.Context, recipe, suite, into string) ([]string, error) {
	hook, apt := filepath.Join(recipe, "prepare.sh"), filepath.Join(recipe, "apt.conf")
	acquire, err := run(ctx, "", "apt-config", "dump", "Acquire")
	if err != nil {
		return nil, err
	}
	err = errors.Join(os.WriteFile(hook, imagePrepare, 0o755), os.WriteFile(apt, []byte(acquire), 0o644))
	if err != nil {
		return nil, err
	}
	argv := []string{
		"mmdebstrap", "--variant=minbase", "--include=" + strings.Join(strings.Fields(imagePackages), ","),
		"--aptopt=" + apt, "--dpkgopt=force-unsafe-io", "--dpkgopt=path-exclude=/usr/share/doc/*",
		"--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
		"--customize-hook=" + hook, suite, into,
	}
	sources, err := hostSources()
	return append(argv, sources...), err
}

// hostSources are the host's own lists of package sources, as arguments for mmdebstrap.
func hostSources() ([]string, error) {
	lists, err := filepath.Glob("/etc/apt/sources.list.d/*.list")
	if err != nil {
		return nil, err
	}
	deb822, err := filepath.Glob("/etc/apt/sources.list.d/*.sources")
	if err != nil {
		return nil, err
	}
	all := append(lists, deb822...)
	if info, err := os.Stat("/etc/apt/sources.list"); err == nil && info.Size() > 0 {
		all = append(all, "/etc/apt/sources.list")
	}
	if len(all) == 0 {
		return nil, errors.New("this host has no package sources in /etc/apt")
	}
	return all, nil
}

// hostSuite is the Debian release of the host, which the image shares.
func hostSuite() (string, error) {
	text, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return "", fmt.Errorf("read the host's release: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "VERSION_CODENAME="); ok {
			return strings.Trim(v, `"`), nil
		}
	}
	return "", errors.New("read the host's release: /etc/os-release names no VERSION_CODENAME; the lab needs Debian or the like")
}

func imageKey(suite string) string {
	packages := strings.Fields(imagePackages)
	slices.Sort(packages)
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%s\n%s\n%s\n", suite, runtime.GOARCH, strings.Join(packages, "\n"))
	_, _ = h.Write(imagePrepare)
	return suite + "-" + hex.EncodeToString(h.Sum(nil)[:6])
}

// lockFile takes an exclusive lock on a file and holds it until unlock; the kernel lets go of it when the process dies.
func lockFile(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, err
	}
	err = until(ctx, "the lock "+path, func() bool { return tryLock(f) })
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { _ = f.Close() }, nil
}

func tryLock(f *os.File) bool { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil }

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// Needed commands of the host, each with the Debian package that brings it.
func neededCommands() map[string]string {
	return map[string]string{
		"mmdebstrap": "mmdebstrap", "systemd-nspawn": "systemd-container", "ip": "iproute2", "nsenter": "util-linux",
		"taskset": "util-linux", "apt-config": "apt",
	}
}

func missingCommands() []string {
	var missing []string
	for command, pkg := range neededCommands() {
		if _, err := exec.LookPath(command); err != nil {
			missing = append(missing, fmt.Sprintf("%s (package %s)", command, pkg))
		}
	}
	slices.Sort(missing)
	return missing
}
