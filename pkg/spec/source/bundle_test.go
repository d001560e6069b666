package source

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/spec/file"
)

const bundled = `version: 1
cluster: web
cloud: { digitalocean: { region: fra1, image: docker-20-04 } }
nodes:
  managers: { role: manager, count: 1, size: s-1vcpu-1gb }
services:
  app: { image: "nginx:1.27", configs: [site] }
configs:
  site: { file: ./conf/site.conf }
`

// TestAFileBringsTheTextsThatItNames: a revision is complete, whatever the texts are, and wherever the file is read.
func TestAFileBringsTheTextsThatItNames(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cluster.yaml")
	conf := filepath.Join(filepath.Dir(path), "conf", "site.conf")
	must(t, os.Mkdir(filepath.Dir(conf), 0o755))
	write(t, path, bundled)
	parse := func() (*file.Document, error) {
		data, err := ReadFile(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		d, _, err := file.Parse("elsewhere.yaml", data)
		return d, err
	}
	for _, text := range []string{"a\n", "a", "$VAR {{x}}\t'\"\r\n---\n...\n", "true", " leading\n\n\n", strings.Repeat("żółć: |\n", 20_000)} {
		write(t, conf, text)
		d, err := parse()
		if err != nil {
			t.Fatalf("%.20q: %v", text, err)
		}
		if got := d.Stack.Configs["site"].Extras[spec.ContentKey]; got != text {
			t.Errorf("%.20q came as %.20q", text, got)
		}
	}
	for text, says := range map[string]string{"": "it is empty", "a\x00": "no UTF-8 text", "\xff": "no UTF-8 text", strings.Repeat("a", 500_000): "at most 499999"} {
		write(t, conf, text)
		if _, err := parse(); err == nil || !strings.Contains(err.Error(), `elsewhere.yaml:9:11: configs.site.file: "./conf/site.conf" cannot be taken along: `) || !strings.Contains(err.Error(), says) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	must(t, os.Remove(conf))
	if _, err := parse(); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("without it: %v", err)
	}
	half := strings.TrimSuffix(bundled, "\n")
	write(t, path, half)
	write(t, conf, "a\n")
	if data, err := ReadFile(path, nil); err != nil || strings.HasSuffix(string(data), "\n") {
		t.Errorf("what seems to be half of a file is whole: %q, %v", data, err)
	}
	if _, err := parse(); err != nil {
		t.Error(err)
	}
}
