package lab

import (
	"context"
	"crypto/sha256"
	_ "embed" // packages.txt and prepare.sh are the recipe of the image
	"encoding/hex"
	"encoding/json"
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

// BuildImage makes the image of the engine's droplets unless it is there already (half a minute to two minutes, by the way to the package
// sources), and returns its root directory. An image is known by its recipe: another engine, package list or preparation is another
// image, and all lie side by side. It appears whole or not at all, and is built only once however many ask.
func BuildImage(ctx context.Context, o Options) (string, error) {
	o = o.withDefaults()
	r, err := recipeOf(o.Engine)
	if err != nil {
		return "", err
	}
	root := filepath.Join(o.ImageDir, r.key())
	if r.over != "" {
		return o.imageOver(ctx, r)
	}
	if exists(root) {
		return root, nil
	}
	unlock, err := o.lockImages(ctx)
	if err != nil {
		return "", err
	}
	defer unlock()
	if exists(root) {
		return root, nil
	}
	return root, o.makeImage(ctx, r, root, func(tmp string) error { return bootstrap(ctx, r, tmp) })
}

func (o Options) lockImages(ctx context.Context) (unlock func(), err error) {
	if err := os.MkdirAll(o.ImageDir, 0o755); err != nil {
		return nil, fmt.Errorf("make image directory: %w", err)
	}
	unlock, err = lockFile(ctx, filepath.Join(o.ImageDir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("lock images: %w", err)
	}
	return unlock, nil
}

// makeImage has a tree filled, notes in it which engine it has, and puts it into its place.
func (o Options) makeImage(ctx context.Context, r recipe, root string, fill func(tmp string) error) error {
	began := time.Now()
	tmp := root + ".part"
	if err := removeTree(tmp); err != nil {
		return fmt.Errorf("remove unfinished image: %w", err)
	}
	o.Log.Info("building the droplets' image", zap.String("engine", string(r.engine)), zap.String("path", root))
	err := fill(tmp)
	if err == nil {
		err = writeEngineVersion(ctx, r, tmp, began)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("build image: %w", err), removeTree(tmp))
	}
	if err := os.Rename(tmp, root); err != nil {
		return fmt.Errorf("finish image: %w", err)
	}
	o.Log.Info("image built", zap.Duration("took", time.Since(began)))
	return nil
}

// bootstrap makes a tree of the recipe's release. Packages come from where the host itself gets its own, with the same way to get there.
func bootstrap(ctx context.Context, r recipe, into string) error {
	dir, err := os.MkdirTemp("", "swarmd-lab-recipe-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	hook, apt := filepath.Join(dir, "prepare.sh"), filepath.Join(dir, "apt.conf")
	acquire, err := run(ctx, "", "apt-config", "dump", "Acquire")
	if err != nil {
		return err
	}
	err = errors.Join(os.WriteFile(hook, imagePrepare, 0o755), os.WriteFile(apt, []byte(acquire), 0o644))
	if err != nil {
		return err
	}
	sources, err := writeSources(dir, r.suite)
	if err != nil {
		return err
	}
	argv := []string{
		"mmdebstrap", "--variant=minbase", "--include=" + strings.Join(r.allPackages(), ","),
		"--aptopt=" + apt, "--dpkgopt=force-unsafe-io", "--dpkgopt=path-exclude=/usr/share/doc/*",
		"--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
		"--customize-hook=" + hook, r.suite, into,
	}
	_, err = run(ctx, "", append(argv, sources...)...)
	return err
}

func (r recipe) allPackages() []string {
	all := append(strings.Fields(imagePackages), r.packages...)
	slices.Sort(all)
	return all
}

func (r recipe) key() string {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%s\n%s\n%s\n%s\n", r.suite, r.over, runtime.GOARCH, strings.Join(r.allPackages(), "\n"))
	_, _ = h.Write(imagePrepare)
	return string(r.engine) + "-" + r.origin() + "-" + hex.EncodeToString(h.Sum(nil)[:6])
}

// engineFile is where an image tells which engine it has.
const engineFile = "etc/lab-engine"

// writeEngineVersion asks the tree's own binaries what they are. The engine does not tell its API version unless it runs: that is the command
// line's, which is built from the same sources.
func writeEngineVersion(ctx context.Context, r recipe, root string, began time.Time) error {
	said, err := run(ctx, "", "chroot", root, "dockerd", "--version")
	if err != nil {
		return err
	}
	api, err := run(ctx, "", "chroot", root, "docker", "version", "--format", "{{.Client.APIVersion}}")
	if api = strings.TrimSpace(api); api == "" { // an error is usual: no engine runs there
		return fmt.Errorf("ask for the engine's API version: %w", err)
	}
	release, _, found := strings.Cut(strings.TrimPrefix(strings.TrimSpace(said), "Docker version "), ",")
	if !found {
		return fmt.Errorf("the engine says of itself %q, want its version", said)
	}
	text, err := json.Marshal(EngineVersion{
		Engine: r.engine, Release: release, API: api, Debian: r.origin(), Built: began.UTC(), Seconds: int(time.Since(began).Seconds()),
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, engineFile), text, 0o644)
}

// readEngine tells which engine an image has.
func readEngine(root string) (v EngineVersion, err error) {
	text, err := os.ReadFile(filepath.Join(root, engineFile))
	if err == nil {
		err = json.Unmarshal(text, &v)
	}
	if err != nil {
		return v, fmt.Errorf("read the image's engine: %w", err)
	}
	return v, nil
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
