package docean_test

import (
	"crypto/ed25519"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/digitalocean/godo"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"github.com/swarmd/swarmd/pkg/sim/docean"
)

func publicKey(t *testing.T) string {
	t.Helper()
	pub, err := ssh.NewPublicKey(ed25519.NewKeyFromSeed(make([]byte, 32)).Public())
	if err != nil {
		t.Fatal(err)
	}
	return string(ssh.MarshalAuthorizedKey(pub))
}

func TestKeysReachTheMachine(t *testing.T) {
	w := newWorld(t, func(o *docean.Options) { o.AnySSHKey = false })
	line := publicKey(t)
	k, _, err := w.godo.Keys.Create(t.Context(), &godo.KeyCreateRequest{Name: "me", PublicKey: line})
	if err != nil {
		t.Fatal(err)
	}
	if parsed, _, _, _, _ := ssh.ParseAuthorizedKey([]byte(line)); k.Fingerprint != ssh.FingerprintLegacyMD5(parsed) {
		t.Fatalf("fingerprint %s", k.Fingerprint)
	}
	for _, bad := range []string{"", "ssh-ed25519", "ssh-ed25519 ???", "gpg AAAA"} {
		if _, err := w.AddSSHKey("bad", bad); err == nil {
			t.Fatalf("took %q for a key", bad)
		}
	}
	if _, _, err := w.godo.Keys.Create(t.Context(), &godo.KeyCreateRequest{Name: "me", PublicKey: line}); status(err) != 422 {
		t.Fatalf("twice: %v", err)
	}
	for _, key := range []godo.DropletCreateSSHKey{{Fingerprint: k.Fingerprint}, {ID: k.ID}} {
		req := createRequest("one")
		req.SSHKeys = []godo.DropletCreateSSHKey{key}
		if _, _, err := w.godo.Droplets.Create(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range w.fleet.made {
		if diff := cmp.Diff([]string{strings.TrimSpace(line)}, m.SSHKeys); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestCatalog(t *testing.T) {
	w := newWorld(t, nil)
	sizes, _, err := w.godo.Sizes.List(t.Context(), &godo.ListOptions{PerPage: 200})
	if err != nil || sizes[4].Slug != "s-2vcpu-4gb" || sizes[4].PriceMonthly != 24 || sizes[4].PriceHourly != 0.03571 {
		t.Fatalf("sizes %v %v", sizes, err)
	}
	regions, _, err := w.godo.Regions.List(t.Context(), nil)
	if err != nil || len(regions) != 10 || regions[2].Name != "Frankfurt 1" {
		t.Fatalf("regions %v %v", regions, err)
	}
	apps, _, err := w.godo.Images.ListApplication(t.Context(), nil)
	if err != nil || len(apps) != 1 || apps[0].Slug != "docker-20-04" {
		t.Fatalf("applications %v %v", apps, err)
	}
	if _, _, err := w.godo.Images.GetBySlug(t.Context(), "debian-12-x64"); err != nil {
		t.Fatal(err)
	}
	vpcs, _, err := w.godo.VPCs.List(t.Context(), nil)
	if err != nil || len(vpcs) != 10 || vpcs[2].IPRange != "10.114.32.0/20" || !vpcs[2].Default {
		t.Fatalf("vpcs %v %v", vpcs, err)
	}
	if got, _, err := w.godo.VPCs.Get(t.Context(), vpcs[2].ID); err != nil || got.RegionSlug != "fra1" {
		t.Fatalf("vpc %v %v", got, err)
	}
}

func TestTags(t *testing.T) {
	w := newWorld(t, nil)
	d := w.create(t, "one")
	res := godo.Resource{ID: strconv.Itoa(d.ID), Type: godo.DropletResourceType}
	if _, err := w.godo.Tags.TagResources(t.Context(), "late", &godo.TagResourcesRequest{Resources: []godo.Resource{res}}); status(err) != 404 {
		t.Fatalf("a tag that isn't: %v", err)
	}
	if _, _, err := w.godo.Tags.Create(t.Context(), &godo.TagCreateRequest{Name: "late"}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.godo.Tags.Create(t.Context(), &godo.TagCreateRequest{Name: "no good"}); status(err) != 400 {
		t.Fatalf("bad name: %v", err)
	}
	if _, err := w.godo.Tags.TagResources(t.Context(), "late", &godo.TagResourcesRequest{Resources: []godo.Resource{res}}); err != nil {
		t.Fatal(err)
	}
	w.expectAfter(t, time.Second, "tagged", "late", "one active")
	tags, _, err := w.godo.Tags.List(t.Context(), nil)
	if err != nil || len(tags) != 1 || tags[0].Resources.Droplets.Count != 1 {
		t.Fatalf("tags %v %v", tags, err)
	}
	if _, err := w.godo.Tags.UntagResources(t.Context(), "late", &godo.UntagResourcesRequest{Resources: []godo.Resource{res}}); err != nil {
		t.Fatal(err)
	}
	w.expect(t, "untagged", "late")
	if !w.Retag(d.ID, "a", "b") {
		t.Fatal("retag by hand")
	}
	w.expect(t, "by hand", "b", "one active")
}

func (w *world) expectAfter(t *testing.T, d time.Duration, when, tag string, want ...string) {
	t.Helper()
	w.clock.advance(d)
	w.expect(t, when, tag, want...)
}

func TestMetadata(t *testing.T) {
	w := newWorld(t, nil)
	req := createRequest("one", "x")
	req.UserData = "#cloud-config\n"
	d, _, err := w.godo.Droplets.Create(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	h := w.MetadataHandler(d.ID)
	for path, want := range map[string]string{
		"id": strconv.Itoa(d.ID), "hostname": "one", "region": "fra1", "user-data": "#cloud-config\n", "tags/": "x",
		"interfaces/private/0/ipv4/address": "10.114.32.10", "interfaces/public/0/ipv4/netmask": "255.254.0.0",
	} {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metadata/v1/"+path, nil))
		if rec.Code != 200 || rec.Body.String() != want {
			t.Errorf("%s: %d %q, want %q", path, rec.Code, rec.Body, want)
		}
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metadata/v1/secret", nil))
	if rec.Code != 404 {
		t.Fatalf("unknown leaf: %d", rec.Code)
	}
}

func TestRestart(t *testing.T) {
	w := newWorld(t, func(o *docean.Options) { o.ActionTime = time.Minute; o.TagDelay = time.Hour })
	gone := w.create(t, "gone")
	w.clock.advance(2 * time.Minute)
	kept := w.create(t, "kept", "late")
	if _, err := w.godo.Droplets.Delete(t.Context(), gone.ID); err != nil {
		t.Fatal(err)
	}
	data, err := w.Snapshot()
	if err != nil || !json.Valid(data) {
		t.Fatal(err)
	}
	again := docean.New(docean.Options{Machines: w.fleet, Token: token, Now: w.clock.now, AnySSHKey: true, Seed: 2, TagDelay: time.Hour})
	if err := again.Restore(data); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w.History(), again.History(), equalPrefixes); diff != "" {
		t.Fatal(diff)
	}
	w.rt.handler = again
	if d, _, err := w.godo.Droplets.Get(t.Context(), kept.ID); err != nil || !d.Locked || len(d.Tags) != 0 {
		t.Fatalf("the create is still in flight, the tag still late: %+v %v", d, err)
	}
	if next := w.create(t, "new"); next.ID <= kept.ID {
		t.Fatalf("ids fall back: %d after %d", next.ID, kept.ID)
	}
	w.create(t, "newer")
	private, public := map[string]bool{}, map[string]bool{}
	for _, d := range again.Droplets() {
		private[d.Private.String()], public[d.Public.String()] = true, true
	}
	if len(private) != 3 || len(public) != 3 {
		t.Fatalf("an address given twice: %v %v", private, public)
	}
}
