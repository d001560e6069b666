package explore

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"go/build"
	"go/scanner"
	"go/token"
	"hash"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// module is this module's path, as go.mod names it.
const module = "github.com/swarmd/swarmd"

// Sources is a mark of everything that decides how a plan goes: the syntax, without comments, of this package and of all that it is built from,
// the files that they embed, the versions of the libraries and of the toolchain. The root is the module's folder.
func Sources(root string) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, runtime.Version(), runtime.GOARCH)
	for _, name := range []string{"go.mod", "go.sum"} {
		if err := blend(h, root, name); err != nil {
			return "", err
		}
	}
	packages := map[string]*build.Package{}
	if err := gather(root, "test/explore", packages); err != nil {
		return "", err
	}
	for _, dir := range slices.Sorted(maps.Keys(packages)) {
		if err := blendPackage(h, root, dir, packages[dir]); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// gather finds a package of this module and all of this module that it is built from, by folder.
func gather(root, dir string, into map[string]*build.Package) error {
	if into[dir] != nil {
		return nil
	}
	p, err := build.ImportDir(filepath.Join(root, dir), 0)
	if err != nil {
		return fmt.Errorf("mark sources: %w", err)
	}
	into[dir] = p
	for _, path := range p.Imports {
		if rest, ok := strings.CutPrefix(path, module+"/"); ok {
			if err := gather(root, rest, into); err != nil {
				return err
			}
		}
	}
	return nil
}

// blendPackage takes the package's files into the mark.
func blendPackage(h hash.Hash, root, dir string, p *build.Package) error {
	for _, name := range p.GoFiles {
		if err := blendSyntax(h, root, filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	for _, pattern := range p.EmbedPatterns {
		found, err := filepath.Glob(filepath.Join(root, dir, strings.TrimPrefix(pattern, "all:")))
		if err != nil || len(found) == 0 {
			return fmt.Errorf("mark what %s embeds as %s: nothing is there: %w", dir, pattern, err)
		}
		for _, path := range found {
			err := filepath.WalkDir(path, func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				rel, err := filepath.Rel(root, path)
				if err != nil {
					return err
				}
				return blend(h, root, rel)
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// blend takes a file into the mark as it is.
func blend(h hash.Hash, root, name string) error {
	data, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		return fmt.Errorf("mark sources: %w", err)
	}
	fmt.Fprintf(h, "%s %d\n%s", filepath.ToSlash(name), len(data), data)
	return nil
}

// blendSyntax takes a Go file into the mark, without what does not count: comments and white space. A directive is a comment that counts.
func blendSyntax(h hash.Hash, root, name string) error {
	data, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		return fmt.Errorf("mark sources: %w", err)
	}
	fmt.Fprintln(h, filepath.ToSlash(name))
	var s scanner.Scanner
	set := token.NewFileSet()
	s.Init(set.AddFile(name, set.Base(), len(data)), data, nil, scanner.ScanComments)
	for {
		_, tok, text := s.Scan()
		switch {
		case tok == token.EOF:
			return nil
		case tok == token.SEMICOLON:
			text = "" // one that stands there is the same as the end of a line
		case tok == token.COMMENT && !strings.HasPrefix(text, "//go:"):
			continue
		}
		fmt.Fprintf(h, "%s %s\x00", tok, text)
	}
}
