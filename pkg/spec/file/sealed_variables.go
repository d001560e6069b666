package file

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	composetypes "github.com/docker/cli/cli/compose/types"

	"github.com/swarmd/swarmd/pkg/sealed"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// SealedVariable is a variable whose value is encrypted.
type SealedVariable struct {
	File string // as the file that was handed in names it, or from there
	Name string
	Text string // of the whole file: its values are only taken together, see sealed.File
}

// standInDigits is how much of the digest a stand-in has, in characters: another encrypted value has another one.
const standInDigits = 32

// sealedAssignments are the fields of an encrypted file with variables, with what stands for their values. Nothing is opened here.
func (w *walker) sealedAssignments(at, up *node, text string, before int) []field {
	name := fileKey(w.sources.of(at.line).folder, at.text)
	f, err := sealed.Read(at.text, []byte(text))
	var values []sealed.Value
	if err == nil {
		values, err = f.Values()
	}
	if err != nil {
		w.lacks(at, "%s cannot be taken: %s", shown(at, at.text), err)
		return nil
	}
	var all []field
	for _, v := range values {
		n := &node{kind: kindText, place: place{up: up, key: v.Name}, line: before + v.Line, col: 1, substituted: true}
		n.holder = [2]int{n.line, n.col}
		if strings.ContainsAny(v.Name, " \t=") || v.Name == "" {
			n.place = place{}
			w.fault(n, "must be a name of a variable, without a blank in it")
			continue
		}
		value := v.Text
		if v.Sealed {
			value = w.standIn(SealedVariable{name, v.Name, text}, v.Text)
		}
		if !w.fill(n, value) {
			return nil
		}
		all = append(all, field{v.Name, n.holder, n})
	}
	return all
}

// standIn is what stands for the value until it is opened.
func (w *walker) standIn(v SealedVariable, value string) string {
	sum := sha256.Sum256([]byte(v.File + "\x00" + v.Name + "\x00" + value))
	text := swarm.StandIn + hex.EncodeToString(sum[:])[:standInDigits]
	if w.sealedVariables == nil {
		w.sealedVariables = map[string]SealedVariable{}
	}
	w.sealedVariables[text] = v
	return text
}

// onlyInEnvironment refuses an encrypted variable where its value is not to be: labels, commands and names end in logs and in the status.
func (w *walker) onlyInEnvironment(n *node) {
	at := strings.Index(n.text, swarm.StandIn)
	if at < 0 || len(w.sealedVariables) == 0 {
		return
	}
	keys, inList := n.keys(), n.item > 0
	if len(keys) >= 3 && keys[0] == "services" && keys[2] == "environment" {
		if !inList && len(keys) == 4 || inList && len(keys) == 3 && strings.Contains(n.text[:at], "=") {
			return
		}
	}
	v := w.sealedVariables[n.text[at:min(len(n.text), at+len(swarm.StandIn)+standInDigits)]]
	w.fault(n, "the variable %s is encrypted in %s, and may be used in the values of a service's environment alone", quote(v.Name), quote(v.File))
}

// Opened is the document with the values of its encrypted variables, which open decrypts, a file at a time; it is not written to. A service of which one
// cannot be had stays as it is, and unopened says why, by the stack and the service's name.
func (d *Document) Opened(open func(SealedVariable) (map[string]string, error)) (out *Document, unopened map[[2]string]string) {
	if len(d.Sealed) == 0 {
		return d, nil
	}
	o, copied := unsealing{d.Sealed, open, map[string]openedFile{}, map[[2]string]string{}}, *d
	copied.Stack, copied.Composed = o.stack(d.Cluster, d.Stack), maps.Clone(d.Composed)
	for name, stack := range d.Composed {
		copied.Composed[name] = o.stack(name, stack)
	}
	return &copied, o.unopened
}

type unsealing struct {
	variables map[string]SealedVariable
	open      func(SealedVariable) (map[string]string, error)
	files     map[string]openedFile // by their texts
	unopened  map[[2]string]string
}

type openedFile struct {
	values map[string]string
	err    error
}

func (o unsealing) stack(name string, config *composetypes.Config) *composetypes.Config {
	out := *config
	out.Services = slices.Clone(config.Services)
	for i, s := range out.Services {
		environment, err := o.environment(s.Environment)
		if err != nil {
			o.unopened[[2]string{name, s.Name}] = err.Error()
			continue
		}
		out.Services[i].Environment = environment
	}
	return &out
}

// environment is one with its values, itself if it has none that is encrypted.
func (o unsealing) environment(all composetypes.MappingWithEquals) (composetypes.MappingWithEquals, error) {
	out, cloned := all, false
	for _, name := range slices.Sorted(maps.Keys(all)) {
		text := all[name]
		if text == nil || !strings.Contains(*text, swarm.StandIn) {
			continue
		}
		filled, err := o.fill(*text)
		if err != nil {
			return all, err
		}
		if !cloned {
			out, cloned = maps.Clone(all), true
		}
		out[name] = &filled
	}
	return out, nil
}

// fill puts the values in. No error repeats one.
func (o unsealing) fill(text string) (filled string, first error) {
	last := SealedVariable{}
	filled = regexp.MustCompile(swarm.StandIn+`[0-9a-f]{32}`).ReplaceAllStringFunc(text, func(standIn string) string {
		v, known := o.variables[standIn]
		if !known {
			return standIn // somebody has written it so, and the brake refuses it
		}
		value, err := o.value(v)
		if err != nil && first == nil {
			first = fmt.Errorf("its variable %s of %s has no value: %w", v.Name, v.File, err)
		}
		last = v
		return value
	})
	if first == nil {
		if why := notForEnvironment(filled); why != "" {
			first = fmt.Errorf("its variable %s of %s %s", last.Name, last.File, why)
		}
	}
	return filled, first
}

func (o unsealing) value(v SealedVariable) (string, error) {
	f, known := o.files[v.Text]
	if !known {
		f.values, f.err = o.open(v)
		o.files[v.Text] = f
	}
	if f.err != nil {
		return "", f.err
	}
	value, is := f.values[v.Name]
	if !is {
		return "", errors.New("the file has none of that name")
	}
	return value, nil
}

// notForEnvironment says why an opened text is none for an environment, "" if it is one: what Parse would have said of it.
func notForEnvironment(text string) string {
	switch {
	case strings.ContainsRune(text, 0), firstInvalid([]byte(text)) >= 0:
		return "is no UTF-8 text, or has a NUL in it: name the file under secrets"
	case len(text) > maxScalar:
		return fmt.Sprintf("makes a text of more than %d bytes: name the file under secrets", maxScalar)
	case unfillable(text) != "":
		return "has two braces that Swarm takes for a template and cannot fill in: write {{\"{{\"}} for them, or name the file under secrets"
	}
	return ""
}
