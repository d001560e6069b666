//go:build linux

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/sealed/sealedtest"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// variableVersions are the values of a stack's two encrypted variables, beside each version of the secret that rotates: one of a file of variables_from, and
// one of an env_file. Each changes alone, then both files are encrypted anew with the values that they had, and then both change.
var variableVersions = [...][2]string{
	{"velvet-0-otter", "marble-0-heron"}, {"velvet-1-otter", "marble-0-heron"}, {"velvet-1-otter", "marble-1-heron"}, {"velvet-1-otter", "marble-1-heron"}, {"velvet-2-otter", "marble-2-heron"},
}

// besideVariable is the value of an encrypted variable of the second cluster, whose swarmd gets its identity late.
const besideVariable = "copper-0-badger"

// alwaysHidden are an identity, and what stands for a value until it is opened.
var alwaysHidden = []string{"AGE-SECRET-KEY-1", swarm.StandIn}

// billStack reads one variable through ${} and one by its name. It has no network of its own: an engine that joins two at the same instant may wait for
// half a minute for one of them, since of two bulk syncs with one peer it hears the answer to the last alone.
const billStack = `networks: { front: { external: true } }
services:
  app:
    image: %s:1
    networks: [front]
    env_file: pass.env
    environment: { URL: "postgres://${DB_USER}:${DB_PASSWORD}@db/shop" }
    deploy: { replicas: 2, endpoint_mode: dnsrr, placement: { constraints: [node.labels.zone==lab] }, update_config: { order: start-first } }
`

// variableValues are all values of encrypted variables that the engines have had.
func variableValues() (all []string) {
	for _, v := range variableVersions {
		all = append(all, v[:]...)
	}
	slices.Sort(all)
	return append(slices.Compact(all), besideVariable)
}

// bill writes that version of the stack's files, both encrypted anew, and returns what is to be asserted once the edit is true.
func (k *stacks) bill(recipient *age.X25519Recipient, version int) (asserted func()) {
	k.Helper()
	if err := os.MkdirAll(filepath.Join(k.dir, "bill"), 0o755); err != nil {
		k.Fatal(err)
	}
	v, to := variableVersions[version], recipient.String()
	k.write("bill/compose.yaml", fmt.Sprintf(billStack, webImage))
	k.write("bill/shop.yaml", sealedtest.YAML(k, to, "", sealedtest.Value{Key: "DB_USER_unencrypted", Text: "shop"}, sealedtest.Value{Key: "DB_USER", Type: "str", Text: "bill"}, sealedtest.Value{Key: "DB_PASSWORD", Type: "str", Text: v[0]}))
	k.write("bill/pass.env", sealedtest.Env(k, to, sealedtest.Value{Key: "TOKEN", Type: "str", Text: v[1]}))
	k.networks["front"] = map[string]any{"shared": true}
	k.stacks["bill"] = map[string]any{"files": []string{"bill/compose.yaml"}, "variables_from": "bill/shop.yaml"}
	before := k.glance("bill_")
	return func() {
		k.Helper()
		lines := []string{"URL=postgres://bill:" + v[0] + "@db/shop", "TOKEN=" + v[1]}
		if n := k.hasEnvironment("bill_app", lines...); n != 2 {
			k.Errorf("version %d of the variables: %d of 2 tasks have them in their environment", version, n)
		}
		after := k.glance("bill_")
		kept := keptOf(before.tasks, after.tasks)
		if version == 0 || v != variableVersions[version-1] {
			if kept > 0 {
				k.Errorf("version %d of the variables: %d tasks of the version before run", version, kept)
			}
			return
		}
		k.asItWas("variables encrypted anew with the same values", before, after)
		if was, is := before.services["bill_app"], after.services["bill_app"]; mark(was) != mark(is) {
			k.Errorf("variables encrypted anew with the same values: the service was written, version %d → %d", was.Version.Index, is.Version.Index)
		}
		k.Logf("report: encrypted variables of a stack, encrypted anew with the same values: %d of %d tasks restarted", len(before.tasks)-kept, len(before.tasks))
	}
}

// showsEnvironments reports whether a place is the engines' own and has what containers are made with.
func showsEnvironments(place string) bool {
	return place == "docker service inspect" || strings.HasPrefix(place, "docker inspect ") || filepath.Base(place) == "config.v2.json"
}

// plansWithoutValues asserts that the plan of an edit, by somebody without the identity, names the stack's service and no value.
func (k *stacks) plansWithoutValues() {
	k.Helper()
	said, code := k.swarmd(k.host, "plan", "-f", k.file())
	if code != 2 || !strings.Contains(said, "service bill_app") {
		k.Errorf("plan of an edit of encrypted variables: exit %d, want 2 and the service", code)
	}
	for _, hidden := range slices.Concat(variableValues(), alwaysHidden) {
		if strings.Contains(said, hidden) {
			k.Errorf("plan of an edit of encrypted variables says %s", hidden)
		}
	}
}

// hasEnvironment is how many of the service's containers have all these lines in their first process's environment, as the kernel shows it.
func (k *stacks) hasEnvironment(service string, lines ...string) (n int) {
	k.Helper()
	for _, environ := range k.inTasks(service, `tr '\0' '\n' </proc/$pid/environ`) {
		has := strings.Split(environ, "\n")
		n += toInt(!slices.ContainsFunc(lines, func(line string) bool { return !slices.Contains(has, line) }))
	}
	return n
}

// heldBeside gives the second cluster's file an encrypted variable before its swarmd has an identity: what uses it is held while the rest goes on, and follows
// by itself when the identity is there.
func (k *stacks) heldBeside(text string) {
	k.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		k.Fatal(err)
	}
	var before glimpse
	k.until("the roll-out before is over", 2*time.Minute, func() (bool, string) {
		before = k.glance("beside_app")
		return len(before.tasks) == 2, fmt.Sprint(before.tasks)
	})
	process := k.besideProcess()
	k.put("/etc/swarmd/beside.env", []byte(sealedtest.Env(k, identity.Recipient().String(), sealedtest.Value{Key: "PASSWORD", Type: "str", Text: besideVariable})), 0o644)
	more := strings.NewReplacer("services:\n", "services:\n  plain: { image: \""+webImage+":1\", deploy: { endpoint_mode: dnsrr, placement: { constraints: [node.labels.zone==lab] } } }\n", "[pin]\n", "[pin]\n    env_file: beside.env\n")
	k.put("/etc/swarmd/beside.yaml", []byte(more.Replace(text)), 0o644)
	k.until("what needs the identity is held, and the rest goes on", 3*time.Minute, func() (bool, string) {
		holds := k.reportAt(besidePort).Holds
		held := slices.ContainsFunc(holds, func(h plan.Hold) bool { return h.Guard == plan.GuardVariables && h.Object == "service/beside_app" })
		return held && len(k.running(k.docker, "beside_plain")) == 1, fmt.Sprintf("%+v", holds)
	})
	k.asItWas("held for want of an identity", before, k.glance("beside_app"))
	began := time.Now()
	k.put(besideIdentity, []byte(identity.String()+"\n"), 0o600)
	k.until("both tasks have the variable when the identity is there", 3*time.Minute, func() (bool, string) {
		n := k.hasEnvironment("beside_app", "PASSWORD="+besideVariable)
		return n == 2, fmt.Sprint(n)
	})
	if now := k.besideProcess(); now != process {
		k.Errorf("swarmd beside was started again: %s, before %s", now, process)
	}
	k.Logf("report: without the identity a running service was held and 0 of its %d tasks restarted; %.0f s after the identity was there, both had the variable", len(before.tasks), time.Since(began).Seconds())
}
