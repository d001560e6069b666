package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

const (
	rulesFile      = "../../deploy/prometheus/rules.yml"
	rulesTestFile  = "../../deploy/prometheus/rules_test.yml"
	prometheusFile = "../../deploy/prometheus/prometheus.yml"
)

// needPrometheus skips loudly where Debian's package prometheus is not installed, and fails instead where CI promised it.
func needPrometheus(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"prometheus", "promtool"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("SWARMD_LAB") == "1" {
				t.Fatalf("SWARMD_LAB=1 needs Debian's package prometheus: %v", err)
			}
			t.Skipf("SKIPPED: nothing was asked of a real Prometheus: %v", err)
		}
	}
}

func promtool(t *testing.T, dir, stdin string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "promtool", args...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// rule is a rule of rules.yml.
type rule struct {
	Record, Alert, Expr string
	Labels, Annotations map[string]string
}

func decode(t *testing.T, file string, into any) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func readRules(t *testing.T) (recording, alerts []rule) {
	t.Helper()
	var file struct{ Groups []struct{ Rules []rule } }
	decode(t, rulesFile, &file)
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			if r.Alert != "" {
				alerts = append(alerts, r)
			} else {
				recording = append(recording, r)
			}
		}
	}
	if len(recording) < 10 || len(alerts) < 10 {
		t.Fatalf("%d recording rules, %d alerts", len(recording), len(alerts))
	}
	return recording, alerts
}

// Somebody who is woken must be told what is wrong and what to do first.
func TestAlertsTellWhatToDo(t *testing.T) {
	_, alerts := readRules(t)
	seen := map[string]bool{}
	for _, a := range alerts {
		if seen[a.Alert] || !strings.HasPrefix(a.Alert, "Swarmd") {
			t.Errorf("%s: the name is taken, or does not say whose alert it is", a.Alert)
		}
		seen[a.Alert] = true
		if s := a.Labels["severity"]; s != "page" && s != "warning" {
			t.Errorf("%s has severity %q", a.Alert, s)
		}
		if a.Annotations["summary"] == "" || a.Annotations["runbook"] == "" {
			t.Errorf("%s has no summary or no runbook", a.Alert)
		}
	}
}

func TestAlertsFireAndStaySilent(t *testing.T) {
	fires, silent := cases(t)
	_, alerts := readRules(t)
	for _, a := range alerts {
		if !fires[a.Alert] || !silent[a.Alert] {
			t.Errorf("%s: rules_test.yml shows it firing: %t, silent: %t", a.Alert, fires[a.Alert], silent[a.Alert])
		}
	}
	needPrometheus(t)
	promtool(t, filepath.Dir(rulesFile), "", "check", "rules", "rules.yml")
	promtool(t, filepath.Dir(rulesFile), "", "test", "rules", "rules_test.yml")
}

// cases returns the alerts that rules_test.yml expects to fire, and to be silent, in at least one case.
func cases(t *testing.T) (fires, silent map[string]bool) {
	t.Helper()
	var file struct {
		Tests []struct {
			Alerts []struct {
				Name   string           `yaml:"alertname"`
				Expect []map[string]any `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	decode(t, rulesTestFile, &file)
	fires, silent = map[string]bool{}, map[string]bool{}
	for _, test := range file.Tests {
		for _, a := range test.Alerts {
			if len(a.Expect) > 0 {
				fires[a.Name] = true
			} else {
				silent[a.Name] = true
			}
		}
	}
	return fires, silent
}

var example = regexp.MustCompile(`(?m)^  #(-|  )`)

// The scrape configuration is good as it is, and with each of its examples put in place of the list of targets.
func TestScrapeConfiguration(t *testing.T) {
	needPrometheus(t)
	promtool(t, filepath.Dir(prometheusFile), "", "check", "config", "prometheus.yml")
	data, err := os.ReadFile(prometheusFile)
	if err != nil {
		t.Fatal(err)
	}
	head, body, _ := strings.Cut(string(data), "  - job_name: swarmd\n")
	parts := strings.Split(body, "Uncomment from here:\n")
	if len(parts) != 3 {
		t.Fatalf("%d examples", len(parts)-1)
	}
	for i, part := range parts[1:] {
		lines := slices.DeleteFunc(strings.Split(part, "\n"), func(l string) bool { return !example.MatchString(l) })
		text := head + example.ReplaceAllString(strings.Join(lines, "\n"), "  $1") + "\n"
		if !strings.Contains(text, "job_name: swarmd") || !strings.Contains(text, "_sd_configs:") {
			t.Fatalf("example %d:\n%s", i+2, text)
		}
		file := filepath.Join(t.TempDir(), "prometheus.yml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		promtool(t, "", "", "check", "config", "--syntax-only", file)
	}
}
