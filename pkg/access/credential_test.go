package access

import (
	"os"
	"path/filepath"
	"testing"
)

func TestCredentialStandsInForTheTokenFile(t *testing.T) {
	with, without := t.TempDir(), t.TempDir()
	file := filepath.Join(with, tokenCredential)
	if err := os.WriteFile(file, []byte("token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		env  map[string]string
		want string
	}{
		"the unit's":             {map[string]string{"CREDENTIALS_DIRECTORY": with}, file},
		"no unit":                {nil, ""},
		"another unit":           {map[string]string{"CREDENTIALS_DIRECTORY": without}, ""},
		"a file was named":       {map[string]string{"CREDENTIALS_DIRECTORY": with, "DIGITALOCEAN_TOKEN_FILE": "/mine"}, "/mine"},
		"a token is in the open": {map[string]string{"CREDENTIALS_DIRECTORY": with, "DIGITALOCEAN_TOKEN": "mine"}, ""},
	} {
		getenv := WithCredential(func(n string) string { return c.env[n] })
		if got := getenv("DIGITALOCEAN_TOKEN_FILE"); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if got := getenv("DIGITALOCEAN_TOKEN"); got != c.env["DIGITALOCEAN_TOKEN"] {
			t.Errorf("%s: the token is %q", name, got)
		}
	}
}
