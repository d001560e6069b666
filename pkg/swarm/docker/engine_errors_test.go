package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/network"
	api "github.com/docker/docker/api/types/swarm"
	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/swarm"
)

var update = flag.Bool("update", false, "write testdata/errors.json anew from the engines of SWARMD_TEST_DOCKER_HOSTS")

// scene collects what engines answer. Its engines are the test's own: it makes and breaks their swarm.
type scene struct {
	t     *testing.T
	hosts []*Client
	addrs []string
	cases []goldenCase
}

// TestRealEnginesAnswerAsTheTableSays provokes each refusal on three real engines and compares with the golden table.
func TestRealEnginesAnswerAsTheTableSays(t *testing.T) {
	hosts := strings.Fields(os.Getenv("SWARMD_TEST_DOCKER_HOSTS"))
	if os.Getenv("SWARMD_LAB") != "1" || len(hosts) != 3 {
		t.Skip("needs three real engines: SWARMD_LAB=1 and SWARMD_TEST_DOCKER_HOSTS=\"HOST=ADDRESS HOST=ADDRESS HOST=ADDRESS\"")
	}
	s := &scene{t: t}
	for _, h := range hosts {
		i := strings.LastIndexByte(h, '=')
		s.hosts, s.addrs = append(s.hosts, connect(t, h[:i])), append(s.addrs, h[i+1:])
	}
	t.Cleanup(s.leaveAll)
	s.leaveAll()
	s.outside()
	s.configs()
	s.secrets()
	s.services()
	s.networks()
	s.nodes()
	s.rotation()
	s.membership()
	s.compare()
}

func (s *scene) ctx() context.Context { return s.t.Context() }

func (s *scene) leaveAll() {
	for _, c := range s.hosts {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		_ = c.api.SwarmLeave(ctx, true)
		cancel()
	}
}

// refused notes an error; the kind that it should have is written by hand, here, never taken from the code under test.
func (s *scene) refused(name string, write bool, kind apierr.Kind, err error) {
	s.t.Helper()
	var e *apierr.Error
	if !errors.As(err, &e) {
		s.t.Errorf("%s: got %v, want a refusal", name, err)
		return
	}
	if e.Kind != kind {
		s.t.Errorf("%s: %v, want %s", name, e, kind)
	}
	said := goldenAnswer{Code: e.Code, Message: masked(e.Err.Error())}
	s.cases = append(s.cases, goldenCase{Name: name, Write: write, Kind: kind, Answers: []goldenAnswer{said}})
}

// raw makes a write that the adapter itself would not make.
func (s *scene) raw(c *Client, f func(context.Context) error) error {
	return c.write(s.ctx(), "raw", f)
}

func (s *scene) must(id string, err error) string {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

// compare holds what was said to the engine's column.
func (s *scene) compare() {
	info, err := s.hosts[0].Info(s.ctx())
	if err != nil {
		s.t.Fatal(err)
	}
	of, is, g := column(info.EngineVersion), goldenEngine{info.EngineVersion, s.hosts[0].api.ClientVersion()}, readGolden(s.t)
	if *update {
		s.write(g, of, is)
		return
	}
	if g.Engines[of] != is {
		s.t.Logf("the table has no engine %s; only the kinds were compared with %s", is, g.Engines[of])
		return
	}
	var want []goldenCase
	for i, k := range g.Cases {
		a, asked := k.of(of)
		if a.Engines = nil; !asked && i < len(s.cases) {
			a = s.cases[i].Answers[0]
			s.t.Logf("nobody has asked %s yet for: %s", of, k.Name)
		}
		k.Answers = []goldenAnswer{a}
		want = append(want, k)
	}
	if d := cmp.Diff(want, s.cases); d != "" {
		s.t.Error(d)
	}
}

// write puts what was said into the engine's column, and leaves the others as they are.
func (s *scene) write(g golden, column string, is goldenEngine) {
	old := g.Cases
	g.Cases = nil
	for _, k := range s.cases {
		said := k.Answers[0]
		if k.Answers = nil; slices.ContainsFunc(old, func(o goldenCase) bool { return o.Name == k.Name }) {
			k.Answers = old[slices.IndexFunc(old, func(o goldenCase) bool { return o.Name == k.Name })].Answers
		}
		k.put(column, said)
		g.Cases = append(g.Cases, k)
	}
	g.Engines[column] = is
	var data bytes.Buffer
	enc := json.NewEncoder(&data)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := errors.Join(enc.Encode(g), os.WriteFile(goldenErrors, data.Bytes(), 0o644)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) outside() {
	c := s.hosts[0]
	_, err := c.Nodes(s.ctx())
	s.refused("nodes of an engine in no swarm", false, apierr.NotManager, err)
	_, err = c.CreateService(s.ctx(), plain("x"))
	s.refused("service on an engine in no swarm", true, apierr.NotManager, err)
	_, err = c.Cluster(s.ctx())
	s.refused("swarm of an engine in no swarm", false, apierr.NotManager, err)
	_, err = c.CreateNetwork(s.ctx(), swarm.NetworkSpec{Name: "x", Raw: []byte(`{"Driver":"overlay"}`)})
	s.refused("network on an engine in no swarm", true, apierr.NotManager, err)
	s.refused("leave no swarm", true, apierr.NotManager, s.raw(c, func(ctx context.Context) error { return c.api.SwarmLeave(ctx, false) }))
	s.refused("init on an address that is not the machine's", true, apierr.Invalid, c.InitSwarm(s.ctx(), "203.0.113.9", ""))
	s.must("", c.InitSwarm(s.ctx(), s.addrs[0], ""))
	s.refused("init twice", true, apierr.Precondition, c.InitSwarm(s.ctx(), s.addrs[0], ""))
	_, err = c.ResolveImage(s.ctx(), "NOT A REFERENCE", swarm.Login{})
	s.refused("digest of something that is no reference", false, apierr.Invalid, err)
	_, err = c.ResolveImage(s.ctx(), "127.0.0.1:1/app:1", swarm.Login{})
	s.refused("digest from a registry that nobody serves", false, apierr.Unavailable, err)
}

func (s *scene) configs() {
	c := s.hosts[0]
	id := s.must(c.CreateConfig(s.ctx(), "golden", map[string]string{"a": "1"}, []byte("x")))
	_, err := c.CreateConfig(s.ctx(), "golden", nil, []byte("y"))
	s.refused("config name taken", true, apierr.Conflict, err)
	s.refused("config at a stale version", true, apierr.Conflict, c.UpdateConfig(s.ctx(), id, 1, nil))
	k, err := c.Configs(s.ctx(), "golden")
	if err != nil || len(k) != 1 {
		s.t.Fatal(k, err)
	}
	s.refused("config with other data", true, apierr.Invalid, s.raw(c, func(ctx context.Context) error {
		return c.api.ConfigUpdate(ctx, id, api.Version{Index: k[0].Version}, api.ConfigSpec{Annotations: api.Annotations{Name: "golden"}, Data: []byte("z")})
	}))
	_, err = c.CreateConfig(s.ctx(), "too-large", nil, make([]byte, 1000*1024+1))
	s.refused("config too large", true, apierr.Invalid, err)
	_, err = c.CreateConfig(s.ctx(), "bad name!", nil, []byte("x"))
	s.refused("config with a bad name", true, apierr.Invalid, err)
	c.rememberConfig("nothere", "nothere")
	s.refused("config not there, update", true, apierr.NotFound, c.UpdateConfig(s.ctx(), "nothere", 1, nil))
	s.refused("config not there, remove", true, apierr.NotFound, c.RemoveConfig(s.ctx(), "nothere"))
	using := plain("golden-uses-config")
	using = edited(using, func(a *api.ServiceSpec) {
		a.TaskTemplate.ContainerSpec.Configs = []*api.ConfigReference{{ConfigID: id, ConfigName: "golden", File: &api.ConfigReferenceFileTarget{Name: "f"}}}
	})
	svc := s.must(c.CreateService(s.ctx(), using))
	s.refused("config in use", true, apierr.Precondition, c.RemoveConfig(s.ctx(), id))
	s.must("", c.RemoveService(s.ctx(), svc))
	s.must("", c.RemoveConfig(s.ctx(), id))
}

func (s *scene) secrets() {
	c := s.hosts[0]
	id := s.must(c.CreateSecret(s.ctx(), "golden", nil, []byte("hidden")))
	_, err := c.CreateSecret(s.ctx(), "golden", nil, []byte("hidden"))
	s.refused("secret name taken", true, apierr.Conflict, err)
	using := plain("golden-uses-secret")
	using = edited(using, func(a *api.ServiceSpec) {
		a.TaskTemplate.ContainerSpec.Secrets = []*api.SecretReference{{SecretID: id, SecretName: "golden", File: &api.SecretReferenceFileTarget{Name: "f"}}}
	})
	svc := s.must(c.CreateService(s.ctx(), using))
	s.refused("secret in use", true, apierr.Precondition, c.RemoveSecret(s.ctx(), id))
	s.must("", c.RemoveService(s.ctx(), svc))
	s.must("", c.RemoveSecret(s.ctx(), id))
}

func (s *scene) services() {
	c := s.hosts[0]
	id := s.must(c.CreateService(s.ctx(), plain("golden")))
	_, err := c.CreateService(s.ctx(), plain("golden"))
	s.refused("service name taken", true, apierr.Conflict, err)
	live := find(s.t, c, "golden")
	change := func(name string, kind apierr.Kind, version uint64, f func(*api.ServiceSpec)) {
		spec, err := wire("raw", edited(swarm.ServiceSpec{Name: "golden", Image: "app:1", Base: live.Spec.Base}, f))
		if err != nil {
			s.t.Fatal(err)
		}
		s.refused(name, true, kind, s.raw(c, func(ctx context.Context) error {
			_, err := c.api.ServiceUpdate(ctx, id, api.Version{Index: version}, spec, api.ServiceUpdateOptions{})
			return err
		}))
	}
	change("service at a stale version", apierr.Conflict, 1, func(*api.ServiceSpec) {})
	change("service mode changed", apierr.Invalid, live.Version, func(a *api.ServiceSpec) { a.Mode = api.ServiceMode{Global: &api.GlobalService{}} })
	change("service renamed", apierr.Invalid, live.Version, func(a *api.ServiceSpec) { a.Name = "other" })
	change("service to a network that is not there", apierr.NotFound, live.Version, func(a *api.ServiceSpec) {
		a.TaskTemplate.Networks = []api.NetworkAttachmentConfig{{Target: "nothere"}}
	})
	s.badServices(c)
	s.refused("service not there, update", false, apierr.NotFound, c.UpdateService(s.ctx(), "nothere", 1, plain("golden")))
	s.refused("service not there, remove", true, apierr.NotFound, c.RemoveService(s.ctx(), "nothere"))
	s.must("", c.RemoveService(s.ctx(), id))
}

func (s *scene) badServices(c *Client) {
	port := []api.PortConfig{{TargetPort: 80, PublishedPort: 18080}}
	taken := plain("golden-port")
	taken = edited(taken, func(a *api.ServiceSpec) { a.EndpointSpec = &api.EndpointSpec{Ports: port} })
	id := s.must(c.CreateService(s.ctx(), taken))
	for _, k := range []struct {
		name string
		kind apierr.Kind
		edit func(*api.ServiceSpec)
	}{
		{"published port taken", apierr.Invalid, func(a *api.ServiceSpec) { a.EndpointSpec = &api.EndpointSpec{Ports: port} }},
		{"ingress port with dnsrr", apierr.Invalid, func(a *api.ServiceSpec) { a.EndpointSpec = &api.EndpointSpec{Mode: "dnsrr", Ports: port} }},
		{"bad constraint", apierr.Invalid, func(a *api.ServiceSpec) {
			a.TaskTemplate.Placement = &api.Placement{Constraints: []string{"node.role~worker"}}
		}},
		{"bad constraint key", apierr.Invalid, func(a *api.ServiceSpec) { a.TaskTemplate.Placement = &api.Placement{Constraints: []string{"no de==x"}} }},
		{"bad service name", apierr.Invalid, func(a *api.ServiceSpec) { a.Name = "not a name" }},
		{"two modes", apierr.Invalid, func(a *api.ServiceSpec) { a.Mode.Global = &api.GlobalService{} }},
		{"bad restart delay", apierr.Invalid, func(a *api.ServiceSpec) {
			d := -time.Second
			a.TaskTemplate.RestartPolicy = &api.RestartPolicy{Delay: &d}
		}},
		{"too little memory", apierr.Invalid, func(a *api.ServiceSpec) {
			a.TaskTemplate.Resources = &api.ResourceRequirements{Limits: &api.Limit{MemoryBytes: 1}}
		}},
		{"duplicate mount", apierr.Invalid, func(a *api.ServiceSpec) {
			a.TaskTemplate.ContainerSpec.Mounts = append(a.TaskTemplate.ContainerSpec.Mounts, tmpfs("/x"), tmpfs("/x"))
		}},
		{"secret not there", apierr.Invalid, func(a *api.ServiceSpec) {
			a.TaskTemplate.ContainerSpec.Secrets = []*api.SecretReference{{SecretID: "nothere", SecretName: "nothere", File: &api.SecretReferenceFileTarget{Name: "f"}}}
		}},
	} {
		_, err := c.CreateService(s.ctx(), edited(plain("golden-bad"), k.edit))
		s.refused(k.name, true, k.kind, err)
	}
	noImage := plain("golden-bad")
	noImage.Image = ""
	_, err := c.CreateService(s.ctx(), noImage)
	s.refused("no image", true, apierr.Invalid, err)
	s.must("", c.RemoveService(s.ctx(), id))
}

func (s *scene) networks() {
	c := s.hosts[0]
	overlay := func(name, subnet string) swarm.NetworkSpec {
		opts := network.CreateOptions{Driver: "overlay"}
		if subnet != "" {
			opts.IPAM = &network.IPAM{Config: []network.IPAMConfig{{Subnet: subnet}}}
		}
		raw, err := json.Marshal(opts)
		if err != nil {
			s.t.Fatal(err)
		}
		return swarm.NetworkSpec{Name: name, Raw: raw}
	}
	id := s.must(c.CreateNetwork(s.ctx(), overlay("golden", "")))
	_, err := c.CreateNetwork(s.ctx(), overlay("golden", ""))
	s.refused("network name taken", true, apierr.Conflict, err)
	_, err = c.CreateNetwork(s.ctx(), overlay("golden-bad", "10.300.0.0/24"))
	s.refused("network with a bad subnet", true, apierr.Invalid, err)
	_, err = c.CreateNetwork(s.ctx(), overlay("host", ""))
	s.refused("network with the name of a predefined one", true, apierr.Conflict, err)
	s.refused("network not there, remove", true, apierr.NotFound, c.RemoveNetwork(s.ctx(), "nothere"))
	using := plain("golden-uses-network")
	using = edited(using, func(a *api.ServiceSpec) { a.TaskTemplate.Networks = []api.NetworkAttachmentConfig{{Target: "golden"}} })
	svc := s.must(c.CreateService(s.ctx(), using))
	s.refused("network in use", true, apierr.Precondition, c.RemoveNetwork(s.ctx(), id))
	s.must("", c.RemoveService(s.ctx(), svc))
	removeNetwork(s.ctx(), s.t, c, id)
}
