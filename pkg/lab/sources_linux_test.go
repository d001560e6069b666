package lab

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const hostStanzas = `# The release itself.
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates bookworm-backports
Components: main contrib
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 bookworm
 -----END PGP PUBLIC KEY BLOCK-----

Types: deb
uris: http://mirror.example/debian-security
suites: bookworm-security
components: main
Check-Valid-Until: yes

Types: deb
URIs: https://other.example
Suites: bookworm
Components: stable

Types: deb-src
URIs: http://mirror.example/sources
Suites: bookworm
Components: main

Types: deb
Enabled: no
URIs: http://mirror.example/off
Suites: bookworm
Components: main
`

const keyField = `Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 bookworm
 -----END PGP PUBLIC KEY BLOCK-----
`

func TestRewriteStanzas(t *testing.T) {
	for _, c := range []struct{ to, want string }{
		{"trixie", `Types: deb
Suites: trixie trixie-updates
URIs: http://mirror.example/debian
Components: main contrib
` + keyField + `
Types: deb
Suites: trixie-security
uris: http://mirror.example/debian-security
components: main
Check-Valid-Until: yes
`},
		{"unstable", `Types: deb
Suites: unstable
Check-Valid-Until: no
URIs: http://mirror.example/debian
Components: main contrib
` + keyField},
	} {
		if got := rewriteStanzas(hostStanzas, suites{from: "bookworm", to: c.to}); got != c.want {
			t.Errorf("for %s:\n%s\nwant\n%s", c.to, got, c.want)
		}
	}
}

func TestRewriteLines(t *testing.T) {
	const host = `# deb http://mirror.example/old bookworm main
deb http://mirror.example/debian bookworm main contrib # the release
deb-src http://mirror.example/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/k.gpg] http://mirror.example/security stable-security main
deb http://mirror.example/debian bookworm-updates main
deb http://mirror.example/debian bookworm-backports main
deb https://other.example bookworm stable
deb https://other.example other-bookworm main
deb http://mirror.example/flat ./
`
	for to, want := range map[string]string{
		"trixie": `deb http://mirror.example/debian trixie main contrib
deb [arch=amd64 signed-by=/usr/share/keyrings/k.gpg] http://mirror.example/security trixie-security main
deb http://mirror.example/debian trixie-updates main
`,
		"bookworm": `deb http://mirror.example/debian bookworm main contrib
deb [arch=amd64 signed-by=/usr/share/keyrings/k.gpg] http://mirror.example/security bookworm-security main
deb http://mirror.example/debian bookworm-updates main
`,
		"unstable": "deb [check-valid-until=no] http://mirror.example/debian unstable main contrib\n",
	} {
		if got := rewriteLines(host, suites{from: "bookworm", to: to}); got != want {
			t.Errorf("for %s:\n%s\nwant\n%s", to, got, want)
		}
	}
	if got := rewriteLines("deb http://m trixie-security main\ndeb http://m bookworm main\n", suites{from: "trixie", to: "bookworm"}); got != "deb http://m bookworm-security main\n" {
		t.Errorf("from a newer host: %q", got)
	}
}

func TestHostSources(t *testing.T) {
	dir := t.TempDir()
	if files, err := hostSources(dir); err == nil {
		t.Errorf("a host without sources has %v", files)
	}
	if err := os.Mkdir(filepath.Join(dir, "sources.list.d"), 0o755); err != nil {
		t.Fatal(err)
	}
	want := []string{"sources.list.d/a.list", "sources.list.d/b.sources", "sources.list"}
	for _, name := range append(want, "sources.list.d/c.sources.disabled") {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	files, err := hostSources(dir)
	for i, f := range files {
		files[i] = strings.TrimPrefix(f, dir+"/")
	}
	if err != nil || !slices.Equal(files, want) {
		t.Errorf("sources %v, %v, want %v", files, err, want)
	}
}
