package file

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// filesKey is the top-level key under which a file that was handed in has the texts of the files that it refers to, each in pieces: a revision is
// complete. It is put at the end, so that the lines above are those that people know.
const filesKey = "x-swarmd-files"

// bundled is the text of the file that a config names. It must have come along: nothing is opened here.
func (w *walker) bundled(at *node) any {
	pieces := w.files.child(at.text)
	if pieces == nil {
		w.lacks(at, "the content of %s did not come with this file: swarmd apply and the watched file take it along", shown(at, at.text))
		return nil
	}
	var text strings.Builder
	for _, piece := range pieces.items {
		text.WriteString(piece.text)
	}
	if text.Len() == 0 {
		w.lacks(at, "the file %s is empty, and the engine takes no config without content", shown(at, at.text))
		return nil
	}
	return text.String()
}

// Bundle returns the file with what it refers to: the texts of the configs' files, which read is asked for by their paths as the file writes them.
// A file that cannot be parsed, or that refers to nothing, comes back as it is. What is wrong with a referenced file is a Fault.
func Bundle(file string, data []byte, read func(path string) ([]byte, error)) ([]byte, error) {
	if !bytes.Contains(data, []byte("configs")) || bytes.Contains(data, []byte(filesKey)) {
		return data, nil
	}
	named := configFiles(data)
	if len(named) == 0 {
		return data, nil
	}
	files, faults := map[string][]string{}, Faults{}
	for _, at := range named {
		text, err := read(at.Value)
		if err == nil {
			err = bundleable(text)
		}
		if err != nil {
			faults = append(faults, Fault{File: file, Line: at.Line, Col: at.Column, Path: "configs", Message: fmt.Sprintf("the file cannot be taken along: %v", err)})
			continue
		}
		files[at.Value] = pieces(string(text))
	}
	if len(faults) > 0 {
		return data, faults
	}
	more, err := yaml.Marshal(map[string]any{filesKey: files})
	if err != nil {
		return data, err
	}
	whole := slices.Concat(bytes.TrimRight(data, "\n"), []byte("\n"), more)
	if len(whole) > MaxSize {
		return data, Faults{{File: file, Line: named[0].Line, Col: named[0].Column, Path: "configs", Message: fmt.Sprintf("the file and the configs' files have %d bytes together, at most %d: "+
			"make the largest with docker config create and say external: true", len(whole), MaxSize)}}
	}
	return whole, nil
}

// configFiles are the values of configs.*.file, one of each path.
func configFiles(data []byte) []*yaml.Node {
	if message, _ := readable(data); message != "" {
		return nil
	}
	document, fault := decode(data)
	if fault != nil {
		return nil
	}
	var named []*yaml.Node
	seen := map[string]bool{}
	for _, config := range valuesOf(valueAt(document, "configs")) {
		at := valueAt(config, "file")
		if at == nil || at.Kind != yaml.ScalarNode || at.Value == "" || seen[at.Value] {
			continue
		}
		seen[at.Value] = true
		named = append(named, at)
	}
	return named
}

func valueAt(n *yaml.Node, key string) *yaml.Node {
	if n = aliased(n); n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func valuesOf(n *yaml.Node) []*yaml.Node {
	if n = aliased(n); n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	var values []*yaml.Node
	for i := 1; i < len(n.Content); i += 2 {
		values = append(values, n.Content[i])
	}
	return values
}

func aliased(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// bundleable says why a file cannot be part of a revision.
func bundleable(text []byte) error {
	switch {
	case len(text) >= maxObject:
		return fmt.Errorf("it has %d bytes or more, at most %d", maxObject, maxObject-1)
	case len(text) == 0:
		return errors.New("it is empty, and the engine takes no config without content")
	case bytes.IndexByte(text, 0) >= 0 || firstInvalid(text) >= 0:
		return errors.New("it is no UTF-8 text: make it with docker config create and say external: true")
	}
	return nil
}

// pieces are the text in parts that a scalar may have.
func pieces(text string) []string {
	var all []string
	for len(text) > 0 {
		n := min(len(text), maxScalar/2)
		for n < len(text) && text[n]&0xC0 == 0x80 {
			n-- // not in the middle of a character
		}
		all = append(all, text[:n])
		text = text[n:]
	}
	return all
}

// BundlePath is where a path that a file writes leads: relative to the file.
func BundlePath(file, written string) string {
	if path.IsAbs(written) {
		return written
	}
	return path.Join(path.Dir(file), written)
}
