package conform_test

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/docker/docker/api/types/versions"

	"github.com/swarmd/swarmd/pkg/sim/dockerd"
	"github.com/swarmd/swarmd/test/conform"
)

// atOnce is how many cases share the real swarm at one time; they wait more than they work.
const atOnce = 6

// TestRealEnginesConformFresh plays the cases that make their own swarm on three real engines, which belong to it.
func TestRealEnginesConformFresh(t *testing.T) {
	g, by, a := onReal(t)
	for _, c := range by[conform.Fresh] {
		t.Run(c.Name, func(t *testing.T) {
			conform.Disband(t, g)
			a.first(t, g, c)
		})
	}
	t.Run("again", func(t *testing.T) { a.second(t, g) })
}

// TestRealEnginesConformShared plays the cases that share one swarm, first those that bear company.
func TestRealEnginesConformShared(t *testing.T) {
	g, by, a := onReal(t)
	conform.Disband(t, g)
	conform.Form(t, g)
	t.Run("together", func(t *testing.T) { together(t, g, a, by[conform.Together]) })
	t.Run("alone", func(t *testing.T) {
		for _, c := range by[conform.Alone] {
			t.Run(c.Name, func(t *testing.T) { a.first(t, g, c) })
		}
	})
	t.Run("again", func(t *testing.T) { a.second(t, g) })
}

// onReal are three real engines, in no swarm afterwards, the cases, and where those go that fail.
func onReal(t *testing.T) (conform.Testbed, map[conform.Company][]conform.Case, *again) {
	t.Helper()
	hosts := strings.Fields(os.Getenv("SWARMD_TEST_DOCKER_HOSTS"))
	if os.Getenv("SWARMD_LAB") != "1" || len(hosts) != 3 {
		t.Skip("SKIPPED: needs three real engines: SWARMD_LAB=1 and SWARMD_TEST_DOCKER_HOSTS=\"HOST=ADDRESS HOST=ADDRESS HOST=ADDRESS\"")
	}
	g := machines(t, hosts)
	var a again
	g.Engine, a.moved = released(t, os.Getenv("SWARMD_TEST_ENGINE"), conform.Ask(t, g))
	t.Cleanup(func() { conform.Disband(t, g) })
	by := map[conform.Company][]conform.Case{}
	for _, c := range conform.Cases() {
		by[c.Company] = append(by[c.Company], c)
	}
	return g, by, &a
}

// released is which release the engines are to be held to: SWARMD_TEST_ENGINE names it, 26.1 if it is not set. If they are none of those that are
// known, as when a distribution has gone on to a newer one, moved says what they are instead.
func released(tb testing.TB, name string, is conform.Speaks) (r dockerd.Release, moved string) {
	tb.Helper()
	r, err := dockerd.ParseRelease(cmp.Or(name, string(dockerd.Release26)))
	if err != nil {
		tb.Fatalf("SWARMD_TEST_ENGINE: %v", err)
	}
	if versions.LessThan(conform.Spoken, is.Lowest) {
		tb.Fatalf("the engines are %s and take API %s at least: the cases speak %s", is.Engine, is.Lowest, conform.Spoken)
	}
	highest, lowest := r.API()
	if is.Highest == highest && is.Lowest == lowest {
		return r, ""
	}
	for _, other := range dockerd.Releases() {
		if api, _ := other.API(); api == is.Highest {
			tb.Fatalf("the engines are %s: set SWARMD_TEST_ENGINE=%s (it is %s)", is.Engine, other, r)
		}
	}
	return r, fmt.Sprintf("the engines are %s with API %s to %s, and the table knows %s with API %s to %s", is.Engine, is.Lowest, is.Highest,
		r.Version(), lowest, highest)
}

// together plays cases side by side: as many as the swarm bears, not as many as the machine has cores.
func together(t *testing.T, g conform.Testbed, a *again, cases []conform.Case) {
	var all sync.WaitGroup
	place := make(chan struct{}, atOnce)
	for _, c := range cases {
		place <- struct{}{}
		all.Go(func() {
			defer func() { <-place }()
			t.Run(c.Name, func(t *testing.T) { a.first(t, g, c) })
		})
	}
	all.Wait()
}

// machines connects to the engines and gives each the images.
func machines(t *testing.T, hosts []string) conform.Testbed {
	t.Helper()
	app := filepath.Join(t.TempDir(), "app")
	cmd := exec.Command("go", "build", "-ldflags", "-s -w", "-o", app, "./testdata/app")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	layer := archive(t, app)
	var g conform.Testbed
	for _, h := range hosts {
		i := strings.LastIndexByte(h, '=')
		m := conform.Machine{Transport: dial(t, h[:i]), Addr: h[i+1:]}
		for _, tag := range []conform.Tag{conform.Good, conform.Better, conform.Crash, conform.Done, conform.Sick} {
			load(t, m, tag, layer)
		}
		g.Machines = append(g.Machines, m)
	}
	return g
}

func dial(t *testing.T, host string) http.RoundTripper {
	t.Helper()
	u, err := url.Parse(host)
	if err != nil {
		t.Fatal(err)
	}
	network, addr := u.Scheme, u.Host
	if network == "unix" {
		addr = u.Path
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// archive is an image's only layer: the program.
func archive(t *testing.T, app string) []byte {
	t.Helper()
	program, err := os.ReadFile(app)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	head := &tar.Header{Name: "app", Mode: 0o755, Size: int64(len(program)), Typeflag: tar.TypeReg}
	if err := w.WriteHeader(head); err != nil {
		t.Fatal(err)
	}
	if _, err = w.Write(program); errors.Join(err, w.Close()) != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func load(t *testing.T, m conform.Machine, tag conform.Tag, layer []byte) {
	t.Helper()
	query := url.Values{"fromSrc": {"-"}, "repo": {conform.Images}, "tag": {string(tag)}, "changes": {fmt.Sprintf("CMD [\"/app\", %q]", tag)}}
	if tag == conform.Sick {
		query.Add("changes", `HEALTHCHECK --interval=200ms --timeout=5s --retries=2 CMD ["/app", "ill"]`)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://engine/v1.41/images/create?"+query.Encode(), bytes.NewReader(layer))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-tar")
	resp, err := m.Transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if out, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK || bytes.Contains(out, []byte("errorDetail")) {
		t.Fatalf("import %s: %d %v %s", tag, resp.StatusCode, err, out)
	}
}
