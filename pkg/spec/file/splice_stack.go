package file

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// StackLines are the lines of a stack's service by the Compose file that has them, as the file with these texts names it. It is an error where
// none has, or one in which the service does not stand on lines of its own, see ServiceLines.
func StackLines(data []byte, stack, service string) (map[string][]byte, error) {
	b, err := unbundle(data, stack)
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for _, name := range b.of {
		if !b.has(name, service) {
			continue
		}
		lines, err := ServiceLines([]byte(b.files[name]), service)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out[name] = lines.Of([]byte(b.files[name]))
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no file of the stack has a service %s", service)
	}
	return out, nil
}

// SpliceStack is the accepted file with the lines of a stack's service, in each of the stack's Compose files, as an older one has them. All else that the files
// refer to is the accepted one's. Whether it means what it is to mean, the caller has to look at, as with Splice.
func SpliceStack(accepted, older []byte, stack, service string) ([]byte, error) {
	now, err := unbundle(accepted, stack)
	if err != nil {
		return nil, fmt.Errorf("the accepted file: %w", err)
	}
	was, err := unbundle(older, stack)
	if err != nil {
		return nil, fmt.Errorf("the older file: %w", err)
	}
	if !slices.Equal(now.of, was.of) {
		return nil, fmt.Errorf("the stack was made of other files: %s", strings.Join(was.of, ", "))
	}
	for _, name := range now.of {
		switch is, did := now.has(name, service), was.has(name, service); {
		case !is && !did:
			continue
		case is != did:
			return nil, fmt.Errorf("%s has the service in one of the two only", name)
		}
		text, err := Splice([]byte(now.files[name]), []byte(was.files[name]), service)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		now.files[name] = string(text)
	}
	return now.bundled()
}

// bundle is a file with the texts that came with it.
type bundle struct {
	head  []byte            // the file itself
	files map[string]string // the texts that it refers to
	of    []string          // those that are the stack's Compose files, in their order
}

func unbundle(data []byte, stack string) (bundle, error) {
	var doc struct {
		Stacks map[string]yaml.Node
		Files  map[string][]string `yaml:"x-swarmd-files"`
	}
	var top yaml.Node
	if err := yaml.Unmarshal(data, &top); err != nil {
		return bundle{}, err
	}
	if len(top.Content) == 0 {
		return bundle{}, errors.New("it is empty")
	}
	if err := top.Decode(&doc); err != nil {
		return bundle{}, err
	}
	b := bundle{head: data, files: map[string]string{}}
	for name, pieces := range doc.Files {
		b.files[name] = strings.Join(pieces, "")
	}
	for i := 0; i+1 < len(top.Content[0].Content); i += 2 {
		if key := top.Content[0].Content[i]; key.Value == filesKey {
			b.head = slices.Concat(splitLines(data)[:key.Line-1]...)
		}
	}
	at := doc.Stacks[stack]
	if at.Kind == yaml.MappingNode {
		if files, _ := valueOf(&at, "files"); files != nil {
			at = *files
		}
	}
	for _, n := range append([]*yaml.Node{&at}, at.Content...) {
		if _, known := b.files[n.Value]; known && n.Kind == yaml.ScalarNode {
			b.of = append(b.of, n.Value)
		}
	}
	if len(b.of) == 0 {
		return bundle{}, fmt.Errorf("the files of the stack %s did not come with it", stack)
	}
	return b, nil
}

// has reports whether a file has the service.
func (b bundle) has(name, service string) bool {
	var doc struct{ Services map[string]yaml.Node }
	if err := yaml.Unmarshal([]byte(b.files[name]), &doc); err != nil {
		return false
	}
	_, has := doc.Services[service]
	return has
}

// bundled is the file with its texts, as Bundle writes it.
func (b bundle) bundled() ([]byte, error) {
	files := map[string]any{}
	for name, text := range b.files {
		files[name] = pieces(text)
	}
	more, err := yaml.Marshal(map[string]any{filesKey: files})
	if err != nil {
		return nil, err
	}
	return slices.Concat(b.head, more), nil
}
