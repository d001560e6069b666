package file

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
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
	switch {
	case pieces == nil:
		w.lacks(at, "the content of %s did not come with this file: swarmd apply and the watched file take it along", shown(at, at.text))
		return nil
	case pieces.kind != kindList:
		w.lacks(at, "%s cannot be taken along: %s", shown(at, at.text), pieces.text)
		return nil
	}
	var text strings.Builder
	for _, piece := range pieces.items {
		text.WriteString(piece.text)
	}
	return text.String()
}

// Bundle returns the file with what it refers to: the texts of the configs' files and of the secrets' encrypted ones, which read is asked for by their
// paths as the file writes them. A secret's file that is not encrypted is never among them.
// A file that cannot be parsed, or that refers to nothing, comes back as it is. Why a text cannot come along stands in its place, for Parse to tell.
func Bundle(data []byte, read func(path string) ([]byte, error)) []byte {
	if !mentions(data) || bytes.Contains(data, []byte(filesKey)) {
		return data
	}
	files, room := map[string]any{}, MaxSize-len(data)
	plain := filesOf(data, "configs")
	for _, at := range append(plain, sealedFiles(data)...) {
		text, err := read(at)
		if err == nil && !slices.Contains(plain, at) {
			text, err = sealedText(at, text)
		}
		if err == nil {
			err = bundleable(text)
		}
		if room -= len(text); err == nil && room < 0 {
			err = fmt.Errorf("with it the file would have more than %d bytes, the most that are accepted: make it with docker config create and say external: true", MaxSize)
		}
		if err != nil {
			files[at] = reason(err)
			continue
		}
		files[at] = pieces(string(text))
	}
	if len(files) == 0 {
		return data
	}
	more, err := yaml.Marshal(map[string]any{filesKey: files})
	if err != nil {
		return data // of texts YAML can always be made; Parse tells what is missing
	}
	if !bytes.HasSuffix(data, []byte("\n")) {
		return slices.Concat(data, []byte("\n"), bytes.TrimRight(more, "\n")) // a file that seems to be half of one still does
	}
	return slices.Concat(data, more)
}

// reason is why a file cannot be read, without its path, which stands beside it.
func reason(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err.Error()
	}
	return err.Error()
}

// filesOf are the values of file of all configs, or of all secrets, one of each path.
func filesOf(data []byte, of string) []string {
	if message, _ := readable(data); message != "" {
		return nil
	}
	document, fault := decode(data)
	if fault != nil {
		return nil
	}
	var paths []string
	for _, object := range valuesOf(valueAt(document, of)) {
		at := valueAt(object, "file")
		if at == nil || at.Kind != yaml.ScalarNode || at.Value == "" || slices.Contains(paths, at.Value) {
			continue
		}
		paths = append(paths, at.Value)
	}
	return paths
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

// pieces are the text in parts that a scalar may have, in quotes: the library's block style loses blanks.
func pieces(text string) []yaml.Node {
	var all []yaml.Node
	for len(text) > 0 {
		n := min(len(text), maxScalar/2)
		for n < len(text) && text[n]&0xC0 == 0x80 {
			n-- // not in the middle of a character
		}
		all = append(all, yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: text[:n]})
		text = text[n:]
	}
	return all
}
