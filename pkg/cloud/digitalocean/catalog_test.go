package digitalocean

import (
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
)

func TestCatalogLists(t *testing.T) {
	c, w := client(t,
		answer{status: 200, body: `{"regions":[{"slug":"nyc2","available":false},{"slug":"fra1","available":true}],"meta":{"total":2}}`},
		answer{status: 200, body: `{"images":[{"id":9,"slug":"b"},{"id":7,"regions":["fra1"],"min_disk_size":25}],"meta":{"total":2}}`},
		answer{status: 200, body: `{"ssh_keys":[{"id":3,"name":"me","fingerprint":"aa:bb"}],"meta":{"total":1}}`})
	regions, err := c.Regions(t.Context())
	if diff := cmp.Diff([]cloud.Region{{Slug: "fra1", Available: true}, {Slug: "nyc2"}}, regions); diff != "" || err != nil {
		t.Error(diff, err)
	}
	images, err := c.Images(t.Context())
	if diff := cmp.Diff([]cloud.Image{{ID: 7, Regions: []string{"fra1"}, MinDiskGB: 25}, {ID: 9, Slug: "b"}}, images); diff != "" || err != nil {
		t.Error(diff, err)
	}
	keys, err := c.SSHKeys(t.Context())
	if diff := cmp.Diff([]cloud.SSHKey{{ID: 3, Name: "me", Fingerprint: "aa:bb"}}, keys); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if w.seen[2] != "GET /v2/account/keys?page=1&per_page=200" {
		t.Error(w.seen)
	}
}

func TestImage(t *testing.T) {
	c, w := client(t, answer{status: 200, body: `{"image":{"id":7,"slug":"docker-20-04"}}`})
	for _, name := range []string{"7", "docker-20-04"} {
		if got, err := c.Image(t.Context(), name); err != nil || got.ID != 7 {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if diff := cmp.Diff([]string{"GET /v2/images/7", "GET /v2/images/docker-20-04"}, w.seen); diff != "" {
		t.Error(diff)
	}
	if _, err := c.Image(t.Context(), ""); err == nil || len(w.seen) != 2 {
		t.Error("no name was asked for", err)
	}
	synctest.Test(t, func(t *testing.T) {
		c, _ := client(t, answer{status: 200, body: `{"image":{"id":7,"slug":"other"}}`})
		_, err := c.Image(t.Context(), "docker-20-04")
		wantKind(t, err, apierr.Unavailable)
	})
	c, _ = client(t, answer{status: 404, body: `{"id":"not_found","message":"gone"}`})
	_, err := c.Image(t.Context(), "docker-20-04")
	wantKind(t, err, apierr.NotFound)
}
