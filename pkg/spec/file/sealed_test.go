package file

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"unsafe"

	"github.com/swarmd/swarmd/pkg/sealed"
	"github.com/swarmd/swarmd/pkg/spec"
)

const namesSealed = `version: 1
cluster: web
cloud: { digitalocean: { region: fra1, image: docker-20-04 } }
nodes:
  managers: { role: manager, count: 1, size: s-1vcpu-1gb }
services:
  app: { image: "nginx:1.27", secrets: [db] }
secrets:
  db: { file: %s }
`

// armoredFile is an .age file that nobody can open any more.
const armoredFile = `-----BEGIN AGE ENCRYPTED FILE-----
YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSA4UHcxOURLUnpTT2tZREpJ
Q0FPMGFsQUZ3Q09hNHBLMVZORys3a1JjRW5nCi8zNGtoTFNwa1BLQnV6czJzdjJM
UXk5QlNTemJESVNUaUVWVXF3R0dqazgKLS0tIFNUcElNWTgvc0lVUkVXai9NVmdV
UmtBQ1dKS1ZaNC9RcnQ3QlF6aUg4REkKKAwvS5N0EGCZjzp5kiC0G05P1N6xaLZC
sQQK2gyLzMA5B4d4H/s9ZltdtpexvKQ5p7uKuWy9ui4Gm8Tw0YU=
-----END AGE ENCRYPTED FILE-----
`

// TestEncryptedFilesComeAlong: the encrypted text is in the revision, a plain one never is, whatever is wrong is told with its place.
func TestEncryptedFilesComeAlong(t *testing.T) {
	const sopsFile = "user: ENC[AES256_GCM,data:AAAA,iv:AAAA,tag:AAAA,type:str]\nsops:\n  age: [{ enc: x }]\n  mac: x\n  lastmodified: \"2026-11-30T10:00:00Z\"\n"
	for name, c := range map[string]struct{ names, text, says string }{
		"an .age file":           {"db.age", armoredFile, ""},
		"a value of SOPS":        {"s.yaml, key: user", sopsFile, ""},
		"plain":                  {"db.age", "letmein", `secrets.db.file: "db.age" cannot be taken along: it is not encrypted`},
		"no such value":          {"s.yaml, key: pasword", sopsFile, `secrets.db.key: "s.yaml": it has no value "pasword", but user`},
		"no key":                 {"s.yaml", strings.Replace(sopsFile, "sops:", "more: \"\"\nsops:", 1), `secrets.db.file: "s.yaml": it has several values`},
		"a value that is plain":  {"s.yaml, key: user", "pin: letmein\n" + sopsFile, `"s.yaml" cannot be taken along: line 1: pin is not encrypted`},
		"a key of an .age file":  {"db.age, key: user", armoredFile, `secrets.db.key: "db.age": an .age file is one value`},
		"other keys than age's":  {"s.yaml, key: user", strings.Replace(sopsFile, "age: [{ enc: x }]", "kms: [{ arn: x }]", 1), "line 3: sops.kms: swarmd has none of these keys"},
		"an .age file without a": {"db.age", strings.Replace(armoredFile, "-----END", "-----AND", 1), "its armor is damaged"},
	} {
		data := Bundle(fmt.Appendf(nil, namesSealed, c.names), func(string) ([]byte, error) { return []byte(c.text), nil })
		if strings.Contains(string(data), "letmein") {
			t.Errorf("%s: a plain text travels:\n%s", name, data)
		}
		d, _, err := Parse("web.yaml", data)
		switch {
		case c.says != "":
			if err == nil || !strings.Contains(err.Error(), "web.yaml:9:") || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "letmein") {
				t.Errorf("%s: %v", name, err)
			}
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case d.Stack.Secrets["db"].Extras[spec.SealedKey] != c.text:
			t.Errorf("%s: came as %q", name, d.Stack.Secrets["db"].Extras[spec.SealedKey])
		}
	}
	if _, _, err := Parse("web.yaml", fmt.Appendf(nil, namesSealed, "db.age")); err == nil || !strings.Contains(err.Error(), "did not come with this file") {
		t.Errorf("without it: %v", err)
	}
}

// TestManySecretsOfOneFileShareItsText: a file of a thousand secrets is not held a thousand times.
func TestManySecretsOfOneFileShareItsText(t *testing.T) {
	text, names := "", ""
	for i := range 1000 {
		text += fmt.Sprintf("k%d: ENC[AES256_GCM,data:%s,iv:AAAA,tag:AAAA,type:str]\n", i, strings.Repeat("A", 200))
		names += fmt.Sprintf("  s%d: { file: s.yaml, key: k%d }\n", i, i)
	}
	text += "sops:\n  age: [{ enc: x }]\n  mac: x\n  lastmodified: \"2026-11-30T10:00:00Z\"\n"
	data := Bundle([]byte(fmt.Sprintf(namesSealed, "s.yaml, key: k0")+names), func(string) ([]byte, error) { return []byte(text), nil })
	d, _, err := Parse("web.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	places := map[*byte]bool{}
	for _, s := range d.Stack.Secrets {
		places[unsafe.StringData(s.Extras[spec.SealedKey].(string))] = true
	}
	if len(d.Stack.Secrets) != 1001 || len(places) != 1 {
		t.Errorf("%d secrets have their text in %d places", len(d.Stack.Secrets), len(places))
	}
}

// TestTheExampleOpens: the secrets of the example are ones that its identity opens.
func TestTheExampleOpens(t *testing.T) {
	dir := "../../../deploy/examples/"
	d, _, err := Parse("sealed.yaml", withFiles(t, dir+"sealed.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	with, err := sealed.ReadIdentities(read(t, "../../sealed/testdata/identity.txt"))
	if err != nil {
		t.Fatal(err)
	}
	opened := 0
	for key, s := range d.Stack.Secrets {
		text, _ := s.Extras[spec.SealedKey].(string)
		if text == "" {
			continue
		}
		f, err := sealed.Read(s.File, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		of, _ := s.Extras[spec.SealedOf].(string)
		if value, err := f.Open(of, with); err != nil || len(value) == 0 {
			t.Errorf("%s: %v", key, err)
		}
		opened++
	}
	if opened != 2 {
		t.Errorf("%d of 2 opened", opened)
	}
}

// withFiles is a file with what it names beside it.
func withFiles(t *testing.T, path string) []byte {
	t.Helper()
	return Bundle(read(t, path), func(named string) ([]byte, error) { return os.ReadFile(path[:strings.LastIndex(path, "/")+1] + named) })
}
