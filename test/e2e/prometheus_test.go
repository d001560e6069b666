package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/cloud/digitalocean"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
)

const observedFile = `version: 1
cluster: demo
cloud: { digitalocean: { region: fra1, image: docker-20-04 } }
nodes:
  managers: { role: manager, count: 3, size: s-1vcpu-1gb }
  workers: { role: worker, count: 2, size: s-1vcpu-1gb }
services:
  web: { image: "example/web:1.0", deploy: { replicas: 3 } }
  queue: { image: "example/queue:2.1", deploy: { replicas: 2 } }
policies: { resync: 1s }
`

// observed is a simulated world with two swarmds: the one that watches the file, and one that follows. The binary, its processes, its
// log, its HTTP side are the real ones.
type observed struct {
	file      string
	daemons   []*child
	addresses []string // of the HTTP sides
	env       []string // how the simulated cloud and engines are reached
}

func observe(t *testing.T) *observed {
	t.Helper()
	dir := t.TempDir()
	bin := filepath.Join(dir, "swarmd")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "../../cmd/swarmd")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	sim := start(t, nil, bin, "sim", "--cluster", "demo", "--managers", "3", "--workers", "2", "--speed", "100")
	env := strings.Fields(sim.says(t, `(DIGITALOCEAN_API_URL=\S+\nDIGITALOCEAN_TOKEN=\S+\nDIGITALOCEAN_ACCESS_TOKEN=\S+\nDOCKER_HOST=\S+)\n`)[1])
	o := &observed{file: filepath.Join(dir, "demo.yaml"), env: env}
	o.write(t, observedFile)
	o.run(t, env, bin, "run", "-f", o.file)
	o.run(t, env, bin, "run", "--cluster", "demo")
	return o
}

func (o *observed) run(t *testing.T, env []string, argv ...string) {
	t.Helper()
	c := start(t, append(env, "DIGITALOCEAN_TOKEN_FILE="), append(argv, "--listen", "127.0.0.1:0")...)
	o.daemons = append(o.daemons, c)
	o.addresses = append(o.addresses, c.says(t, `"address":"(127\.0\.0\.1:\d+)"`)[1])
}

// switchOff cuts the power of the first droplet whose name begins so.
func (o *observed) switchOff(t *testing.T, prefix string) {
	t.Helper()
	from := map[string]string{}
	for _, e := range o.env {
		name, value, _ := strings.Cut(e, "=")
		from[name] = value
	}
	client, err := digitalocean.New(digitalocean.Options{BaseURL: from["DIGITALOCEAN_API_URL"], Token: from["DIGITALOCEAN_TOKEN"]})
	if err != nil {
		t.Fatal(err)
	}
	droplets, err := client.Droplets(t.Context(), cloud.ClusterTag("demo"))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range droplets {
		if strings.HasPrefix(d.Name, prefix) {
			if _, err := client.PowerOff(t.Context(), d.ID); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("no droplet is called %s…: %+v", prefix, droplets)
}

// write saves the file as an editor does: a new one, renamed over the old one.
func (o *observed) write(t *testing.T, text string) {
	t.Helper()
	err := os.WriteFile(o.file+".new", []byte(text), 0o600)
	if err = errors.Join(err, os.Rename(o.file+".new", o.file)); err != nil {
		t.Fatal(err)
	}
}

// converged says what is missing until the acting swarmd has found everything as wanted.
func (o *observed) converged(t *testing.T) error {
	for _, a := range o.addresses {
		body, err := fetch(t.Context(), "http://"+a+"/status")
		if err != nil {
			return err
		}
		var r report.Report
		if err := json.Unmarshal(body, &r); err != nil {
			return err
		}
		if r.Lease.Held && r.Converged {
			return nil
		}
	}
	return errors.New("nobody acts and has converged")
}

// TestPrometheus is the proof of deploy/prometheus and deploy/grafana: a real Prometheus scrapes real swarmds, and every expression
// that is shipped finds data there.
func TestPrometheus(t *testing.T) {
	needPrometheus(t)
	o := observe(t)
	p := startPrometheus(t, o.addresses...)
	eventually(t, "the cluster is as the file wants it", time.Minute, func() error { return o.converged(t) })
	checkMetrics(t, o)
	recording, alerts := readRules(t)
	eventually(t, "every recording rule records", time.Minute, func() error { return p.all(recorded(recording)) })
	eventually(t, "every alert has something to compare", time.Minute, func() error { return p.all(compared(alerts)) })
	eventually(t, "a healthy cluster raises no alert", 90*time.Second, func() error { return p.none(alerts) })
	if samples, err := p.query(unfiltered("swarmd_no_such_metric > 0")); err != nil || len(samples) != 0 {
		t.Fatalf("a metric that does not exist has %v %v", samples, err)
	}

	o.switchOff(t, "demo-workers-")
	eventually(t, "a machine that was lost is repaired and its pool whole again", 3*time.Minute, func() error {
		return p.all([]string{`swarmd_node_repair_total{pool="workers",reason="off",outcome="healed"} > 0`, `swarmd_loss_to_whole_seconds_count{pool="workers"} > 0`})
	})
	eventually(t, "the cluster is as the file wants it again", time.Minute, func() error { return o.converged(t) })

	o.write(t, strings.Replace(observedFile, "replicas: 3", "replicsa: 3", 1))
	eventually(t, "a broken file raises its alert", time.Minute, func() error { return p.raised("SwarmdSpecRejected") })
	eventually(t, "every panel shows data", time.Minute, func() error { return p.all(readDashboard(t).expressions()) })
	eventually(t, "every annotation has something to compare", time.Minute, func() error { return p.all(readDashboard(t).marks()) })

	o.write(t, observedFile)
	for _, d := range o.daemons {
		d.kill(t)
	}
	eventually(t, "killed swarmds raise theirs", time.Minute, func() error {
		return errors.Join(p.raised("SwarmdGone"), p.raised("SwarmdInstanceDown"))
	})
}

// checkMetrics holds what the processes really expose to promtool, and to what the rules and the dashboard read.
func checkMetrics(t *testing.T, o *observed) {
	t.Helper()
	there := map[string]bool{}
	for _, a := range o.addresses {
		body, err := fetch(t.Context(), "http://"+a+"/metrics")
		if err != nil {
			t.Fatal(err)
		}
		promtool(t, "", string(body), "check", "metrics")
		described(t, string(body), there)
	}
	recording, alerts := readRules(t)
	read := append(readDashboard(t).expressions(), readDashboard(t).marks()...)
	for _, r := range slices.Concat(recording, alerts) {
		read = append(read, r.Expr)
	}
	for _, expr := range read {
		for _, n := range names(expr) {
			if !strings.Contains(n, ":") && !there[n] {
				t.Errorf("swarmd has no %s, which is read in %s", n, expr)
			}
		}
	}
}

// described checks that each sample belongs to a family with HELP and TYPE, and notes the names of the samples.
func described(t *testing.T, exposition string, there map[string]bool) {
	t.Helper()
	help, kind := map[string]bool{}, map[string]string{}
	for line := range strings.Lines(exposition) {
		f := strings.Fields(line)
		switch {
		case f[0] == "#" && f[1] == "HELP":
			help[f[2]] = len(f) > 3
			continue
		case f[0] == "#":
			kind[f[2]] = f[3]
			continue
		}
		name, _, _ := strings.Cut(f[0], "{")
		there[name] = true
		if family := familyOf(name, kind); !help[family] || kind[family] == "" {
			t.Errorf("%s has no help", name)
		}
	}
}

func familyOf(name string, kind map[string]string) string {
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		base, cut := strings.CutSuffix(name, suffix)
		if k := kind[base]; cut && (k == "histogram" || k == "summary") {
			return base
		}
	}
	return name
}

func recorded(rules []rule) (out []string) {
	for _, r := range rules {
		out = append(out, r.Record)
	}
	return out
}

// compared are the alerts' expressions as they are, and as they say what they compare.
func compared(alerts []rule) (out []string) {
	for _, a := range alerts {
		out = append(out, oneOfStates.ReplaceAllString(unfiltered(a.Expr), "$1"))
	}
	return out
}

// oneOfStates chooses among the states of what has a series for the one that it is in alone: who compares that has nothing of the others.
var oneOfStates = regexp.MustCompile(`(swarmd_service_rollout)\{state=~"[^"]*"\}`)

// marks are the expressions of the annotations: they may find nothing, but must have something to compare.
func (d dashboard) marks() (out []string) {
	for _, a := range d.Annotations.List {
		out = append(out, unfiltered(filled(a.Expr)))
	}
	return out
}

// all says which of the expressions find no number.
func (p *server) all(exprs []string) error {
	var missing []error
	for _, expr := range exprs {
		samples, err := p.query(expr)
		if err == nil && !slices.ContainsFunc(samples, func(s sample) bool { return !math.IsNaN(s.number()) }) {
			err = fmt.Errorf("no data for %s", expr)
		}
		missing = append(missing, err)
	}
	return errors.Join(missing...)
}

// none says which alerts are raised, and for what.
func (p *server) none(alerts []rule) error {
	var raised []error
	for _, a := range alerts {
		samples, err := p.query(a.Expr)
		if err == nil && len(samples) > 0 {
			err = fmt.Errorf("%s is raised by %v", a.Alert, samples)
		}
		raised = append(raised, err)
	}
	samples, err := p.query(`ALERTS{alertstate="firing"}`)
	if err == nil && len(samples) > 0 {
		err = fmt.Errorf("firing: %v", samples)
	}
	return errors.Join(append(raised, err)...)
}

// raised says whether Prometheus' own evaluation has the alert pending or firing.
func (p *server) raised(alert string) error {
	samples, err := p.query(`ALERTS{alertname="` + alert + `"}`)
	if err == nil && len(samples) == 0 {
		err = fmt.Errorf("%s is not raised", alert)
	}
	return err
}
