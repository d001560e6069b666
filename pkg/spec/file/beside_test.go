package file

import (
	"strings"
	"testing"

	"github.com/swarmd/swarmd/pkg/spec"
)

// TestAValueBesideSwarmdIsForWhatItsFolderSays: whoever edits the file chooses the path, and with it who would get what is there.
func TestAValueBesideSwarmdIsForWhatItsFolderSays(t *testing.T) {
	const hub = "docker.io"
	for _, c := range []struct {
		ref             spec.Reference
		service, toMine bool
		evil            bool // registry evil.example:5000 is shown it
	}{
		{spec.Reference{File: "/etc/swarmd/secrets/token"}, true, false, false},
		{spec.Reference{File: "/etc/swarmd/secrets/../registries/docker.io"}, false, true, false},
		{spec.Reference{File: "/etc/swarmd/registries/docker.io"}, false, true, false},
		{spec.Reference{File: "/etc/swarmd/registries/docker.io/../evil.example:5000"}, false, false, true},
		{spec.Reference{File: "/etc/swarmd/registry"}, false, true, true}, // as older files have it: warned of
		{spec.Reference{File: "/etc/swarmd-old/registry"}, false, false, false},
		{spec.Reference{File: "/etc/shadow"}, false, false, false},
		{spec.Reference{File: "/root/.ssh/id_ed25519"}, false, false, false},
		{spec.Reference{Credential: "hub"}, true, true, true},
		{spec.Reference{Credential: "registry-docker.io"}, false, true, false},
		{spec.Reference{Credential: "registry-index.docker.io"}, false, true, false},
		{spec.Reference{Credential: "registry-password"}, true, true, true}, // no registry is called so
	} {
		for who, got := range map[string][2]bool{
			"a service":         {NotForService(c.ref) == "", c.service},
			hub:                 {NotForRegistry(hub, c.ref) == "", c.toMine},
			"evil.example:5000": {NotForRegistry("evil.example:5000", c.ref) == "", c.evil},
		} {
			if got[0] != got[1] {
				t.Errorf("%s may have %s: %v", who, c.ref, got[0])
			}
		}
	}
}

// TestWhatNoSwarmdReadsIsWarnedOf before it is found out at the last moment, with what to do.
func TestWhatNoSwarmdReadsIsWarnedOf(t *testing.T) {
	const head = "version: 1\ncluster: shop\ncloud: { digitalocean: { region: fra1, image: docker-20-04 } }\nnodes: { managers: { role: manager, count: 3, size: s-1vcpu-1gb } }\n"
	for text, want := range map[string]string{
		"secrets: { a: { file: /etc/shadow } }":                                                                          "no swarmd reads it: what services may have lies below /etc/swarmd/secrets: put it there",
		"secrets: { a: { credential: registry-docker.io } }":                                                             "no swarmd reads it: it is for the registry docker.io alone",
		"secrets: { a: { file: /etc/swarmd/secrets/a } }":                                                                "",
		"registries: { evil.example: { username: u, password: { file: /etc/shadow } } }":                                 "no swarmd reads it: the password of this registry lies in /etc/swarmd/registries/evil.example: put it there",
		"registries: { evil.example: { username: u, password: { file: /etc/swarmd/registries/docker.io } } }":            "no swarmd reads it",
		"registries: { evil.example: { username: u, password: { credential: registry-docker.io } } }":                    "give the unit one for evil.example (LoadCredential=registry-evil.example:/etc/swarmd/registries/evil.example)",
		"registries: { 'r.example:5000': { username: u, password: { credential: registry-docker.io } } }":                "the password of r.example:5000 lies in /etc/swarmd/registries/r.example:5000 on each manager: name that file",
		"registries: { r.example: { username: u, password: { file: /etc/swarmd/registry } } }":                           "in /etc/swarmd/registries/r.example on each manager it is for r.example alone",
		"registries: { 'r.example:5000': { username: u, password: { file: '/etc/swarmd/registries/r.example:5000' } } }": "",
	} {
		_, warnings, err := Parse("shop.yaml", []byte(head+text+"\n"))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		said := ""
		for _, w := range warnings {
			said += w.String() + "\n"
		}
		if want == "" && strings.Contains(said, "etc/swarmd") || !strings.Contains(said, want) {
			t.Errorf("%s: warns\n%s", text, said)
		}
	}
}

// TestPasswordFilesOfAnyFile: it is asked before the file is judged, by a daemon that nothing in a file may end.
func TestPasswordFilesOfAnyFile(t *testing.T) {
	for text, want := range map[string]string{
		"registries: { r.example: { username: u } }":                              "",
		"registries: { r.example: }":                                              "",
		"registries: { r.example: hunter }":                                       "",
		"registries: { r.example: { password: hunter } }":                         "",
		"registries: { r.example: { password: { file: [] } } }":                   "",
		"registries: [r.example]":                                                 "",
		"services: { app: { image: a } } # registries":                            "",
		"x-registries: { r.example: { password: { file: /a } } }":                 "",
		"registries: { r.example: { password: { file: /a } }, b: { password: } }": "/a",
	} {
		if got := strings.Join(PasswordFiles([]byte(text+"\n")), " "); got != want {
			t.Errorf("%s: %q", text, got)
		}
	}
}

// TestWhatIsTakenAlongIsAConfigsOrASecrets, and nothing that another section calls a file.
func TestWhatIsTakenAlongIsAConfigsOrASecrets(t *testing.T) {
	for _, text := range []string{"variables: { file: /etc/passwd } # configs\n", "x-mine: { file: /etc/passwd } # secrets\n"} {
		Bundle([]byte(text), func(path string) ([]byte, error) {
			t.Errorf("%s: %s is read", text, path)
			return nil, nil
		})
	}
}
