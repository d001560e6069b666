//go:build linux

package e2e

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/build"

	"github.com/swarmd/swarmd/pkg/lab"
)

const (
	builtImage = "swarmd:built"
	buildBase  = "local/shell-and-certificates"
)

// image builds the project's Dockerfile with a droplet's engine, without any network: the base images are a few files of the droplet, and
// nothing. Then it runs what came out, in the ways that the Dockerfile tells.
func (u *units) image() {
	u.makeBase(u.first)
	u.Log(u.buildImage())
	info, err := u.docker.ImageInspect(u.Context(), builtImage)
	if err != nil {
		u.Fatal(err)
	}
	u.Logf("the image has %.1f MB in %d layers", float64(info.Size)/1e6, len(info.RootFS.Layers))
	if len(info.RootFS.Layers) != 1 {
		u.Errorf("%d layers, want one: nothing of the build belongs into it", len(info.RootFS.Layers))
	}
	u.onlyTwoFiles()
	if out := u.docked("--user=65532", "--", "--version"); !strings.HasPrefix(out, "swarmd version ") {
		u.Errorf("--version says %q", out)
	}
	u.reachesTheSocket()
}

// makeBase makes a base image of what the Dockerfile's build stage uses: a shell, two commands, the certificates. The libraries are
// whatever the commands are linked with.
func (u *units) makeBase(d lab.Droplet) {
	u.Helper()
	u.on(d, "bash", "-o", "pipefail", "-ec", `files="/bin/sh /bin/mkdir /bin/cp /etc/ssl/certs/ca-certificates.crt"
		libraries=$(ldd /bin/sh /bin/mkdir /bin/cp | grep -o '/lib[^ ]*' | sort -u)
		tar -chPf - $files $libraries | docker import - `+buildBase)
}

// buildImage sends Dockerfile and binary to the engine, as `docker build` would, and returns what the build said.
func (u *units) buildImage() string {
	u.Helper()
	base, scratch := buildBase, "scratch"
	resp, err := u.docker.ImageBuild(u.Context(), u.buildContext(), build.ImageBuildOptions{
		Tags: []string{builtImage}, NetworkMode: "none", Remove: true,
		BuildArgs: map[string]*string{"BUILD_IMAGE": &base, "BASE_IMAGE": &scratch},
	})
	if err != nil {
		u.Fatal(err)
	}
	defer resp.Body.Close()
	var said strings.Builder
	for lines := json.NewDecoder(resp.Body); ; {
		var line struct{ Stream, Error string }
		if err := lines.Decode(&line); errors.Is(err, io.EOF) {
			return said.String()
		} else if err != nil || line.Error != "" {
			u.Fatalf("build: %v %s\n%s", err, line.Error, said.String())
		}
		said.WriteString(line.Stream)
	}
}

// buildContext is a tar of the Dockerfile and the binary that was built before.
func (u *units) buildContext() io.Reader {
	u.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, file := range map[string]string{"Dockerfile": "../../Dockerfile", "bin/swarmd": u.bin} {
		content, err := os.ReadFile(file)
		if err != nil {
			u.Fatal(err)
		}
		err = errors.Join(w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content)), Typeflag: tar.TypeReg}), second(w.Write(content)))
		if err != nil {
			u.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		u.Fatal(err)
	}
	return &b
}

func second(_ int, err error) error { return err }

// onlyTwoFiles lists the image's content. Docker itself puts mount points into every container.
func (u *units) onlyTwoFiles() {
	u.Helper()
	list := u.on(u.first, "bash", "-o", "pipefail", "-ec", "id=$(docker create "+builtImage+"); docker export $id | tar -t; docker rm $id >/dev/null")
	docker := []string{".dockerenv", "dev/console", "etc/hostname", "etc/hosts", "etc/mtab", "etc/resolv.conf"}
	var files []string
	for name := range strings.FieldsSeq(list) {
		if !strings.HasSuffix(name, "/") && !slices.Contains(docker, name) {
			files = append(files, name)
		}
	}
	slices.Sort(files)
	if want := []string{"etc/ssl/certs/ca-certificates.crt", "swarmd"}; !slices.Equal(files, want) {
		u.Errorf("the image holds %v, want %v", files, want)
	}
}

// reachesTheSocket uses the engine's socket as root without any capability, and as the socket's group; nobody else gets there.
func (u *units) reachesTheSocket() {
	const socket = "--volume=/var/run/docker.sock:/var/run/docker.sock"
	group := "--group-add=" + u.on(u.first, "stat", "-c", "%g", "/var/run/docker.sock")
	for _, who := range [][]string{{socket, "--user=0"}, {socket, "--user=65532", group}} {
		if out := u.docked(append(who, "--", "status")...); !strings.Contains(out, "cluster shop, revision 3") {
			u.Errorf("%v: status says %q", who, out)
		}
	}
	if out := u.docked(socket, "--user=65532", "--", "status"); !strings.Contains(out, "permission denied") {
		u.Errorf("without the group: %q", out)
	}
}

// docked runs the image without a network, a capability or a writable file system, and returns all that it said.
func (u *units) docked(args ...string) string {
	u.Helper()
	at := slices.Index(args, "--")
	run := []string{"docker", "run", "--rm", "--network=none", "--read-only", "--cap-drop=ALL"}
	argv := slices.Concat(run, args[:at], []string{builtImage}, args[at+1:])
	out, err := u.lab.Exec(u.Context(), u.first.ID, argv...)
	if err != nil {
		return out + err.Error()
	}
	return out
}
