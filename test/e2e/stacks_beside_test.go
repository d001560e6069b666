//go:build linux

package e2e

import (
	"fmt"
	"os"
	"time"
)

// besideVersions are the values of a secret whose file lies beside a swarmd.
var besideVersions = []string{"staple-0-elephant", "staple-1-elephant", "staple-2-elephant"}

const (
	besidePort     = 9811
	besideIdentity = "/etc/swarmd/beside.key"
	besideSecret   = "/etc/swarmd/secrets/pin"
	besideFile     = `version: 1
cluster: beside
policies: { bake: 2s, resync: 5s }
services:
  app:
    image: %s:1
    secrets: [pin]
    deploy: { replicas: 2, endpoint_mode: dnsrr, placement: { constraints: [node.labels.zone==lab] }, update_config: { order: start-first } }
secrets: { pin: { file: %s } }
`
)

// rotatesBeside has a second cluster of services alone, whose swarmd runs on the manager itself, and rotates its secret by writing the file beside it.
// Then it gets an encrypted variable. The returned function takes the cluster away.
func (k *stacks) rotatesBeside() (end func()) {
	k.Helper()
	binary, err := os.ReadFile(k.bin)
	if err != nil {
		k.Fatal(err)
	}
	text := fmt.Sprintf(besideFile, webImage, besideSecret)
	k.onManager("mkdir", "-p", "/etc/swarmd/secrets")
	k.put("/root/swarmd", binary, 0o755)
	k.put(besideSecret, []byte(besideVersions[0]), 0o600)
	k.put("/etc/swarmd/beside.yaml", []byte(text), 0o644)
	k.onManager("systemd-run", "--unit=swarmd-beside", "--setenv=SOPS_AGE_KEY_FILE="+besideIdentity, "/root/swarmd", "run", "-f", "/etc/swarmd/beside.yaml", "--new-cluster", "--listen", fmt.Sprint("node:", besidePort))
	for i, value := range besideVersions {
		began := time.Now()
		k.put(besideSecret, []byte(value), 0o600)
		k.until(fmt.Sprintf("both tasks read version %d of the file beside", i), 2*time.Minute, func() (bool, string) {
			n := k.readBy("beside_app", "pin", value)
			return n == 2, fmt.Sprint(n)
		})
		k.Logf("report: the file beside swarmd, version %d: both tasks read it after %.0f s", i, time.Since(began).Seconds())
	}
	k.heldBeside(text)
	return func() {
		k.onManager("systemctl", "stop", "swarmd-beside")
		k.must(k.host, "destroy", "-f", k.write("beside.yaml", text), "--confirm", "beside")
	}
}

// put writes a file of the manager's machine.
func (k *stacks) put(path string, content []byte, mode os.FileMode) {
	k.Helper()
	if err := k.lab.WriteFile(k.first.ID, path, content, mode); err != nil {
		k.Fatal(err)
	}
}

// besideProcess is the process of the second cluster's swarmd.
func (k *stacks) besideProcess() string {
	k.Helper()
	return k.onManager("systemctl", "show", "-p", "MainPID", "-p", "NRestarts", "swarmd-beside")
}
