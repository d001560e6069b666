package file

import (
	"strings"
	"testing"
)

// TestFaultsShowNoPasswords: wherever a password stands in a file with faults, and whatever is wrong with it, no fault repeats it.
func TestFaultsShowNoPasswords(t *testing.T) {
	const canary = "hunter2 x"
	body := func(text string) string {
		return head + "variables: { PW: \"" + canary + "\" }\nservices:\n  a:\n    image: x:1\n    " + text + "\n"
	}
	for _, text := range []string{
		`user: "` + canary + `"`, `hostname: "/` + canary + `"`, `working_dir: "` + canary + `"`, `extra_hosts: ["` + canary + `"]`,
		`extra_hosts: { a: "` + canary + `" }`, `sysctls: { a: "` + canary + `\n" }`, `logging: { driver: "` + canary + `" }`,
		`healthcheck: { test: "` + canary + `", disable: true, interval: x }`, `environment: ["` + canary + `=", "` + canary + `="]`,
		`environment: { A: "${PW:-` + canary + `$}" }`, `command: "` + canary + ` '"`, `labels: { a: "` + canary + `\0" }`,
		`deploy: { labels: { a: "` + canary + `\0" } }`, `image: "$PW"`, `ports: ["$PW"]`, `deploy: { replicas: $PW, mode: $PW }`,
		`deploy: { placement: { constraints: ["$PW"] } }`, `stop_grace_period: $PW`, `volumes: ["$PW"]`, `cap_add: [$PW, $PW]`, `networks: [$PW]`,
		`dns: $PW`, `deploy: { resources: { limits: { cpus: $PW, memory: $PW } } }`, `restart: $PW`, `init: $PW`,
	} {
		_, warnings, err := Parse("f.yaml", []byte(body(text)))
		if err == nil {
			t.Errorf("%s: no fault", text)
		}
		if said := report(warnings, err); strings.Contains(said, "hunter2") {
			t.Errorf("%s: %s", text, said)
		}
	}
}

// TestFaultsShowWhatIsHarmless: where nobody keeps a password, what is wrong is shown.
func TestFaultsShowWhatIsHarmless(t *testing.T) {
	for _, text := range []string{`image: "Odd Value"`, `image: x:1, ports: ["Odd Value"]`, `image: x:1, deploy: { mode: "Odd Value" }`, `image: x:1, healthcheck: { interval: "Odd Value" }`} {
		if _, _, err := Parse("f.yaml", []byte(head+"services: { a: { "+text+" } }\n")); err == nil || !strings.Contains(err.Error(), `"Odd Value"`) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
