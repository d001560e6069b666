//go:build linux

package e2e

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/swarm"
)

// oldStack is a Compose file as people deploy it with docker, with %d tasks of api. The other arguments are the registry's name, thrice.
const oldStack = `version: "3.8"
x-tasks: &tasks
  restart_policy: { delay: 1s, max_attempts: 5 }
  placement: { constraints: [node.labels.zone==lab] }
services:
  web:
    image: %[2]s/web:1
    environment: { MODE: production, VERSION: v1 }
    labels: { team: shop }
    networks: { front: { aliases: [www] }, back: {} }
    configs: [{ source: site, target: /etc/site.conf, mode: 0440 }]
    secrets: [token, { source: tls, target: tls.pem, mode: 0400 }]
    healthcheck: { test: [CMD, /web, probe], interval: 2s, timeout: 5s, retries: 3 }
    stop_grace_period: 5s
    volumes: ["data:/data"]
    logging: { driver: json-file, options: { max-size: 1m } }
    deploy:
      <<: *tasks
      replicas: 3
      endpoint_mode: dnsrr
      labels: { tier: front }
      update_config: { parallelism: 1, delay: 1s, order: start-first, failure_action: rollback }
      rollback_config: { order: start-first }
      resources: { limits: { cpus: "0.5", memory: 128M }, reservations: { memory: 16M } }
  api:
    image: %[2]s/web:2
    environment: [LISTEN=:9000, EMPTY=]
    networks: [back]
    secrets: [token]
    extra_hosts: ["db.example:10.1.2.3"]
    hostname: "api-{{.Task.Slot}}"
    depends_on: [web]
    deploy: { <<: *tasks, replicas: %[1]d, labels: [tier=back] }
  agent:
    image: %[2]s/web:1
    ports: [{ target: 8080, published: 9090, mode: host }]
    cap_drop: [ALL]
    read_only: true
    deploy: { mode: global, placement: { constraints: [node.labels.zone==lab] } }
  idle:
    image: %[2]s/web:1
    deploy: { replicas: 0 }
networks:
  front: { driver: overlay, attachable: true }
  back: { labels: { owner: shop } }
volumes: { data: {} }
configs: { site: { file: ./site.conf } }
secrets: { token: { file: ./token }, tls: { external: true, name: shop-tls } }
`

const (
	oldToken = "the-token-of-the-old-stack-5b1f"
	oldTLS   = "the-key-of-the-old-stack-77c0"
)

// takenOver has docker's own command deploy a stack, takes it over, edits it, and has somebody deploy it past swarmd again.
func (k *stacks) takenOver() {
	recipient := k.recipient()
	k.oldFiles(2, recipient)
	k.onManager("sh", "-ec", "printf %s '"+oldTLS+"' | docker secret create shop-tls -")
	k.deployPast(2)
	before := k.glance("old_")
	k.stacks["old"] = map[string]any{"files": []string{"old/compose.yaml", "old/secrets.yaml"}, "adopt": true}
	out, code := k.swarmd(k.host, "plan", "-f", k.file())
	if code != 2 || !strings.Contains(out, "takes over 4 services of stack old") || !strings.Contains(out, "no task restarts") {
		k.Errorf("plan: exit %d, want 2 and the take-over", code)
	}
	took := k.good()
	after := k.glance("old_")
	k.asItWas("taken over", before, after)
	for name, s := range after.services {
		if s.Spec.Labels["swarmd.cluster"] != "shop" {
			k.Errorf("%s is not the cluster's: %v", name, s.Spec.Labels)
		}
	}
	if _, code := k.swarmd(k.host, "plan", "-f", k.file()); code != 0 {
		k.Errorf("plan after the take-over: exit %d, want 0: nothing", code)
	}
	k.dockerShowsIt()
	k.Logf("report: a stack of docker stack deploy, 4 services with %d tasks, taken over in %.1f s: 0 tasks restarted, 0 secrets, configs, networks made", len(before.tasks), took.Seconds())
	k.editedAndDeployedAgain(recipient)
	k.onManager("docker", "stack", "rm", "old")
	k.until("the old stack is gone", time.Minute, func() (bool, string) { g := k.glance("old_"); return len(g.services) == 0, fmt.Sprint(len(g.services)) })
}

// editedAndDeployedAgain makes an ordinary edit, and then deploys the same file past swarmd: that takes swarmd's labels off, and they come back.
func (k *stacks) editedAndDeployedAgain(recipient *age.X25519Recipient) {
	before := k.glance("old_")
	k.oldFiles(3, recipient)
	k.good()
	edited := k.glance("old_")
	if kept := keptOf(before.tasks, edited.tasks); kept != len(before.tasks) || len(edited.tasks) != len(before.tasks)+1 {
		k.Errorf("a third task of api: %d of %d tasks stayed, there are %d", kept, len(before.tasks), len(edited.tasks))
	}
	began := time.Now()
	k.deployPast(3)
	k.until("the labels are back", time.Minute, func() (bool, string) {
		for name, s := range k.glance("old_").services {
			if s.Spec.Labels["swarmd.cluster"] != "shop" {
				return false, name
			}
		}
		r := k.statusQuiet()
		return r.Converged, r.Result
	})
	back := time.Since(began)
	after := k.glance("old_")
	k.asItWas("deployed past swarmd", edited, after)
	for name, s := range after.services {
		if was := edited.services[name]; was.Version == s.Version {
			k.Errorf("docker stack deploy did not write %s: nothing was tested", name)
		}
	}
	k.Logf("report: docker stack deploy of it again: swarmd's labels are back after %.1f s with 0 tasks restarted", back.Seconds())
}

// glimpse is what there is of a stack.
type glimpse struct {
	tasks    map[string]string // id → container
	services map[string]swarm.Service
	objects  map[string]string // network, config or secret → id
}

// glance looks at all that has the prefix.
func (k *stacks) glance(prefix string) glimpse {
	k.Helper()
	ctx, g := k.Context(), glimpse{map[string]string{}, map[string]swarm.Service{}, map[string]string{}}
	services, err := k.docker.ServiceList(ctx, swarm.ServiceListOptions{})
	tasks, err2 := k.docker.TaskList(ctx, swarm.TaskListOptions{})
	networks, err3 := k.docker.NetworkList(ctx, network.ListOptions{})
	configs, err4 := k.docker.ConfigList(ctx, swarm.ConfigListOptions{})
	secrets, err5 := k.docker.SecretList(ctx, swarm.SecretListOptions{})
	if err := cmp.Or(err, err2, err3, err4, err5); err != nil {
		k.Fatal(err)
	}
	for _, s := range services {
		if !strings.HasPrefix(s.Spec.Name, prefix) {
			continue
		}
		g.services[s.Spec.Name] = s
		for _, t := range tasks {
			if t.ServiceID == s.ID && t.DesiredState == swarm.TaskStateRunning {
				g.tasks[t.ID] = t.Status.ContainerStatus.ContainerID
			}
		}
	}
	note := func(kind, name, id string) {
		if strings.HasPrefix(name, prefix) || name == "shop-tls" {
			g.objects[kind+" "+name] = id
		}
	}
	for _, n := range networks {
		note("network", n.Name, n.ID)
	}
	for _, c := range configs {
		note("config", c.Spec.Name, c.ID)
	}
	for _, s := range secrets {
		note("secret", s.Spec.Name, s.ID)
	}
	return g
}

// asItWas asserts that no task, network, config or secret is another one, and that the tasks' template is the same.
func (k *stacks) asItWas(what string, before, after glimpse) {
	k.Helper()
	if !maps.Equal(before.tasks, after.tasks) {
		k.Errorf("%s: %d of %d tasks stayed: %v, before %v", what, keptOf(before.tasks, after.tasks), len(before.tasks), after.tasks, before.tasks)
	}
	if !maps.Equal(before.objects, after.objects) {
		k.Errorf("%s: there are %v, before %v", what, after.objects, before.objects)
	}
	for name, s := range before.services {
		now := after.services[name]
		if now.ID != s.ID || !reflect.DeepEqual(now.Spec.TaskTemplate, s.Spec.TaskTemplate) {
			text, _ := json.Marshal(now.Spec.TaskTemplate)
			k.Errorf("%s: %s is another one: %s, before %s", what, name, text, templateText(s.Spec.TaskTemplate))
		}
	}
}

func keptOf(before, after map[string]string) (n int) {
	for id, container := range before {
		n += toInt(after[id] == container && container != "")
	}
	return n
}

// oldFiles writes the old stack's files: for docker the secret in clear, for swarmd the same value encrypted.
func (k *stacks) oldFiles(api int, recipient *age.X25519Recipient) {
	k.Helper()
	dir := filepath.Join(k.dir, "old")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		k.Fatal(err)
	}
	files := map[string]string{
		"compose.yaml": fmt.Sprintf(oldStack, api, "registry.lab:5000"), "site.conf": "listen 80;\n", "secrets.yaml": "version: \"3.8\"\nsecrets: { token: { file: ./token.age } }\n",
	}
	if _, err := os.Stat(filepath.Join(dir, "token.age")); err != nil { // the same value encrypted anew is another version
		files["token.age"] = k.encrypted(recipient, oldToken)
	}
	for name, text := range files {
		k.write("old/"+name, text)
	}
}

// deployPast has docker's own command, on the manager, deploy the old stack, and waits until it runs.
func (k *stacks) deployPast(api int) {
	k.Helper()
	for name, text := range map[string]string{"compose.yaml": fmt.Sprintf(oldStack, api, "registry.lab:5000"), "site.conf": "listen 80;\n", "token": oldToken} {
		k.put("/root/old-"+name, []byte(text), 0o600)
	}
	out := k.onManager("sh", "-ec", "mkdir -p /root/old && cd /root/old && for f in compose.yaml site.conf token; do mv /root/old-$f $f; done && docker stack deploy -c compose.yaml old 2>&1")
	k.Logf("docker stack deploy: %s", out)
	k.until("the old stack runs", time.Minute, func() (bool, string) {
		n := [3]int{len(k.running(k.docker, "old_web")), len(k.running(k.docker, "old_api")), len(k.running(k.docker, "old_agent"))}
		return n == [3]int{3, api, 3}, fmt.Sprint(n)
	})
}

// dockerShowsIt asserts that docker's own commands show the stack as they did.
func (k *stacks) dockerShowsIt() {
	k.Helper()
	if out := k.onManager("docker", "stack", "ls", "--format", "{{.Name}} {{.Services}}"); !slices.Contains(strings.Split(out, "\n"), "old 4") {
		k.Errorf("docker stack ls: %s", out)
	}
	services := strings.Fields(k.onManager("docker", "stack", "services", "old", "--format", "{{.Name}}={{.Replicas}}"))
	slices.Sort(services)
	if want := []string{"old_agent=3/3", "old_api=2/2", "old_idle=0/0", "old_web=3/3"}; !slices.Equal(services, want) {
		k.Errorf("docker stack services: %v, want %v", services, want)
	}
	if tasks := strings.Fields(k.onManager("docker", "stack", "ps", "old", "--filter", "desired-state=running", "--format", "{{.ID}}")); len(tasks) != 8 {
		k.Errorf("docker stack ps shows %d tasks, want 8: %v", len(tasks), tasks)
	}
}

// onManager runs a command on the manager's machine.
func (k *stacks) onManager(argv ...string) string {
	k.Helper()
	out, err := k.lab.Exec(k.Context(), k.first.ID, argv...)
	if err != nil {
		k.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
	return strings.TrimSpace(out)
}

// recipient is to whom secrets are encrypted that the cluster's swarmd is to read.
func (k *stacks) recipient() *age.X25519Recipient {
	k.Helper()
	for field := range strings.FieldsSeq(k.must(k.host, "secret-key")) {
		if r, err := age.ParseX25519Recipient(field); err == nil {
			return r
		}
	}
	k.Fatal("swarmd secret-key prints no recipient")
	return nil
}

func (k *stacks) encrypted(to *age.X25519Recipient, value string) string {
	k.Helper()
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to)
	if err == nil {
		_, err = w.Write([]byte(value))
	}
	if err = cmp.Or(err, w.Close()); err != nil {
		k.Fatal(err)
	}
	return out.String()
}
