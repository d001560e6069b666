package access

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/swarmd/swarmd/deploy"
	"github.com/swarmd/swarmd/pkg/apierr"
)

// TestUnitWithoutAReadTokenStarts: systemd hands over what the unit says for a file that is not there, and that is no token.
func TestUnitWithoutAReadTokenStarts(t *testing.T) {
	var fallback string
	for line := range strings.Lines(deploy.Unit(512<<20, false)) {
		if value, ok := strings.CutPrefix(line, "SetCredential="+ReadCredential+":"); ok {
			fallback = strings.ReplaceAll(strings.TrimSuffix(value, "\n"), `\n`, "\n") // as systemd does
		}
	}
	if fallback == "" {
		t.Fatal("no fallback in the unit, and systemd calls an empty one a wrong syntax")
	}
	dir := t.TempDir()
	a := Access{Getenv: func(n string) string { return map[string]string{"CREDENTIALS_DIRECTORY": dir}[n] }, Secrets: apierr.NewRedactor()}
	for content, wantErr := range map[string]bool{fallback: false, "short": true} {
		if err := os.WriteFile(filepath.Join(dir, ReadCredential), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		token, err := a.ReadToken("")
		if (err != nil) != wantErr || token != nil && token() != "" {
			t.Errorf("%q: %v", content, err)
		}
	}
}
