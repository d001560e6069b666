package file

import (
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strings"
)

// Schema is the JSON schema (draft 7) of the file, for editors. It knows each key, kind, choice and bound; what several keys say together only
// the check itself knows, so a file that fits the schema may have faults, and none that the check accepts fails it.
func Schema() []byte {
	root := shapeOf(object{known: documentKeys(), required: requiredKeys(), other: otherTopLevel}.rule)
	s := root.schema(false)
	s["$schema"] = "http://json-schema.org/draft-07/schema#"
	s["title"] = "swarmd"
	s["description"] = "The desired state of a Docker Swarm on DigitalOcean."
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic(err) // of maps, texts and numbers JSON can always be made
	}
	return append(text, '\n')
}

type schema = map[string]any

// schema of a value. Where variables are filled in, any scalar may stand as a text with a $ in it.
func (s *shape) schema(filled bool) schema {
	out := s.bare(filled)
	if s.nullable {
		out = schema{"anyOf": []any{out, schema{"type": "null"}}}
	}
	about := s.doc
	if s.says != "" {
		about = strings.TrimPrefix(about+": "+s.says, ": ")
	}
	if s.absent != "" {
		about += " (without it: " + s.absent + ")"
	}
	if about != "" {
		out["description"] = about
	}
	return out
}

func (s *shape) bare(filled bool) schema {
	switch s.kind {
	case shapeMap:
		return s.mapSchema(filled)
	case shapeList:
		return schema{"type": "array", "items": s.item.schema(filled)}
	case shapeEither:
		var all []any
		for _, one := range s.either {
			all = append(all, one.schema(filled))
		}
		return schema{"anyOf": all}
	}
	out := s.scalar()
	if filled && (s.kind != shapeText || s.options != nil || s.set.rest != "") {
		return schema{"anyOf": []any{out, schema{"type": "string", "pattern": `\$`}}}
	}
	return out
}

// scalar is the schema of a value that is no list and no map. A number may stand where a text is wanted, if YAML prints it as it is written.
func (s *shape) scalar() schema {
	switch s.kind {
	case shapeWhole:
		out := schema{"type": "integer", "minimum": s.low}
		if s.high <= math.MaxInt32 {
			out["maximum"] = s.high
		}
		return out
	case shapeNumber:
		return schema{"type": "number", "minimum": s.low, "maximum": s.high}
	case shapeTruth:
		return schema{"type": "boolean"}
	}
	out := schema{"type": []string{"string", "number"}}
	if s.options != nil {
		return schema{"enum": s.options}
	}
	if s.set.rest != "" {
		out["pattern"] = s.set.pattern()
		out["maxLength"] = s.set.max
	}
	return out
}

// pattern is the set as a regular expression that JavaScript, too, reads.
func (c charset) pattern() string {
	class := func(of string) string {
		for _, whole := range [][2]string{{lower, "a-z"}, {upper, "A-Z"}, {digits, "0-9"}} {
			of = strings.ReplaceAll(of, whole[0], "\x00"+string(whole[1][0])+"\x01"+string(whole[1][2]))
		}
		of = regexp.MustCompile(`[\]\[\\^-]`).ReplaceAllString(of, `\$0`)
		return "[" + strings.NewReplacer("\x00", "", "\x01", "-").Replace(of) + "]"
	}
	if c.first == "" {
		return "^" + class(c.rest) + "+$"
	}
	return "^" + class(c.first) + class(c.rest) + "*$"
}

func (s *shape) mapSchema(filled bool) schema {
	out := schema{"type": "object"}
	if s.entry != nil {
		out["additionalProperties"] = s.entry.schema(filled)
		out["propertyNames"] = schema{"pattern": s.names.pattern(), "maxLength": s.names.max}
		return out
	}
	properties := schema{}
	for key, one := range s.keys {
		properties[key] = one.schema(filled || one.isFilled(key))
	}
	for key, hint := range s.ignored {
		properties[key] = schema{"description": strings.TrimSuffix("Swarm ignores this: "+hint, ": "), "deprecated": true}
	}
	out["properties"] = properties
	out["additionalProperties"] = false
	if s.open {
		out["patternProperties"] = schema{"^x-": schema{}}
	}
	if len(s.required) > 0 {
		out["required"] = slices.Clone(s.required)
	}
	return out
}

// isFilled reports whether variables are filled in below this top-level key.
func (s *shape) isFilled(key string) bool {
	return slices.Contains(filledSections(), key) && s.entry != nil
}
