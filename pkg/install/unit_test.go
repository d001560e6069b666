package install

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

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
	if _, err := (&Unit{Binary: script}).program(); err == nil || !strings.Contains(err.Error(), "not a Linux binary") {
		t.Errorf("got %v", err)
	}
	if data, err := (&Unit{Binary: "/bin/true"}).program(); err != nil || len(data) == 0 {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}
