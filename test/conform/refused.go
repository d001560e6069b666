package conform

import (
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	api "github.com/docker/docker/api/types/swarm"
)

const (
	badArgument = "rpc error: code = InvalidArgument desc = "
	notDNS      = "name must be valid as a DNS name component"
	longName    = "name must be 63 characters or fewer"
)

// badSpec is a specification that an engine refuses to store.
type badSpec struct {
	name   string
	status int
	text   string // of the refusal; NAME is the service's
	edit   func(*api.ServiceSpec)
}

func badSpecCases() []Case {
	var out []Case
	for _, b := range append(badContainers(), append(badNumbers(), badPorts()...)...) {
		out = append(out, Case{"service refused: " + b.name, Together, func(t *T) {
			s := t.spec("bad", Good, 1, b.edit)
			t.refused(t.ask(0, "POST", "/services/create", nil, s), b.status, strings.ReplaceAll(b.text, "NAME", s.Name))
			id := t.create(t.spec("bad", Good, 0))
			t.refused(t.tryUpdate(id, func(live *api.ServiceSpec) {
				b.edit(live)
			}), b.status, strings.ReplaceAll(b.text, "NAME", s.Name))
		}})
	}
	return append(out,
		Case{"service refused: another mode", Together, func(t *T) {
			id := t.create(t.spec("web", Good, 0))
			t.refused(t.tryUpdate(id, global), 501, "rpc error: code = Unimplemented desc = service mode change is not allowed")
		}},
		Case{"service refused: another name", Together, func(t *T) {
			id := t.create(t.spec("web", Good, 0))
			t.refused(t.tryUpdate(id, func(s *api.ServiceSpec) { s.Name = t.name("other") }), 501,
				"rpc error: code = Unimplemented desc = renaming services is not supported")
		}},
		Case{"service refused: a bad name", Together, func(t *T) {
			for name, text := range map[string]string{
				"not a name": notDNS, "-x": notDNS, "x.y": notDNS, "x-": notDNS, "x_": notDNS, strings.Repeat("x", 64): longName,
			} {
				t.refused(t.ask(0, "POST", "/services/create", nil, t.spec("bad", Good, 0, func(s *api.ServiceSpec) { s.Name = name })), 400, badArgument+text)
			}
		}},
		Case{"service refused: a port that another service has", Together, takenPort},
		Case{"service refused: what its references name is not there", Together, danglingReferences},
	)
}

func badContainers() []badSpec {
	template := func(f func(*api.ContainerSpec)) func(*api.ServiceSpec) {
		return func(s *api.ServiceSpec) { f(s.TaskTemplate.ContainerSpec) }
	}
	return []badSpec{
		{"a template that is not closed", 400, badArgument + `expanding env failed: expanding env "A={{.Task.Slot": template: expansion:1: unclosed action`,
			template(func(c *api.ContainerSpec) { c.Env = []string{"A={{.Task.Slot"} })},
		{"a template of what a task has not", 400, badArgument + `expanding env failed: expanding env "A={{.Task.Slots}}": template: expansion:1:N: executing "expansion" at <.Task.Slots>: can't evaluate field Slots in type struct { ID string; Name string; Slot string }`,
			template(func(c *api.ContainerSpec) { c.Env = []string{"A={{.Task.Slots}}"} })},
		{"a template in a host name of what a task has not", 400, badArgument + `expanding hostname failed: template: expansion:1:N: executing "expansion" at <.Slot>: can't evaluate field Slot in type *template.Context`,
			template(func(c *api.ContainerSpec) { c.Hostname = "{{.Slot}}" })},
		{"a template in a mount of what a task has not", 400, badArgument + `expanding mounts failed: expanding mount source "db-{{.Slot}}": template: expansion:1:N: executing "expansion" at <.Slot>: can't evaluate field Slot in type *template.Context`,
			template(func(c *api.ContainerSpec) {
				c.Mounts = []mount.Mount{{Type: mount.TypeVolume, Source: "db-{{.Slot}}", Target: "/x"}}
			})},
		{"no container", 400, "mismatched Runtime and *Spec fields", func(s *api.ServiceSpec) { s.TaskTemplate.ContainerSpec = nil }},
		{"no image", 400, badArgument + "ContainerSpec: image reference must be provided", template(func(c *api.ContainerSpec) { c.Image = "" })},
		{"an image that is no reference", 400, badArgument + `ContainerSpec: "NOT AN IMAGE" is not a valid repository/tag`,
			template(func(c *api.ContainerSpec) { c.Image = "NOT AN IMAGE" })},
		{"one mount point twice", 400, badArgument + "ContainerSpec: duplicate mount point: /x", template(func(c *api.ContainerSpec) {
			c.Mounts = []mount.Mount{{Type: mount.TypeTmpfs, Target: "/x"}, {Type: mount.TypeTmpfs, Target: "/x"}}
		})},
		{"a health check that is too quick", 400, badArgument + "ContainerSpec: Interval in HealthConfig cannot be less than 1ms",
			template(func(c *api.ContainerSpec) {
				c.Healthcheck = &container.HealthConfig{Test: []string{"NONE"}, Interval: time.Microsecond}
			})},
		{"negative retries of a health check", 400, badArgument + "ContainerSpec: Retries in HealthConfig cannot be negative",
			template(func(c *api.ContainerSpec) {
				c.Healthcheck = &container.HealthConfig{Test: []string{"NONE"}, Retries: -1}
			})},
		{"an unknown runtime", 400, "unsupported runtime", func(s *api.ServiceSpec) { s.TaskTemplate.Runtime = "magic" }},
		{"two modes", 400, "must specify only one service mode", func(s *api.ServiceSpec) { s.Mode.Global = &api.GlobalService{} }},
	}
}

func badNumbers() []badSpec {
	negative := -time.Second
	restart := func(p api.RestartPolicy) func(*api.ServiceSpec) {
		return func(s *api.ServiceSpec) { s.TaskTemplate.RestartPolicy = &p }
	}
	rolling := func(u api.UpdateConfig) func(*api.ServiceSpec) {
		return func(s *api.ServiceSpec) { s.UpdateConfig = &u }
	}
	resources := func(r api.ResourceRequirements) func(*api.ServiceSpec) {
		return func(s *api.ServiceSpec) { s.TaskTemplate.Resources = &r }
	}
	return []badSpec{
		{"a negative restart delay", 400, badArgument + "TaskSpec: restart-delay cannot be negative", restart(api.RestartPolicy{Delay: &negative})},
		{"a negative restart window", 400, badArgument + "TaskSpec: restart-window cannot be negative", restart(api.RestartPolicy{Window: &negative})},
		{"an unknown restart condition", 400, `invalid RestartCondition: "perhaps"`, restart(api.RestartPolicy{Condition: "perhaps"})},
		{"an unknown failure action", 400, "unrecognized update failure action panic", rolling(api.UpdateConfig{FailureAction: "panic"})},
		{"an unknown update order", 400, "unrecognized update order both", rolling(api.UpdateConfig{Order: "both"})},
		{"a negative update delay", 400, badArgument + "TaskSpec: update-delay cannot be negative", rolling(api.UpdateConfig{Delay: negative})},
		{"a negative monitor", 400, badArgument + "TaskSpec: update-monitor cannot be negative", rolling(api.UpdateConfig{Monitor: negative})},
		{"a failure ratio above one", 400, badArgument + "TaskSpec: update-maxfailureratio cannot be less than 0 or bigger than 1",
			rolling(api.UpdateConfig{MaxFailureRatio: 1.5})},
		{"too little memory", 400, badArgument + "invalid memory value 1: Must be at least 4MiB",
			resources(api.ResourceRequirements{Limits: &api.Limit{MemoryBytes: 1}})},
		{"too little processor", 400, badArgument + "invalid cpu value 1e-09: Must be at least 0.001",
			resources(api.ResourceRequirements{Reservations: &api.Resources{NanoCPUs: 1}})},
		{"a constraint without an operator", 500, "rpc error: code = Unknown desc = constraint expected one operator from ==, !=",
			constrained("node.role~worker")},
		{"a constraint with a bad key", 500, "rpc error: code = Unknown desc = key 'no de' is invalid", constrained("no de==x")},
		{"a constraint that names a label with a slash", 500, "rpc error: code = Unknown desc = key 'node.labels.example.com/zone' is invalid",
			constrained("node.labels.example.com/zone==a")},
		{"a constraint that compares with an at sign", 500, "rpc error: code = Unknown desc = value 'a@b' is invalid", constrained("node.labels.zone==a@b")},
		{"a constraint with a bad value", 500, "rpc error: code = Unknown desc = value '' is invalid", constrained("node.role==")},
	}
}

func badPorts() []badSpec {
	endpoint := func(e api.EndpointSpec) func(*api.ServiceSpec) {
		return func(s *api.ServiceSpec) { s.EndpointSpec = &e }
	}
	return []badSpec{
		{"an unknown resolution mode", 400, `invalid resolution mode: "dns"`, endpoint(api.EndpointSpec{Mode: "dns"})},
		{"an ingress port without a virtual address", 400, badArgument + "EndpointSpec: port published with ingress mode can't be used with dnsrr mode",
			endpoint(api.EndpointSpec{Mode: "dnsrr", Ports: []api.PortConfig{{TargetPort: 80, PublishedPort: 22001}}})},
		{"a port of Swarm's choice without a virtual address", 400, badArgument + "EndpointSpec: port published with ingress mode can't be used with dnsrr mode",
			endpoint(api.EndpointSpec{Mode: "dnsrr", Ports: []api.PortConfig{{TargetPort: 80}}})},
		{"one port twice in two modes", 400, badArgument + "EndpointSpec: duplicate published ports provided",
			endpoint(api.EndpointSpec{Ports: []api.PortConfig{{TargetPort: 80, PublishedPort: 22003}, {TargetPort: 81, PublishedPort: 22003, PublishMode: "host"}}})},
		{"one port twice", 400, badArgument + "EndpointSpec: duplicate published ports provided",
			endpoint(api.EndpointSpec{Ports: []api.PortConfig{{TargetPort: 80, PublishedPort: 22002}, {TargetPort: 81, PublishedPort: 22002}}})},
		{"a network that is not there", 500, "network nothere not found", func(s *api.ServiceSpec) {
			s.TaskTemplate.Networks = []api.NetworkAttachmentConfig{{Target: "nothere"}}
		}},
		{"the ingress network", 400, badArgument + `Service cannot be explicitly attached to the ingress network "ingress"`, func(s *api.ServiceSpec) {
			s.TaskTemplate.Networks = []api.NetworkAttachmentConfig{{Target: "ingress"}}
		}},
	}
}

func published(port uint32, mode api.PortConfigPublishMode) func(*api.ServiceSpec) {
	return func(s *api.ServiceSpec) {
		s.EndpointSpec = &api.EndpointSpec{Ports: []api.PortConfig{{TargetPort: 80, PublishedPort: port, PublishMode: mode}}}
	}
}

func takenPort(t *T) {
	t.create(t.spec("first", Good, 0, published(22010, "ingress")))
	t.create(t.spec("host", Good, 0, published(22011, "host")))
	t.create(t.spec("shares", Good, 0, published(22011, "host")))
	try := func(port uint32, mode api.PortConfigPublishMode) answer {
		return t.ask(0, "POST", "/services/create", nil, t.spec("late", Good, 0, published(port, mode)))
	}
	t.refused(try(22010, "ingress"), 400, badArgument+"port '22010' is already in use by service '"+t.name("first")+"' (ID) as an ingress port")
	t.refused(try(22010, "host"), 400, badArgument+"port '22010' is already in use by service '"+t.name("first")+"' (ID) as an ingress port")
	a := try(22011, "ingress")
	a.Message = strings.ReplaceAll(a.Message, t.name("host"), t.name("shares"))
	t.refused(a, 400, badArgument+"port '22011' is already in use by service '"+t.name("shares")+"' (ID) as a host-published port")
}

func danglingReferences(t *T) {
	secret := func(name string) *api.SecretReference {
		return &api.SecretReference{SecretID: "nothere", SecretName: name, File: &api.SecretReferenceFileTarget{Name: "f"}}
	}
	config := func(name string) *api.ConfigReference {
		return &api.ConfigReference{ConfigID: "nothere", ConfigName: name, File: &api.ConfigReferenceFileTarget{Name: "g"}}
	}
	try := func(edit func(*api.ContainerSpec)) answer {
		return t.ask(0, "POST", "/services/create", nil, t.spec("web", Good, 0, func(s *api.ServiceSpec) { edit(s.TaskTemplate.ContainerSpec) }))
	}
	t.refused(try(func(c *api.ContainerSpec) { c.Secrets = []*api.SecretReference{secret("one")} }), 400, badArgument+"secret not found: one")
	t.refused(try(func(c *api.ContainerSpec) { c.Configs = []*api.ConfigReference{config("one")} }), 400, badArgument+"config not found: one")
}
