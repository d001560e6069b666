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
