package file

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// filesKey is the top-level key under which a file that was handed in has the texts of the files that it refers to, each in pieces: a revision is
// complete. It is put at the end, so that the lines above are those that people know.
const filesKey = "x-swarmd-files"

// textUse is what a text of a bundle is for.
type textUse int

const (
	composeText textUse = iota // a Compose file
	linesText                  // lines NAME=value
	objectText                 // what a config has
	secretText                 // an encrypted file with values of secrets
)

// textOf is the text of the file that at names, and how many lines come before its first, see sources. It must have come along: nothing is opened here.
func (w *walker) textOf(at *node, use textUse) (text string, before int, ok bool) {
	if at.overruled {
		return "", 0, false
	}
	key := fileKey(w.sources.of(at.line).folder, at.text)
	pieces := w.bundle.child(key)
	if pieces == nil && w.fetch != nil {
		pieces = w.fetch(key, use)
		w.bundle.set(field{key: key, value: pieces})
	}
	switch {
	case pieces == nil:
		w.lacks(at, "the content of %s did not come with this file: swarmd apply and the watched file take it along", shown(at, at.text))
		return "", 0, false
	case pieces.kind != kindList:
		w.lacks(at, "%s cannot be taken along: %s", shown(at, at.text), pieces.text)
		return "", 0, false
	}
	var whole strings.Builder
	for _, piece := range pieces.items {
		whole.WriteString(piece.text)
	}
	text = whole.String()
	if use >= objectText {
		return text, 0, true
	}
	before, known := w.before[key]
	if !known {
		before = w.sources.add(besides(w.sources[0].name, key), path.Dir(key), []byte(text))
		w.before[key] = before
	}
	return text, before, true
}

// Bundle returns the file with what it refers to: the texts of its stacks' Compose files, of files with variables, of the configs' files and of the secrets'
// encrypted ones, which read is asked for by their paths, relative to the file. A secret's file that is not encrypted is never among them. A file that cannot be parsed, or that refers to nothing, comes back as it is. Why a text cannot
// come along stands in its place, for Parse to tell.
func Bundle(data []byte, read func(path string) ([]byte, error)) []byte {
	if bytes.Contains(data, []byte(filesKey)) || !slices.ContainsFunc([]string{"configs", "secrets", "stacks", "env_file", "variables_from"}, func(key string) bool { return bytes.Contains(data, []byte(key)) }) {
		return data
	}
	files, room := map[string]any{}, MaxSize-len(data)
	w := newWalker("", data)
	w.fetch = func(key string, use textUse) *node {
		text, err := read(key)
		if err == nil && use == secretText {
			text, err = sealedText(key, text)
		}
		if err == nil {
			err = bundleable(text, use)
		}
		if err == nil && len(text) > room {
			err = fmt.Errorf("with it the file would have more than %d bytes, the most that are accepted", MaxSize)
		}
		if err != nil {
			files[key] = reason(err)
			return &node{kind: kindText, text: reason(err)}
		}
		room -= len(text)
		files[key] = pieces(string(text))
		return &node{kind: kindList, items: []*node{{kind: kindText, text: string(text)}}}
	}
	w.gather(data)
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

// gather asks for all texts that the file and its Compose files refer to. What is wrong with it is for Parse to tell.
func (w *walker) gather(data []byte) {
	root := w.filledIn(data)
	if root == nil {
		return
	}
	w.gatherObjects(root)
	for _, s := range w.readStacks(root) {
		for _, file := range s.files {
			s.gatherObjects(file)
		}
	}
}

// filledIn is the tree of the file with its variables, nil if it cannot be had.
func (w *walker) filledIn(data []byte) *node {
	if message, _ := readable(data); message != "" {
		return nil
	}
	document, fault := decode(data)
	if fault != nil {
		return nil
	}
	root := w.tree(document, 0)
	if root == nil {
		return nil
	}
	w.takeVariables(root)
	if !w.fillIn(root) {
		return nil
	}
	return root
}

func (w *walker) gatherObjects(root *node) {
	for _, f := range root.fieldsOf("configs") {
		for _, at := range scalars(f.value.child("file")) {
			_, _, _ = w.textOf(at, objectText)
		}
	}
	for _, f := range root.fieldsOf("secrets") {
		for _, at := range scalars(f.value.child("file")) {
			if !path.IsAbs(at.text) {
				_, _, _ = w.textOf(at, secretText)
			}
		}
	}
}

// reason is why a file cannot be read, without its path, which stands beside it.
func reason(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err.Error()
	}
	return err.Error()
}

// bundleable says why a file cannot be part of a revision.
func bundleable(text []byte, use textUse) error {
	object := use >= objectText
	switch {
	case object && len(text) >= maxObject:
		return fmt.Errorf("it has %d bytes or more, at most %d", maxObject, maxObject-1)
	case object && len(text) == 0:
		return errors.New("it is empty, and the engine takes no config without content")
	case bytes.IndexByte(text, 0) < 0 && firstInvalid(text) < 0:
		return nil
	case object:
		return errors.New("it is no UTF-8 text: make it with docker config create and say external: true")
	}
	return errors.New("it is no UTF-8 text")
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
