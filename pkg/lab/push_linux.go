package lab

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
)

// Image is a container image made of files alone, static binaries mostly.
type Image struct {
	Files      map[string]string // path in the image → file on the host; all become executable
	Entrypoint []string
	Cmd        []string
	Env        []string
	Labels     map[string]string
}

const (
	manifestType = "application/vnd.docker.distribution.manifest.v2+json"
	configType   = "application/vnd.docker.container.image.v1+json"
	layerType    = "application/vnd.docker.image.rootfs.diff.tar"
)

type descriptor struct {
	MediaType string `json:"mediaType"`
	Size      int    `json:"size"`
	Digest    string `json:"digest"`
}

// registry speaks the registry's HTTP API.
type registry struct {
	base string // "http://host:port"
	http *http.Client
}

// PushImage puts an image into the lab's registry under "name:tag" and returns its digest. Droplets pull it as
// registry.lab:5000/name:tag. The same files give the same digest.
func (l *Lab) PushImage(ctx context.Context, ref string, img Image) (digest string, err error) {
	if l.status.Registry == "" {
		return "", fmt.Errorf("push image %s: the lab has no registry: docker-registry is not installed", ref)
	}
	r := registry{base: "http://" + l.net.at(registryPort), http: l.dataCentreClient()}
	return r.push(ctx, ref, img)
}

func (r registry) push(ctx context.Context, ref string, img Image) (digest string, err error) {
	name, tag, ok := strings.Cut(strings.TrimPrefix(ref, RegistryAddr+"/"), ":")
	if !ok {
		return "", fmt.Errorf("push image %q: it has no tag", ref)
	}
	layer, err := img.layer()
	if err != nil {
		return "", fmt.Errorf("push image %s: %w", ref, err)
	}
	manifest, err := r.pushBlobs(ctx, name, layer, img.config(layer))
	if err != nil {
		return "", fmt.Errorf("push image %s: %w", ref, err)
	}
	if _, err := r.send(ctx, http.MethodPut, r.base+"/v2/"+name+"/manifests/"+tag, manifestType, manifest); err != nil {
		return "", fmt.Errorf("push image %s: %w", ref, err)
	}
	return digestOf(manifest), nil
}

// pushBlobs uploads layer and configuration and returns the manifest that binds them.
func (r registry) pushBlobs(ctx context.Context, name string, layer []byte, config any) ([]byte, error) {
	text, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	for _, blob := range [][]byte{layer, text} {
		if err := r.pushBlob(ctx, name, blob); err != nil {
			return nil, err
		}
	}
	return json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": manifestType, "config": describe(configType, text),
		"layers": []descriptor{describe(layerType, layer)},
	})
}

// pushBlob opens an upload and completes it with all of the blob at once.
func (r registry) pushBlob(ctx context.Context, name string, blob []byte) error {
	at, err := r.send(ctx, http.MethodPost, r.base+"/v2/"+name+"/blobs/uploads/", "", nil)
	if err != nil {
		return err
	}
	u, err := url.Parse(at)
	if err != nil {
		return fmt.Errorf("registry's upload location: %w", err)
	}
	q := u.Query()
	q.Set("digest", digestOf(blob))
	u.RawQuery = q.Encode()
	_, err = r.send(ctx, http.MethodPut, u.String(), "application/octet-stream", blob)
	return err
}

// send sends one request and returns the Location of the answer.
func (r registry) send(ctx context.Context, method, to, contentType string, body []byte) (location string, err error) {
	req, err := http.NewRequestWithContext(ctx, method, to, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := r.http.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if err == nil && resp.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s: %s", method, to, resp.Status, text)
	}
	return resp.Header.Get("Location"), err
}

// layer is a tar of the files in sorted order, without times or owners.
func (i Image) layer() ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, path := range slices.Sorted(maps.Keys(i.Files)) {
		content, err := os.ReadFile(i.Files[path])
		if err != nil {
			return nil, err
		}
		h := &tar.Header{Name: strings.TrimPrefix(path, "/"), Mode: 0o755, Size: int64(len(content)), Typeflag: tar.TypeReg}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(content); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), w.Close()
}

func (i Image) config(layer []byte) any {
	return map[string]any{
		"architecture": runtime.GOARCH, "os": "linux",
		"config":  map[string]any{"Env": i.Env, "Entrypoint": i.Entrypoint, "Cmd": i.Cmd, "Labels": i.Labels},
		"rootfs":  map[string]any{"type": "layers", "diff_ids": []string{digestOf(layer)}},
		"history": []map[string]any{{"created_by": "swarmd lab"}},
	}
}

func describe(mediaType string, blob []byte) descriptor {
	return descriptor{MediaType: mediaType, Size: len(blob), Digest: digestOf(blob)}
}

func digestOf(blob []byte) string {
	sum := sha256.Sum256(blob)
	return "sha256:" + hex.EncodeToString(sum[:])
}
