package lab

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakeRegistry keeps what is put, under its path, and refuses a blob that is not what its digest says.
func fakeRegistry(t *testing.T) (registry, map[string][]byte) {
	kept := map[string][]byte{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Method == http.MethodPost {
			w.Header().Set("Location", "http://"+r.Host+r.URL.Path+"one?state=a%2Bb")
			w.WriteHeader(http.StatusAccepted)
			return
		}
		key := r.URL.Path
		if d := r.URL.Query().Get("digest"); d != "" {
			if digestOf(body) != d || r.URL.Query().Get("state") != "a+b" {
				http.Error(w, "DIGEST_INVALID", http.StatusBadRequest)
				return
			}
			key = d
		}
		kept[key] = body
		w.WriteHeader(http.StatusCreated)
	}))
	t.Cleanup(s.Close)
	return registry{base: s.URL, http: s.Client()}, kept
}

func testImage(t *testing.T) Image {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"b": "bee", "a": "ay"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return Image{
		Files: map[string]string{"/bin/b": filepath.Join(dir, "b"), "/a": filepath.Join(dir, "a")}, Entrypoint: []string{"/bin/b"},
	}
}

func TestPush(t *testing.T) {
	r, kept := fakeRegistry(t)
	digest, err := r.push(t.Context(), RegistryAddr+"/team/app:1", testImage(t))
	if err != nil {
		t.Fatal(err)
	}
	manifest := kept["/v2/team/app/manifests/1"]
	if digestOf(manifest) != digest {
		t.Errorf("digest %s is not of the manifest %s", digest, manifest)
	}
	var m struct {
		Config descriptor
		Layers []descriptor
	}
	if err := json.Unmarshal(manifest, &m); err != nil || len(m.Layers) != 1 {
		t.Fatalf("manifest %s: %v", manifest, err)
	}
	layer := kept[m.Layers[0].Digest]
	if m.Layers[0].Size != len(layer) || m.Config.Size != len(kept[m.Config.Digest]) {
		t.Errorf("sizes in %s are wrong", manifest)
	}
	for _, want := range []string{`"architecture":`, `"os":"linux"`, `"Entrypoint":["/bin/b"]`, digestOf(layer)} {
		if !strings.Contains(string(kept[m.Config.Digest]), want) {
			t.Errorf("configuration lacks %s: %s", want, kept[m.Config.Digest])
		}
	}
}

func TestPushRefused(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	r := registry{base: s.URL, http: s.Client()}
	if _, err := r.push(t.Context(), "app:1", testImage(t)); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("refused push: %v", err)
	}
	if _, err := r.push(t.Context(), "app", testImage(t)); err == nil || !strings.Contains(err.Error(), "no tag") {
		t.Errorf("push without a tag: %v", err)
	}
	if _, err := r.push(t.Context(), "app:1", Image{Files: map[string]string{"/x": "/does/not/exist"}}); err == nil {
		t.Error("an image of a file that is not there was pushed")
	}
}

func TestLayer(t *testing.T) {
	img := testImage(t)
	first, err := img.layer()
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range img.Files { // new times must not change the digest
		if err := os.Chmod(file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	second, err := img.layer()
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("the same files give two layers (%v)", err)
	}
	r := tar.NewReader(bytes.NewReader(first))
	var names []string
	for h, err := r.Next(); err == nil; h, err = r.Next() {
		names = append(names, h.Name)
		if h.Mode != 0o755 {
			t.Errorf("%s has mode %o", h.Name, h.Mode)
		}
	}
	if got := strings.Join(names, " "); got != "a bin/b" {
		t.Errorf("files %q", got)
	}
}
