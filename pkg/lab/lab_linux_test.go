package lab

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/digitalocean/godo"
	"go.uber.org/zap/zaptest"
)

// needLab skips a test that boots machines, unless it is asked for and can be had.
func needLab(t *testing.T) {
	t.Helper()
	if os.Getenv("SWARMD_LAB") != "1" {
		t.Skip("SKIPPED: boots real machines; set SWARMD_LAB=1 and be root")
	}
	if os.Geteuid() != 0 {
		t.Fatal("SWARMD_LAB=1 needs root")
	}
}

// newLab starts a lab of its own beside any other, on the shared image, and checks at the end that nothing is left of it.
func newLab(t *testing.T) (*Lab, *godo.Client) {
	t.Helper()
	needLab(t)
	dir := filepath.Join("/var/lib/swarmd-lab-test", strings.ToLower(t.Name()))
	began := time.Now()
	o := sharedImages(dir)
	o.Log = zaptest.NewLogger(t)
	l, err := Up(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("lab up in %v", time.Since(began))
	t.Cleanup(func() {
		began := time.Now()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		t.Logf("lab closed in %v", time.Since(began))
		if left := Leftovers(dir); len(left) > 0 {
			t.Errorf("left over: %v", left)
		}
	})
	return l, clientFor(t, l.Status())
}

// sharedImages is a lab in that directory on the images of all labs, with the engine of SWARMD_LAB_ENGINE or the default.
func sharedImages(dir string) Options {
	return Options{Dir: dir, ImageDir: filepath.Join(DefaultDir, "image"), Engine: Engine(os.Getenv("SWARMD_LAB_ENGINE"))}
}

func clientFor(t *testing.T, s Status) *godo.Client {
	t.Helper()
	c, err := godo.New(http.DefaultClient, godo.SetBaseURL(s.APIURL),
		godo.SetRequestHeaders(map[string]string{"Authorization": "Bearer " + s.Token}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func create(t *testing.T, l *Lab, c *godo.Client, name, size, userData string) *godo.Droplet {
	t.Helper()
	d, _, err := c.Droplets.Create(t.Context(), &godo.DropletCreateRequest{
		Name: name, Region: "fra1", Size: size, Image: godo.DropletCreateImage{Slug: "docker-20-04"}, UserData: userData,
		SSHKeys: []godo.DropletCreateSSHKey{{Fingerprint: l.Status().SSHKeyID}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// eventually asks until the command in the droplet succeeds, and returns its output and how long that took.
func eventually(t *testing.T, l *Lab, id int, argv ...string) (string, time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	began := time.Now()
	var out string
	var last error
	err := until(ctx, strings.Join(argv, " "), func() bool {
		out, last = l.Exec(ctx, id, argv...)
		return last == nil
	})
	if err != nil {
		t.Fatalf("%v: %v", err, last)
	}
	return strings.TrimSpace(out), time.Since(began)
}

func itoa(n int) string { return strconv.Itoa(n) }
