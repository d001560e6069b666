package file_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/test/conform"
)

// engineRule is one rule of the engine and what the file's check says of what it is about.
type engineRule struct {
	engine  string // the rule
	source  string // where the engine has it
	conform string // the case that asks engines for it; "" where a file alone can show it
	service string // keys of the service "web"
	more    string // lines at the top level
	name    string // of the service; "web" if it is empty
	says    string // a fault; a warning if it begins with "warning: "; "" if the file is taken without a word about it
}

const controlapi, loader = "swarmkit manager/controlapi ", "docker/cli compose/"

func engineRules() []engineRule { return slices.Concat(nameRules(), portRules(), takenRules()) }

// nameRules are of names and of networks.
func nameRules() []engineRule {
	return []engineRule{
		{engine: "a service's name ends in a letter or digit", source: controlapi + "common.go", conform: "service refused: a bad name",
			name: "web-", says: "a service's name must be letters"},
		{engine: "a service's name ends in a letter or digit", source: controlapi + "common.go", conform: "service refused: a bad name",
			name: "web_", says: "a service's name must be letters"},
		{engine: "a network's name has no dot", source: controlapi + "common.go", conform: "network: a bad name",
			more: "networks: { a.b: }", says: `the network would be named "t_a.b": the name must be letters`},
		{engine: "a network's name ends in a letter or digit", source: controlapi + "common.go", conform: "network: a bad name",
			more: "networks: { a: { name: back- } }", says: `the network would be named "back-": the name must be letters`},
		{engine: "a network's name has 63 characters at most, its prefix included", source: controlapi + "common.go", conform: "network: a bad name",
			more: "networks: { " + strings.Repeat("a", 62) + ": }", says: "the name must have at most 63 characters, not 64"},
		{engine: "a network that every engine has is not made anew", source: "moby api/server/router/network", conform: "network: a taken name",
			more: "networks: { a: { name: host } }", says: "the name is taken"},
		{engine: "no service is attached to the ingress network", source: controlapi + "service.go", conform: "service refused: the ingress network",
			service: "networks: [ingress]", more: "networks: { ingress: { external: true } }", says: "no service can be attached to ingress"},
		{engine: "no service is attached to the ingress network", source: controlapi + "service.go", conform: "service refused: the ingress network",
			service: "networks: { way: }", more: "networks: { way: { external: true, name: ingress } }", says: "no service can be attached to ingress"},
		{engine: "subnets that overlap are both made, and the later one waits", source: "moby/swarmkit#2398", conform: "network: a subnet that another has is waited for",
			more: "networks: { a: { ipam: { config: [{ subnet: 10.20.0.0/16 }] } }, b: { ipam: { config: [{ subnet: 10.20.1.0/24 }] } } }",
			says: "10.20.1.0/24 overlaps 10.20.0.0/16 of the network a"},
		{engine: "subnets that overlap the ingress network's wait", source: "moby/swarmkit#2398", conform: "network: a subnet that another has is waited for",
			more: "networks: { a: { ipam: { config: [{ subnet: 10.0.0.0/16 }] } } }", says: "warning: 10.0.0.0/16 overlaps 10.0.0.0/24"},
	}
}

// portRules are of ports, mounts and constraints.
func portRules() []engineRule {
	return []engineRule{
		{engine: "a published port stands once in a service", source: controlapi + "service.go", conform: "service refused: one port twice",
			service: `ports: ["8080:80", "8080:81"]`, says: "8080/tcp is published by the same service already"},
		{engine: "a published port stands once in a service, whatever its mode", source: controlapi + "service.go", conform: "service refused: one port twice in two modes",
			service: `ports: ["8080:80", { target: 81, published: 8080, mode: host }]`, says: "8080/tcp is published by the same service already"},
		{engine: "a published port is of its protocol", source: controlapi + "service.go", service: `ports: ["8080:80", "8080:80/udp", "80", "81"]`},
		{engine: "dnsrr has no routing mesh", source: controlapi + "service.go", conform: "service refused: an ingress port without a virtual address",
			service: `ports: ["8080:80"], deploy: { endpoint_mode: dnsrr }`, says: "publish 8080/tcp with mode: host"},
		{engine: "dnsrr has no routing mesh for a port of Swarm's choice", source: controlapi + "service.go",
			conform: "service refused: a port of Swarm's choice without a virtual address",
			service: `ports: ["80"], deploy: { endpoint_mode: dnsrr }`, says: "publish this port with mode: host"},
		{engine: "swarmd's own port is not free", source: "swarmd", service: `ports: ["9810:80"]`, says: "9810/tcp is used by every manager itself"},
		{engine: "swarmd's own port is free on workers", source: "swarmd",
			service: `ports: [{ target: 80, published: 9810, mode: host }], deploy: { mode: global, placement: { constraints: [node.role==worker] } }`},
		{engine: "one mount to a place", source: controlapi + "service.go", conform: "service refused: one mount point twice",
			service: `volumes: ["/x", { type: tmpfs, target: /x }]`, says: `"/x" has a mount already: volumes[0]`},
		{engine: "one mount to a place, however it is written", source: "moby container", service: `volumes: ["/x", "/x/"]`, says: `"/x" has a mount already: volumes[0]`},
		{engine: "a constraint's key has no slash", source: "swarmkit manager/constraint", conform: "service refused: a constraint that names a label with a slash",
			service: `deploy: { placement: { constraints: ["node.labels.example.com/zone==a"] } }`, says: "a constraint can name only labels of letters"},
		{engine: "a constraint's value has no at sign", source: "swarmkit manager/constraint", conform: "service refused: a constraint that compares with an at sign",
			service: `deploy: { placement: { constraints: ["node.labels.zone==a@b"] } }`, says: "must compare with == or !="},
	}
}

// takenRules are of what the engine takes: the file may be no narrower.
func takenRules() []engineRule {
	return []engineRule{
		{engine: "reservations are not compared with limits", source: "moby daemon/cluster/executor", conform: "service taken: more reserved than the limit",
			service: `deploy: { resources: { limits: { memory: 8M }, reservations: { memory: 16M } } }`, says: "warning: more is reserved than the limit"},
		{engine: "labels are any text", source: "moby api", conform: "service taken: labels with marks, blanks and lines",
			service: `deploy: { labels: { "caddy.header.?X-Frame-Options": DENY, "caddy.handle_path./api/*": "", two: "one\ntwo\n" } }`},
		{engine: "a volume's name has templates", source: "swarmkit template", conform: "service taken: a volume's name with a template",
			service: `volumes: ["data:/data"]`, more: `volumes: { data: { name: "db-{{.Task.Slot}}" } }`},
		{engine: "a template names what a task has", source: "swarmkit template",
			more: `volumes: { data: { name: "db-{{.Task.Slots}}" } }`, says: `did you mean "{{.Task.Slot}}"?`},
		{engine: "a template is closed", source: controlapi + "service.go", conform: "service refused: a template that is not closed",
			service: `environment: { A: "{{.Task.Slot" }`, says: "services.web.environment.A: a template in this value cannot be read"},
		{engine: "a template names what a task has", source: controlapi + "service.go", conform: "service refused: a template of what a task has not",
			service: `environment: ["B=b", "A={{.Task.Slots}}"]`, says: "services.web.environment[1]: a template in this value names what a task has not"},
		{engine: "a template names what a task has, in a host name", source: controlapi + "service.go", conform: "service refused: a template in a host name of what a task has not",
			service: `hostname: "web-{{.Slot}}"`, says: "Swarm fills in no"},
		{engine: "a template names what a task has, in a mount", source: controlapi + "service.go", conform: "service refused: a template in a mount of what a task has not",
			service: `volumes: ["/x:/x/{{.Slot}}:ro"]`, says: "a template in this value names what a task has not"},
		{engine: "a template names what a task has, in a volume's options", source: controlapi + "service.go",
			more: `volumes: { data: { driver_opts: { o: "addr={{.Slot}}" } } }`, says: "a template in this value names what a task has not"},
		{engine: "a service has no labels when its templates are tried", source: controlapi + "service.go",
			service: `environment: { A: "{{.Service.Labels.a}}" }`, says: "names what a task has not"},
		{engine: "environment, host names and mounts have templates", source: "swarmkit template", conform: "service taken: templates",
			service: `hostname: "web-{{.Task.Slot}}", environment: { A: '{{.Node.Hostname}}/{{ .Service.Name }}', B: '{{"{{"}}x}}', C: '{{if eq .Task.Slot "1"}}first{{else}}{{join "-" .Task.ID .Node.Platform.OS}}{{end}}' }`},
		{engine: "a template's result has a bound, for swarmd's own sake", source: "swarmd",
			service: `environment: { A: '{{range 1000000000}}x{{end}}' }`, says: "uses more than fields, comparisons and join"},
		{engine: "a template's result has a bound, for swarmd's own sake", source: "swarmd",
			service: `environment: { A: '{{$$x := "a"}}{{$$x = print $$x $$x}}' }`, says: "uses more than fields, comparisons and join"},
		{engine: "a template's result has a bound, for swarmd's own sake", source: "swarmd",
			service: `environment: { A: '{{printf "%1000000s" "x"}}' }`, says: "uses more than fields, comparisons and join"},
		{engine: "a template's result has a bound, for swarmd's own sake", source: "swarmd",
			service: `environment: { A: '{{define "a"}}{{template "a"}}{{end}}{{template "a"}}' }`, says: "uses more than fields, comparisons and join"},
		{engine: "a host is the machine's own", source: "moby daemon", conform: "service taken: a host that stands for the machine",
			service: `extra_hosts: ["machine:host-gateway"]`},
		{engine: "a host is the machine's own", source: "moby daemon", conform: "service taken: a host that stands for the machine",
			service: `extra_hosts: { machine: host-gateway }`},
		{engine: "a spread over what is no label is ignored", source: "swarmkit manager/scheduler", conform: "service taken: a spread over what is no label",
			service: `deploy: { placement: { preferences: [{ spread: node.id }] } }`, says: "warning: Swarm ignores this"},
		{engine: "an external network's driver is not looked at", source: loader + "convert", service: "networks: [public]",
			more: "networks: { public: { external: true, driver: overlay } }", says: "warning: Swarm ignores this: an external network"},
		{engine: "of a label that stands twice the last counts", source: loader + "loader", service: `deploy: { labels: ["a=b", "a=c"] }`,
			says: `warning: "a" stands here twice: the last one counts`},
		{engine: "a tmpfs has no mode", source: loader + "convert", service: `volumes: [{ type: tmpfs, target: /x, tmpfs: { size: 1000000, mode: 0755 } }]`,
			says: "warning: Swarm ignores this"},
		{engine: "no host path is made", source: loader + "types", service: `volumes: [{ type: bind, source: /x, target: /x, read_only: true, bind: { create_host_path: true } }]`,
			says: "warning: Swarm ignores this: it makes no path"},
		{engine: "a volume has a subpath", source: loader + "convert", service: `volumes: [{ type: volume, source: data, target: /x, volume: { subpath: a/b } }]`,
			more: "volumes: { data: }"},
	}
}

// file is a file of which only the rule's part could be wrong.
func (r engineRule) file() string {
	name, keys := r.name, "image: example/web:1.0"
	if name == "" {
		name = "web"
	}
	if r.service != "" {
		keys += ", " + r.service
	}
	return "version: 1\ncluster: t\ncloud: { digitalocean: { region: fra1, image: i } }\nnodes:\n  m: { role: manager, count: 1, size: s-2vcpu-4gb }\n" +
		"  w: { role: worker, count: 3, size: s-2vcpu-4gb }\nservices:\n  " + name + ": { " + keys + " }\n" + r.more + "\n"
}

// TestFileHasTheEnginesRules: what the engine refuses is a fault, what it takes is taken, with a warning where it is taken and not heeded.
func TestFileHasTheEnginesRules(t *testing.T) {
	for _, r := range engineRules() {
		_, warnings, err := file.Parse("f.yaml", []byte(r.file()))
		warning, isWarning := strings.CutPrefix(r.says, "warning: ")
		switch {
		case r.says != "" && !isWarning:
			if err == nil || !strings.Contains(err.Error(), r.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s:\n%s  %v\n  want one fault with %q", r.engine, r.file(), err, r.says)
			}
		case err != nil:
			t.Errorf("%s: refused:\n%s  %v", r.engine, r.file(), err)
		case isWarning && !slices.ContainsFunc(warnings, func(f file.Fault) bool { return strings.HasPrefix(f.Message, warning) }):
			t.Errorf("%s:\n%s  %v\n  want a warning with %q", r.engine, r.file(), warnings, warning)
		}
	}
}

// TestEnginesAreAskedForTheirRules: the case that a rule names is there.
func TestEnginesAreAskedForTheirRules(t *testing.T) {
	cases, asked := map[string]bool{}, 0
	for _, c := range conform.Cases() {
		cases[c.Name] = true
	}
	for _, r := range engineRules() {
		if r.conform != "" && !cases[r.conform] {
			t.Errorf("%s: there is no case %q", r.engine, r.conform)
		}
		if r.conform != "" {
			asked++
		}
	}
	if asked < 15 {
		t.Errorf("engines are asked for %d rules", asked)
	}
}
