package sealed

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// sopsKey is where a file of SOPS says how it is encrypted.
const sopsKey = "sops"

// maxDepth is how deep the values of a file of SOPS may lie.
const maxDepth = 100

// wholeKey is the key of a file that SOPS encrypted whole.
const wholeKey = "data"

// sopsFile is a file of SOPS: its values, as they stand there, and how they are encrypted.
type sopsFile struct {
	root *yaml.Node // a map, without how it is encrypted
	meta metadata
}

// readSOPS reads the form of a file and refuses what is not for us. It decrypts nothing.
func readSOPS(name string, text []byte) (*sopsFile, error) {
	parse := parseTree
	if path.Ext(name) == ".env" {
		parse = parseEnv
	}
	root, how, err := parse(text)
	switch {
	case err != nil:
		return nil, err
	case how == nil:
		return nil, errPlain
	}
	meta, err := readMetadata(how)
	if err != nil {
		return nil, err
	}
	s := &sopsFile{root, meta}
	return s, s.leaves(func(l leaf) error {
		if l.encrypted && l.node.Value != "" && !encrypted(l.node) {
			return fmt.Errorf("line %d: %s is not encrypted: sops encrypts it when it saves the file", l.node.Line, dotted(l.path))
		}
		return nil
	})
}

// parseTree reads YAML or JSON, which is YAML.
func parseTree(text []byte) (root, how *yaml.Node, err error) {
	var document, more yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(text))
	if d.Decode(&document) != nil || len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
		return nil, nil, errPlain // neither YAML nor JSON: what else it is does not matter
	}
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, nil, errors.New("it has several documents, or is damaged: put the values into one")
	}
	root = document.Content[0]
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value == sopsKey {
			how = root.Content[i+1]
			root.Content = slices.Delete(root.Content, i, i+2)
			break
		}
	}
	if how != nil && how.Kind != yaml.MappingNode {
		return nil, nil, fmt.Errorf("line %d: sops: must be a map", how.Line)
	}
	return root, how, nil
}

// parseEnv reads lines of NAME=VALUE into the same form. How they are encrypted is in names that begin with sops_, of which a list has the
// places (sops_age__list_0__map_enc).
func parseEnv(text []byte) (root, how *yaml.Node, err error) {
	root = &yaml.Node{Kind: yaml.MappingNode, Line: 1}
	lists, line := map[string]*yaml.Node{}, 0
	for at := range strings.Lines(string(text)) {
		line++
		at = strings.TrimSuffix(strings.TrimSuffix(at, "\n"), "\r")
		if at == "" || at[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(at, "=")
		if !ok {
			return nil, nil, fmt.Errorf("line %d: is no NAME=VALUE", line)
		}
		into, item := root, strings.ReplaceAll(value, `\n`, "\n")
		if of, ours := strings.CutPrefix(name, sopsKey+"_"); ours {
			if how == nil {
				how = &yaml.Node{Kind: yaml.MappingNode, Line: line}
			}
			into, name = how, of
			if list, field, ok := strings.Cut(of, "__map_"); ok {
				into, name = listed(how, lists, list, line), field
			}
		}
		into.Content = append(into.Content, word(name, line), word(item, line))
	}
	return root, how, nil
}

// listed is the map at the place of a list, NAME__list_0, made if there is none.
func listed(how *yaml.Node, lists map[string]*yaml.Node, place string, line int) *yaml.Node {
	if lists[place] != nil {
		return lists[place]
	}
	name, _, _ := strings.Cut(place, "__list_")
	item := &yaml.Node{Kind: yaml.MappingNode, Line: line}
	if lists[place] = item; lists[name] == nil {
		lists[name] = &yaml.Node{Kind: yaml.SequenceNode, Line: line}
		how.Content = append(how.Content, word(name, line), lists[name])
	}
	lists[name].Content = append(lists[name].Content, item)
	return item
}

func word(text string, line int) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text, Line: line}
}

// leaf is one value of the file.
type leaf struct {
	node      *yaml.Node
	path      []string // the keys that lead to it; places in lists are none
	encrypted bool     // whether it must be, by the file's own rules
}

// leaves calls do with each value but null, in their order.
func (s *sopsFile) leaves(do func(leaf) error) error { return s.below(s.root, nil, 0, do) }

func (s *sopsFile) below(n *yaml.Node, path []string, depth int, do func(leaf) error) error {
	if depth > maxDepth {
		return fmt.Errorf("line %d: more than %d values in each other", n.Line, maxDepth)
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if key.Kind != yaml.ScalarNode || key.ShortTag() != "!!str" {
				return fmt.Errorf("line %d: a key that is no text: put it in quotes", key.Line)
			}
			if err := s.below(n.Content[i+1], append(slices.Clip(path), key.Value), depth+1, do); err != nil {
				return err
			}
		}
	case yaml.SequenceNode:
		for _, item := range n.Content {
			if err := s.below(item, path, depth+1, do); err != nil {
				return err
			}
		}
	case yaml.ScalarNode:
		if n.ShortTag() != "!!null" {
			return do(leaf{n, path, s.meta.encrypts(path)})
		}
	default:
		return fmt.Errorf("line %d: an alias: write the value itself", n.Line)
	}
	return nil
}

// find is the value of a key such as db.password or users.0.password, nil if there is none. A key may have dots of its own.
func find(n *yaml.Node, key string) *yaml.Node {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			rest, below := strings.CutPrefix(key, n.Content[i].Value)
			if below && rest == "" {
				return n.Content[i+1]
			}
			if rest, below = strings.CutPrefix(rest, "."); below {
				if found := find(n.Content[i+1], rest); found != nil {
					return found
				}
			}
		}
	case yaml.SequenceNode:
		index, rest, deeper := strings.Cut(key, ".")
		i, err := strconv.Atoi(index)
		if err != nil || i < 0 || i >= len(n.Content) {
			return nil
		}
		if deeper {
			return find(n.Content[i], rest)
		}
		return n.Content[i]
	}
	return nil
}

// value is the encrypted value of the key.
func (s *sopsFile) value(key string) (*yaml.Node, error) {
	if key == "" && len(s.root.Content) == 2 && s.root.Content[0].Value == wholeKey {
		key = wholeKey
	}
	if key == "" {
		return nil, fmt.Errorf("it has several values: say which one with key: %s", s.some())
	}
	at := find(s.root, key)
	switch {
	case at == nil:
		return nil, fmt.Errorf("it has no value %.80q, but %s", key, s.some())
	case at.Kind != yaml.ScalarNode:
		return nil, fmt.Errorf("line %d: %.80s is no value, but has some: %s", at.Line, key, s.some())
	case !encrypted(at):
		return nil, fmt.Errorf("line %d: %.80s is not encrypted there", at.Line, key)
	}
	return at, nil
}

// some names the first encrypted values of the file.
func (s *sopsFile) some() string {
	var names []string
	_ = s.leaves(func(l leaf) error { // none of it fails
		if encrypted(l.node) && len(names) < 6 {
			names = append(names, dotted(l.path))
		}
		return nil
	})
	return strings.Join(slices.Compact(names), ", ")
}

// sealed is the text of a value, and of the key that it is encrypted with nothing: sops updatekeys leaves it as it is.
func (s *sopsFile) sealed(key string) ([]byte, error) {
	at, err := s.value(key)
	if err != nil {
		return nil, err
	}
	return []byte(at.Value), nil
}

func dotted(path []string) string { return fmt.Sprintf("%.80s", strings.Join(path, ".")) }
