package swarmd_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"strings"
	"testing"
)

const module = "github.com/swarmd/swarmd/"

// rank is the order of the rooms: a room imports only rooms of a lower rank. README's architecture section is the same list in prose.
var rank = map[string]int{
	"deploy":                          0,
	"internal/clock":                  0,
	"internal/cost":                   0,
	"internal/respcache":              0,
	"internal/sem":                    0,
	"pkg/apierr":                      0,
	"pkg/sealed":                      0,
	"pkg/sealed/sealedtest":           0,
	"pkg/spec":                        1,
	"pkg/spec/file":                   2,
	"pkg/spec/source":                 3,
	"pkg/cloud":                       1,
	"pkg/swarm":                       1,
	"pkg/cloud/userdata":              2,
	"pkg/cloud/digitalocean":          2,
	"pkg/swarm/docker":                2,
	"pkg/swarm/docker/ssh":            2,
	"pkg/swarm/docker/ssh/sshtest":    2,
	"pkg/access":                      3,
	"pkg/preflight":                   3,
	"pkg/reconcile/ledger":            3,
	"pkg/reconcile/ledger/ledgertest": 4,
	"pkg/reconcile/brake":             4,
	"pkg/reconcile/world":             4,
	"pkg/maintenance":                 4,
	"pkg/audit":                       5,
	"pkg/reconcile/plan":              5,
	"pkg/reconcile/execute":           6,
	"pkg/history":                     6,
	"pkg/reconcile/report":            7,
	"pkg/health":                      8,
	"pkg/drill":                       8,
	"pkg/quorum":                      8,
	"pkg/reconcile":                   9,
	"pkg/app":                         10,
	"pkg/bootstrap":                   10,
	"pkg/destroy":                     11,
	"pkg/install":                     11,
	"pkg/sim/docean":                  10,
	"pkg/sim/dockerd":                 10,
	"test/conform":                    14,
	"pkg/sim":                         11,
	"pkg/lab":                         11,
	"test/explore":                    14,
	"cmd/swarmd":                      13,
	"test/bench":                      15,
	"test/e2e":                        15,
	"test/e2e/web":                    0,
}

// onlyIn says which room alone may import a library.
var onlyIn = map[string][]string{
	"github.com/digitalocean/godo":        {"pkg/cloud/digitalocean"},
	"github.com/docker/docker/client":     {"pkg/swarm/docker"},
	"github.com/docker/docker/api/types":  {"pkg/swarm/docker", "pkg/sim", "test"},
	"github.com/coreos/go-systemd/v22":    {"pkg/app"},
	"github.com/prometheus/client_golang": {"pkg/health", "pkg/app", "test"},
	"github.com/spf13/cobra":              {"cmd/swarmd"},
	"github.com/docker/cli/cli/compose":   {"pkg/spec/file", "pkg/swarm/docker"},
	"github.com/fsnotify/fsnotify":        {"pkg/spec/source"},
	"gopkg.in/yaml.v3":                    {"pkg/spec/file", "pkg/cloud/userdata", "pkg/sim", "pkg/lab", "pkg/sealed"},
	"filippo.io/age":                      {"pkg/sealed"},
	"golang.org/x/crypto/ssh":             {"pkg/swarm/docker/ssh", "pkg/lab"},
}

type listed struct {
	ImportPath string
	Imports    []string
}

func list(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(p.ImportPath, module) {
			p.ImportPath = strings.TrimPrefix(p.ImportPath, module)
			all = append(all, p)
		}
	}
	return all
}

func TestImportsRunOneWay(t *testing.T) {
	seen := 0
	for _, p := range list(t) {
		own, ok := rank[p.ImportPath]
		if !ok {
			t.Errorf("%s is in no room: put it on the map (rank here, architecture in README.md)", p.ImportPath)
			continue
		}
		seen++
		for _, imp := range p.Imports {
			room, ours := strings.CutPrefix(imp, module)
			if !ours {
				checkLibrary(t, p.ImportPath, imp)
			} else if rank[room] >= own && !(path.Dir(room) == p.ImportPath || path.Dir(p.ImportPath) == room) {
				t.Errorf("%s imports %s, against the direction", p.ImportPath, room)
			}
		}
	}
	if seen < 10 {
		t.Fatalf("only %d rooms seen", seen)
	}
}

func checkLibrary(t *testing.T, room, imp string) {
	t.Helper()
	for lib, rooms := range onlyIn {
		if imp != lib && !strings.HasPrefix(imp, lib+"/") {
			continue
		}
		for _, r := range rooms {
			if room == r || strings.HasPrefix(room, r+"/") {
				return
			}
		}
		t.Errorf("%s imports %s, which belongs to %v alone", room, imp, rooms)
	}
}
