package swarm

import "testing"

func TestASurgeIsReadAsItIsWritten(t *testing.T) {
	for label, want := range map[string]Surge{"abc:2": {"abc", 2}, "spread:12": {SurgeSpread, 12}, "": {}, "abc": {}, ":2": {}, "abc:-1": {}, "abc:two": {}} {
		got, ok := ServiceSpec{Labels: map[string]string{LabelSurge: label}}.Surge()
		if ok != (want != Surge{}) || ok && (got != want || got.String() != label) {
			t.Errorf("%q: %+v, %v, want %+v", label, got, ok, want)
		}
	}
}

func TestWhatIsAnchored(t *testing.T) {
	const mount, order = "TaskTemplate.ContainerSpec.Mounts[/d].Type", "UpdateConfig.Order"
	for name, c := range map[string]struct {
		mode  Mode
		form  Form
		ports []Port
		why   string
	}{
		"two tasks":            {Replicated, Form{replicasPath: "2", order: "stop-first"}, nil, ""},
		"one, started first":   {Replicated, Form{replicasPath: "1", order: "start-first"}, nil, ""},
		"one, stopped first":   {Replicated, Form{replicasPath: "1", order: "stop-first"}, nil, "has one task, and its update_config.order is not start-first"},
		"in memory":            {Replicated, Form{replicasPath: "2", mount: "tmpfs"}, nil, ""},
		"a volume":             {Replicated, Form{replicasPath: "2", mount: "volume"}, nil, "has data on its machines"},
		"a bind":               {Replicated, Form{replicasPath: "2", mount: "bind"}, nil, "has data on its machines"},
		"a port of the mesh":   {Replicated, Form{replicasPath: "2"}, []Port{{Published: 80, Mode: "ingress"}}, ""},
		"a port of the host":   {Replicated, Form{replicasPath: "2"}, []Port{{Published: 80, Mode: "host"}}, "has a port of its machines"},
		"its slot":             {Replicated, Form{replicasPath: "2", "TaskTemplate.ContainerSpec.Hostname": "w{{ .Task.Slot }}"}, nil, "has the slot of its tasks in its specification"},
		"another template":     {Replicated, Form{replicasPath: "2", "TaskTemplate.ContainerSpec.Hostname": "{{.Node.Hostname}}"}, nil, ""},
		"one on each":          {Global, Form{}, nil, "is not replicated"},
		"none, stopped first":  {Replicated, Form{replicasPath: "0"}, nil, "has one task, and its update_config.order is not start-first"},
		"preferences are fine": {Replicated, Form{replicasPath: "3", "TaskTemplate.Placement.Preferences[0].Spread.SpreadDescriptor": "node.labels.zone"}, nil, ""},
	} {
		s := ServiceSpec{Mode: c.mode, Ports: c.ports, Base: NewBase(c.form, nil, Pin{})}
		if got := s.Anchored(); got != c.why {
			t.Errorf("%s: %q, want %q", name, got, c.why)
		}
	}
}
