package app_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"filippo.io/age"

	"github.com/swarmd/swarmd/pkg/app"
	"github.com/swarmd/swarmd/pkg/sim"
	specfile "github.com/swarmd/swarmd/pkg/spec/file"
)

const withSealed = `version: 1
cluster: web
cloud: { digitalocean: { region: fra1, image: docker-20-04 } }
nodes:
  managers: { role: manager, count: 3, size: s-1vcpu-1gb }
services:
  app: { image: "nginx:1.27", secrets: [db, tls], deploy: { replicas: 2 } }
secrets:
  db: { file: db.age }
  tls: { credential: tls }
`

// sealedFile is the file with a secret that is encrypted to the identity, as who hands it in sends it.
func sealedFile(t *testing.T, to *age.X25519Identity, value string) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(value)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return specfile.Bundle([]byte(withSealed), func(string) ([]byte, error) { return out.Bytes(), nil })
}

// TestEncryptedSecretsRotate: an encrypted value and one of the unit's credentials, each changed, and in nothing that is said, logged or sent but
// where the secret is made. A swarmd that cannot have them holds them by name.
func TestEncryptedSecretsRotate(t *testing.T) {
	mine, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		w, files := sim.New(sim.Options{Seed: 7}), beside{}
		a, wire, log := listened(t, w, files, func(o *app.Options) {
			o.Credentials = "/run/credentials/swarmd.service"
			o.Identity = func() ([]byte, error) { return files.read("identity") }
		})
		loop := a.Loop(app.Role{File: app.File{Initial: sealedFile(t, mine, "hunter-0")}})
		defer run(t, a, loop, app.Page{})()
		time.Sleep(2 * time.Minute)
		held := fmt.Sprintf("%+v", loop.Last().Holds)
		for _, says := range []string{"db.age cannot be decrypted on web-managers-", "the credential tls cannot be read on web-managers-"} {
			if !strings.Contains(held, says) {
				t.Errorf("no hold says %s: %s", says, held)
			}
		}
		files.put("identity", mine.String())
		files.put("/run/credentials/swarmd.service/tls", "hunter-0")
		settles(t, loop, 1)
		before := used(t, a)
		if _, err := loop.Submit(t.Context(), sealedFile(t, other, "hunter-0"), "test"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		if now, held := used(t, a), fmt.Sprintf("%+v", loop.Last().Holds); strings.Join(now, " ") != strings.Join(before, " ") || !strings.Contains(held, "encrypted to none of swarmd's recipients") {
			t.Errorf("encrypted to somebody else: %q, before %q: %s", now, before, held)
		}
		if _, err := loop.Submit(t.Context(), sealedFile(t, mine, "hunter-0"), "test"); err != nil {
			t.Fatal(err)
		}
		settles(t, loop, 3)
		if now := used(t, a); now[0] == before[0] || now[1] != before[1] {
			t.Errorf("after the edit the service refers to %q, before to %q", now, before)
		}
		nobodyKnows(t, loop, "hunter-", wire, log)
		nobodyKnows(t, loop, "AGE-SECRET-KEY-1", wire, log)
	})
}
