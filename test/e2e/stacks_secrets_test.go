//go:build linux

package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/lab"
)

// secretVersions are the values of the secret that rotates, the oldest first: the last three versions stay, so the first one goes.
var secretVersions = []string{"correct-horse-0-battery", "correct-horse-1-battery", "correct-horse-2-battery", "correct-horse-3-battery", "correct-horse-4-battery"}

// secretsRotate rotates an encrypted secret, and the encrypted variables of a stack, by edits. New tasks see the new value, old versions go, and no value is
// anywhere but in the containers' files, one of a variable nowhere but in the engine's own specification of its service.
func (k *stacks) secretsRotate() {
	recipient := k.recipient()
	k.policies["bake"] = "3s"
	k.secrets["db"] = map[string]any{"file": "db.age"}
	for i, value := range secretVersions {
		k.write("db.age", k.encrypted(recipient, value))
		k.services["web"] = map[string]any{"image": webImage + ":1", "secrets": []string{"db"}, "networks": []string{"front"},
			"deploy": map[string]any{"replicas": 2, "endpoint_mode": "dnsrr", "placement": map[string]any{"constraints": []string{"node.labels.zone==lab"}}, "update_config": map[string]any{"order": "start-first"}}}
		asserted := k.bill(recipient, i)
		k.plansWithoutValues()
		took := k.good()
		asserted()
		if n := k.readBy("shop_web", "db", value); n != 2 {
			k.Errorf("version %d: %d of 2 tasks read it", i, n)
		}
		k.Logf("version %d of the secret: %v", i, took.Round(100*time.Millisecond))
	}
	kept := k.oldVersionsGo()
	end := k.rotatesBeside()
	variables := variableValues()
	where := k.search(slices.Concat(secretVersions, besideVersions, alwaysHidden), variables)
	end()
	k.Logf("report: an encrypted secret rotated %d times by an edit: each time both tasks read the new value, %d versions are kept; of its values nothing in %s",
		len(secretVersions)-1, kept, where)
	k.Logf("report: %d values of encrypted variables of stacks were in the tasks' environments and the engines' specifications, and nowhere else there", len(variables))
}

// readBy is how many of the service's containers have that value in the secret's file.
func (k *stacks) readBy(service, secret, value string) (n int) {
	k.Helper()
	for _, out := range k.inTasks(service, "cat /proc/$pid/root/run/secrets/"+secret) {
		n += toInt(out == value)
	}
	return n
}

// inTasks is what a shell command prints of each of the service's containers; $pid is its first process. A container that has gone is left out.
func (k *stacks) inTasks(service, command string) (all []string) {
	k.Helper()
	names := map[string]string{}
	for name, n := range k.nodes(k.docker) {
		names[n.ID] = name
	}
	for _, t := range k.running(k.docker, service) {
		for _, d := range k.droplets(names[t.NodeID]) {
			out, err := k.lab.Exec(k.Context(), d.ID, "sh", "-ec", fmt.Sprintf("pid=$(docker inspect -f '{{.State.Pid}}' %s); %s", t.Status.ContainerStatus.ContainerID, command))
			if err == nil {
				all = append(all, out)
			}
		}
	}
	return all
}

// oldVersionsGo waits until there are three versions of the secret at most, and the newest service's one among them.
func (k *stacks) oldVersionsGo() (kept int) {
	k.Helper()
	k.until("old versions of the secret go", 2*time.Minute, func() (bool, string) {
		secrets, err := k.docker.SecretList(k.Context(), swarm.SecretListOptions{})
		var names []string
		for _, s := range secrets {
			if strings.HasPrefix(s.Spec.Name, "shop_db-") {
				names = append(names, s.Spec.Name)
			}
		}
		kept = len(names)
		used := k.service("shop_web").Spec.TaskTemplate.ContainerSpec.Secrets[0].SecretName
		return err == nil && kept <= 3 && slices.Contains(names, used), fmt.Sprint(names, " uses ", used)
	})
	return kept
}

// search looks for the values, also encoded, in all that people and machines can read of swarmd, the engines and the machines, and says where it looked. Those
// of variables may be, and must be, in what the engines show of a service, its tasks and their containers.
func (k *stacks) search(values, variables []string) string {
	k.Helper()
	places := k.spoken()
	for name, text := range k.engines() {
		places[name] = text
	}
	for name, text := range k.files() {
		places[name] = text
	}
	var total int
	for name, text := range places {
		total += len(text)
		hidden := values
		if !showsEnvironments(name) {
			hidden = slices.Concat(values, variables)
		}
		for i, value := range hidden {
			for how, form := range map[string]string{"": value, " in base64": base64.StdEncoding.EncodeToString([]byte(value)), " in hex": hex.EncodeToString([]byte(value))} {
				if bytes.Contains(text, []byte(form)) {
					k.Errorf("value %d is%s in %s", i, how, name)
				}
			}
		}
	}
	k.sees(places)
	return fmt.Sprintf("%d texts of %.1f MB", len(places), float64(total)/1e6)
}

// sees asserts that each kind of place has what it is known to have: a search in nothing finds nothing.
func (k *stacks) sees(places map[string][]byte) {
	k.Helper()
	newest := variableVersions[len(variableVersions)-1]
	for _, known := range [][2]string{{"/status", "shop_web"}, {"swarmd history", "shop_web"}, {"docker service inspect", "shop_db-"}, {"config swarmd.shop.", "db.age"}, {"config swarmd.shop.", "DB_PASSWORD: ENC["},
		{"-json.log", "shop_web"}, {"user-data", "#"}, {"docker service inspect", newest[0]}, {"docker inspect of the tasks", newest[1]}, {"docker inspect on", newest[0]}} {
		seen := false
		for name, text := range places {
			seen = seen || strings.Contains(name, known[0]) && bytes.Contains(text, []byte(known[1]))
		}
		if !seen {
			k.Errorf("%s has no %q: the search sees nothing there", known[0], known[1])
		}
	}
}

// spoken is what swarmd says to people, and on its pages.
func (k *stacks) spoken() map[string][]byte {
	k.Helper()
	out := map[string][]byte{}
	for _, args := range [][]string{{"status"}, {"status", "--cluster", "shop"}, {"status", "--cluster", "beside", "--json"}, {"plan", "-f", k.file(), "--show-values"}, {"history", "--cluster", "shop"}, {"history", "shop_web", "--cluster", "shop", "--json"}, {"why", "shop_web"}, {"events", "--json"}} {
		said, _ := k.swarmd(k.host, args...)
		out["swarmd "+strings.Join(args, " ")] = []byte(said)
	}
	for _, page := range []string{"/status", "/events", "/metrics"} {
		out[page] = []byte(k.page(page))
	}
	for _, page := range []string{"/status", "/events"} {
		text, err := k.lab.Exec(k.Context(), k.first.ID, "curl", "-sS", "--max-time", "5", "http://"+k.first.Private+":9811"+page)
		if out["9811"+page] = []byte(text); err != nil {
			k.Errorf("%s of the other cluster: %v", page, err)
		}
	}
	ctx, cancel := context.WithTimeout(k.Context(), 20*time.Second)
	defer cancel()
	stream, _ := k.lab.Exec(ctx, k.first.ID, "sh", "-c", "curl -sN --max-time 12 http://"+k.first.Private+":9810/stream; true")
	if out["/stream"] = []byte(stream); stream == "" {
		k.Errorf("/stream says nothing")
	}
	return out
}

// engines is all that the engines show: of the swarm, and of each machine's containers, with their logs.
func (k *stacks) engines() map[string][]byte {
	k.Helper()
	out := map[string][]byte{}
	for _, kind := range []string{"service", "node", "config", "secret", "network"} {
		out["docker "+kind+" inspect"] = []byte(k.onManager("sh", "-ec", "docker "+kind+" inspect $(docker "+kind+" ls -q)"))
	}
	out["docker inspect of the tasks"] = []byte(k.onManager("sh", "-ec", "docker inspect --type task $(docker service ps -q $(docker service ls -q))"))
	configs, err := k.docker.ConfigList(k.Context(), swarm.ConfigListOptions{})
	if err != nil {
		k.Fatal(err)
	}
	for _, c := range configs { // what swarmd keeps: ledger, revisions, lease
		out["config "+c.Spec.Name] = c.Spec.Data
	}
	for _, d := range k.lab.Status().Droplets {
		engine := k.engine(d.ID)
		list, err := engine.ContainerList(k.Context(), container.ListOptions{All: true})
		if err != nil {
			k.Fatal(err)
		}
		for _, c := range list {
			_, raw, err := engine.ContainerInspectWithRaw(k.Context(), c.ID, true)
			if err == nil { // it may just have gone
				out["docker inspect on "+d.Name+" "+c.ID] = raw
			}
		}
	}
	return out
}

// files are the machines' logs, what their containers wrote, and the user-data that they were made with.
func (k *stacks) files() map[string][]byte {
	k.Helper()
	out := map[string][]byte{}
	logs, err := filepath.Glob(filepath.Join(k.at, "droplets", "*", "docker", "containers", "*", "*"))
	if err != nil || len(logs) == 0 {
		k.Fatalf("no container has a log: %v", err)
	}
	for _, path := range logs {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			out[path], _ = os.ReadFile(path) // a container may go at any moment
		}
	}
	for _, d := range k.lab.Status().Droplets {
		out["user-data of "+d.Name] = []byte(k.userData(d))
		journal, err := k.lab.Exec(k.Context(), d.ID, "journalctl", "--no-pager", "-o", "cat")
		if err != nil {
			k.Fatal(err)
		}
		out["journal of "+d.Name] = []byte(journal)
	}
	return out
}

func (k *stacks) userData(d lab.Droplet) string {
	k.Helper()
	out, err := k.lab.Exec(k.Context(), d.ID, "sh", "-c", "cat /var/lib/cloud/instance/user-data.txt* /var/lib/cloud/seed/nocloud/user-data 2>/dev/null; true")
	if err != nil {
		k.Fatal(err)
	}
	return out
}
