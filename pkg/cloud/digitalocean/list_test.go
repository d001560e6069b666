package digitalocean

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
)

func TestDropletsComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, w := client(t, dropletPage(3, true, 12, 11), dropletPage(3, false, 10))
		got, err := c.Droplets(t.Context(), "swarmd:web")
		if err != nil {
			t.Fatal(err)
		}
		var ids []int
		for _, d := range got {
			ids = append(ids, d.ID)
		}
		if diff := cmp.Diff([]int{10, 11, 12}, ids); diff != "" {
			t.Error(diff)
		}
		want := cloud.Droplet{
			ID: 10, Name: "web-workers-abcde", Tags: []string{"swarmd-op:abcdefghijklmnop", "swarmd:web"}, Region: "fra1",
			Size: "s-1vcpu-1gb", Image: "docker-20-04", Status: "active", PublicIPv4: "203.0.113.10", PrivateIPv4: "10.0.0.10", VPC: "v-1",
			Created: got[0].Created,
		}
		if diff := cmp.Diff(want, got[0]); diff != "" {
			t.Error(diff)
		}
		if w.seen[0] != "GET /v2/droplets?page=1&per_page=200&tag_name=swarmd%3Aweb" {
			t.Errorf("asked for %s", w.seen[0])
		}
	})
}

// Each script is a listing that must not be believed at first sight; ids is what comes out in the end, nil a failure of that kind.
func TestDropletsMoved(t *testing.T) {
	good := dropletPage(2, false, 10, 11)
	for name, tc := range map[string]struct {
		script   []answer
		ids      int
		kind     apierr.Kind
		requests int
	}{
		"a delete between the pages":  {script: []answer{dropletPage(3, true, 10, 11), dropletPage(2, false, 12), good}, ids: 2, requests: 3},
		"a duplicate":                 {script: []answer{dropletPage(3, true, 10, 11), dropletPage(3, false, 11), good}, ids: 2, requests: 3},
		"too few":                     {script: []answer{dropletPage(3, false, 10), good}, ids: 2, requests: 2},
		"always too few":              {script: []answer{dropletPage(3, false, 10)}, kind: apierr.Incomplete, requests: 3},
		"a loop of links":             {script: []answer{dropletPage(1, true, 10)}, kind: apierr.Incomplete, requests: 6},
		"endless empty pages":         {script: []answer{dropletPage(1, true)}, kind: apierr.Incomplete, requests: 3 * maxPages},
		"the second page fails":       {script: []answer{dropletPage(3, true, 10, 11), {status: 500}}, kind: apierr.Unavailable, requests: 1 + maxAttempts},
		"the second page is refused":  {script: []answer{dropletPage(3, true, 10, 11), apiError(403, "no")}, kind: apierr.Forbidden, requests: 2},
		"an empty object":             {script: []answer{{status: 200, body: `{}`}}, kind: apierr.Unavailable, requests: maxAttempts},
		"an HTML page":                {script: []answer{{status: 200, body: `<html>`}}, kind: apierr.Unavailable, requests: maxAttempts},
		"a cut body":                  {script: []answer{{status: 200, body: `{"droplets":[{"id":1`}}, kind: apierr.Unavailable, requests: maxAttempts},
		"a droplet without id":        {script: []answer{dropletPage(1, false, 0)}, kind: apierr.Unavailable, requests: maxAttempts},
		"a passing failure":           {script: []answer{{status: 502}, good}, ids: 2, requests: 2},
		"an empty listing":            {script: []answer{dropletPage(0, false)}, ids: 0, requests: 1},
		"a proxy's not found":         {script: []answer{{status: 404, body: `<html>`}}, kind: apierr.Unavailable, requests: maxAttempts},
		"an endless body":             {script: []answer{{status: 200, body: strings.Repeat(" ", maxBody+1)}}, kind: apierr.Unavailable, requests: maxAttempts},
		"a redirect is not followed ": {script: []answer{{status: 302, header: map[string]string{"Location": "https://elsewhere.example/"}}}, kind: apierr.Unavailable, requests: maxAttempts},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, w := client(t, tc.script...)
				got, err := c.Droplets(t.Context(), "swarmd:web")
				wantKind(t, err, tc.kind)
				if len(got) != tc.ids || w.requests() != tc.requests {
					t.Errorf("%d droplets after %d requests, want %d after %d", len(got), w.requests(), tc.ids, tc.requests)
				}
			})
		})
	}
}

func TestDropletsRefusesNoTag(t *testing.T) {
	c, w := client(t, dropletPage(0, false))
	for _, tag := range []string{"", "a b", "x&tag_name=", strings.Repeat("a", 256)} {
		_, err := c.Droplets(t.Context(), tag)
		wantKind(t, err, apierr.Invalid)
	}
	if w.requests() != 0 {
		t.Errorf("%d requests were sent", w.requests())
	}
}

func TestSizesAndVPCs(t *testing.T) {
	c, _ := client(t,
		answer{status: 200, body: `{"sizes":[{"slug":"b","vcpus":2,"memory":2048,"disk":60,"price_monthly":18,"price_hourly":0.027,"regions":["fra1"],"available":true},{"slug":"a"}],"meta":{"total":2}}`},
		answer{status: 200, body: `{"vpcs":[{"id":"u-2","name":"n","region":"fra1","default":true,"ip_range":"10.114.0.0/20"}],"meta":{"total":1}}`},
		answer{status: http.StatusOK, body: `{"vpcs":[null],"meta":{"total":1}}`})
	sizes, err := c.Sizes(t.Context())
	if err != nil || len(sizes) != 2 {
		t.Fatal(sizes, err)
	}
	want := cloud.Size{Slug: "b", VCPUs: 2, MemoryMB: 2048, DiskGB: 60, PriceMonthly: 18, PriceHourly: 0.027, Regions: []string{"fra1"}, Available: true}
	if diff := cmp.Diff(want, sizes[1]); diff != "" {
		t.Error(diff)
	}
	vpcs, err := c.VPCs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]cloud.VPC{{UUID: "u-2", Name: "n", Region: "fra1", Default: true, IPRange: "10.114.0.0/20"}}, vpcs); diff != "" {
		t.Error(diff)
	}
	synctest.Test(t, func(t *testing.T) {
		_, err := c.VPCs(t.Context())
		wantKind(t, err, apierr.Unavailable)
	})
}
