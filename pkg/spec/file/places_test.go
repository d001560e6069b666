package file_test

import (
	"testing"

	"github.com/swarmd/swarmd/pkg/spec/file"
)

func TestPlaces(t *testing.T) {
	text := `version: 1
x-small: &small { size: s-1vcpu-1gb }
cloud:
  digitalocean: { ssh_keys: [aa, bb] }
nodes:
  workers:
    <<: *small
    count: 2
`
	places := file.PlacesOf("f.yaml", []byte(text))
	for _, c := range []struct {
		keys []string
		want string
	}{
		{[]string{"nodes", "workers", "count"}, "f.yaml:8:12: nodes.workers.count: bad"},
		{[]string{"nodes", "workers", "size"}, "f.yaml:2:25: nodes.workers.size: bad"},
		{[]string{"cloud", "digitalocean", "ssh_keys", "1"}, "f.yaml:4:34: cloud.digitalocean.ssh_keys[1]: bad"},
		{[]string{"cloud", "digitalocean", "ssh_keys", "2"}, "f.yaml:4:29: cloud.digitalocean.ssh_keys: bad"},
		{[]string{"cloud", "digitalocean", "region"}, "f.yaml:4:17: cloud.digitalocean: bad"},
		{[]string{"elsewhere"}, "f.yaml:1:1: bad"},
	} {
		if got := places.Fault("bad", c.keys...).String(); got != c.want {
			t.Errorf("%v: %s, want %s", c.keys, got, c.want)
		}
	}
	if !places.Has("nodes", "workers", "count") || places.Has("nodes", "workers", "region") {
		t.Error("Has is wrong about count or region")
	}
	if got := file.PlacesOf("f.yaml", []byte(": [")).Fault("bad", "nodes").String(); got != "f.yaml:1:1: bad" {
		t.Error(got)
	}
}

func TestDidYouMean(t *testing.T) {
	known := []string{"nyc1", "fra1", "ams3"}
	if got := file.DidYouMean("fra2", known); got != `; did you mean "fra1"?` {
		t.Errorf("fra2: %q", got)
	}
	if got := file.DidYouMean("lon1", known); got != "" {
		t.Errorf("lon1: %q", got)
	}
	if known[0] != "nyc1" {
		t.Error("the known words were sorted in place")
	}
}
