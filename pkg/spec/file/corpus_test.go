package file_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	composeloader "github.com/docker/cli/cli/compose/loader"
	composetypes "github.com/docker/cli/cli/compose/types"
	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/pkg/swarm"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

const corpusDir = "../../swarm/docker/testdata/compose"

// refusedInCorpus are the files of the corpus that a cluster's file does not take, and what the fault says.
func refusedInCorpus() map[string]string {
	return map[string]string{
		"16-environment-map.yaml":   "YAML reads this number as another than is written", // 010 is 8
		"42-env-file.yaml":          "the daemon's environment is never read",
		"43-environment-unset.yaml": "the daemon's environment is never read",
	}
}

// asClusterFile is a Compose file with what a cluster's file has beside.
func asClusterFile(data string) string {
	const head = "version: 1\ncluster: corpus\ncloud: { digitalocean: { region: fra1, image: docker-20-04 } }\nnodes: { managers: { role: manager, count: 1, size: s-1vcpu-1gb } }\n"
	if strings.HasPrefix(data, "{") {
		data = regexp.MustCompile(`"version": "[0-9.]+", `).ReplaceAllString(data, "")
		return strings.Replace(data, "{", `{"version": 1, "cluster": "corpus", "cloud": {"digitalocean": {"region": "fra1", "image": "docker-20-04"}}, "nodes": {"managers": {"role": "manager", "count": 1, "size": "s-1vcpu-1gb"}}, `, 1)
	}
	return head + regexp.MustCompile(`(?m)^version: .*\n`).ReplaceAllString(data, "")
}

// beside makes the paths of secrets absolute, which a cluster's file asks for.
func beside(t *testing.T, data string) string {
	t.Helper()
	dir, err := filepath.Abs(corpusDir)
	if err != nil {
		t.Fatal(err)
	}
	before, after, found := strings.Cut(data, "\nsecrets:")
	if !found {
		return data
	}
	return before + "\nsecrets:" + strings.ReplaceAll(after, "./files/", dir+"/files/")
}

// TestTheCorpusBecomesTheSameAsServicesOfACluster: what a cluster's file has of Compose becomes what docker's own loader makes of it.
func TestTheCorpusBecomesTheSameAsServicesOfACluster(t *testing.T) {
	files, err := filepath.Glob(corpusDir + "/*.yaml")
	if err != nil || len(files) < 120 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			text := file.Bundle([]byte(beside(t, asClusterFile(string(data)))), func(path string) ([]byte, error) { return os.ReadFile(filepath.Join(corpusDir, path)) })
			doc, _, err := file.Parse("corpus.yaml", text)
			if why := refusedInCorpus()[filepath.Base(path)]; why != "" {
				if err == nil || !strings.Contains(err.Error(), why) {
					t.Fatalf("%v, want %q", err, why)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := docker.Convert("corpus", doc.Stack)
			if err != nil {
				t.Fatal(err)
			}
			want, err := docker.Convert("corpus", dockers(t, data))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(shown(want), shown(got)); d != "" {
				t.Error(d)
			}
		})
	}
}

// dockers is the file as docker's own loader has it, with the texts of configs.
func dockers(t *testing.T, data []byte) *composetypes.Config {
	t.Helper()
	dir, err := filepath.Abs(corpusDir)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := composeloader.ParseYAML(data)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := composeloader.Load(composetypes.ConfigDetails{WorkingDir: dir, ConfigFiles: []composetypes.ConfigFile{{Config: tree}}})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range cfg.Configs {
		if c.File != "" {
			content, err := os.ReadFile(c.File)
			if err != nil {
				t.Fatal(err)
			}
			c.Extras = map[string]any{spec.ContentKey: string(content)}
			cfg.Configs[name] = c
		}
	}
	return cfg
}

// shown is all that a stack is, in the words of the engine.
func shown(s swarm.Stack) map[string]string {
	all := map[string]string{}
	add := func(what, name string, v any) {
		text, err := json.Marshal(v)
		all[what+" "+name] = fmt.Sprint(string(text), err)
	}
	for _, one := range s.Services {
		add("service", one.Name, one.Form())
	}
	for _, one := range s.Networks {
		add("network", one.Name, one.Form)
	}
	for _, one := range s.Configs {
		add("config", one.Name, one)
	}
	for _, one := range s.Secrets {
		add("secret", one.Of, one)
	}
	return all
}

// TestWhatStackDeployReadsOverIsAWarningAtItsPlace takes docker/cli's own list of such keys, and those that it does not tell people of.
func TestWhatStackDeployReadsOverIsAWarningAtItsPlace(t *testing.T) {
	lines := map[string]string{
		"build": "./web", "cgroupns_mode": "private", "cgroup_parent": "a.slice", "devices": "[/dev/fuse:/dev/fuse]", "domainname": "example.com",
		"external_links": "[a:b]", "ipc": "host", "links": "[other]", "mac_address": "02:42:ac:11:65:43", "network_mode": "bridge", "pid": "host",
		"privileged": "true", "restart": "always", "security_opt": "[label=disable]", "shm_size": "64M", "userns_mode": "host",
		"container_name": "web", "expose": "[8080]",
		"depends_on": "[other]", "tmpfs": "/run", "oom_score_adj": "100",
	}
	for _, key := range composetypes.UnsupportedProperties {
		if lines[key] == "" {
			t.Errorf("docker stack deploy reads over %s, and it is not tried here", key)
		}
	}
	for key := range composetypes.DeprecatedProperties {
		if lines[key] == "" {
			t.Errorf("docker stack deploy reads over %s, and it is not tried here", key)
		}
	}
	for key, value := range lines {
		expectWarning(t, "services:\n  other: { image: \"app:1\" }\n  web:\n    image: app:1\n    "+key+": "+value+"\n", "services.web."+key, 9)
	}
	const mounted = "services:\n  web:\n    image: app:1\n    volumes:\n      - type: "
	expectWarning(t, mounted+"tmpfs\n        target: /x\n        tmpfs:\n          mode: 0755\n", "services.web.volumes[0].tmpfs.mode", 12)
	expectWarning(t, mounted+"bind\n        source: /srv\n        target: /x\n        bind:\n          create_host_path: true\n", "services.web.volumes[0].bind.create_host_path", 13)
	const attached = "services:\n  web:\n    image: app:1\n    networks:\n      net:\n        "
	expectWarning(t, attached+"ipv4_address: 10.9.0.7\nnetworks: { net: }\n", "services.web.networks.net.ipv4_address", 10)
	expectWarning(t, attached+"ipv6_address: \"fd00::7\"\nnetworks: { net: }\n", "services.web.networks.net.ipv6_address", 10)
	expectWarning(t, "services:\n  web: { image: \"app:1\", networks: [net] }\nnetworks:\n  net:\n    external: true\n    driver: overlay\n", "networks.net.driver", 10)
	expectWarning(t, "services:\n  web:\n    image: app:1\n    deploy:\n      placement:\n        preferences:\n          - spread: node.id\n", "services.web.deploy.placement.preferences[0].spread", 11)
}

// expectWarning parses services of a cluster, whose head has four lines, and wants a warning at the field and no fault.
func expectWarning(t *testing.T, services, path string, line int) {
	t.Helper()
	_, warnings, err := file.Parse("corpus.yaml", []byte(asClusterFile(services)))
	if err != nil {
		t.Errorf("%s: %v", path, err)
	}
	for _, w := range warnings {
		if w.Path == path && w.Line == line && w.Col > 0 && w.Message != "" {
			return
		}
	}
	t.Errorf("no warning at %s in line %d: %v", path, line, warnings)
}
