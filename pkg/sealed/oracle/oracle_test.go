package oracle

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/aes"
	"github.com/getsops/sops/v3/age"
	"github.com/getsops/sops/v3/cmd/sops/common"
	"github.com/getsops/sops/v3/cmd/sops/formats"
	"github.com/getsops/sops/v3/config"
	"github.com/getsops/sops/v3/decrypt"

	"github.com/swarmd/swarmd/pkg/sealed"
	"github.com/swarmd/swarmd/pkg/sealed/sealedtest"
)

// plain files, by their names, and what is under the keys of each.
var plain = map[string]struct {
	text   string
	values map[string]string
}{
	"shop.yaml": {"db:\n    # who may\n    user: shop\n    password: \"p:ä #1\\n\\ttab\"\n    port: 5432\nratio: 1.50\nbig: 1e21\non: true\nempty: \"\"\nnothing: null\n" +
		"since: 2026-11-30T10:00:00Z\nusers:\n    - name: a\n      password: b\n    - c\nlong: |\n    two\n    lines\nnote_unencrypted: plain\nnumbers_unencrypted: [1, 2.50, true, 0x10]\na.b: dots\n",
		map[string]string{"db.user": "shop", "db.password": "p:ä #1\n\ttab", "db.port": "5432", "ratio": "1.5", "on": "true", "users.0.password": "b", "users.1": "c", "long": "two\nlines\n", "a.b": "dots", "since": "2026-11-30T10:00:00Z"}},
	"shop.json": {`{"db": {"user": "shop", "password": "p<>&😀\"\\/", "port": 5432}, "ratio": 2.5, "list": ["x", {"y": "z"}], "note_unencrypted": "a/<😀>\u2028", "n_unencrypted": 12345678901}`,
		map[string]string{"db.user": "shop", "db.password": "p<>&😀\"\\/", "db.port": "5432", "ratio": "2.5", "list.0": "x", "list.1.y": "z"}},
	"shop.env": {"# who\nDB_USER=shop\nDB_PASSWORD=a=b \\n c\nEMPTY=\nNOTE_unencrypted=plain\n", map[string]string{"DB_USER": "shop", "DB_PASSWORD": "a=b \n c"}},
	"tls.key":  {"-----BEGIN-----\nnot a key\n-----END-----\n", map[string]string{"": "-----BEGIN-----\nnot a key\n-----END-----\n"}},
}

// encrypted is the plain file as sops writes it.
func encrypted(t *testing.T, name, text, recipient string, change func(*sops.Metadata)) []byte {
	t.Helper()
	store := common.StoreForFormat(formats.FormatForPath(name), config.NewStoresConfig())
	branches, err := store.LoadPlainFile([]byte(text))
	if err != nil {
		t.Fatal(name, err)
	}
	key, err := age.MasterKeyFromRecipient(recipient)
	if err != nil {
		t.Fatal(err)
	}
	tree := sops.Tree{Branches: branches, Metadata: sops.Metadata{KeyGroups: []sops.KeyGroup{{key}}, UnencryptedSuffix: "_unencrypted", Version: "3.13.3"}}
	change(&tree.Metadata)
	data, bad := tree.GenerateDataKey()
	if len(bad) > 0 {
		t.Fatal(bad)
	}
	if err := common.EncryptTree(common.EncryptTreeOpts{DataKey: data, Tree: &tree, Cipher: aes.NewCipher()}); err != nil {
		t.Fatal(name, err)
	}
	out, err := store.EmitEncryptedFile(tree)
	if err != nil {
		t.Fatal(name, err)
	}
	return out
}

// TestWhatSopsWrites: each file that sops encrypts opens, under each rule, with what was in it, and the tampered one in neither.
func TestWhatSopsWrites(t *testing.T) {
	private, recipient, err := sealed.Identity()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOPS_AGE_KEY", private)
	with, err := sealed.ReadIdentities([]byte(private))
	if err != nil {
		t.Fatal(err)
	}
	opened := 0
	for name, file := range plain {
		for rule, change := range map[string]func(*sops.Metadata){
			"the default":        func(*sops.Metadata) {},
			"mac_only_encrypted": func(m *sops.Metadata) { m.MACOnlyEncrypted = true },
			"unencrypted_regex":  func(m *sops.Metadata) { m.UnencryptedSuffix, m.UnencryptedRegex = "", "_unencrypted$" },
			"encrypted_regex":    func(m *sops.Metadata) { m.UnencryptedSuffix, m.EncryptedRegex = "", "." },
		} {
			text := encrypted(t, name, file.text, recipient, change)
			if _, err := decrypt.Data(text, string(kind(name))); err != nil {
				t.Errorf("%s, %s: sops itself: %v", name, rule, err)
			}
			f, err := sealed.Read(name, text)
			if err != nil {
				t.Errorf("%s, %s: %v\n%s", name, rule, err, text)
				continue
			}
			for key, want := range file.values {
				got, err := f.Open(key, with)
				if string(got) != want || err != nil {
					t.Errorf("%s, %s, %q: %q, %v; not %q", name, rule, key, got, err, want)
				}
				opened++
			}
		}
		bothRefuse(t, name, encrypted(t, name, file.text, recipient, func(*sops.Metadata) {}), with)
	}
	if opened < 76 {
		t.Errorf("only %d values were compared", opened)
	}
}

func kind(name string) string {
	return map[string]string{".yaml": "yaml", ".json": "json", ".env": "dotenv", ".key": "binary"}[filepath.Ext(name)]
}

// bothRefuse changes the file in ways that sops finds out.
func bothRefuse(t *testing.T, name string, text []byte, with sealed.Identities) {
	t.Helper()
	for what, change := range map[string]func(string) string{
		"the time":      func(s string) string { return strings.ReplaceAll(s, fmt.Sprint(time.Now().Year()), "2020") },
		"a plain value": func(s string) string { return strings.Replace(s, "plain", "other", 1) },
		"all tags":      func(s string) string { return strings.ReplaceAll(s, ",tag:", ",tag:AAAA") },
	} {
		changed := change(string(text))
		if changed == string(text) {
			continue
		}
		_, theirs := decrypt.Data([]byte(changed), kind(name))
		f, ours := sealed.Read(name, []byte(changed))
		if ours == nil {
			for key := range plain[name].values {
				if _, ours = f.Open(key, with); ours == nil {
					break
				}
			}
		}
		if (theirs == nil) != (ours == nil) || ours == nil {
			t.Errorf("%s, %s is another: sops says %v, ours %v", name, what, theirs, ours)
		}
	}
}

// TestWhatTheTestsWrite: the files that tests elsewhere write are some that sops opens.
func TestWhatTheTestsWrite(t *testing.T) {
	private, recipient, err := sealed.Identity()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOPS_AGE_KEY", private)
	values := []sealedtest.Value{{Key: "USER", Type: "str", Text: "shop"}, {Key: "PASSWORD", Type: "str", Text: "a=b #c"}, {Key: "NOTE_unencrypted", Text: "plain"}}
	for name, file := range map[string]struct{ text, want string }{
		"shop.yaml": {sealedtest.YAML(t, recipient, "", values...), "USER: shop\nPASSWORD: 'a=b #c'\nNOTE_unencrypted: plain\n"},
		"only.yaml": {sealedtest.YAML(t, recipient, "    mac_only_encrypted: true\n", values...), "USER: shop\nPASSWORD: 'a=b #c'\nNOTE_unencrypted: plain\n"},
		"shop.env":  {sealedtest.Env(t, recipient, values...), "USER=shop\nPASSWORD=a=b #c\nNOTE_unencrypted=plain\n"},
	} {
		if got, err := decrypt.Data([]byte(file.text), kind(name)); string(got) != file.want || err != nil {
			t.Errorf("%s: %q, %v; not %q", name, got, err, file.want)
		}
	}
}

// TestTheFilesOfTheTests: what the tests elsewhere use are files that sops opens.
func TestTheFilesOfTheTests(t *testing.T) {
	dir := filepath.Join("..", "testdata")
	identity, err := os.ReadFile(filepath.Join(dir, "identity.txt"))
	if err != nil {
		t.Fatal(err)
	}
	with, err := sealed.ReadIdentities(identity)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOPS_AGE_KEY", string(identity))
	for _, name := range []string{"shop.yaml", "shop.json", "shop.env", "tls.key"} {
		path := filepath.Join(dir, name)
		if os.Getenv("SWARMD_WRITE") != "" {
			text := encrypted(t, name, plain[name].text, with.Recipients()[0], func(*sops.Metadata) {})
			if err := os.WriteFile(path, text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decrypt.Data(text, kind(name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
