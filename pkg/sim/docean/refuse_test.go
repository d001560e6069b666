package docean_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/digitalocean/godo"

	"github.com/swarmd/swarmd/pkg/sim/docean"
)

func TestCreateRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*godo.DropletCreateRequest)
		want   string
	}{
		"name":   {func(r *godo.DropletCreateRequest) { r.Name = "a_b" }, "Only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)"},
		"region": {func(r *godo.DropletCreateRequest) { r.Region = "mars1" }, "You specified an invalid region for Droplet creation."},
		"size":   {func(r *godo.DropletCreateRequest) { r.Size = "huge" }, "You specified an invalid size for Droplet creation."},
		"image":  {func(r *godo.DropletCreateRequest) { r.Image.Slug = "dos" }, "You specified an invalid image for Droplet creation."},
		"vpc":    {func(r *godo.DropletCreateRequest) { r.VPCUUID = "nope" }, "You specified an invalid vpc_uuid for Droplet creation."},
		"key": {func(r *godo.DropletCreateRequest) { r.SSHKeys = []godo.DropletCreateSSHKey{{ID: 7}} },
			"7 are invalid key identifiers for Droplet creation."},
		"tag":  {func(r *godo.DropletCreateRequest) { r.Tags = []string{"a b"} }, `Error validating resource tag: "a b" contains invalid characters`},
		"data": {func(r *godo.DropletCreateRequest) { r.UserData = strings.Repeat("x", 64<<10+1) }, "User data is too long (maximum is 64 KB)."},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(o *docean.Options) { o.AnySSHKey = false })
			req := createRequest("fine")
			c.change(req)
			_, _, err := w.godo.Droplets.Create(t.Context(), req)
			if status(err) != http.StatusUnprocessableEntity || text(err) != c.want {
				t.Fatalf("got %d %q, want 422 %q", status(err), text(err), c.want)
			}
			if len(w.History()) != 0 {
				t.Fatal("a refused create had an effect")
			}
		})
	}
}

func TestDropletLimitAndLockedAccount(t *testing.T) {
	w := newWorld(t, func(o *docean.Options) { o.DropletLimit = 1 })
	w.create(t, "one")
	_, _, err := w.godo.Droplets.Create(t.Context(), createRequest("two"))
	if text(err) != "creating this/these droplet(s) will exceed your droplet limit" {
		t.Fatalf("over the limit: %v", err)
	}
	w.SetDropletLimit(5)
	w.SetAccountStatus("locked", "unpaid")
	if _, _, err := w.godo.Droplets.Create(t.Context(), createRequest("two")); status(err) != 422 {
		t.Fatalf("locked account: %v", err)
	}
	acc, _, err := w.godo.Account.Get(t.Context())
	if err != nil || acc.Status != "locked" || acc.DropletLimit != 5 || acc.Team == nil {
		t.Fatalf("account %+v %v", acc, err)
	}
}

func TestTokens(t *testing.T) {
	w := newWorld(t, func(o *docean.Options) {
		o.OtherTokens = []docean.Token{{Secret: "blind", NoTagRead: true}, {Secret: "reader", ReadOnly: true}}
	})
	d := w.create(t, "one", "swarmd:c")
	if _, _, err := client(t, w.rt, "wrong").Droplets.Get(t.Context(), d.ID); status(err) != 401 {
		t.Fatalf("wrong token: %v", err)
	}
	seen, _, err := client(t, w.rt, "blind").Droplets.Get(t.Context(), d.ID)
	if err != nil || len(seen.Tags) != 0 {
		t.Fatalf("without tag:read: %v %v", seen, err)
	}
	if _, err := client(t, w.rt, "reader").Droplets.Delete(t.Context(), d.ID); status(err) != 403 {
		t.Fatalf("read only: %v", err)
	}
}

func TestRateLimits(t *testing.T) {
	w := newWorld(t, func(o *docean.Options) { o.RateLimit = docean.RateLimit{PerHour: 12, PerMinute: 5} })
	get := func() int {
		_, _, err := w.godo.Account.Get(t.Context())
		return status(err)
	}
	for i := range 5 {
		if got := get(); got != 0 {
			t.Fatalf("call %d: %d", i, got)
		}
	}
	if got := w.rt.last.Header.Get("ratelimit-remaining"); got != "7" {
		t.Fatalf("remaining %s", got)
	}
	w.clock.advance(20 * time.Second)
	if get() != 429 || w.rt.last.Header.Get("Retry-After") != "40" || w.rt.last.Header.Get("ratelimit-remaining") != "0" {
		t.Fatalf("burst: %v", w.rt.last.Header)
	}
	w.clock.advance(time.Minute)
	for range 5 {
		get()
	}
	w.clock.advance(time.Minute)
	get()
	get()
	if get() != 429 || w.rt.last.Header.Get("Retry-After") != "" {
		t.Fatalf("hourly limit has no Retry-After: %v", w.rt.last.Header)
	}
	reset, _ := strconv.ParseInt(w.rt.last.Header.Get("ratelimit-reset"), 10, 64)
	w.clock.t = time.Unix(reset, 0)
	if got := get(); got != 0 {
		t.Fatalf("after the reset: %d", got)
	}
}

func TestKeyListHasItsOwnLimit(t *testing.T) {
	w := newWorld(t, nil)
	for range 10 {
		if _, _, err := w.godo.Keys.List(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := w.godo.Keys.List(t.Context(), nil); status(err) != 429 {
		t.Fatalf("eleventh: %v", err)
	}
	if _, _, err := w.godo.Account.Get(t.Context()); err != nil {
		t.Fatalf("other calls go on: %v", err)
	}
}

func TestUnknownPathsAreNotFound(t *testing.T) {
	w := newWorld(t, nil)
	for _, path := range []string{"/v2/nothing", "/", "/v2/droplets/abc", "/v2/droplets/0"} {
		req, err := w.godo.NewRequest(t.Context(), http.MethodGet, path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.godo.Do(t.Context(), req, nil); status(err) != 404 {
			t.Fatalf("%s: %v", path, err)
		}
	}
}

func TestTokenHidesItself(t *testing.T) {
	for _, s := range []string{docean.Token{Secret: token}.String(), docean.Token{Secret: token}.GoString()} {
		if strings.Contains(s, token) {
			t.Fatalf("the token is in %q", s)
		}
	}
}
