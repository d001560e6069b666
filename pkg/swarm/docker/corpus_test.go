package docker

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/docker/cli/cli/compose/loader"
	composetypes "github.com/docker/cli/cli/compose/types"

	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// corpus returns the names of the Compose files that conversion and normal form are held to, at least 120.
func corpus(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/compose/*.yaml")
	if err != nil || len(files) < 120 {
		t.Fatalf("the corpus has %d files: %v", len(files), err)
	}
	return files
}

// loaded are the files that were read, which many tests read and none changes.
var loaded sync.Map

// load reads a Compose file as pkg/spec/file does: nothing from the environment, and with the texts of configs.
func load(t *testing.T, file string) *composetypes.Config {
	t.Helper()
	if cfg, ok := loaded.Load(file); ok {
		return cfg.(*composetypes.Config)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cfg := parseIn(t, filepath.Dir(file), data)
	for name, c := range cfg.Configs {
		if c.File != "" {
			content, err := os.ReadFile(c.File)
			if err != nil {
				t.Fatal(err)
			}
			c.Extras = map[string]any{spec.ContentKey: string(content)}
			cfg.Configs[name] = c
		}
	}
	loaded.Store(file, cfg)
	return cfg
}

func parse(t *testing.T, data []byte) *composetypes.Config { return parseIn(t, "/", data) }

func parseIn(t *testing.T, dir string, data []byte) *composetypes.Config {
	t.Helper()
	tree, err := loader.ParseYAML(data)
	if err != nil {
		t.Fatal(err)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		t.Fatal(err)
	}
	cfg, err := loader.Load(composetypes.ConfigDetails{WorkingDir: dir, ConfigFiles: []composetypes.ConfigFile{{Config: tree}}})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}
func convert(t *testing.T, file string) swarm.Stack {
	t.Helper()
	stack, err := Convert("corpus", load(t, file))
	if err != nil {
		t.Fatal(err)
	}
	return stack
}

// convertText converts one service "s" given as the lines under its name.
func convertText(t *testing.T, lines string) swarm.ServiceSpec {
	t.Helper()
	text := "version: \"3.13\"\nservices:\n  s:\n    image: app:1\n"
	for line := range strings.Lines(lines) {
		text += "    " + line
	}
	stack, err := Convert("c", parse(t, []byte(text+"\n")))
	if err != nil {
		t.Fatal(err)
	}
	return stack.Services[0]
}
