package sealed

import (
	"errors"
	"fmt"

	"gopkg.in/yaml.v3"
)

// Value is one of the values at the top of a file of SOPS, whose names anybody can read.
type Value struct {
	Name   string
	Text   string // as it stands there
	Line   int
	Sealed bool // it is encrypted
}

// errNames is of a file of which not even the names can be read.
var errNames = errors.New("the names in an .age file are encrypted, too: encrypt the lines with sops instead, into a file whose name ends in .env")

// Values are the values of the file, in its order: NAME=value lines, or a map that has nothing but values. The errors are for people, without a path.
func (f *File) Values() ([]Value, error) {
	if f.age != nil {
		return nil, errNames
	}
	var all []Value
	known := map[string]bool{}
	for i := 0; i+1 < len(f.sops.root.Content); i += 2 {
		key, value := f.sops.root.Content[i], f.sops.root.Content[i+1]
		switch {
		case value.Kind != yaml.ScalarNode:
			return nil, fmt.Errorf("line %d: %.80s has values in it: write one value for each name, without others in it", key.Line, key.Value)
		case known[key.Value]:
			return nil, fmt.Errorf("line %d: %.80s is there twice: take one out", key.Line, key.Value)
		case value.ShortTag() == "!!null":
			return nil, fmt.Errorf("line %d: %.80s has no value: write \"\" for an empty one", key.Line, key.Value)
		}
		known[key.Value] = true
		all = append(all, Value{key.Value, value.Value, key.Line, encrypted(value)})
	}
	return all, nil
}

// OpenValues decrypts those that are encrypted, by their names.
func (f *File) OpenValues(with Identities) (map[string]string, error) {
	if f.age != nil {
		return nil, errNames
	}
	values, err := f.sops.decrypt(with)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for i := 0; i+1 < len(f.sops.root.Content); i += 2 {
		if value, ok := values[f.sops.root.Content[i+1]]; ok {
			out[f.sops.root.Content[i].Value] = string(value)
		}
	}
	return out, nil
}
