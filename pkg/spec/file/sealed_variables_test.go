package file

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/swarmd/swarmd/pkg/sealed"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// opens decrypts with the identity of the test files.
func opens(t *testing.T) func(SealedVariable) (map[string]string, error) {
	t.Helper()
	with, err := sealed.ReadIdentities(read(t, "../../sealed/testdata/identity.txt"))
	if err != nil {
		t.Fatal(err)
	}
	return func(v SealedVariable) (map[string]string, error) {
		f, err := sealed.Read(v.File, []byte(v.Text))
		if err != nil {
			return nil, err
		}
		return f.OpenValues(with)
	}
}

const usesSealed = `variables_from: shop.env
stacks: { api: { files: api.yaml } }
services:
  web:
    image: "x:1"
    env_file: shop.env
    environment: { URL: "postgres://${DB_USER}:${DB_PASSWORD}@db/${NOTE_unencrypted}", DB_PASSWORD: , OWN: "x" }
    deploy: { replicas: 2 }
  plain: { image: "x:1", environment: [A=b], deploy: { replicas: 2 } }
`

func sealedFiles(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{
		"shop.env": string(read(t, "../../sealed/testdata/shop.env")),
		"api.yaml": "services:\n  api: { image: \"x:1\", environment: [\"PASS=${DB_PASSWORD:-none}\"], deploy: { replicas: 2 } }\n",
	}
}

// TestEncryptedVariablesAreFilledIntoEnvironments: reading a file needs no identity and keeps no value; who has one gets them all, and the document stays.
func TestEncryptedVariablesAreFilledIntoEnvironments(t *testing.T) {
	d, warnings, err := Parse("prod.yaml", bundledFrom(stacksHead+usesSealed, sealedFiles(t)))
	if err != nil {
		t.Fatal(err)
	}
	if all := fmt.Sprint(warnings); strings.Contains(all, "password") {
		t.Errorf("warned of what is encrypted: %s", all)
	}
	if before := fmt.Sprint(environments(d)); strings.Count(before, swarm.StandIn) != 5 || strings.Contains(before, "a=b") {
		t.Errorf("read as %s", before)
	}
	out, unopened := d.Opened(opens(t))
	password := "a=b \n c"
	want := strings.ReplaceAll("map[api/api:map[PASS:hunter2] prod/plain:map[A:b] prod/web:map[DB_PASSWORD:hunter2 DB_USER:shop EMPTY: NOTE_unencrypted:plain OWN:x URL:postgres://shop:hunter2@db/plain]]", "hunter2", password)
	if got := fmt.Sprint(environments(out)); got != want || len(unopened) > 0 {
		t.Errorf("opened as %s, %v", got, unopened)
	}
	if before := fmt.Sprint(environments(d)); strings.Contains(before, password) {
		t.Errorf("the document itself has %s", before)
	}
	out, unopened = d.Opened(func(SealedVariable) (map[string]string, error) { return nil, errors.New("no key here") })
	if got := fmt.Sprint(unopened); !strings.Contains(got, "[api api]:its variable DB_PASSWORD of shop.env has no value: no key here") || len(unopened) != 2 || strings.Count(fmt.Sprint(environments(out)), swarm.StandIn) != 5 {
		t.Errorf("without a key: %s, %v", got, environments(out))
	}
	for value, says := range map[string]string{"a\x00b": "NUL", "\xff": "no UTF-8", strings.Repeat("x", maxScalar+1): "more than", "{{.Nothing}}": "two braces"} {
		_, unopened := d.Opened(func(SealedVariable) (map[string]string, error) {
			return map[string]string{"DB_PASSWORD": value, "DB_USER": "shop"}, nil
		})
		if why := unopened[[2]string{"api", "api"}]; !strings.Contains(why, says) || strings.Contains(why, value) {
			t.Errorf("%.20q: %s", value, why)
		}
	}
}

// environments are those of all services, by stack and service.
func environments(d *Document) map[string]map[string]string {
	out := map[string]map[string]string{}
	add := func(stack, service string, all map[string]*string) {
		values := map[string]string{}
		for name, value := range all {
			values[name] = *value
		}
		out[stack+"/"+service] = values
	}
	for _, s := range d.Stack.Services {
		add(d.Cluster, s.Name, s.Environment)
	}
	for name, stack := range d.Composed {
		for _, s := range stack.Services {
			add(name, s.Name, s.Environment)
		}
	}
	return out
}

// TestEncryptedVariablesStandInEnvironmentsAlone: anywhere else they are a fault with its place, and so is a file whose names nobody can read.
func TestEncryptedVariablesStandInEnvironmentsAlone(t *testing.T) {
	for service, want := range map[string]string{
		`{ image: "x:${DB_PASSWORD}" }`:                                                            `services.web.image: the variable "DB_PASSWORD" is encrypted in "shop.env", and may be used in the values of a service's environment alone`,
		`{ image: "x:1", labels: { a: "b${DB_PASSWORD}" } }`:                                       `services.web.labels.a: the variable`,
		`{ image: "x:1", command: ["run", "${DB_USER:-x}"] }`:                                      `services.web.command[1]: the variable "DB_USER"`,
		`{ image: "x:1", environment: ["${DB_USER}=x"] }`:                                          `services.web.environment[0]: the variable`,
		`{ image: "x:1", environment: ["${DB_USER}"] }`:                                            `services.web.environment[0]: the variable`,
		`{ image: "x:1", healthcheck: { test: "curl -u ${DB_PASSWORD} x" } }`:                      `services.web.healthcheck.test: the variable`,
		"{ image: \"x:1\" }\nvolumes: { data: { driver_opts: { password: \"${DB_PASSWORD}\" } } }": `volumes.data.driver_opts.password: the variable`,
	} {
		_, _, err := Parse("prod.yaml", bundledFrom(stacksHead+"variables_from: shop.env\nservices:\n  web: "+service+"\n", sealedFiles(t)))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), swarm.StandIn) {
			t.Errorf("%s: %v", service, err)
		}
	}
	files := map[string]string{"age.env": armoredFile, "deep.yaml": string(read(t, "../../sealed/testdata/shop.yaml"))}
	_, _, err := Parse("prod.yaml", bundledFrom(stacksHead+"variables_from: [age.env, deep.yaml]\nservices: {}\n", files))
	for _, want := range []string{`variables_from[0]: "age.env" cannot be taken: the names in an .age file are encrypted, too: encrypt the lines with sops`, `variables_from[1]: "deep.yaml" cannot be taken: line`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
