package file

import (
	"slices"
	"strings"
)

// laidOver is what two Compose files come to, the second laid over the first, for the checks: what is deployed docker's own loader merges. Of its
// networks, volumes, configs and secrets a later file has whole declarations, of its services single keys.
func laidOver(base, over *node) *node {
	out := copied(base)
	for _, f := range over.fields {
		was := base.child(f.key)
		switch {
		case was == nil || was.kind != kindMap || f.value.kind != kindMap:
			out.set(f)
		case f.key == "services":
			out.set(field{f.key, f.at, mergeEach(was, f.value, mergeService)})
		default:
			out.set(field{f.key, f.at, mergeEach(was, f.value, func(_, over *node) *node { return over })})
		}
	}
	return out
}

func copied(n *node) *node {
	out := *n
	out.fields, out.named = slices.Clone(n.fields), nil
	return &out
}

// set puts a field in, in place of one with its key.
func (n *node) set(f field) {
	n.named = nil
	if i := slices.IndexFunc(n.fields, func(o field) bool { return o.key == f.key }); i >= 0 {
		n.fields[i] = f
		return
	}
	n.fields = append(n.fields, f)
}

// mergeEach merges the values of the keys that both have.
func mergeEach(base, over *node, merge func(base, over *node) *node) *node {
	out := copied(base)
	for _, f := range over.fields {
		if was := base.child(f.key); was != nil {
			f.value = merge(was, f.value)
		}
		out.set(f)
	}
	return out
}

func mergeService(base, over *node) *node {
	if base.kind != kindMap || over.kind != kindMap {
		return mergeValue(base, over)
	}
	out := copied(base)
	for _, f := range over.fields {
		if was := base.child(f.key); was != nil {
			f.value = mergeKey(f.key, was, f.value)
		}
		out.set(f)
	}
	return out
}

// mergeKey merges one key of a service.
func mergeKey(key string, base, over *node) *node {
	switch key {
	case "command", "entrypoint":
		return over
	case "ports":
		return mergeItems(base, over, publishedOf)
	case "volumes":
		return mergeItems(base, over, targetOf)
	case "configs", "secrets":
		return mergeItems(base, over, func(n *node) string { return n.get("source").text })
	case "logging":
		if a, b := base.get("driver").text, over.get("driver").text; a != "" && b != "" && a != b {
			return over
		}
	case "networks":
		return mergeValue(asMap(base, ""), asMap(over, ""))
	case "environment", "labels", "sysctls":
		return mergeValue(asMap(base, "="), asMap(over, "="))
	}
	return mergeValue(base, over)
}

// mergeValue merges maps key by key, appends lists, and has anything else replaced; what is empty replaces nothing.
func mergeValue(base, over *node) *node {
	switch {
	case over.kind == kindNull:
		return base
	case base.kind == kindMap && over.kind == kindMap:
		return mergeEach(base, over, mergeValue)
	case base.kind == kindList && over.kind == kindList:
		out := copied(over)
		out.items = slices.Concat(base.items, over.items)
		return out
	}
	return over
}

// mergeItems has an item of the later list in place of one of the earlier that is the same by its key.
func mergeItems(base, over *node, key func(*node) string) *node {
	if base.kind != kindList || over.kind != kindList {
		return mergeValue(base, over)
	}
	out := copied(over)
	kept := slices.DeleteFunc(slices.Clone(base.items), func(n *node) bool {
		return slices.ContainsFunc(over.items, func(o *node) bool { return key(o) == key(n) })
	})
	out.items = slices.Concat(kept, over.items)
	return out
}

// publishedOf is the published port of an item of ports, as it is written.
func publishedOf(n *node) string {
	if n.kind == kindMap {
		return n.get("published").text
	}
	port, _, _ := strings.Cut(n.text, "/")
	parts := strings.Split(port, ":")
	if len(parts) == 1 {
		return ""
	}
	return parts[len(parts)-2]
}

// targetOf is the place in the container of an item of volumes.
func targetOf(n *node) string {
	if n.kind == kindMap {
		return n.get("target").text
	}
	parts := strings.Split(n.text, ":")
	return parts[min(1, len(parts)-1)]
}

// asMap is a list of names, or of names and values, as the map that it stands for.
func asMap(n *node, separator string) *node {
	if n.kind != kindList {
		return n
	}
	out := copied(n)
	out.kind, out.items = kindMap, nil
	for _, item := range n.items {
		key, value := item.text, *item
		value.kind = kindNull
		if separator != "" {
			name, text, found := strings.Cut(item.text, separator)
			if key = name; found {
				value.kind, value.text = kindText, text
			}
		}
		out.set(field{key, [2]int{item.line, item.col}, &value})
	}
	return out
}
