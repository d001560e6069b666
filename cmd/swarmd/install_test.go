package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCredentialStandsInForTheTokenFile(t *testing.T) {
	with, without := t.TempDir(), t.TempDir()
	file := filepath.Join(with, tokenCredential)
	if err := os.WriteFile(file, []byte("token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		env  map[string]string
		want string
	}{
		"the unit's":             {map[string]string{"CREDENTIALS_DIRECTORY": with}, file},
		"no unit":                {nil, ""},
		"another unit":           {map[string]string{"CREDENTIALS_DIRECTORY": without}, ""},
		"a file was named":       {map[string]string{"CREDENTIALS_DIRECTORY": with, "DIGITALOCEAN_TOKEN_FILE": "/mine"}, "/mine"},
		"a token is in the open": {map[string]string{"CREDENTIALS_DIRECTORY": with, "DIGITALOCEAN_TOKEN": "mine"}, ""},
	} {
		getenv := withCredential(func(n string) string { return c.env[n] })
		if got := getenv("DIGITALOCEAN_TOKEN_FILE"); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if got := getenv("DIGITALOCEAN_TOKEN"); got != c.env["DIGITALOCEAN_TOKEN"] {
			t.Errorf("%s: the token is %q", name, got)
		}
	}
}

func TestSystemdThatSuits(t *testing.T) {
	for said, want := range map[string]string{
		"systemd 252 (252.39-1~deb12u2)\n+PAM +AUDIT\n": "", "systemd 247 (247.3-7+deb11u4)": "", "systemd 256.1": "",
		"systemd 245 (245.4-4ubuntu3.24)": "systemd 245 is too old", "sh: 1: systemctl: not found": "which systemd",
		"": "which systemd",
	} {
		err := suits(said)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", said, err, want)
		}
	}
}

func TestOnlyALinuxBinaryIsInstalled(t *testing.T) {
	script := filepath.Join(t.TempDir(), "swarmd")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := (unitInstaller{binary: script}).program(); err == nil || !strings.Contains(err.Error(), "not a Linux binary") {
		t.Errorf("got %v", err)
	}
	if data, err := (unitInstaller{binary: "/bin/true"}).program(); err != nil || len(data) == 0 {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}
