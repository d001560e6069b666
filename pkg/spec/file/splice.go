package file

import (
	"bytes"
	"fmt"

	"gopkg.in/yaml.v3"
)

// Lines are the lines of a file, from the first to before the last, counted from 0.
type Lines struct{ From, To int }

// Of cuts the lines out.
func (l Lines) Of(data []byte) []byte { return bytes.Join(splitLines(data)[l.From:l.To], nil) }

// ServiceLines are the lines of a service under services, with the comments above it. It is an error where the service does not stand on lines of its
// own: in braces, on one line with another one, or made by an anchor.
func ServiceLines(data []byte, service string) (Lines, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return Lines{}, err
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return Lines{}, fmt.Errorf("the file is no map")
	}
	top := doc.Content[0]
	services, after := valueOf(top, "services")
	if services == nil || services.Kind != yaml.MappingNode || services.Style&yaml.FlowStyle != 0 {
		return Lines{}, fmt.Errorf("services does not stand on lines of its own")
	}
	end := len(splitLines(data))
	if after != nil {
		end = startOf(after)
	}
	for i := 0; i < len(services.Content); i += 2 {
		if key := services.Content[i]; key.Value == service {
			if i+2 < len(services.Content) {
				end = startOf(services.Content[i+2])
			}
			if len(bytes.TrimSpace(splitLines(data)[key.Line-1][:key.Column-1])) > 0 {
				return Lines{}, fmt.Errorf("service %s does not stand on lines of its own", service)
			}
			return Lines{startOf(key), end}, nil
		}
	}
	return Lines{}, fmt.Errorf("there is no service %s", service)
}

// startOf is the line on which a key begins, or the comment above it.
func startOf(key *yaml.Node) int {
	above := 0
	if key.HeadComment != "" {
		above = bytes.Count([]byte(key.HeadComment), []byte("\n")) + 1
	}
	return key.Line - 1 - above
}

// valueOf is the value of a key of a map, and the key that comes after it; nil if there is none.
func valueOf(m *yaml.Node, name string) (value, after *yaml.Node) {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == name {
			if i+2 < len(m.Content) {
				after = m.Content[i+2]
			}
			return m.Content[i+1], after
		}
	}
	return nil, nil
}

// Splice is the accepted file with the lines of a service as an older one has them. Whether it means what it is to mean, the caller has to look at:
// an anchor or a variable may stand elsewhere.
func Splice(accepted, older []byte, service string) ([]byte, error) {
	now, err := ServiceLines(accepted, service)
	if err != nil {
		return nil, fmt.Errorf("the accepted file: %w", err)
	}
	was, err := ServiceLines(older, service)
	if err != nil {
		return nil, fmt.Errorf("the older file: %w", err)
	}
	lines := splitLines(accepted)
	middle := was.Of(older)
	if len(middle) > 0 && middle[len(middle)-1] != '\n' {
		middle = append(middle, '\n')
	}
	var out []byte
	for _, l := range lines[:now.From] {
		out = append(out, l...)
	}
	out = append(out, middle...)
	for _, l := range lines[now.To:] {
		out = append(out, l...)
	}
	return out, nil
}

// split cuts a text into its lines, each with its end.
func splitLines(data []byte) [][]byte {
	lines := bytes.SplitAfter(data, []byte("\n"))
	if n := len(lines); n > 0 && len(lines[n-1]) == 0 {
		lines = lines[:n-1]
	}
	return lines
}
