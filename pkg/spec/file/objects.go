package file

import (
	"cmp"
	"path"
	"regexp"
	"strconv"
	"strings"

	composetypes "github.com/docker/cli/cli/compose/types"

	"github.com/swarmd/swarmd/pkg/spec"
)

// hashedSuffix is how long the end of a config's or a secret's name is that says which content it has: a dash and 12 hex digits.
const hashedSuffix = 13

// maxObject is the most of a config or a secret, in bytes. The engine takes less than 500 kB for a secret and 1,000 kB for a config, which has to find
// its place in a revision as well.
const maxObject = 500_000

// config takes what tasks find as a file and everybody may read.
func config(w *walker, n *node) any {
	declared := object{known: map[string]rule{
		"content":         doc("the content itself; variables are filled in", anyText),
		"file":            doc("a text file whose content it is, relative to this file; apply and the watched file take the content along", filePath),
		"name":            byDefault("CLUSTER_KEY", doc("its name in the swarm, to which swarmd adds a hash of its content, unless it is external", word(objectName()))),
		"labels":          doc("labels of the config", labels),
		"external":        byDefault("false", doc("it is made by somebody else, under its own name", external)),
		"template_driver": templateDriver(),
	}, other: laterOption()}
	if n == nil {
		return declared.shape()
	}
	values, ok := declared.rule(w, n).(map[string]any)
	if !ok || w.settleObject(n, values, "content", "file") {
		return values
	}
	switch content, file := n.child("content"), n.child("file"); {
	case content == nil && file == nil:
		w.lacks(n, "has no content: say content, file, or external: true")
	case content != nil && file != nil:
		w.lacks(file, "content and file exclude each other")
	case content != nil && content.text == "":
		w.lacks(content, "is empty, and the engine takes no config without content")
	case file != nil && values["file"] != nil:
		if content, _, ok := w.textOf(file, objectText); ok {
			values["content"] = content
		}
	}
	return values
}

// laterOption makes a rule for keys of Compose's that are refused, with what to do instead.
func laterOption(refused ...string) func(w *walker, f field) bool {
	hints := map[string]string{
		"content":     "a secret's value does not belong into this file, which the store keeps: encrypt it into a file beside this one (file: NAME.age), put it into a file on each manager (file: /PATH), or say external: true",
		"environment": "the daemon's environment is never read: encrypt the value into a file beside this one (file: NAME.age), put it into a file on each manager (file: /PATH), or say external: true",
		"driver":      "not supported: put the value into a file on each manager and name that with file:, or make it with docker secret create --driver and say external: true",
		"driver_opts": "goes with driver, which is not supported",
	}
	return func(w *walker, f field) bool {
		for _, key := range refused {
			if f.key == key {
				w.faultAt(f.at[0], f.at[1], f.value.place, "%s", hints[key])
				return true
			}
		}
		return extension(w, f)
	}
}

// templateDriver names what fills in the content.
func templateDriver() rule {
	return byDefault("none", doc("what fills in the templates of the content for each task, such as {{.Node.Hostname}}", choice("golang")))
}

// ownPrefix begins the names of what swarmd itself keeps in the swarm: its ledger, its keys, its tokens.
const ownPrefix = "swarmd."

// settleObject reports whether a config or secret is external. Such a one has neither content nor labels of the file's.
func (w *walker) settleObject(n *node, values map[string]any, contents ...string) bool {
	if !w.settleExternal(n, values) {
		return false
	}
	if name := cmp.Or(str(values, "name"), n.place.key); strings.HasPrefix(name, ownPrefix) {
		w.lacks(n, "%s is swarmd's own, and no service may have it", clip(name))
	}
	for _, key := range contents {
		if at := n.child(key); at != nil {
			w.lacks(at, "an external one has the content that whoever made it gave it: take this out, or external")
		}
	}
	for _, key := range []string{"labels", "template_driver"} {
		if at := n.child(key); at != nil {
			w.warn(at, "Swarm ignores this: an external one stays as whoever made it wanted")
		}
	}
	return true
}

// references takes the configs or secrets of a service: names, or maps that say where the file is and whose.
func references(of, target string) rule {
	long := object{known: map[string]rule{
		"source": doc("its key under the top-level "+of, word(objectName())),
		"target": byDefault(target, doc("the path of the file in the container", lineText)),
		"uid":    byDefault("0", doc("who owns the file, as a number", word(charset{rest: digits, max: 10, say: "a number"}))),
		"gid":    byDefault("0", doc("the file's group, as a number", word(charset{rest: digits, max: 10, say: "a number"}))),
		"mode":   byDefault("0444", doc("what may be done with the file: an octal number such as 0440", octal)),
	}, required: []string{"source"}}
	return listOf(func(w *walker, n *node) any {
		if n == nil {
			return eitherShape("a key under the top-level "+of+", or a map", textShape("text"), long.shape())
		}
		if n.kind == kindMap {
			return long.rule(w, n)
		}
		return word(objectName())(w, n)
	})
}

// octal takes a file's mode. One without the leading zero is what chmod takes, and YAML another number.
func octal(w *walker, n *node) any {
	if n == nil {
		return &shape{kind: shapeWhole, says: "an octal number such as 0440", low: 0, high: 0o7777}
	}
	s := n.text                                                         // as it is written: as a number YAML reads 0440 as 288, which is what is meant
	if n.kind != kindText && n.kind != kindFloat && !w.is(n, kindInt) { // 0999 is no octal number, so YAML reads a fraction
		return nil
	}
	mode, err := strconv.ParseUint(strings.TrimPrefix(strings.TrimPrefix(s, "0o"), "0"), 8, 32)
	if !regexp.MustCompile(`^0o?[0-7]{3,4}$`).MatchString(s) || err != nil {
		w.fault(n, "must be an octal number with a zero in front, such as 0440, not %s", shown(n, s))
		return nil
	}
	return int(mode)
}

// named is one config or secret that a service names.
type named struct {
	node           *node
	source, target string
}

// references are those of a service under the key; of an item that is no good nothing.
func (f *serviceFacts) references(of string) []named {
	values, _ := f.values[of].([]any)
	var all []named
	for i, value := range values {
		at := f.node.get(of).items[i]
		switch value := value.(type) {
		case string:
			all = append(all, named{at, value, value})
		case map[string]any:
			r := named{at.get("source"), str(value, "source"), str(value, "target")}
			if r.target == "" {
				r.target = r.source
			}
			all = append(all, r)
		}
	}
	return all
}

// checkReferences holds what a service names to what the file declares, and no two to one place in the container.
func (w *walker) checkReferences(root *node, f *serviceFacts) {
	if account := str(section(f.values, "credential_spec"), "config"); account != "" {
		w.declared(root, f.node.get("credential_spec", "config"), "configs", account)
	}
	for of, below := range map[string]string{"configs": "/", "secrets": "/run/secrets"} {
		taken := map[string]bool{}
		for _, r := range f.references(of) {
			if r.source == "" {
				continue // a fault already
			}
			w.declared(root, r.node, of, r.source)
			target := path.Clean(r.target)
			if !path.IsAbs(target) {
				target = path.Join(below, target)
			}
			if taken[target] {
				w.lacks(r.node, "two of the %s have the target %s: give one another target", of, shown(r.node, target))
			}
			taken[target] = true
		}
	}
}

// checkObjects holds the names that configs and secrets would have to what the engine takes.
func (w *walker) checkObjects() {
	for _, of := range []string{"configs", "secrets"} {
		section := w.root.child(of)
		if section == nil {
			continue
		}
		for _, f := range section.fields {
			named, external := f.value.child("name"), f.value.child("external")
			if external != nil && (external.kind == kindMap || external.text == "true") {
				continue // whoever made it has found a name that the engine takes
			}
			name := w.namespace + "_" + f.key
			if named != nil {
				name = named.text
			}
			if full := len(name) + hashedSuffix; full > maxName && len(f.key) <= maxName {
				w.faultAt(f.at[0], f.at[1], f.value.place, "it would be named %s-xxxxxxxxxxxx: %d characters, at most %d", clip(name), full, maxName)
			}
		}
	}
}

// maxName is the most characters of a config's or secret's name (swarmkit, controlapi: validateConfigOrSecretAnnotations).
const maxName = 64

// object is a config or secret of the file as Docker's loader would have it. What it has beside that is the content.
func composeObject(values map[string]any) composetypes.FileObjectConfig {
	out := composetypes.FileObjectConfig{Name: str(values, "name"), File: str(values, "file"), TemplateDriver: str(values, "template_driver"), External: composetypes.External{External: values["external"] == true}}
	if content := str(values, "content"); content != "" {
		out.Extras = map[string]any{spec.ContentKey: content}
	}
	out.Labels = composeLabels(values["labels"])
	return out
}

func composeLabels(value any) composetypes.Labels {
	values, _ := value.(map[string]any)
	if len(values) == 0 {
		return nil
	}
	out := composetypes.Labels{}
	for key, v := range values {
		out[key], _ = v.(string)
	}
	return out
}

// objects puts the configs and secrets into the stack. The loader is not given them: it would read paths, and knows no content. It loses what is
// said of a shared network, too.
func objects(config *composetypes.Config, values map[string]any) {
	config.Configs, config.Secrets = map[string]composetypes.ConfigObjConfig{}, map[string]composetypes.SecretConfig{}
	for key, n := range config.Networks {
		if section(section(values, "networks"), key)[spec.SharedKey] == true {
			n.Extras = map[string]any{spec.SharedKey: true}
			config.Networks[key] = n
		}
	}
	for key := range section(values, "configs") {
		config.Configs[key] = composetypes.ConfigObjConfig(composeObject(section(section(values, "configs"), key)))
	}
	for key := range section(values, "secrets") {
		config.Secrets[key] = composetypes.SecretConfig(composeSecret(section(section(values, "secrets"), key)))
	}
}
