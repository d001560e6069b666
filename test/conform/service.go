package conform

import (
	"encoding/json"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	api "github.com/docker/docker/api/types/swarm"
)

func serviceCases() []Case {
	return []Case{
		{"service: one that is not there", Together, unknownService},
		{"service: found by id, by the beginning of an id and by name", Together, serviceByReference},
		{"service: one that names nothing comes back with this", Together, leastService},
		{"service: the defaults, where they are asked for", Together, insertedDefaults},
		{"service: enumerations that are empty come back filled in", Together, filledIn},
		{"service: an endpoint of which nothing is allocated", Together, bareEndpoint},
		{"service: one without a name gets one", Together, nameless},
		{"service: a taken name", Together, takenServiceName},
		{"service: an update at a stale version", Together, staleService},
		{"service: an update without a version, without a body", Together, serviceUpdateForm},
		{"service: an update replaces the whole specification and keeps the one before", Together, wholeServiceSpec},
		{"service: two updates, the version grows and only the last one before is kept", Together, twoUpdates},
		{"service: a label changes, no task is replaced", Together, labelOnly},
		{"service: removed", Together, removed},
		{"service: filters of the list", Together, serviceFilters},
		{"service: the list's counts", Together, serviceCounts},
		{"service: tasks spread over the nodes", Together, spread},
		{"service: scaled up and down, the highest slots go", Together, scaled},
		{"service: scaled to nothing", Together, scaledToNothing},
		{"service: global, one task a node without a slot", Together, globalService},
		{"service: global and constrained, nothing waits elsewhere", Together, globalConstrained},
		{"service: forced, tasks are replaced by equal ones", Together, forced},
		{"service: constraints alone change, tasks that fit stay", Together, constraintsOnly},
		{"service: platforms alone change, tasks stay", Together, platformsOnly},
		{"service: scaled by an override of the adapter, it reads back as that", Together, scaledByOverride},
	}
}

func unknownService(t *T) {
	t.refused(t.ask(0, "GET", "/services/nothere", nil, nil), 404, "service nothere not found")
	t.refused(t.ask(0, "DELETE", "/services/nothere", nil, nil), 404, "service nothere not found")
	t.refused(t.ask(0, "POST", "/services/nothere/update", at(1), t.spec("web", Good, 1)), 404, "service nothere not found")
}

func serviceByReference(t *T) {
	id := t.create(t.spec("web", Good, 0))
	for _, ref := range []string{id[:12], t.name("web")} {
		t.same("service by "+ref, id, t.service(ref).ID)
	}
	upper := strings.ToUpper(t.name("web"))
	t.refused(t.ask(0, "GET", "/services/"+upper, nil, nil), 404, "service "+upper+" not found")
}

// storedSpec is a specification as the engine gives it back, with the image's name and the case's taken out.
func (t *T) storedSpec(id string, query url.Values) string {
	t.Helper()
	var raw struct{ Spec json.RawMessage }
	t.get("/services/"+id, query, &raw)
	return strings.ReplaceAll(strings.ReplaceAll(string(raw.Spec), t.prefix+"-", ""), Images, "IMAGES")
}

func least(t *T) api.ServiceSpec {
	s := api.ServiceSpec{Annotations: api.Annotations{Name: t.name("least")}}
	s.TaskTemplate.ContainerSpec = &api.ContainerSpec{Image: Good.Ref()}
	return s
}

func leastService(t *T) {
	id := t.create(least(t))
	t.same("spec", `{"Name":"least","Labels":{},"TaskTemplate":{"ContainerSpec":{"Image":"IMAGES:good","Isolation":"default"},`+
		`"ForceUpdate":0,"Runtime":"container"},"Mode":{"Replicated":{"Replicas":1}}}`, t.storedSpec(id, nil))
	var raw map[string]json.RawMessage
	t.get("/services/"+id, nil, &raw)
	t.same("fields", []string{"CreatedAt", "Endpoint", "ID", "Spec", "UpdatedAt", "Version"}, slices.Sorted(maps.Keys(raw)))
	t.same("endpoint", `{"Spec":{}}`, string(raw["Endpoint"]))
}

func insertedDefaults(t *T) {
	id := t.create(least(t))
	t.same("spec", `{"Name":"least","Labels":{},"TaskTemplate":{"ContainerSpec":{"Image":"IMAGES:good","StopGracePeriod":10000000000,`+
		`"DNSConfig":{},"Isolation":"default"},"Resources":{},"RestartPolicy":{"Condition":"any","Delay":5000000000,"MaxAttempts":0},`+
		`"Placement":{},"ForceUpdate":0,"Runtime":"container"},"Mode":{"Replicated":{"Replicas":1}},`+
		`"UpdateConfig":{"Parallelism":1,"FailureAction":"pause","Monitor":5000000000,"MaxFailureRatio":0,"Order":"stop-first"},`+
		`"RollbackConfig":{"Parallelism":1,"FailureAction":"pause","Monitor":5000000000,"MaxFailureRatio":0,"Order":"stop-first"}}`,
		t.storedSpec(id, url.Values{"insertDefaults": {"true"}}))
}

func filledIn(t *T) {
	s := least(t)
	s.UpdateConfig, s.RollbackConfig = &api.UpdateConfig{Parallelism: 2}, &api.UpdateConfig{}
	s.TaskTemplate.RestartPolicy = &api.RestartPolicy{}
	s.TaskTemplate.Placement = &api.Placement{}
	s.TaskTemplate.Resources = &api.ResourceRequirements{}
	s.EndpointSpec = &api.EndpointSpec{Ports: []api.PortConfig{{TargetPort: 80, PublishedPort: 21001, PublishMode: "host"}}}
	t.same("spec", `{"Name":"least","Labels":{},"TaskTemplate":{"ContainerSpec":{"Image":"IMAGES:good","Isolation":"default"},"Resources":{},`+
		`"RestartPolicy":{"Condition":"any","MaxAttempts":0},"Placement":{},"ForceUpdate":0,"Runtime":"container"},"Mode":{"Replicated":{"Replicas":1}},`+
		`"UpdateConfig":{"Parallelism":2,"FailureAction":"pause","MaxFailureRatio":0,"Order":"stop-first"},`+
		`"RollbackConfig":{"Parallelism":0,"FailureAction":"pause","MaxFailureRatio":0,"Order":"stop-first"},`+
		`"EndpointSpec":{"Mode":"vip","Ports":[{"Protocol":"tcp","TargetPort":80,"PublishedPort":21001,"PublishMode":"host"}]}}`,
		t.storedSpec(t.create(s), nil))
}

func bareEndpoint(t *T) {
	id := t.create(t.spec("web", Good, 0, func(s *api.ServiceSpec) { s.EndpointSpec = &api.EndpointSpec{Mode: "vip"} }))
	var raw struct{ Endpoint json.RawMessage }
	t.get("/services/"+id, nil, &raw)
	t.same("endpoint", `{"Spec":{}}`, string(raw.Endpoint))
}

func nameless(t *T) {
	s := least(t)
	s.Name = ""
	name := t.service(t.create(s)).Spec.Name
	if !regexp.MustCompile(`^[a-z]+_[a-z0-9]+$`).MatchString(name) {
		t.Errorf("the name is %q", name)
	}
}

func takenServiceName(t *T) {
	t.create(least(t))
	t.refused(t.ask(0, "POST", "/services/create", nil, least(t)), 409,
		"rpc error: code = AlreadyExists desc = name conflicts with an existing object: service "+t.name("least")+" already exists")
	upper := least(t)
	upper.Name = strings.ToUpper(upper.Name)
	t.refused(t.ask(0, "POST", "/services/create", nil, upper), 409,
		"rpc error: code = AlreadyExists desc = name conflicts with an existing object: service "+upper.Name+" already exists")
}

func staleService(t *T) {
	id := t.create(t.spec("web", Good, 0))
	old := t.service(id)
	t.update(id, label("a", "1"))
	t.refused(t.ask(0, "POST", "/services/"+id+"/update", at(old.Version.Index), old.Spec), 500, outOfSequence)
	t.same("labels", map[string]string{"a": "1"}, t.service(id).Spec.Labels)
}

func label(key, value string) func(*api.ServiceSpec) {
	return func(s *api.ServiceSpec) { s.Labels = map[string]string{key: value} }
}

func serviceUpdateForm(t *T) {
	id := t.create(t.spec("web", Good, 0))
	t.refused(t.ask(0, "POST", "/services/"+id+"/update", nil, t.service(id).Spec), 400,
		`invalid service version '': strconv.ParseUint: parsing "": invalid syntax`)
	noSpec := either(t, noBodyText, "mismatched Runtime and *Spec fields")
	t.refused(t.ask(0, "POST", "/services/"+id+"/update", at(1), nil), 400, noSpec)
	t.refused(t.ask(0, "POST", "/services/create", nil, nil), 400, noSpec)
}

func wholeServiceSpec(t *T) {
	id := t.create(t.spec("web", Good, 0, label("a", "1"), constrained("node.role==worker")))
	before := t.service(id)
	t.same("a new service has one before", true, before.PreviousSpec == nil && before.UpdateStatus == nil)
	bare := t.spec("web", Good, 0)
	t.done("update", t.ask(0, "POST", "/services/"+id+"/update", at(before.Version.Index), bare))
	now := t.service(id)
	t.same("labels", map[string]string{}, now.Spec.Labels)
	t.same("placement", (*api.Placement)(nil), now.Spec.TaskTemplate.Placement)
	t.same("the one before", &before.Spec, now.PreviousSpec)
	t.same("grows", true, now.Version.Index > before.Version.Index && !now.UpdatedAt.Before(before.UpdatedAt))
	t.same("made", before.CreatedAt, now.CreatedAt)
}

func twoUpdates(t *T) {
	id := t.create(t.spec("web", Good, 0))
	t.update(id, label("n", "1"))
	t.update(id, label("n", "2"))
	s := t.service(id)
	t.same("live and before", []string{"2", "1"}, []string{s.Spec.Labels["n"], s.PreviousSpec.Labels["n"]})
	t.update(id) // nothing at all
	s = t.service(id)
	t.same("live and before", []string{"2", "2"}, []string{s.Spec.Labels["n"], s.PreviousSpec.Labels["n"]})
}

func ids(tasks []api.Task) []string {
	out := []string{}
	for _, k := range tasks {
		out = append(out, k.ID)
	}
	slices.Sort(out)
	return out
}
