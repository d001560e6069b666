package file_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/spec/file"
)

// What a Parser remembers must not show: any file after any other, and after a bad one, is read as if it were the first.
func TestParserReadsAsIfForTheFirstTime(t *testing.T) {
	files, err := filepath.Glob("testdata/good/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	var texts []string
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(data), strings.ReplaceAll(string(data), "replicas: 2", "replicas: 3"), strings.ReplaceAll(string(data), "image:", "image: x/"))
	}
	p := &file.Parser{}
	good := 0
	for _, before := range texts {
		for _, text := range texts {
			_, _, _ = p.Parse("a.yaml", []byte(before))
			again, warned, err := p.Parse("b.yaml", []byte(text))
			first, wantWarned, wantErr := file.Parse("b.yaml", []byte(text))
			if d := cmp.Diff(first, again); d != "" || cmp.Diff(wantWarned, warned) != "" || (err == nil) != (wantErr == nil) {
				t.Fatalf("%v, %v; (-first +again):\n%s", wantErr, err, d)
			}
			if err == nil {
				good++
			}
		}
	}
	if good < len(texts) {
		t.Errorf("only %d were good", good)
	}
}

// What the loader made is shared between files: nothing may have been written into it meanwhile, and a service that goes is forgotten.
func TestParserForgetsWhatIsGone(t *testing.T) {
	const head = "version: 1\ncluster: web\ncloud: { digitalocean: { region: fra1, image: i } }\nnodes:\n  m: { role: manager, count: 1, size: s }\nservices:\n  a: { image: a }\n"
	p := &file.Parser{}
	for _, c := range []struct {
		text string
		want []string
	}{{head + "  b: { image: b }\n", []string{"a", "b"}}, {head, []string{"a"}}, {strings.Replace(head, "  a:", "  c:", 1), []string{"c"}}} {
		s, _, err := p.Parse("web.yaml", []byte(c.text))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, svc := range s.Stack.Services {
			got = append(got, svc.Name+"="+svc.Image)
		}
		var want []string
		for _, name := range c.want {
			want = append(want, name+"="+strings.Replace(name, "c", "a", 1))
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	}
}
