package file

import (
	"fmt"
	"math"
	"path"
	"strings"
	"time"

	"github.com/google/shlex"

	"github.com/swarmd/swarmd/pkg/spec"
)

// serviceFacts is a service as its rules read it, for the checks across services.
type serviceFacts struct {
	stack  string
	name   string // in its file
	node   *node
	values map[string]any // what the Compose loader gets

	placement *placement  // of its constraints, once somebody asked
	mounted   []mounted   // likewise
	fitting   []spec.Pool // the pools that satisfy the constraints, likewise
}

// services reads the stack. Each service is recorded for the later checks, a faulty one too.
func services(w *walker, n *node) any {
	shape := object{known: serviceKeys(), required: []string{"image"}, other: otherServiceKey}
	if w != nil && w.partial {
		shape.required = nil
	}
	if n == nil {
		s := shape.shape()
		s.ignored = ignored()
		return entriesOf(swarmName(), s)
	}
	if !w.is(n, kindMap) {
		return nil
	}
	values := map[string]any{}
	for _, f := range n.fields {
		if w.misplaced(f, shape.known) {
			continue
		}
		if !isSwarmName(f.key) {
			w.faultAt(f.at[0], f.at[1], f.value.place, "a service's name %s", swarmName().wants(f.key))
		}
		one, ok := shape.rule(w, f.value).(map[string]any)
		if !ok {
			continue
		}
		values[f.key] = one
		w.services = append(w.services, serviceFacts{stack: w.namespace, name: f.key, node: f.value, values: one})
	}
	return values
}

// full is what a service is called in the swarm.
func (w *walker) full(service string) string { return w.namespace + "_" + service }

// serviceKeys are the keys of a service that Swarm has a use for: those that docker/cli's conversion reads.
func serviceKeys() map[string]rule {
	known := map[string]rule{
		"image":           doc("what runs; its tag is resolved to a digest once per change", image),
		"command":         doc("arguments, in place of the image's own", command),
		"entrypoint":      doc("the program, in place of the image's own", command),
		"environment":     doc("the container's environment; every name has a value", environment),
		"env_file":        doc("files with NAME=value lines, plain or encrypted with SOPS, relative to the file that names them, for names that the environment has not", envFile),
		"labels":          doc("labels of the containers", labels),
		"deploy":          doc("how many tasks run, where, and how they are replaced", optional(keys(deployKeys()))),
		"healthcheck":     doc("how a container's health is told", healthcheck),
		"ports":           doc(fmt.Sprintf("published ports, at most %d", maxPublished), ports),
		"volumes":         doc("mounts", listOf(mount)),
		"configs":         doc("configs that tasks find as files", references("configs", "/ and the key")),
		"secrets":         doc("secrets that tasks find as files", references("secrets", "/run/secrets/ and the key")),
		"networks":        byDefault("default", doc("the networks that tasks are in", attachments)),
		"credential_spec": doc("the account of a Windows container: one of the three", credentials),
		"logging": doc("the log driver", keys(map[string]rule{
			"driver":  byDefault("the engine's", doc("its name", word(objectName()))),
			"options": doc("its options", entries(optionKey(), orEmpty(anyText))),
		})),
		"extra_hosts": doc("more lines of /etc/hosts; host-gateway is the task's own machine", extraHosts),
		"dns":         doc("name servers", oneOrMore(address)),
		"dns_search":  doc("search domains", oneOrMore(word(domain()))),
		"cap_add":     doc("capabilities to add", setOf(word(capability()))),
		"cap_drop":    doc("capabilities to drop", setOf(word(capability()))),
		"sysctls":     doc("kernel parameters", pairs("=", optionKey(), orEmpty(lineText))),
		ownServiceKey: doc("what swarmd alone reads of the service; docker stack deploy takes no notice of it", keys(map[string]rule{
			"rebalance": byDefault("true", doc("when a node has come, it gets its share of the tasks, and never fewer run", trueFalse)),
			"resolve": byDefault("required", doc("required: while its registry does not tell what the image's tag stands for, the service is not written and what runs goes on; best-effort: then it is written with the tag alone, which nodes may take for different versions",
				choice("required", resolveBestEffort))),
			"protect": byDefault("its stack's", doc("true: the service is not removed because this file has it no more; the removal is held, swarmd confirm included, until swarmd protect service/NAME --off", trueFalse)),
		})),
		"ulimits": doc("limits of the processes", entries(charset{"", lower, 32, "lower-case letters"}, ulimit)),
	}
	for key, check := range scalarKeys() {
		known[key] = check
	}
	return known
}

// scalarKeys are the keys of a service with a single value.
func scalarKeys() map[string]rule {
	const ofImage = "the image's"
	return map[string]rule{
		"user": byDefault(ofImage, doc("who the process runs as",
			word(charset{"", letters + digits + "._-:", 64, "a user or id, and a group after a colon"}))),
		"working_dir":       byDefault(ofImage, doc("where the process starts", absolute)),
		"hostname":          doc("the container's host name, in which Swarm fills templates such as {{.Task.Slot}}", hostname),
		"stop_signal":       byDefault(ofImage, doc("what asks the process to end", word(charset{letters + digits, letters + digits + "+-", 16, "a signal such as SIGTERM"}))),
		"stop_grace_period": byDefault("10s", doc("time after which the process is killed", span(0, longest))),
		"restart":           doc("Compose's own word: use deploy.restart_policy", restart),
		"isolation":         byDefault("default", doc("how a Windows container is kept apart; Linux knows the default alone", choice("default", "process", "hyperv"))),
		"init":              byDefault("false", doc("run an init process that reaps the others", trueFalse)),
		"read_only":         byDefault("false", doc("the root file system cannot be written to", trueFalse)),
		"tty":               byDefault("false", doc("give the process a terminal", trueFalse)),
		"stdin_open":        byDefault("false", doc("keep the standard input open", trueFalse)),
	}
}

// credentials takes where a Windows container's account is described.
func credentials(w *walker, n *node) any {
	of := object{known: map[string]rule{
		"config":   doc("its key under the top-level configs", word(objectName())),
		"file":     doc("a file in the engine's own folder for them, on each machine", lineText),
		"registry": doc("a name in the machine's registry", lineText),
	}}
	if n == nil {
		return of.shape()
	}
	values, ok := of.rule(w, n).(map[string]any)
	if ok && len(n.fields) != 1 {
		w.lacks(n, "must name one of config, file and registry")
		return nil
	}
	return values
}

// longest is the longest duration in a service. Whoever writes a longer one mistook the unit.
const longest = 30 * 24 * time.Hour

func capability() charset {
	return charset{letters, letters + "_", 32, "a capability such as NET_ADMIN"}
}

func domain() charset {
	return charset{letters + digits + ".", letters + digits + ".-_", 253, "a domain name"}
}

// command takes a command line, as one text that is split like a shell would, or as a list.
func command(w *walker, n *node) any {
	if n == nil {
		return eitherShape("a command line, as one text or as a list", textShape("text"), listShape())
	}
	if n.kind == kindList {
		return listOf(anyText)(w, n)
	}
	s, ok := anyText(w, n).(string)
	if !ok {
		return nil
	}
	if _, err := shlex.Split(s); err != nil {
		w.fault(n, "the quotes in this command do not match")
		return nil
	}
	return s
}

// environment takes the container's environment as map or list. An entry without a value would be filled from the environment of
// the process that reads the file.
func environment(w *walker, n *node) any {
	return templated(pairs("=", environmentName(), func(w *walker, n *node) any {
		if n == nil {
			return textShape("text")
		}
		if n.kind == kindNull {
			w.lacks(n, noValue)
			return nil
		}
		return anyText(w, n)
	}))(w, n)
}

// envFile takes the paths of files for the environment. Their lines have been put there already, see fillEnvironment.
func envFile(w *walker, n *node) any {
	if taken := variablesFrom(w, n); n == nil {
		return taken
	}
	return nil
}

// labels takes labels as map or list. A label without a value is an empty one.
func labels(w *walker, n *node) any {
	if n != nil {
		w.reserve(n, "swarmd.", "com.docker.stack.")
	}
	return pairs("=", labelName(), orEmpty(anyText))(w, n)
}

// orEmpty takes no value for an empty text, as Compose does.
func orEmpty(check rule) rule {
	return func(w *walker, n *node) any {
		if n == nil {
			s := *shapeOf(check)
			s.nullable = true
			return &s
		}
		if n.kind == kindNull {
			return ""
		}
		return check(w, n)
	}
}

// reserve refuses labels, of a map or a list, that swarmd sets itself.
func (w *walker) reserve(n *node, prefixes ...string) {
	for _, prefix := range prefixes {
		for _, f := range n.fields {
			if strings.HasPrefix(strings.ToLower(f.key), prefix) {
				w.faultAt(f.at[0], f.at[1], f.value.place, "labels that begin with %s are swarmd's own", prefix)
			}
		}
		for _, item := range n.items {
			if strings.HasPrefix(strings.ToLower(item.text), prefix) {
				w.fault(item, "labels that begin with %s are swarmd's own", prefix)
			}
		}
	}
}

// pairs takes a map, or a list of texts with a separator, and returns a map. A list entry without the separator has no value.
func pairs(separator string, names charset, value rule) rule {
	return func(w *walker, n *node) any {
		if n == nil {
			return eitherShape(fmt.Sprintf("a map, or a list of texts such as name%svalue", separator), shapeOf(entries(names, value)), listShape())
		}
		if n.kind != kindList {
			return entries(names, value)(w, n)
		}
		return entries(names, value)(w, w.unfold(n, separator, names))
	}
}

// unfold turns a list of "name=value" into the map that it stands for, with the positions of the list.
func (w *walker) unfold(n *node, separator string, names charset) *node {
	taken := make(map[string]int, len(n.items))
	unfolded := &node{kind: kindMap, place: n.place, line: n.line, col: n.col, holder: n.holder}
	for _, item := range n.items {
		s, ok := w.scalar(item)
		if !ok {
			continue
		}
		key, value, found := strings.Cut(s, separator)
		entry := &node{kind: kindText, place: item.place, line: item.line, col: item.col, holder: item.holder, text: value, substituted: item.substituted}
		if !found {
			entry.kind = kindNull
		}
		entered := field{key, [2]int{item.line, item.col}, entry}
		at, twice := taken[key]
		if !twice {
			taken[key] = len(unfolded.fields)
			unfolded.fields = append(unfolded.fields, entered)
		} else if names.holds(key) { // what is no name is a fault already, and may be a password
			w.warn(item, "%s stands here twice: the last one counts", quote(key))
			unfolded.fields[at] = entered
		}
	}
	return unfolded
}

// oneOrMore takes a text or a list of texts.
func oneOrMore(check rule) rule {
	return func(w *walker, n *node) any {
		if n == nil {
			one := shapeOf(check)
			return eitherShape(one.takes()+", or a list", one, &shape{kind: shapeList, item: one})
		}
		if n.kind == kindList {
			return setOf(check)(w, n)
		}
		return check(w, n)
	}
}

// absolute takes a path from the root.
func absolute(w *walker, n *node) any {
	if n == nil {
		return textShape("an absolute path")
	}
	s, ok := lineText(w, n).(string)
	if !ok {
		return nil
	}
	if !path.IsAbs(s) {
		w.fault(n, "must be an absolute path, not %s", shown(n, s))
		return nil
	}
	return s
}

// hostname takes a host name, in which Swarm fills templates such as {{.Task.Slot}}.
func hostname(w *walker, n *node) any {
	check := word(charset{letters + digits + "{", letters + digits + "-._{} ", maxHostname, "a host name"})
	if n == nil {
		return check(w, n)
	}
	s, ok := check(w, n).(string)
	if !ok || !w.named(n, s, charset{letters + digits, letters + digits + "-._", maxHostname, "a host name of letters, digits, dashes, dots and underscores"}) {
		return nil
	}
	return s
}

// ulimit takes one number for both limits, or a soft and a hard one.
func ulimit(w *walker, n *node) any {
	bound := whole(-1, math.MaxInt32)
	both := object{known: map[string]rule{"soft": doc("the limit; -1 is none", bound), "hard": doc("how far a process may raise it; -1 is without bound", bound)}, required: []string{"soft", "hard"}}
	if n == nil {
		return eitherShape("one number for both limits, or soft and hard", shapeOf(bound), both.shape())
	}
	if n.kind != kindMap {
		return bound(w, n)
	}
	return both.rule(w, n)
}

// restart takes Compose's own restart policy, which `docker stack deploy` reads where deploy.restart_policy is missing.
func restart(w *walker, n *node) any {
	if n == nil {
		return textShape("no, always, unless-stopped, on-failure or on-failure:N")
	}
	s, ok := w.scalar(n)
	if !ok {
		return nil
	}
	policy, attempts, _ := strings.Cut(s, ":")
	switch {
	case policy == "on-failure" && (attempts == "" || charset{rest: digits, max: 4}.holds(attempts)):
	case s == "no" || s == "always" || s == "unless-stopped":
	default:
		w.fault(n, "must be no, always, unless-stopped, on-failure or on-failure:N, not %s", shown(n, s))
		return nil
	}
	w.warn(n, "belongs to Compose; say it as deploy.restart_policy")
	return s
}
