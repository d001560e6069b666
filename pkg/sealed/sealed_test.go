package sealed

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/swarmd/swarmd/pkg/sealed/sealedtest"
)

const hidden = "hunter-2-canary"

func value(key, kind, text string) sealedtest.Value {
	return sealedtest.Value{Key: key, Type: kind, Text: text}
}

// identity is a new identity, and the recipient.
func identity(t testing.TB) (Identities, string) {
	t.Helper()
	private, recipient, err := Identity()
	if err != nil {
		t.Fatal(err)
	}
	with, err := ReadIdentities([]byte("# created: now\n" + private + "\n"))
	if err != nil || len(with.Recipients()) != 1 || with.Recipients()[0] != recipient {
		t.Fatal(err, with.Recipients(), recipient)
	}
	return with, recipient
}

// TestAge: an .age file opens in both forms and is carried as text, and what is wrong with one is said without what is in it.
func TestAge(t *testing.T) {
	with, to := identity(t)
	other, _ := identity(t)
	binary := sealedtest.Age(t, []byte(hidden), to)
	for name, file := range map[string]string{"binary": string(binary), "armored": armored(binary), "with a line before": "\n" + armored(binary)} {
		text, err := Text("db.age", []byte(file))
		if err != nil || text != armored(binary) {
			t.Errorf("%s: as text %.30q, %v", name, text, err)
		}
		f, err := Read("db.age", []byte(text))
		if err != nil {
			t.Fatal(name, err)
		}
		if got, err := f.Open("", with); string(got) != hidden || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if got, err := f.Open("", other); got != nil || !errors.Is(err, ErrIdentity) {
			t.Errorf("%s: another identity opens it: %q, %v", name, got, err)
		}
		if got, err := f.Open("", Identities{}); got != nil || !errors.Is(err, ErrIdentity) {
			t.Errorf("%s: no identity opens it: %q, %v", name, got, err)
		}
		if _, err := f.Open("db", with); err == nil || !strings.Contains(err.Error(), "one value") {
			t.Errorf("%s: a key of it: %v", name, err)
		}
	}
	flipped := []byte(string(binary))
	flipped[len(flipped)-1] ^= 1
	for name, bad := range map[string][]byte{"short": binary[:len(binary)-1], "changed": flipped} {
		f, err := Read("db.age", bad)
		if err != nil {
			t.Fatal(name, err)
		}
		if got, err := f.Open("", with); len(got) > 0 || err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for name, bad := range map[string]string{"no header": string(binary[:60]), "half an armor": armored(binary)[:200]} {
		if _, err := Read("db.age", []byte(bad)); err == nil || !strings.Contains(err.Error(), "encrypt it anew") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSOPS: values of all types, by their keys, and the MAC in both ways.
func TestSOPS(t *testing.T) {
	with, to := identity(t)
	other, _ := identity(t)
	values := []sealedtest.Value{value("user", "str", hidden), value("port", "int", "5432"), value("ratio", "float", "0.5"), value("on", "bool", "True"), value("note_unencrypted", "", "plain"), value("a.b", "str", "dots")}
	for _, more := range []string{"", "    mac_only_encrypted: true\n", "    unencrypted_regex: ^note\n", "    encrypted_regex: ^(user|port|ratio|on|a\\.b)$\n"} {
		text := sealedtest.YAML(t, to, more, values...)
		f, err := Read("s.yaml", []byte(text))
		if err != nil {
			t.Fatal(more, err)
		}
		for key, want := range map[string]string{"user": hidden, "port": "5432", "ratio": "0.5", "on": "true", "a.b": "dots"} {
			if got, err := f.Open(key, with); string(got) != want || err != nil {
				t.Errorf("%s%s: %q, %v", more, key, got, err)
			}
		}
		for key, says := range map[string]string{"": "key: user, port", "users": `no value "users", but user, port`, "note_unencrypted": "not encrypted there"} {
			if _, err := f.Open(key, with); err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%s%s: %v", more, key, err)
			}
		}
		if got, err := f.Open("user", other); got != nil || !errors.Is(err, ErrIdentity) {
			t.Errorf("%sanother identity opens it: %q, %v", more, got, err)
		}
	}
}

// TestSOPSThatWasChanged: who has no key can change nothing without being found out. No error repeats a value.
func TestSOPSThatWasChanged(t *testing.T) {
	with, to := identity(t)
	text := sealedtest.YAML(t, to, "", value("user", "str", hidden), value("password", "str", hidden+"2"), value("note_unencrypted", "", "plain"))
	lines := strings.SplitAfter(text, "\n")
	swap := strings.Replace(lines[0], "user: ", "password: ", 1) + strings.Replace(lines[1], "password: ", "user: ", 1) + strings.Join(lines[2:], "")
	for name, c := range map[string]struct{ text, says string }{
		"a plain value is another":     {strings.Replace(text, ": plain", ": other", 1), "MAC"},
		"one is gone":                  {strings.Join(lines[1:], ""), "MAC"},
		"two are swapped":              {swap, "line 1: password: is damaged, or was moved"},
		"the time is another":          {strings.Replace(text, "10:00:00", "10:00:01", 1), "MAC"},
		"a value is cut":               {strings.Replace(text, "user: ENC[AES256_GCM,data:", "user: ENC[AES256_GCM,data:AAAA", 1), "is damaged"},
		"the MAC is that of a value":   {strings.Replace(text, "mac: ENC[", "mac: ENC[AES256_GCM,data:AAAA,iv:AAAA,tag:AAAA,type:str] # ", 1), "MAC"},
		"the key is damaged":           {strings.Replace(text, "-----END AGE", "-----AND AGE", 1), "sops.age: its armor is damaged"},
		"a value that is empty is not": {strings.Replace(text, "user: ENC[", "user: \"\" # [", 1), "MAC"},
	} {
		f, err := Read("s.yaml", []byte(c.text))
		if err != nil {
			t.Fatal(name, err)
		}
		got, err := f.Open("password", with)
		if len(got) > 0 || err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "hunter") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// TestWhatIsNotTaken: with its line, before anything is decrypted, and nothing that anybody could read.
func TestWhatIsNotTaken(t *testing.T) {
	_, to := identity(t)
	text := sealedtest.YAML(t, to, "", value("user", "str", hidden))
	noAge := text[:strings.Index(text, "    age:")] + text[strings.Index(text, "    lastmodified"):]
	for name, c := range map[string]struct{ file, text, says string }{
		"plain text":         {"s.txt", hidden, "is not encrypted"},
		"plain YAML":         {"s.yaml", "user: " + hidden, "is not encrypted"},
		"a plain .env":       {"s.env", "A=" + hidden, "is not encrypted"},
		"nothing":            {"s.yaml", "", "is not encrypted"},
		"a value is plain":   {"s.yaml", "new: " + hidden + "\n" + text, "line 1: new is not encrypted: sops encrypts it"},
		"a number is plain":  {"s.yaml", "deep: [{new: 12}]\n" + text, "line 1: deep.new is not encrypted"},
		"KMS alone":          {"s.yaml", strings.Replace(noAge, "sops:\n", "sops:\n    kms: [{ arn: a }]\n", 1), "line 3: sops.kms: swarmd has none of these keys"},
		"PGP alone":          {"s.yaml", strings.Replace(noAge, "sops:\n", "sops:\n    pgp: [{ fp: a }]\n", 1), "line 3: sops.pgp: swarmd has none of these keys"},
		"groups":             {"s.yaml", strings.Replace(text, "sops:\n", "sops:\n    shamir_threshold: 2\n", 1), "line 3: sops.shamir_threshold: the key is split"},
		"no recipient":       {"s.yaml", noAge, "sops.age: has no recipient"},
		"no MAC":             {"s.yaml", strings.Replace(text, "    mac: ", "    mc: ", 1), "has no mac"},
		"no time":            {"s.yaml", strings.Replace(text, sealedtest.Modified, "then", 1), "sops.lastmodified: is no time"},
		"rules by comments":  {"s.yaml", text + "    encrypted_comment_regex: x\n", "swarmd knows rules by keys only"},
		"two rules":          {"s.yaml", text + "    encrypted_regex: x\n    encrypted_suffix: y\n", "more than one rule"},
		"a bad rule":         {"s.yaml", text + "    encrypted_regex: \"[\"\n", "is no regular expression"},
		"a long rule":        {"s.yaml", text + "    encrypted_regex: " + strings.Repeat("a", 1001) + "\n", "more than 1000 bytes"},
		"aliases":            {"s.yaml", "a: &a {}\nb: *a\n" + text, "line 2: an alias"},
		"a key of a number":  {"s.yaml", "1: 2\n" + text, "line 1: a key that is no text"},
		"several documents":  {"s.yaml", text + "---\na: b\n", "several documents"},
		"deep":               {"s.yaml", "a: " + strings.Repeat("[", 200) + strings.Repeat("]", 200) + "\n" + text, "in each other"},
		"a passphrase":       {"s.age", ageIntro + "-> scrypt AAAAAAAAAAAAAAAAAAAAAA 18\n" + strings.Repeat("A", 43) + "\n--- " + strings.Repeat("A", 43) + "\n", "no age recipient"},
		"longer than it may": {"s.yaml", text + "#" + strings.Repeat("a", MaxText), "more than 500000 bytes"},
	} {
		_, err := Read(c.file, []byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "hunter") {
			t.Errorf("%s: %v", name, err)
		}
		if text, err := Text(c.file, []byte(c.text)); err == nil || text != "" {
			t.Errorf("%s: carried all the same", name)
		}
	}
	if _, err := ReadIdentities([]byte("hunter")); err == nil || strings.Contains(err.Error(), "hunter") {
		t.Errorf("no identity: %v", err)
	}
}

// FuzzRead: whatever a file is, reading ends, and what cannot be verified gives no value.
func FuzzRead(f *testing.F) {
	with, to := identity(f)
	text := sealedtest.YAML(f, to, "", value("user", "str", hidden), value("note_unencrypted", "", "plain"))
	f.Add("s.yaml", text, "user")
	f.Add("s.age", string(sealedtest.Age(f, []byte(hidden), to)), "")
	f.Add("s.env", "A=ENC[AES256_GCM,data:AAAA,iv:AAAA,tag:AAAAAAAAAAAAAAAAAAAAAA==,type:str]\nsops_age__list_0__map_enc=x\nsops_mac=x\nsops_lastmodified=2026-11-30T10:00:00Z\n", "A")
	f.Add("s.json", `{"data":"x","sops":{"age":[{"enc":"x"}],"mac":"x","lastmodified":"2026-11-30T10:00:00Z"}}`, "")
	f.Fuzz(func(t *testing.T, name, text, key string) {
		file, err := Read(name, []byte(text))
		if err != nil {
			return
		}
		carried, err := Text(name, []byte(text))
		if err != nil || carried == "" {
			t.Fatalf("read, but not carried: %v", err)
		}
		again, err := Read(name, []byte(carried))
		if err != nil {
			t.Fatalf("what is carried is not read: %v", err)
		}
		one, badOne := file.Sealed(key)
		two, badTwo := again.Sealed(key)
		if string(one) != string(two) || (badOne == nil) != (badTwo == nil) {
			t.Fatalf("carried it is another value: %q, %q", one, two)
		}
		if got, err := again.Open(key, with); err == nil && string(got) != hidden {
			t.Fatalf("opened as %q", got)
		}
	})
}

// TestTheFilesThatSopsWrote: of each kind, with values in each other, in lists and with all types; see the module oracle, which wrote them.
func TestTheFilesThatSopsWrote(t *testing.T) {
	text := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	with, err := ReadIdentities(text("identity.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range map[string]map[string]string{
		"shop.yaml": {"db.user": "shop", "db.port": "5432", "on": "true", "users.0.password": "b", "users.1": "c", "a.b": "dots"},
		"shop.json": {"db.user": "shop", "list.1.y": "z", "ratio": "2.5"},
		"shop.env":  {"DB_USER": "shop", "DB_PASSWORD": "a=b \n c"},
		"tls.key":   {"": "-----BEGIN-----\nnot a key\n-----END-----\n"},
	} {
		f, err := Read(name, text(name))
		if err != nil {
			t.Fatal(name, err)
		}
		for key, want := range values {
			if got, err := f.Open(key, with); string(got) != want || err != nil {
				t.Errorf("%s, %q: %q, %v", name, key, got, err)
			}
		}
	}
}

// TestValuesAtTheTop: the names and encrypted texts of a file with variables need no identity, and who has one gets all values at once, by the file's MAC.
func TestValuesAtTheTop(t *testing.T) {
	private, err := os.ReadFile("testdata/identity.txt")
	if err != nil {
		t.Fatal(err)
	}
	with, err := ReadIdentities(private)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/variables-one.env")
	if err != nil {
		t.Fatal(err)
	}
	f, err := Read("shop.env", text)
	if err != nil {
		t.Fatal(err)
	}
	values, err := f.Values()
	if err != nil || len(values) != 2 || values[1].Name != "DB_PASSWORD" || !values[1].Sealed || values[1].Line != 2 || !strings.HasPrefix(values[1].Text, "ENC[") {
		t.Errorf("%+v, %v", values, err)
	}
	if opened, err := f.OpenValues(with); err != nil || opened["DB_PASSWORD"] != "hunter-one" || opened["DB_USER"] != "shop" || len(opened) != 2 {
		t.Errorf("%q, %v", opened, err)
	}
	forged, err := Read("shop.env", []byte(strings.Replace(string(text), "DB_USER="+values[0].Text, "DB_USER=", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if opened, err := forged.OpenValues(with); !errors.Is(err, errMAC) || opened != nil {
		t.Errorf("changed without the key: %q, %v", opened, err)
	}
	for text, says := range map[string]string{"A: {B: x}": "line 1: A has values in it", "A: x\nA: y": "line 2: A is there twice", "A:": "line 1: A has no value"} {
		var root yaml.Node
		if err := yaml.Unmarshal([]byte(text), &root); err != nil {
			t.Fatal(err)
		}
		if _, err := (&File{sops: &sopsFile{root: root.Content[0]}}).Values(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
