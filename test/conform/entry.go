package conform

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	api "github.com/docker/docker/api/types/swarm"
)

// entryCases are of configs and of secrets, which are the same but for what comes back.
func entryCases() []Case {
	var out []Case
	for _, kind := range []string{"config", "secret"} {
		for _, c := range []struct {
			name string
			run  func(*T, string)
		}{
			{"what comes back", entryReadBack},
			{"one that is not there", unknownEntry},
			{"found by id, by the beginning of an id and by name", entryByReference},
			{"a taken name", takenEntryName},
			{"a bad name", badEntryName},
			{"too much data, and none", badEntryData},
			{"only labels can change", entryLabels},
			{"an update at a stale version", staleEntry},
			{"in use by services", entryInUse},
			{"filters of the list", entryFilters},
		} {
			out = append(out, Case{kind + ": " + c.name, Together, func(t *T) { c.run(t, kind) }})
		}
	}
	out = append(out, Case{"secret: one of a driver that is not there", Together, drivenSecret})
	return append(out, Case{"config: its version moves with writes to it alone", Together, entryVersion})
}

// stored is a config or a secret.
type stored struct {
	ID      string
	Version api.Version
	Spec    struct {
		Name   string
		Labels map[string]string
		Data   []byte
	}
}

func (t *T) entry(name string, labels map[string]string, data string) api.ConfigSpec {
	return api.ConfigSpec{Annotations: api.Annotations{Name: t.name(name), Labels: labels}, Data: []byte(data)}
}

// createEntry stores one for the time of the case.
func (t *T) createEntry(kind, name string, labels map[string]string, data string) string {
	t.Helper()
	var made struct{ ID string }
	a := t.done("create", t.ask(0, "POST", "/"+kind+"s/create", nil, t.entry(name, labels, data)))
	t.same("status", 201, a.Status)
	t.parse(a, &made)
	t.Cleanup(func() { (&T{TB: untied{t.TB}, testbed: t.testbed}).ask(0, "DELETE", "/"+kind+"s/"+made.ID, nil, nil) })
	return made.ID
}

func (t *T) getEntry(kind, ref string) (out stored) {
	t.Helper()
	t.get("/"+kind+"s/"+ref, nil, &out)
	return out
}

func (t *T) setLabels(kind, id string, labels map[string]string) {
	t.Helper()
	e := t.getEntry(kind, id)
	spec := api.ConfigSpec{Annotations: api.Annotations{Name: e.Spec.Name, Labels: labels}}
	t.done("label", t.ask(0, "POST", "/"+kind+"s/"+id+"/update", at(e.Version.Index), spec))
}

func entryReadBack(t *T, kind string) {
	id := t.createEntry(kind, "x", nil, "data")
	var raw map[string]json.RawMessage
	t.get("/"+kind+"s/"+id, nil, &raw)
	t.same("fields", []string{"CreatedAt", "ID", "Spec", "UpdatedAt", "Version"}, slices.Sorted(maps.Keys(raw)))
	want := `{"Name":"x","Labels":{}}`
	if kind == "config" {
		want = `{"Name":"x","Labels":{},"Data":"` + base64.StdEncoding.EncodeToString([]byte("data")) + `"}`
	}
	t.same("spec", want, strings.ReplaceAll(string(raw["Spec"]), t.prefix+"-", ""))
	a := t.done("remove", t.ask(0, "DELETE", "/"+kind+"s/"+id, nil, nil))
	t.same("status", 204, a.Status)
}

func unknownEntry(t *T, kind string) {
	t.refused(t.ask(0, "GET", "/"+kind+"s/nothere", nil, nil), 404, kind+" nothere not found")
	t.refused(t.ask(0, "DELETE", "/"+kind+"s/nothere", nil, nil), 404, kind+" nothere not found")
	t.refused(t.ask(0, "POST", "/"+kind+"s/nothere/update", at(1), t.entry("x", nil, "data")), 404, kind+" nothere not found")
}

func entryByReference(t *T, kind string) {
	id := t.createEntry(kind, "x", nil, "data")
	for _, ref := range []string{id, id[:12], t.name("x"), strings.ToUpper(t.name("x"))} { // of a service, the case would count
		t.same("by "+ref, id, t.getEntry(kind, ref).ID)
	}
}

func takenEntryName(t *T, kind string) {
	t.createEntry(kind, "x", nil, "data")
	t.refused(t.ask(0, "POST", "/"+kind+"s/create", nil, t.entry("x", nil, "other")), 409,
		"rpc error: code = AlreadyExists desc = "+kind+" "+t.name("x")+" already exists")
	t.refused(t.ask(0, "POST", "/"+kind+"s/create", nil, t.entry("X", nil, "other")), 409,
		"rpc error: code = AlreadyExists desc = "+kind+" "+t.name("X")+" already exists")
}

func badEntryName(t *T, kind string) {
	for _, name := range []string{"not a name", "x-", ".x", strings.Repeat("x", 65)} {
		s := t.entry("", nil, "data")
		s.Name = name
		t.refused(t.ask(0, "POST", "/"+kind+"s/create", nil, s), 400, badArgument+
			"invalid name, only 64 [a-zA-Z0-9-_.] characters allowed, and the start and end character must be [a-zA-Z0-9]")
	}
	s := t.entry("", nil, "data")
	s.Name = ""
	t.refused(t.ask(0, "POST", "/"+kind+"s/create", nil, s), 400, badArgument+"name must be provided")
}

func badEntryData(t *T, kind string) {
	limit, text := 1000*1024, "1024000"
	if kind == "secret" {
		limit, text = 500*1024, "512000"
	}
	for _, data := range []string{"", strings.Repeat("x", limit)} {
		t.refused(t.ask(0, "POST", "/"+kind+"s/create", nil, t.entry("x", nil, data)), 400,
			badArgument+kind+" data must be larger than 0 and less than "+text+" bytes")
	}
	t.createEntry(kind, "x", nil, strings.Repeat("x", limit-1))
}

func entryLabels(t *T, kind string) {
	id := t.createEntry(kind, "x", map[string]string{"a": "1"}, "data")
	e := t.getEntry(kind, id)
	try := func(edit func(*api.ConfigSpec)) answer {
		s := api.ConfigSpec{Annotations: api.Annotations{Name: e.Spec.Name, Labels: map[string]string{"b": "2"}}}
		edit(&s)
		return t.ask(0, "POST", "/"+kind+"s/"+id+"/update", at(e.Version.Index), s)
	}
	t.refused(try(func(s *api.ConfigSpec) { s.Data = []byte("other") }), 400, badArgument+"only updates to Labels are allowed")
	t.refused(try(func(s *api.ConfigSpec) { s.Name = t.name("y") }), 400, badArgument+"only updates to Labels are allowed")
	t.same("labels", map[string]string{"a": "1"}, t.getEntry(kind, id).Spec.Labels)
	t.done("without data", try(func(*api.ConfigSpec) {}))
	now := t.getEntry(kind, id)
	t.same("labels", map[string]string{"b": "2"}, now.Spec.Labels)
	t.same("version grows", true, now.Version.Index > e.Version.Index)
	t.same("data is kept", kind == "config", bytes.Equal(now.Spec.Data, []byte("data")))
	e = now
	t.done("with the same data", try(func(s *api.ConfigSpec) { s.Data = []byte("data") }))
	e = t.getEntry(kind, id)
	t.done("without labels", try(func(s *api.ConfigSpec) { s.Labels = nil }))
	t.same("labels", map[string]string{}, t.getEntry(kind, id).Spec.Labels)
}

func staleEntry(t *T, kind string) {
	id := t.createEntry(kind, "x", nil, "data")
	e := t.getEntry(kind, id)
	t.setLabels(kind, id, map[string]string{"a": "1"})
	s := api.ConfigSpec{Annotations: api.Annotations{Name: e.Spec.Name}}
	t.refused(t.ask(0, "POST", "/"+kind+"s/"+id+"/update", at(e.Version.Index), s), 500, outOfSequence)
	t.refused(t.ask(0, "POST", "/"+kind+"s/"+id+"/update", nil, s), 400, "invalid "+kind+" version")
}

// using has a service refer to a config or a secret.
func (t *T) using(kind, id, name string) func(*api.ServiceSpec) {
	return func(s *api.ServiceSpec) {
		c := s.TaskTemplate.ContainerSpec
		if kind == "config" {
			c.Configs = []*api.ConfigReference{{ConfigID: id, ConfigName: t.name(name), File: &api.ConfigReferenceFileTarget{Name: "/f", UID: "0", GID: "0", Mode: 0o444}}}
			return
		}
		c.Secrets = []*api.SecretReference{{SecretID: id, SecretName: t.name(name), File: &api.SecretReferenceFileTarget{Name: "f", UID: "0", GID: "0", Mode: 0o444}}}
	}
}

func entryInUse(t *T, kind string) {
	id := t.createEntry(kind, "x", nil, "data")
	one := t.create(t.spec("one", Good, 1, t.using(kind, id, "x")))
	t.untilRunning(one, 1)
	t.refused(t.ask(0, "DELETE", "/"+kind+"s/"+id, nil, nil), 400,
		badArgument+kind+" '"+t.name("x")+"' is in use by the following service: "+t.name("one"))
	two := t.create(t.spec("two", Good, 0, t.using(kind, id, "x")))
	a := t.ask(0, "DELETE", "/"+kind+"s/"+id, nil, nil)
	a.Message = strings.ReplaceAll(a.Message, t.name("two")+", "+t.name("one"), t.name("one")+", "+t.name("two"))
	t.refused(a, 400, badArgument+kind+" '"+t.name("x")+"' is in use by the following services: "+t.name("one")+", "+t.name("two"))
	t.done("remove two", t.ask(0, "DELETE", "/services/"+two, nil, nil))
	t.update(one, func(s *api.ServiceSpec) {
		s.TaskTemplate.ContainerSpec.Configs, s.TaskTemplate.ContainerSpec.Secrets = nil, nil
	})
	// The specification before still names it; that does not count.
	t.done("remove", t.ask(0, "DELETE", "/"+kind+"s/"+id, nil, nil))
	t.refused(t.ask(0, "POST", "/services/create", nil, t.spec("three", Good, 0, t.using(kind, id, "x"))), 400,
		badArgument+kind+" not found: "+t.name("x"))
}

func entryFilters(t *T, kind string) {
	a := t.createEntry(kind, "a", map[string]string{"tier": "front"}, "data")
	b := t.createEntry(kind, "b", nil, "data")
	for _, c := range []struct {
		pairs []string
		want  []string
	}{
		{[]string{"name", t.prefix + "-"}, []string{a, b}},
		{[]string{"name", t.name("a")}, []string{a}},
		{[]string{"id", b[:12]}, []string{b}},
		{[]string{"name", t.name("a"), "id", b}, []string{a, b}},
		{[]string{"name", t.prefix + "-", "label", "tier"}, []string{a}},
		{[]string{"name", t.prefix + "-", "label", "tier=back"}, []string{}},
	} {
		var list []stored
		t.get("/"+kind+"s", filter(c.pairs...), &list)
		got := []string{}
		for _, e := range list {
			got = append(got, e.ID)
		}
		slices.Sort(got)
		slices.Sort(c.want)
		t.same(text(c.pairs), c.want, got)
	}
	t.unknownFilter("/" + kind + "s")
}

func entryVersion(t *T) {
	id := t.createEntry("config", "x", nil, "data")
	before := t.getEntry("config", id)
	t.untilRunning(t.create(t.spec("web", Good, 1, t.using("config", id, "x"))), 1)
	t.same("version", before.Version, t.getEntry("config", id).Version)
}

func drivenSecret(t *T) {
	spec := api.SecretSpec{Annotations: api.Annotations{Name: t.name("driven"), Labels: map[string]string{}}, Driver: &api.Driver{}}
	t.refused(t.ask(0, "POST", "/secrets/create", nil, spec), 400, "rpc error: code = InvalidArgument desc = secret driver must have a name")
	spec.Driver = &api.Driver{Name: "vault", Options: map[string]string{"path": "a"}}
	t.refused(t.ask(0, "POST", "/secrets/create", nil, spec), 500, `rpc error: code = Unknown desc = plugin "vault" not found`)
}
