package source

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNothingOfSwarmdsOwnIsReadThroughAFile, by whatever name: who edits the file chooses the path, and links lie on each machine.
func TestNothingOfSwarmdsOwnIsReadThroughAFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("/proc/self/environ", filepath.Join(dir, "link")); err != nil {
		t.Skip("no links can be made here: ", err)
	}
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for at, own := range map[string]bool{plain: false, filepath.Join(dir, "nothing"): false, filepath.Join(dir, "link"): true, "/run/secrets/token": true,
		"/etc/swarmd/../swarmd/token": true, "/etc/swarmd/registry": false} {
		if got := Own(nil).Has(at); got != own {
			t.Errorf("%s: %v", at, got)
		}
	}
	file := filepath.Join(dir, "cluster.yaml")
	if err := os.WriteFile(file, []byte("version: 1\nconfigs: { a: { file: link } }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	data, err := ReadFile(file, nil)
	if err != nil || !contains(data, "swarmd's own") || contains(data, "PATH=") {
		t.Errorf("%v\n%s", err, data)
	}
}

// TestWhatTheEnvironmentNamesIsOwn: the files and folders that hold this process's secrets, by whatever way to them.
func TestWhatTheEnvironmentNamesIsOwn(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, folder := range []string{"creds", "creds-too"} {
		if err := os.Mkdir(at(folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"token", "else", "creds/read-token", "creds-too/x"} {
		if err := os.WriteFile(at(name), []byte("secret"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"link": "token", "far": "link", "folder": "creds", "plain": "else"} {
		if err := os.Symlink(at(to), at(link)); err != nil {
			t.Skip("no links can be made here: ", err)
		}
	}
	if err := os.Link(at("token"), at("hard")); err != nil {
		t.Skip("no links can be made here: ", err)
	}
	open, err := os.Open(at("token"))
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	gone, err := os.Create(at("gone"))
	if err != nil {
		t.Fatal(err)
	}
	defer gone.Close()
	if err := os.Remove(at("gone")); err != nil {
		t.Fatal(err)
	}
	through := func(f *os.File) string { // a link to what is open
		link := at(fmt.Sprint("fd", f.Fd()))
		if err := os.Symlink(fmt.Sprintf("/proc/self/fd/%d", f.Fd()), link); err != nil {
			t.Fatal(err)
		}
		return link
	}
	own := Own{"", at("token"), at("missing"), at("creds")}
	for named, is := range map[string]bool{at("token"): true, at("x/../token"): true, at("link"): true, at("far"): true, at("hard"): true, through(open): true,
		through(gone): true, fmt.Sprint("/dev/fd/", open.Fd()): true, at("missing"): true, at("creds/read-token"): true, at("folder/read-token"): true,
		at("else"): false, at("plain"): false, at("creds-too/x"): false, at("nothing"): false} {
		if got := own.Has(named); got != is {
			t.Errorf("%s: %v", named, got)
		}
	}
}

// TestNothingOfItsOwnComesAlong: a file's configs have neither what the environment names, nor the password of one of its registries.
func TestNothingOfItsOwnComesAlong(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, text := range map[string]string{"token": "hunter-1", "password": "hunter-2", "site": "hello",
		"cluster.yaml": "version: 1\nconfigs: { a: { file: token }, b: { file: link }, c: { file: site } }\nregistries: { r.example: { username: u, password: { file: " + at("password") + " } } }\n"} {
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("password", at("link")); err != nil {
		t.Skip("no links can be made here: ", err)
	}
	data, err := ReadFile(at("cluster.yaml"), Own{at("token")})
	if err != nil || contains(data, "hunter") || !contains(data, "hello") || !contains(data, "swarmd's own") || !contains(data, "the password of a registry") {
		t.Errorf("%v\n%s", err, data)
	}
}

func contains(data []byte, text string) bool { return bytes.Contains(data, []byte(text)) }

// TestAWatchedFileTakesAlongWhatLiesBesideItAlone: who edits it in git chooses paths and links, and nobody looks at each edit on the manager.
func TestAWatchedFileTakesAlongWhatLiesBesideItAlone(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, folder := range []string{"repo", "repo/conf", "repo-too"} {
		if err := os.Mkdir(at(folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"host": "of-the-host", "repo-too/x": "of-the-host", "repo/conf/site": "hello", "repo/near": "hello"} {
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"repo/out": "../host", "repo/in": "conf/site", "watched.yaml": "repo/cluster.yaml", "folder": "repo"} {
		if err := os.Symlink(to, at(link)); err != nil {
			t.Skip("no links can be made here: ", err)
		}
	}
	for named, along := range map[string]bool{"conf/site": true, "near": true, "./conf/../near": true, "in": true, at("repo/near"): true,
		"out": false, "../host": false, at("host"): false, "../repo-too/x": false} {
		text := fmt.Sprintf("version: 1\nconfigs: { a: { file: %s } }\n", named)
		if err := os.WriteFile(at("repo/cluster.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, watched := range []string{"repo/cluster.yaml", "folder/cluster.yaml"} {
			data, err := ReadWatched(at(watched), nil)
			if err != nil || contains(data, "hello") != along || contains(data, "of-the-host") || !along && !contains(data, "put it there or below on each manager") {
				t.Errorf("%s names %s: %v\n%s", watched, named, err, data)
			}
		}
		if data, err := ReadFile(at("repo/cluster.yaml"), nil); err != nil || !contains(data, "hello") && !contains(data, "of-the-host") {
			t.Errorf("a person hands in %s: %v\n%s", named, err, data)
		}
	}
}

// TestAValueBesideSwarmdIsPartOfNoRevision, also where the file has no registry any more whose password it was.
func TestAValueBesideSwarmdIsPartOfNoRevision(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cluster.yaml")
	for _, named := range []string{"/etc/swarmd/registries/registry.example", "/etc/swarmd/secrets/token", "/etc/swarmd/x/../secrets/token"} {
		if err := os.WriteFile(file, fmt.Appendf(nil, "version: 1\nconfigs: { a: { file: %s } }\n", named), 0o600); err != nil {
			t.Fatal(err)
		}
		if data, err := ReadFile(file, nil); err != nil || !contains(data, "never part of a revision") {
			t.Errorf("%s: %v\n%s", named, err, data)
		}
	}
}

// TestNoFileEndsTheProcess: a daemon on each manager watches it, and whoever edits it would stop all of them at once.
func TestNoFileEndsTheProcess(t *testing.T) {
	at := filepath.Join(t.TempDir(), "cluster.yaml")
	if err := os.WriteFile(at, []byte("version: 1\nconfigs: { a: { file: site } }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	data, err := readFile(at, nil, func(string) error { panic("a bug") })
	if data != nil || err == nil || !strings.Contains(err.Error(), "take its last edit back") {
		t.Errorf("%q, %v", data, err)
	}
	for _, text := range []string{"registries: { r.example: { username: u } }\n", "version: 1 # registries\n"} {
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if data, err := ReadWatched(at, nil); err != nil || string(data) != text {
			t.Errorf("%q: %q, %v", text, data, err)
		}
	}
}
