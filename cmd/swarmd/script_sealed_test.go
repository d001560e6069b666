package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	filippo "filippo.io/age"
	"filippo.io/age/armor"
	api "github.com/docker/docker/api/types/swarm"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/swarmd/swarmd/pkg/sim/dockerd"
	"github.com/swarmd/swarmd/pkg/swarm"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

// identityCmd: identity NAME makes NAME.secret with an age identity, and sets the variable NAME to its recipient.
func identityCmd(ts *testscript.TestScript, _ bool, args []string) {
	one, err := filippo.GenerateX25519Identity()
	ts.Check(err)
	write(ts, args[0]+".secret", one.String()+"\n")
	ts.Setenv(args[0], one.Recipient().String())
}

// encryptCmd: encrypt FILE RECIPIENT WORD makes an armored .age file with the canary and the word.
func encryptCmd(ts *testscript.TestScript, _ bool, args []string) {
	to, err := filippo.ParseX25519Recipient(args[1])
	ts.Check(err)
	var out bytes.Buffer
	text := armor.NewWriter(&out)
	w, err := filippo.Encrypt(text, to)
	ts.Check(err)
	_, err = w.Write([]byte(canary + args[2]))
	ts.Check(err)
	ts.Check(w.Close())
	ts.Check(text.Close())
	write(ts, args[0], out.String())
}

// variablesCmd: variables FILE NAME makes the SOPS file of that name, with hunter-NAME in it, and mine.secret with what opens it.
func variablesCmd(ts *testscript.TestScript, _ bool, args []string) {
	for to, from := range map[string]string{args[0]: "variables-" + args[1] + ".env", "mine.secret": "identity.txt"} {
		text, err := os.ReadFile("../../pkg/sealed/testdata/" + from)
		ts.Check(err)
		write(ts, to, string(text))
	}
}

// runsCmd: runs SERVICE NAME=VALUE waits until the engine's specification of the service has this in its environment. With ! it has it not now.
func runsCmd(ts *testscript.TestScript, neg bool, args []string) {
	var env []string
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		env = nil
		truth, _ := theWorld(ts).Swarm.Truth()
		for _, s := range truth.Services {
			if s.Spec.Name == args[0] {
				env = s.Spec.TaskTemplate.ContainerSpec.Env
			}
		}
		has := slices.Contains(env, args[1])
		if has != neg {
			return
		}
		if neg || time.Since(began) > patience {
			ts.Fatalf("the environment is %q", env)
		}
	}
}

func write(ts *testscript.TestScript, name, text string) {
	ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
}

// readsCmd: reads SERVICE WORD waits until all running tasks of the service find the canary and the word as their only secret.
func readsCmd(ts *testscript.TestScript, _ bool, args []string) {
	var found []string
	for began := time.Now(); time.Since(began) < patience; time.Sleep(50 * time.Millisecond) {
		found = found[:0]
		truth, _ := theWorld(ts).Swarm.Truth()
		for _, s := range truth.Services {
			if s.Spec.Name == args[0] {
				found = valuesIn(truth, s.ID)
			}
		}
		if len(slices.Compact(slices.Clone(found))) == 1 && found[0] == canary+args[1] {
			return
		}
	}
	ts.Fatalf("%d running tasks; not all read this value", len(found))
}

// valuesIn is what each running task of the service finds as its secrets.
func valuesIn(truth dockerd.Truth, service string) []string {
	var found []string
	for _, t := range truth.Tasks {
		if t.ServiceID != service || t.Status.State != "running" || t.DesiredState != "running" {
			continue
		}
		value := ""
		for _, ref := range t.Spec.ContainerSpec.Secrets {
			i := slices.IndexFunc(truth.Secrets, func(s api.Secret) bool { return s.ID == ref.SecretID })
			value += string(truth.Secrets[i].Spec.Data)
		}
		found = append(found, value)
	}
	return found
}

// versionsCmd: versions NAME N waits until the swarm has so many versions of the cluster's secret.
func versionsCmd(ts *testscript.TestScript, _ bool, args []string) {
	var names []string
	for began := time.Now(); time.Since(began) < patience; time.Sleep(50 * time.Millisecond) {
		names = names[:0]
		truth, _ := theWorld(ts).Swarm.Truth()
		for _, s := range truth.Secrets {
			if s.Spec.Labels[swarm.LabelVersionOf] == args[0] {
				names = append(names, s.Spec.Name)
			}
		}
		if strconv.Itoa(len(names)) == args[1] {
			return
		}
	}
	ts.Fatalf("versions %q", names)
}

// nowhereCmd looks for the canary in all that the swarm shows: everything but the values of secrets.
func nowhereCmd(ts *testscript.TestScript, _ bool, _ []string) {
	truth, _ := theWorld(ts).Swarm.Truth()
	if len(truth.Secrets) == 0 || len(truth.Configs) == 0 {
		ts.Fatalf("nothing to look through")
	}
	for i := range truth.Secrets {
		truth.Secrets[i].Spec.Data = nil
	}
	texts := []string{fmt.Sprintf("%+v", truth.Services), fmt.Sprintf("%+v", truth.Tasks), fmt.Sprintf("%+v", truth.Secrets), fmt.Sprintf("%+v", truth.Nodes)}
	for _, c := range truth.Configs {
		texts = append(texts, string(c.Spec.Data), fmt.Sprintf("%+v", c.Spec.Annotations))
		if r, err := gzip.NewReader(bytes.NewReader(c.Spec.Data)); err == nil {
			whole, err := io.ReadAll(r)
			ts.Check(err)
			texts = append(texts, string(whole))
		}
	}
	for _, text := range texts {
		for _, hidden := range []string{canary, "AGE-SECRET-KEY-1", base64.StdEncoding.EncodeToString([]byte(canary))[:16]} {
			if strings.Contains(text, hidden) {
				ts.Fatalf("the swarm shows a secret (%.6s…)", hidden)
			}
		}
	}
}

// selfServiceCmd: selfservice CLUSTER makes swarmd's own service, as bootstrap does.
func selfServiceCmd(ts *testscript.TestScript, _ bool, args []string) {
	engine, err := docker.New(docker.OptionsFromEnv(ts.Getenv))
	ts.Check(err)
	defer engine.Close()
	ctx := context.Background()
	id, err := engine.CreateSecret(ctx, docker.TokenSecret(args[0]), nil, []byte("x"))
	ts.Check(err)
	self, err := docker.SelfService(docker.Self{Cluster: args[0], Image: "registry.example/swarmd:1.0", SecretID: id, SecretName: docker.TokenSecret(args[0]), Memory: 512 << 20})
	ts.Check(err)
	_, err = engine.CreateService(ctx, self)
	ts.Check(err)
}
