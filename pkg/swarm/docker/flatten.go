package docker

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// flatten writes a value's JSON as field path → value. Empty values vanish, so that null, "", [] and {} are one; only the values of labels
// and options, the elements of lists and the name of a service's mode count even when empty. The elements of a list whose order means
// nothing are named by what tells them apart: "Env[PATH]", "Mounts[/data]".
func flatten(v any) (swarm.Form, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber() // a float64 would round a nanosecond count
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return nil, err
	}
	form := swarm.Form{}
	walk(form, "", tree, false)
	return form, nil
}

// walk adds a value. keep says that it counts even when it is empty.
func walk(form swarm.Form, path string, v any, keep bool) {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 && keep {
			form[path] = "{}"
		}
		inner := keepsEmpty(path)
		for k, e := range v {
			walk(form, join(path, k), e, inner)
		}
	case []any:
		walkList(form, path, v)
	case string:
		if v != "" || keep {
			form[path] = v
		}
	case nil:
	default:
		form[path] = fmt.Sprint(v)
	}
}

func walkList(form swarm.Form, path string, list []any) {
	name := namer(path)
	seen := map[string]int{}
	for i, e := range list {
		key, value := name(i, e)
		if seen[key]++; seen[key] > 1 {
			key = fmt.Sprintf("%s#%d", key, seen[key])
		}
		walk(form, path+"["+key+"]", value, true)
	}
}

// keepsEmpty reports whether an empty value in this object differs from no value.
func keepsEmpty(path string) bool {
	if path == "Mode" {
		return true
	}
	switch last(path) {
	case "Labels", "Options", "DriverOpts", "Sysctls":
		return true
	}
	return false
}

// namer says how the elements of the list at this path are named, and what is left as their value.
func namer(path string) func(int, any) (string, any) {
	switch last(path) {
	case "Env":
		return variable
	case "Constraints", "CapabilityAdd", "CapabilityDrop", "Aliases":
		return func(_ int, e any) (string, any) { return fmt.Sprint(e), "yes" }
	case "Mounts", "Networks":
		return func(_ int, e any) (string, any) { return field(e, "Target"), e }
	case "Configs", "Secrets":
		return mountedFile
	case "Ulimits":
		return func(_ int, e any) (string, any) { return field(e, "Name"), e }
	case "Ports":
		return port
	}
	return func(i int, e any) (string, any) { return fmt.Sprint(i), e }
}

// mountedFile names a config or secret of a service by where tasks find it, or by the one other use that there is.
func mountedFile(i int, e any) (string, any) {
	m, _ := e.(map[string]any)
	if m["Runtime"] != nil {
		return "credential_spec", e
	}
	if name := field(m["File"], "Name"); name != "" {
		return name, e
	}
	return fmt.Sprint(i), e
}

// variable names an environment entry by its variable. "NAME" without a value differs from "NAME=".
func variable(_ int, e any) (string, any) {
	name, value, set := strings.Cut(fmt.Sprint(e), "=")
	if !set {
		return name, "(unset)"
	}
	return name, value
}

func port(_ int, e any) (string, any) {
	key := fmt.Sprintf("%s:%s/%s %s", field(e, "PublishedPort"), field(e, "TargetPort"), field(e, "Protocol"), field(e, "PublishMode"))
	return key, e
}

func field(e any, name string) string {
	m, _ := e.(map[string]any)
	if m[name] == nil {
		return ""
	}
	return fmt.Sprint(m[name])
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func last(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }
