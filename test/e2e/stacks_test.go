//go:build linux

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/swarm"
	"gopkg.in/yaml.v3"

	"github.com/swarmd/swarmd/pkg/lab"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
)

// stacks is a small cluster whose services, stacks, configs and secrets change.
type stacks struct {
	*stage
	services, networks, secrets, configs, stacks map[string]any
	policies                                     map[string]any
	follows                                      string // for how long an edit is followed
}

// TestStacks plays what people do with their services: bad images, a stack that docker made, secrets that rotate. Each part begins with a cluster that has
// nothing of the others, so `-run 'TestStacks/PART'` plays one alone.
func TestStacks(t *testing.T) {
	b := newLab(t, labDir+"-stacks")
	b.push("swarmd:1", b.bin, "/swarmd")
	b.pushWebs()
	k := &stacks{stage: &stage{bench: b, want: want{managers: 1, workers: 3}}}
	k.empty()
	k.begin()
	for _, part := range []struct {
		name string
		run  func(*stacks)
	}{
		{"bad images", (*stacks).badImages},
		{"a stack is taken over", (*stacks).takenOver},
		{"200 services at rest", (*stacks).manyAtRest},
		{"secrets rotate", (*stacks).secretsRotate},
	} {
		began := time.Now()
		t.Run(part.name, func(t *testing.T) {
			k.T = t
			defer func() { k.T = b.T }()
			k.empty()
			part.run(k)
			k.complaints(began)
			k.leaveNothing()
		})
		t.Logf("%s: %v", part.name, time.Since(began).Round(100*time.Millisecond))
		if t.Failed() {
			t.Fatal("what is left of a part that failed may fail the next: stopped")
		}
	}
}

// webVersions are what the web server's image is by its tag: the good ones, and what is bad of the others.
var webVersions = map[string][]string{
	"1": nil, "2": nil,
	"crash": {"DIES_AFTER=10s"}, // it serves until then
	"sick":  {"SICK=yes"},
}

// pushWebs pushes the web server as the good and the bad versions of itself, under names of which the registry may refuse one.
func (b *bench) pushWebs() {
	b.Helper()
	bin := b.goBuild("web", "", "./test/e2e/web")
	for v, env := range webVersions {
		for _, name := range []string{"web", "limited", "locked", "torn"} {
			image := lab.Image{Files: map[string]string{"/web": bin}, Entrypoint: []string{"/web"}, Env: append([]string{"VERSION=v" + v, "REPOSITORY=" + name}, env...)} // of their own, so that no node has it already
			if _, err := b.lab.PushImage(b.Context(), name+":"+v, image); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// begin makes the cluster, with the machines and without a service.
func (k *stacks) begin() {
	k.Helper()
	k.must("", "bootstrap", "-f", k.file())
	k.first = k.droplets("shop-managers-")[0]
	k.host, k.docker = "ssh://root@"+k.first.Public, k.engine(k.first.ID)
	k.wholeAndQuiet(k.want.managers, k.want.workers)
}

// empty has the file say nothing but the machines, with a short pace.
func (k *stacks) empty() {
	k.services, k.networks, k.secrets, k.configs, k.stacks = map[string]any{}, map[string]any{}, map[string]any{}, map[string]any{}, map[string]any{}
	k.follows = "2m"
	k.policies = map[string]any{"bake": "15s", "progress_deadline": "1m", "resync": "10s", "create_visible": "30s", "shutdown_timeout": "30s"}
}

// leaveNothing takes away what a part has made.
func (k *stacks) leaveNothing() {
	k.Helper()
	k.empty()
	k.must(k.host, "apply", "-f", k.file(), "--confirm", "--timeout", "2m")
}

// file writes the file.
func (k *stacks) file() string {
	k.Helper()
	var file map[string]any
	if err := yaml.Unmarshal([]byte(k.want.yaml(k.state.SSHKeyID)), &file); err != nil {
		k.Fatal(err)
	}
	file["policies"] = k.policies
	for key, all := range map[string]map[string]any{"services": k.services, "networks": k.networks, "secrets": k.secrets, "configs": k.configs, "stacks": k.stacks} {
		if len(all) > 0 {
			file[key] = all
		}
	}
	text, err := yaml.Marshal(file)
	if err != nil {
		k.Fatal(err)
	}
	return k.write("shop.yaml", string(text))
}

// edit hands the file in and follows it to its end, which it returns with what was said and how long that took.
func (k *stacks) edit() (said string, code int, took time.Duration) {
	k.Helper()
	began := time.Now()
	said, code = k.swarmd(k.host, "apply", "-f", k.file(), "--timeout", k.follows)
	return said, code, time.Since(began)
}

// good is an edit that becomes true.
func (k *stacks) good() time.Duration {
	k.Helper()
	_, code, took := k.edit()
	if code != 0 {
		k.Fatalf("a good edit: exit %d", code)
	}
	return took
}

// page is a page of the manager's swarmd, as the machine itself sees it.
func (k *stacks) page(path string) string {
	k.Helper()
	return k.pageAt(9810, path)
}

// pageAt is that of the swarmd at the port.
func (k *stacks) pageAt(port int, path string) string {
	k.Helper()
	out, err := k.lab.Exec(k.Context(), k.first.ID, "curl", "-sS", "--max-time", "5", fmt.Sprintf("http://%s:%d%s", k.first.Private, port, path))
	if err != nil {
		k.Logf("%d%s: %v", port, path, err)
	}
	return out
}

// metric is the value of a series, "" if there is none.
func (k *stacks) metric(series string) string {
	k.Helper()
	for line := range strings.Lines(k.page("/metrics")) {
		if v, ok := strings.CutPrefix(line, series+" "); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// report is the last pass of the manager's swarmd, an empty one while it does not answer.
func (k *stacks) report() report.Report {
	k.Helper()
	return k.reportAt(9810)
}

// reportAt is that of the swarmd at the port.
func (k *stacks) reportAt(port int) (r report.Report) {
	k.Helper()
	_ = json.Unmarshal([]byte(k.pageAt(port, "/status")), &r)
	return r
}

// counted is a service as swarmd reports it.
func (k *stacks) counted(service string) (c plan.ServiceCount) {
	k.Helper()
	for _, c := range k.statusQuiet().Services {
		if c.Service == service {
			return c
		}
	}
	return c
}

// pageOfNode is what a worker's published port answers, "" for nothing.
func (k *stacks) pageOfNode(d lab.Droplet) string {
	body, err := k.getWithin(streamTimeout, d.Public, 8080, "/")
	if err != nil {
		return ""
	}
	return body
}

// serves waits until each worker answers with the version, and nothing else does for a while.
func (k *stacks) serves(version string, limit time.Duration) time.Duration {
	k.Helper()
	const inARow = 12
	good := 0
	return k.poll("each worker serves "+version+" only", limit, 100*time.Millisecond, func() (bool, string) {
		last := ""
		for _, d := range k.droplets("shop-workers-") {
			if last = k.pageOfNode(d); !strings.HasPrefix(last, version+" ") {
				good = 0
				return false, fmt.Sprintf("%s: %q", d.Name, last)
			}
		}
		good++
		return good >= inARow, last
	})
}

// refuse has the registry refuse an image until the part ends.
func (k *stacks) refuse(name string, r lab.Refusal) {
	k.lab.RefuseImage(name, r)
	k.Cleanup(func() { k.lab.RefuseImage(name, lab.Refusal{}) })
}

// templateText is a task's specification as text, for comparison.
func templateText(t swarm.TaskSpec) string {
	text, _ := json.Marshal(t)
	return string(text)
}

// refusals of an image's name: at each question, or only when a node wants the bytes.
var (
	tooMany  = lab.Refusal{Status: http.StatusTooManyRequests}
	noLogin  = lab.Refusal{Status: http.StatusUnauthorized}
	tornPull = lab.Refusal{Status: http.StatusTooManyRequests, Path: "/blobs/"}
)
