package swarm

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// texts are the changes for people, with every value.
func texts(all []Change) []string {
	var out []string
	for _, c := range all {
		out = append(out, c.Text(true))
	}
	return out
}

const box = "TaskTemplate.ContainerSpec."

func TestChangesAreInTheWordsOfTheFile(t *testing.T) {
	live := Form{
		"Labels." + LabelNamespace: "shop", "Labels." + LabelImage: "nginx:1.26", box + "Image": "nginx:1.26", "Mode.Replicated.Replicas": "3",
		box + "Healthcheck.Interval": "10000000000", box + "Env[EMPTY]": "x", box + "Args[0]": "serve", box + "Args[1]": "two words",
		"TaskTemplate.Resources.Limits.MemoryBytes": "268435456", "TaskTemplate.Placement.Constraints[node.labels.a==1]": "yes",
		"EndpointSpec.Ports[80:8080/tcp ingress].PublishedPort": "80", "EndpointSpec.Ports[80:8080/tcp ingress].TargetPort": "8080",
		"EndpointSpec.Ports[80:8080/tcp ingress].Protocol": "tcp", "EndpointSpec.Ports[80:8080/tcp ingress].PublishMode": "ingress",
		box + "Mounts[/data].Type": "volume", box + "Mounts[/data].Source": "shop_pg", box + "Mounts[/data].Target": "/data",
		"TaskTemplate.Networks[shop_front].Target": "shop_front",
	}
	want := Form{
		"Labels." + LabelNamespace: "shop", "Labels." + LabelImage: "nginx:1.27", box + "Image": "nginx:1.27", "Mode.Global": "{}",
		box + "Healthcheck.Interval": "90000000000", box + "Env[EMPTY]": "", box + "Args[0]": "serve",
		"TaskTemplate.Resources.Limits.NanoCPUs": "500000000", "TaskTemplate.Resources.Limits.MemoryBytes": "1610612736",
		"TaskTemplate.Placement.Constraints[node.labels.a==2]": "yes",
		"EndpointSpec.Ports[443:8443/tcp host].PublishedPort":  "443", "EndpointSpec.Ports[443:8443/tcp host].TargetPort": "8443",
		"EndpointSpec.Ports[443:8443/tcp host].Protocol": "tcp", "EndpointSpec.Ports[443:8443/tcp host].PublishMode": "host",
		box + "Mounts[/data].Type": "volume", box + "Mounts[/data].Source": "shop_db", box + "Mounts[/data].Target": "/data",
		box + "Mounts[/x].Type": "bind", box + "Mounts[/x].Source": "/srv", box + "Mounts[/x].Target": "/x", box + "Mounts[/x].ReadOnly": "true",
		"TaskTemplate.Networks[shop_front].Target": "shop_front", "TaskTemplate.Networks[shop_front].Aliases[www]": "yes",
		"TaskTemplate.Networks[other].Target": "other",
	}
	expect := []string{
		"image: nginx:1.26 → nginx:1.27",
		"deploy.mode: replicated → global",
		"deploy.replicas: 3 → not set",
		"ports: 80:8080/tcp → 443:8443/tcp (mode: host)",
		`command: serve, "two words" → serve`,
		`environment.EMPTY: x → ""`,
		"healthcheck.interval: 10s → 1m30s",
		"volumes: not set → /srv:/x:ro",
		"volumes[/data].source: pg → db",
		"networks: not set → other",
		"networks.front.aliases: not set → www",
		"deploy.placement.constraints: node.labels.a==1 → node.labels.a==2",
		"deploy.resources.limits.cpus: not set → 0.5",
		"deploy.resources.limits.memory: 256M → 1536M",
	}
	if d := cmp.Diff(expect, texts(ServiceChanges(want, live))); d != "" {
		t.Error(d)
	}
	if got := ServiceChanges(want, want); len(got) > 0 {
		t.Errorf("nothing differs: %v", got)
	}
}

// TestAnImageIsSaidOnce: the label that keeps how the file wrote it follows it; where it alone differs it is the file's word that changes.
func TestAnImageIsSaidOnce(t *testing.T) {
	form := func(image, label string) Form { return Form{box + "Image": image, "Labels." + LabelImage: label} }
	for want, f := range map[string][2]Form{
		"image: a:1 → a:2":    {form("a:1", "a:1"), form("a:2", "a:2")},
		"image: a:9 → a:1":    {form("a:9", "a:1"), form("a:1", "a:1")},
		"image: a → a:latest": {form("a:latest", "a"), form("a:latest", "a:latest")},
	} {
		if got := strings.Join(texts(ServiceChanges(f[1], f[0])), ", "); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestWhatMayBeAPasswordIsMasked: whatever a field is called, its value shows only if its word says that nobody keeps a password there.
func TestWhatMayBeAPasswordIsMasked(t *testing.T) {
	for path, shown := range map[string]bool{
		"Mode.Replicated.Replicas": true, box + "Image": true, "UpdateConfig.Parallelism": true, "TaskTemplate.Placement.MaxReplicas": true,
		box + "Env[PASSWORD]": false, box + "Args[0]": false, box + "Command[0]": false, box + "Labels.x": false, box + "Healthcheck.Test[0]": false,
		"Labels.traefik.http.middlewares.auth.basicauth.users": false, "TaskTemplate.LogDriver.Options.splunk-token": false,
		box + "Mounts[/a].VolumeOptions.DriverConfig.Options.o": false, box + "Mounts[/a].VolumeOptions.Labels.l": false, box + "Mounts[/a].New": false,
		"TaskTemplate.Networks[n].DriverOpts.o": false, box + "Imaginary": false, "Modes": false, "": false, box + "Env[A]: B": false,
	} {
		keep := Form{box + "Mounts[/a].Target": "/a", "TaskTemplate.Networks[n].Target": "n"}
		live, want := Form{path: "hunter1"}, Form{path: "hunter2"}
		for k, v := range keep {
			live[k], want[k] = v, v
		}
		changed := ServiceChanges(want, live)
		added, removed := ServiceChanges(want, keep), ServiceChanges(keep, live)
		if len(changed) != 1 || len(added) != 1 || len(removed) != 1 {
			t.Fatalf("%q: %v, %v, %v", path, changed, added, removed)
		}
		for _, c := range []Change{changed[0], added[0], removed[0]} {
			if got := c.Text(false) + fmt.Sprint(c.Masked()) + Summary([]Change{c}); strings.Contains(got, "hunter") != shown {
				t.Errorf("%q: %s", path, got)
			}
			if got := c.Text(true); !strings.Contains(got, "hunter") {
				t.Errorf("%q is not shown on purpose: %s", path, got)
			}
		}
	}
}

func TestSummaryHasABound(t *testing.T) {
	long := strings.Repeat("é", 30_000)
	all := slices.Repeat([]Change{{Key: "image", From: long}}, 60_000)
	got := Summary(all)
	if len(got) > (mostChanges+1)*(mostValue+8) || !strings.HasSuffix(got, " and 59980 more changes") || !strings.Contains(got, "é…, ") {
		t.Errorf("%d bytes: %.300s", len(got), got)
	}
}

func TestRollOutIsSaidAsUpdateConfigHasIt(t *testing.T) {
	for want, f := range map[string]Form{
		"one at a time, each old one stopped before its new one starts; if one fails, it stops there": {"UpdateConfig.Parallelism": "1", "UpdateConfig.Order": "stop-first"},
		"2 at a time, each new one before its old one stops, 1m30s apart; if one fails, all go back": {"UpdateConfig.Parallelism": "2",
			"UpdateConfig.Order": "start-first", "UpdateConfig.Delay": "90000000000", "UpdateConfig.FailureAction": "rollback"},
		"all at once, each old one stopped before its new one starts; if one fails, the others follow all the same": {"UpdateConfig.Parallelism": "0", "UpdateConfig.FailureAction": "continue"},
	} {
		if got := f.RollOut(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestVolumesAreThoseOfTheMachine(t *testing.T) {
	f := Form{box + "Mounts[/a].Type": "volume", box + "Mounts[/a].Source": "a", box + "Mounts[/b].Type": "bind", box + "Mounts[/b].Source": "/b",
		box + "Mounts[/c].Type": "volume", box + "Mounts[/c].Source": "c", box + "Mounts[/c].VolumeOptions.DriverConfig.Name": "nfs",
		box + "Mounts[/d].Type": "volume", box + "Mounts[/e].Type": "volume", box + "Mounts[/e].Source": "a"}
	if got := f.Volumes(); len(got) != 1 || got[0] != "a" {
		t.Errorf("%v", got)
	}
}

// TestChangesLeaveOutWhatSwarmdSaysOfItself: the label that says what failed is no key of anybody's file.
func TestChangesLeaveOutWhatSwarmdSaysOfItself(t *testing.T) {
	live := Form{"Labels." + LabelFailed: "task: it broke", "Labels.theirs": "1", "TaskTemplate.ContainerSpec.Image": "a:1"}
	got := ServiceChanges(Form{"TaskTemplate.ContainerSpec.Image": "a:2"}, live)
	if text := Summary(got); len(got) != 2 || strings.Contains(text, LabelFailed) || !strings.Contains(text, "theirs") {
		t.Errorf("%s", text)
	}
}
