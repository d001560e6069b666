package lab

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
)

// askedAgain is the age from which an image of a suite that moves is compared with what the suite has now.
const askedAgain = 7 * 24 * time.Hour

// engineParts are the packages that an engine consists of.
func engineParts() []string { return []string{"docker.io", "docker-cli", "containerd", "runc"} }

// imageOver makes an image whose engine is unpacked over a release's: it cannot be installed into one. The engine is whatever the suite has
// on that day; once a week the suite is asked again, and a newer engine is another image. A suite that cannot be reached leaves what is
// there.
func (o Options) imageOver(ctx context.Context, r recipe) (string, error) {
	base := o
	base.Engine = Engine26
	below, err := BuildImage(ctx, base)
	if err != nil {
		return "", err
	}
	unlock, err := o.lockImages(ctx)
	if err != nil {
		return "", err
	}
	defer unlock()
	kept, asked := o.latest(r)
	if kept != "" && time.Since(asked) < askedAgain {
		return kept, nil
	}
	debs, err := os.MkdirTemp("", "swarmd-lab-debs-")
	if err != nil {
		return "", fmt.Errorf("build image: %w", err)
	}
	defer func() { _ = os.RemoveAll(debs) }()
	files, err := download(ctx, debs, r.over)
	if err != nil && kept != "" {
		o.Log.Warn("the engine's packages cannot be asked for: droplets run what was there", zap.String("suite", r.over),
			zap.Time("asked", asked), zap.Error(err))
		return kept, nil
	}
	if err != nil {
		return "", fmt.Errorf("build image: %w", err)
	}
	root := filepath.Join(o.ImageDir, r.key()+"-"+namesHash(files))
	if !exists(root) {
		err = o.makeImage(ctx, r, root, func(tmp string) error { return unpackOver(ctx, below, files, tmp) })
	}
	if err == nil {
		now := time.Now()
		err = os.Chtimes(root, now, now)
	}
	return root, err
}

// latest is the image that was last found to be what the suite has, and when that was; "" is none.
func (o Options) latest(r recipe) (root string, asked time.Time) {
	all, _ := filepath.Glob(filepath.Join(o.ImageDir, r.key()+"-*"))
	for _, dir := range all {
		info, err := os.Stat(dir)
		if err == nil && !strings.HasSuffix(dir, ".part") && info.ModTime().After(asked) {
			root, asked = dir, info.ModTime()
		}
	}
	return root, asked
}

// download gets an engine's packages from the host's own sources with another suite. The host's own lists of packages stay as they are.
func download(ctx context.Context, dir, suite string) ([]string, error) {
	parts := filepath.Join(dir, "parts")
	for _, sub := range []string{parts, filepath.Join(dir, "lists/partial"), filepath.Join(dir, "cache/archives/partial"), filepath.Join(dir, "debs")} {
		if err := os.MkdirAll(sub, 0o755); err != nil {
			return nil, err
		}
	}
	if _, err := writeSources(parts, suite); err != nil {
		return nil, err
	}
	apt := func(words ...string) error {
		argv := []string{
			"env", "-C", filepath.Join(dir, "debs"), "apt-get", "-q", "-oDir::Etc::SourceList=/dev/null", "-oDir::Etc::SourceParts=" + parts,
			"-oDir::Etc::Preferences=/dev/null", "-oDir::Etc::PreferencesParts=/dev/null", "-oDir::State::Lists=" + filepath.Join(dir, "lists"),
			"-oDir::Cache=" + filepath.Join(dir, "cache"), "-oAPT::Sandbox::User=root", "-oAcquire::Languages=none",
		}
		_, err := run(ctx, "", append(argv, words...)...)
		return err
	}
	if err := apt("-oAPT::Update::Error-Mode=any", "update"); err != nil {
		return nil, err
	}
	if err := apt(append([]string{"download"}, engineParts()...)...); err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "debs/*.deb"))
	if err == nil && len(files) != len(engineParts()) {
		err = fmt.Errorf("%s gave %d packages, want %s", suite, len(files), strings.Join(engineParts(), ", "))
	}
	return files, err
}

// namesHash names a set of packages: a package's file is called after its version.
func namesHash(files []string) string {
	var names []string
	for _, f := range files {
		names = append(names, filepath.Base(f))
	}
	slices.Sort(names)
	sum := sha256.Sum256([]byte(strings.Join(names, "\n")))
	return hex.EncodeToString(sum[:4])
}

// unpackOver copies an image and unpacks packages over it. It is prepared once more, for packages bring their own /etc/default/docker.
func unpackOver(ctx context.Context, below string, files []string, into string) error {
	if _, err := run(ctx, "", "cp", "-a", "--reflink=auto", below, into); err != nil {
		return err
	}
	for _, f := range files {
		if _, err := run(ctx, "", "dpkg", "-x", f, into); err != nil {
			return err
		}
	}
	hook := filepath.Join(filepath.Dir(files[0]), "prepare.sh")
	if err := os.WriteFile(hook, imagePrepare, 0o755); err != nil {
		return err
	}
	_, err := run(ctx, "", hook, into)
	return err
}
