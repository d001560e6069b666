package file

import (
	"strings"
	"testing"
)

// TestSpliceStack: the service's lines of each Compose file are the older ones, and all else is the accepted file's.
func TestSpliceStack(t *testing.T) {
	const head = stacksHead + "stacks: { shop: { files: [shop/a.yaml, b.yaml] }, one: c.yaml }\n"
	made := func(web, api, over, variable string) []byte {
		return bundledFrom(head+"variables: { V: "+variable+" }\n", map[string]string{
			"shop/a.yaml":    "services:\n  web:\n    image: web:" + web + "\n    configs: [site]\n  api: { image: \"api:" + api + "\" }\nconfigs: { site: { file: site.conf } }\n",
			"b.yaml":         "services:\n  web: { deploy: { replicas: " + over + " } }\n",
			"c.yaml":         "services:\n  web: { image: \"other:" + api + "\" }\n",
			"shop/site.conf": "server " + variable + "\n",
		})
	}
	older, accepted := made("1", "1", "2", "x"), made("2", "2", "3", "y")
	got, err := SpliceStack(accepted, older, "shop", "web")
	if want := string(made("1", "2", "2", "y")); err != nil || string(got) != want {
		t.Errorf("%v\n%s\nwant\n%s", err, got, want)
	}
	if _, _, err := Parse("f.yaml", got); err != nil {
		t.Error(err)
	}
	if got, err = SpliceStack(accepted, older, "one", "web"); err != nil || !strings.Contains(string(got), `other:1\"`) {
		t.Errorf("the stack of one file: %v\n%s", err, got)
	}
	braces := []byte(strings.Replace(string(older), `services:\n  web: { image: \"other:1\" }\n`, `services: { web: { image: \"other:1\" } }\n`, 1))
	if got, err = SpliceStack(accepted, braces, "one", "web"); err == nil || !strings.Contains(err.Error(), "c.yaml: the older file: services does not stand on lines of its own") {
		t.Errorf("in braces on one line: %v\n%s", err, got)
	}
	lines, err := StackLines(older, "shop", "web")
	if err != nil || len(lines) != 2 || string(lines["shop/a.yaml"]) != "  web:\n    image: web:1\n    configs: [site]\n" {
		t.Errorf("%q: %v", lines, err)
	}
	for name, c := range map[string]struct {
		older          string
		stack, service string
		want           string
	}{
		"no such service":       {string(older), "shop", "gone", "no file"},
		"no such stack":         {string(older), "none", "web", "did not come with it"},
		"other files":           {strings.Replace(string(older), "[shop/a.yaml, b.yaml]", "[shop/a.yaml]", 1), "shop", "web", "made of other files: shop/a.yaml"},
		"one file has it alone": {strings.Replace(string(older), "  web: { deploy", "  api: { deploy", 1), "shop", "web", "b.yaml has the service in one of the two only"},
		"no YAML":               {"[", "shop", "web", ""},
		"no map":                {"a", "shop", "web", ""},
		"empty":                 {"", "shop", "web", ""},
	} {
		_, err := SpliceStack(accepted, []byte(c.older), c.stack, c.service)
		if name == "no such service" {
			_, err = StackLines([]byte(c.older), c.stack, c.service)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
