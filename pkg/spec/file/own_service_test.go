package file

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestServicesSayThatTheirTasksStay(t *testing.T) {
	const head = "version: 1\ncluster: shop\ncloud: { digitalocean: { region: fra1, image: i, ssh_keys: [1] } }\n" +
		"nodes: { managers: { role: manager, count: 1, size: s-1vcpu-1gb } }\nservices:\n"
	s, _, err := Parse("f.yaml", []byte(head+`
  still: { image: "a:1", x-swarmd: { rebalance: false } }
  moves: { image: "a:1", x-swarmd: { rebalance: true } }
  plain: { image: "a:1", x-mine: { rebalance: 1 } }
`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]bool{"shop_still": true}, s.NoRebalance); diff != "" {
		t.Error(diff)
	}
	_, _, err = Parse("f.yaml", []byte(head+"  still: { image: \"a:1\", x-swarmd: { rebalance: never, balance: 1 } }\n"))
	for _, part := range []string{"f.yaml:6:", "services.still.x-swarmd.rebalance: must be true or false", `services.still.x-swarmd.balance: unknown key "balance"; did you mean "rebalance"?`} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("no %q in: %v", part, err)
		}
	}
}

// TestProtectedServices: each says it of itself, or its stack of all.
func TestProtectedServices(t *testing.T) {
	files := map[string]string{
		"a.yaml":      "services:\n  db: { image: \"a:1\" }\n  web: { image: \"a:1\", x-swarmd: { protect: false } }\n  queue: { image: \"a:1\", x-swarmd: { protect: true } }\n",
		"b.yaml":      "services:\n  db: { image: \"a:1\", x-swarmd: { protect: true } }\n  web: { image: \"a:1\" }\n",
		"b.prod.yaml": "services:\n  web: { x-swarmd: { protect: true } }\n",
	}
	d, _, err := Parse("f.yaml", bundledFrom(stacksHead+`services:
  db: { image: "a:1", x-swarmd: { protect: true } }
  web: { image: "a:1" }
stacks:
  all: { files: a.yaml, protect: true }
  some: b.yaml
  two: [b.yaml, b.prod.yaml]
`, files))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{"prod_db": true, "all_db": true, "all_queue": true, "some_db": true, "two_db": true, "two_web": true}
	if diff := cmp.Diff(want, d.Protected); diff != "" {
		t.Error(diff)
	}
	if d, _, err = Parse("f.yaml", bundledFrom(stacksHead+"stacks: { all: a.yaml }\n", files)); err != nil || len(d.Protected) != 1 {
		t.Errorf("without protect of the stack: %v, %v", d, err)
	}
	_, _, err = Parse("f.yaml", bundledFrom(stacksHead+"stacks: { all: { files: a.yaml, protect: never } }\n", files))
	if err == nil || !strings.Contains(err.Error(), "stacks.all.protect: must be true or false") {
		t.Error(err)
	}
}
