package docker

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/cli/cli/compose/loader"
	composetypes "github.com/docker/cli/cli/compose/types"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// corpus returns the names of the Compose files that conversion and normal form are held to, at least twenty.
func corpus(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/compose/*.yaml")
	if err != nil || len(files) < 20 {
		t.Fatalf("the corpus has %d files: %v", len(files), err)
	}
	return files
}

// load reads a Compose file as pkg/spec/file does: nothing from the environment.
func load(t *testing.T, file string) *composetypes.Config {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, data)
}

func parse(t *testing.T, data []byte) *composetypes.Config {
	t.Helper()
	tree, err := loader.ParseYAML(data)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := loader.Load(composetypes.ConfigDetails{WorkingDir: "/", ConfigFiles: []composetypes.ConfigFile{{Config: tree}}})
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
