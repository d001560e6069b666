package cloud_test

import (
	"testing"

	"github.com/swarmd/swarmd/pkg/cloud"
)

// TestDropletNamesAreReadAsTheyAreMade: for the same cluster and operation, and for no other.
func TestDropletNamesAreReadAsTheyAreMade(t *testing.T) {
	for _, pool := range []string{"workers", "big-workers", "w"} {
		name := cloud.DropletName("web", pool, "abcdefghijklmnop")
		if want := "web-" + pool + "-abcde"; name != want {
			t.Errorf("%q, want %q", name, want)
		}
		for _, c := range []struct{ cluster, name, op, want string }{
			{"web", name, "abcdefghijklmnop", pool},
			{"web", name, "abcde", pool},
			{"shop", name, "abcdefghijklmnop", ""},
			{"we", name, "abcdefghijklmnop", ""},
			{"web", name, "abcdxfghijklmnop", ""},
			{"web", name, "", ""},
			{"web", name + "x", "abcdefghijklmnop", ""},
		} {
			if got := cloud.ParseDropletName(c.cluster, c.name, c.op); got != c.want {
				t.Errorf("%+v: %q", c, got)
			}
		}
	}
	for _, short := range []string{"", "abcd"} {
		if name := cloud.DropletName("web", "workers", short); name != "" || cloud.ParseDropletName("web", "web-workers-"+short, short) != "" {
			t.Errorf("the operation %q names %q", short, name)
		}
	}
	if got := cloud.ParseDropletName("web", "web--abcde", "abcde"); got != "" {
		t.Errorf("no pool is %q", got)
	}
}
