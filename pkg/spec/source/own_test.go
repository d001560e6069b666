package source

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
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
