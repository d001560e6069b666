package file

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/docker/cli/cli/compose/loader"
	composetypes "github.com/docker/cli/cli/compose/types"
	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/spec"
)

const stacksHead = `version: 1
cluster: prod
cloud: { digitalocean: { region: fra1, image: docker-20-04 } }
nodes:
  managers: { role: manager, count: 1, size: s-1vcpu-1gb }
`

// bundledFrom is the file with what it refers to among the files.
func bundledFrom(text string, files map[string]string) []byte {
	return Bundle([]byte(text), func(path string) ([]byte, error) {
		if data, ok := files[path]; ok {
			return []byte(data), nil
		}
		return nil, &fs.PathError{Op: "open", Path: path, Err: errors.New("no such file")}
	})
}

// TestAStackIsWhatItsFilesSay: Compose files, laid one over the other, with variables, files of variables and configs, all by their own folders.
func TestAStackIsWhatItsFilesSay(t *testing.T) {
	data := bundledFrom(stacksHead+`variables: { TAG: "1.0", TOP: top }
variables_from: all.env
stacks:
  shop: { files: [shop/compose.yaml, shop/prod.yaml], variables_from: [shop.env], variables: { TAG: "1.2" }, adopt: true }
  other: other.yaml
networks: { public: { shared: true } }
`, map[string]string{
		"all.env":  "TAG=0.1\nTOP=low\nALL=all\n",
		"shop.env": "TAG=9.9\nLEVEL=info # not a comment\n",
		"shop/compose.yaml": `version: "3.8"
x-common: &common { labels: { a: b } }
services:
  web:
    <<: *common
    image: "shop/web:${TAG}"
    env_file: web.env
    environment: [OWN=2, ALL]
    configs: [site]
    networks: [public, default]
    ports: ["80:80"]
configs: { site: { file: conf/site.conf } }
networks: { public: { external: true } }
`,
		"shop/prod.yaml":      "services:\n  web: { deploy: { replicas: 3 }, environment: { LEVEL: \"${LEVEL}\" }, ports: [\"81:81\"] }\n",
		"shop/web.env":        "# comment\nOWN=1\nFILE= x \nTOP\n",
		"shop/conf/site.conf": "listen 80\n",
		"other.yaml":          "services:\n  web: { image: \"other/${TOP}:1\", deploy: { replicas: 2 } }\n",
	})
	d, _, err := Parse("prod.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]spec.Stack{{Name: "other"}, {Name: "shop", Adopt: true}}, d.Stacks); d != "" {
		t.Error(d)
	}
	web := d.Composed["shop"].Services[0]
	got := map[string]string{"image": web.Image, "label": web.Labels["a"], "other": d.Composed["other"].Services[0].Image}
	for name, value := range web.Environment {
		got[name] = *value
	}
	want := map[string]string{"image": "shop/web:1.2", "label": "b", "other": "other/top:1", "OWN": "2", "FILE": " x ", "TOP": "top", "ALL": "all", "LEVEL": "info # not a comment"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if *web.Deploy.Replicas != 3 || len(web.Ports) != 2 || len(d.Stack.Services) != 0 {
		t.Errorf("%d replicas, ports %v, %d services of the top level", *web.Deploy.Replicas, web.Ports, len(d.Stack.Services))
	}
	if content := d.Composed["shop"].Configs["site"].Extras[spec.ContentKey]; content != "listen 80\n" {
		t.Errorf("the config has %q", content)
	}
	if d.Stack.Networks["public"].Extras[spec.SharedKey] != true {
		t.Error("the network is not shared")
	}
}

// TestALaterFileOverrulesAFileThatIsNotThere: the base file of a laptop names a plain secret, the one for the cluster an encrypted one, as docker merges them.
func TestALaterFileOverrulesAFileThatIsNotThere(t *testing.T) {
	files := map[string]string{
		"base.yaml": "services: { web: { image: \"x:1\", secrets: [token, tls], configs: [site] } }\nsecrets: { token: { file: ./token }, tls: { file: ./tls.pem } }\nconfigs: { site: { file: ./dev.conf } }\n",
		"prod.yaml": "secrets: { token: { file: ./token.age }, tls: { external: true } }\nconfigs: { site: { file: ./prod.conf } }\n",
		"token":     "letmein", "token.age": armoredFile, "prod.conf": "listen 80;",
	}
	d, _, err := Parse("dir/prod.yaml", bundledFrom(stacksHead+"stacks: { shop: [base.yaml, prod.yaml] }\n", files))
	if err != nil {
		t.Fatal(err)
	}
	c := d.Composed["shop"]
	if c.Secrets["token"].Extras[spec.SealedKey] != armoredFile || !c.Secrets["tls"].External.External || c.Configs["site"].Extras[spec.ContentKey] != "listen 80;" {
		t.Errorf("%+v, %+v", c.Secrets, c.Configs)
	}
	_, _, err = Parse("dir/prod.yaml", bundledFrom(stacksHead+"stacks: { shop: base.yaml }\n", files))
	if err == nil || !strings.Contains(err.Error(), `secrets.token.file: "./token" cannot be taken along: it is not encrypted`) || strings.Contains(err.Error(), "letmein") {
		t.Errorf("alone: %v", err)
	}
}

// TestFaultsOfAStackStandInItsFiles: each is told where a person can correct it.
func TestFaultsOfAStackStandInItsFiles(t *testing.T) {
	data := bundledFrom(stacksHead+`stacks:
  shop: [shop/a.yaml, shop/b.yaml]
  gone: nowhere.yaml
  prod: c.yaml
  twice: c.yaml
  kept: { files: sealed.yaml, variables_from: sealed.env }
services:
  web: { image: "x:1", ports: ["80:80"], deploy: { replicas: 2 } }
`, map[string]string{
		"shop/a.yaml":  "version: \"2.4\"\nservices:\n  web:\n    imgae: x\n    env_file: web.env\n    volumes: [\"./site.conf:/etc/site.conf\"]\n  api: { image: \"x:1\", ports: [\"80:80\"] }\n",
		"shop/b.yaml":  "services:\n  web: { depends_on: [db], environment: { A: \"${NONE}\" } }\nnetworks: { shared: { shared: true } }\n",
		"shop/web.env": "A B=1\nNOTHING\n",
		"c.yaml":       "services: [\n",
		"sealed.yaml":  "services:\n  web: { image: \"x:1\", env_file: sealed.env, deploy: { replicas: 2 },\n    volumes: [\"./conf.d/:/etc/conf.d\", \"d-{{.Task.Slot}}:/data\"] }\n",
		"sealed.env":   "A=ENC[AES256_GCM,data:AAAA,iv:AAAA,tag:AAAA,type:str]\nsops_mac=x\n",
	})
	_, warnings, err := Parse("dir/prod.yaml", data)
	if err == nil {
		t.Fatal("accepted")
	}
	all := report(warnings, err)
	for _, want := range []string{
		`dir/sealed.yaml:2:24: services.web.env_file: "sealed.env" cannot be taken: line 2: sops.age: has no recipient`,
		`dir/sealed.yaml:3:15: services.web.volumes[0]: "./conf.d/" lies beside this file, and no machine has it: of each text in it that tasks read make a config`,
		"NAME: { file: ./conf.d/NAME }, and in the service configs: [{ source: NAME, target: /etc/conf.d/NAME }]",
		`services.web.volumes[1]: a template belongs into the volume's own name: under the top-level volumes say data: { name: "d-{{.Task.Slot}}" }, and here data`,
		`dir/prod.yaml:11:31: stacks.kept.variables_from: "sealed.env" cannot be taken: line 2: sops.age: has no recipient`,
		"dir/prod.yaml:9:3: stacks.prod: the cluster's own stack has this name",
		`dir/prod.yaml:8:3: stacks.gone: "nowhere.yaml" cannot be taken along: no such file`,
		`dir/shop/a.yaml:1:10: version: must be 3 or 3.0 to 3.13`,
		`dir/shop/a.yaml:4:5: services.web.imgae: unknown key "imgae"; did you mean "image"?`,
		"dir/shop/a.yaml:6:15: services.web.volumes[0]: \"./site.conf\" lies beside this file, and no machine has it",
		"site-conf: { file: ./site.conf }, and in the service configs: [{ source: site-conf, target: /etc/site.conf }]",
		"dir/shop/a.yaml:7:32: services.api.ports[0]: 80/tcp is published by the service prod_web already",
		`dir/shop/b.yaml:2:46: services.web.environment.A: the variable "NONE" is not defined`,
		`dir/shop/b.yaml:3:23: networks.shared.shared: unknown key "shared"`,
		"dir/shop/web.env:1:1: must be NAME=value, without a blank in the name",
		"dir/shop/web.env:2:1: has no value: name it here or through variables",
		"dir/c.yaml:",
		"warning: dir/shop/b.yaml:2:10: services.web.depends_on: Swarm ignores this",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("lacks %s", want)
		}
	}
	if t.Failed() {
		t.Log(all)
	}
}

// TestStacksKeepApart: what two stacks would name alike, and a revision that came without its files.
func TestStacksKeepApart(t *testing.T) {
	files := map[string]string{
		"a.yaml": "services:\n  b_c: { image: \"x:1\", deploy: { replicas: 2 } }\nnetworks: { n: { name: one } }\nconfigs: { c: { name: conf, content: x } }\n",
		"b.yaml": "services:\n  c: { image: \"x:1\", deploy: { replicas: 2 } }\nnetworks: { m: { name: one } }\nconfigs: { d: { name: conf, content: y } }\n",
	}
	text := stacksHead + "stacks: { a: a.yaml, a_b: b.yaml }\n"
	_, _, err := Parse("p.yaml", bundledFrom(text, files))
	for _, want := range []string{"b.yaml:2:3: services.c: the service would be named \"a_b_c\", as one of the stack a", "b.yaml:3:18: networks.m.name: the network would be named \"one\"", "b.yaml:4:12: configs.d: the config would be named"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("lacks %s:\n%v", want, err)
		}
	}
	if _, _, err := Parse("p.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), "did not come with this file") {
		t.Errorf("without its files: %v", err)
	}
}

// TestTheChecksSeeWhatDockerMerges: what the checks look at is merged here, what is deployed by docker's loader; both come to the same.
func TestTheChecksSeeWhatDockerMerges(t *testing.T) {
	base := `services:
  web:
    image: "x:1"
    command: [a, b]
    environment: { A: "1", B: "2" }
    labels: [l=1, m=2]
    ports: ["80:80", "81:81"]
    volumes: ["data:/data", "logs:/logs"]
    cap_add: [NET_ADMIN]
    dns: [10.0.0.1]
    logging: { driver: json-file, options: { max-size: 1m, max-file: "2" } }
    networks: { front: {} }
    configs: [one, two]
    healthcheck: { test: [CMD, a], interval: 5s }
    deploy: { replicas: 2, placement: { constraints: ["node.role==worker"] }, resources: { limits: { memory: 64M } } }
  only: { image: "y:1" }
networks: { front: { internal: true }, back: {} }
volumes: { data: { driver: local }, logs: {} }
`
	over := `services:
  web:
    command: [c]
    environment: [B=3, C=4]
    labels: { m: "3" }
    ports: ["8081:81", "81:82"]
    volumes: ["other:/data"]
    cap_add: [SYS_TIME]
    logging: { driver: json-file, options: { max-size: 3m } }
    networks: { back: { aliases: [x] } }
    configs: [two]
    healthcheck: { interval: 7s }
    deploy: { replicas: 4, placement: { constraints: ["node.labels.a==b"] } }
  more: { image: "z:1" }
networks: { front: { attachable: true } }
volumes: { other: {} }
`
	root := func(text string) *node {
		w := newWalker("f", []byte(text))
		document, fault := decode([]byte(text))
		if fault != nil {
			t.Fatal(fault)
		}
		return w.tree(document, 0)
	}
	w := newWalker("f", nil)
	values, _ := keys(composeKeys())(w, laidOver(root(base), root(over))).(map[string]any)
	if w.faults.found > 1 { // that the configs are not declared here is no rule of a service
		t.Fatal(Faults(w.faults.ordered(w.sources)))
	}
	ours, err := load(loadable(section(values, "services"), values))
	if err != nil {
		t.Fatal(err)
	}
	var details composetypes.ConfigDetails
	for _, text := range []string{base, over} {
		parsed, err := loader.ParseYAML([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		details.ConfigFiles = append(details.ConfigFiles, composetypes.ConfigFile{Config: parsed})
	}
	docker, err := loader.Load(details)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(ours.Services, func(a, b composetypes.ServiceConfig) int { return strings.Compare(a.Name, b.Name) })
	for i := range docker.Services {
		slices.SortFunc(ours.Services[i].Ports, func(a, b composetypes.ServicePortConfig) int { return int(a.Published) - int(b.Published) })
		slices.SortFunc(ours.Services[i].Volumes, func(a, b composetypes.ServiceVolumeConfig) int { return strings.Compare(a.Target, b.Target) })
	}
	if d := cmp.Diff(docker.Services, ours.Services); d != "" {
		t.Errorf("services (-docker +checks):\n%s", d)
	}
	if d := cmp.Diff(docker.Networks, ours.Networks); d != "" {
		t.Errorf("networks (-docker +checks):\n%s", d)
	}
	if d := cmp.Diff(docker.Volumes, ours.Volumes); d != "" {
		t.Errorf("volumes (-docker +checks):\n%s", d)
	}
}

// TestTheExampleOfStacks: what people copy has no faults and no warnings, and its files are found where they lie.
func TestTheExampleOfStacks(t *testing.T) {
	folder := "../../../deploy/examples/stacks/"
	data := Bundle(read(t, folder+"cluster.yaml"), func(path string) ([]byte, error) { return read(t, folder+path), nil })
	d, warnings, err := Parse("cluster.yaml", data)
	if err != nil || len(warnings) > 0 {
		t.Fatal(report(warnings, err))
	}
	web := d.Composed["shop"].Services[1]
	if web.Image != "registry.example/shop/web:2.4.1" || *web.Environment["LOG_LEVEL"] != "warn" || *web.Environment["WORKERS"] != "4" || *web.Deploy.Replicas != 4 {
		t.Errorf("%+v", web)
	}
}
