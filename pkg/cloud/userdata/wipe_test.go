package userdata

import (
	"context"
	_ "embed"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
)

// copies are where cloud-init keeps what the user-data says.
var copies = []string{"var/lib/cloud/instances/4711/user-data.txt", "var/lib/cloud/instances/4711/user-data.txt.i", "var/lib/cloud/instances/4711/cloud-config.txt",
	"var/lib/cloud/instances/4711/obj.pkl", "var/lib/cloud/instances/4711/scripts/part-001", "run/cloud-init/combined-cloud-config.json"}

// TestTheCopiesOfTheTokenAreWrittenOver: nothing else in them changes, not their length either, since cloud-init reads them again.
func TestTheCopiesOfTheTokenAreWrittenOver(t *testing.T) {
	b := newBox(t, droplet("4711"))
	text := render(t, params())
	for _, c := range copies {
		b.write(t, c, "\x80\x04\x95\x00"+text+"\x00\x94"+token)
	}
	if err := os.Symlink(b.path("var/lib/cloud/instances/4711"), b.path("var/lib/cloud/instance")); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(t.TempDir(), "theirs")
	if err := os.WriteFile(outside, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, b.path("var/lib/cloud/link")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if out, ok := b.run(t, wipeScript); !ok || out != "" {
			t.Fatal(out)
		}
	}
	want := strings.ReplaceAll("\x80\x04\x95\x00"+text+"\x00\x94"+token, token, strings.Repeat("x", len(token)))
	for _, c := range copies {
		if got := b.read(c); got != want || strings.Contains(got, "SWMTKN-1") {
			t.Errorf("%s has %d bytes, want %d; the token is in it: %t", c, len(got), len(want), strings.Contains(got, token))
		}
	}
	if left, err := os.ReadFile(outside); err != nil || string(left) != token {
		t.Errorf("a file elsewhere was written over: %q, %v", left, err)
	}
}

// TestTheCopiesOfTheHostKeyAreWrittenOver: in each form in which cloud-init keeps it. What is left of a copy is read as before, but for the key.
func TestTheCopiesOfTheHostKeyAreWrittenOver(t *testing.T) {
	b := newBox(t, droplet("4711"))
	k := hostKey(t)
	quoted, err := json.Marshal(k.Private)
	if err != nil {
		t.Fatal(err)
	}
	text := render(t, manager(t, k))
	yamlForm := func(s string) (got string, err error) {
		var c config
		err = yaml.Unmarshal([]byte(s), &c)
		return c.SSHKeys.Private, err
	}
	jsonForm := func(s string) (got string, err error) { err = json.Unmarshal([]byte(s), &got); return got, err }
	forms := map[string]struct {
		text string
		read func(string) (string, error)
	}{
		"user-data.txt":              {text, yamlForm},
		"obj.pkl":                    {"\x80\x04\x95" + k.Private + "\x94", func(s string) (string, error) { return s[3 : len(s)-1], nil }},
		"combined-cloud-config.json": {string(quoted), jsonForm},
		"cloud-config.txt":           {"ssh_keys:\n    ed25519_private: '" + strings.ReplaceAll(k.Private, "\n", "\n\n        ") + "'\n", yamlForm},
		"folded.yaml":                {"ssh_keys:\n  ed25519_private: \"" + strings.ReplaceAll(k.Private, "\n", "\\n\\\n    ") + "\"\n", yamlForm},
	}
	for name, form := range forms {
		b.write(t, "var/lib/cloud/instances/4711/"+name, form.text)
		if got, err := form.read(form.text); err != nil || strings.TrimSpace(got) != strings.TrimSpace(k.Private) {
			t.Fatalf("%s does not hold the key to begin with: %v", name, err)
		}
	}
	if out, ok := b.run(t, wipeScript); !ok || out != "" {
		t.Fatal(out)
	}
	for name, form := range forms {
		left := b.read("var/lib/cloud/instances/4711/" + name)
		got, err := form.read(left)
		if want := blanked(k.Private); err != nil || strings.TrimSpace(got) != strings.TrimSpace(want) || len(left) != len(form.text) {
			t.Errorf("%s: %v, %d bytes of %d, the key reads\n%s", name, err, len(left), len(form.text), got)
		}
	}
	if left := b.read("var/lib/cloud/instances/4711/user-data.txt"); !strings.Contains(left, "ed25519_public: "+k.Public+"\n") || !strings.Contains(left, "b3BlbnNzaC1rZXktdjE(") {
		t.Error("the public key or a script was written over")
	}
}

// blanked is a private key whose lines, but for the first and the last, are x.
func blanked(private string) string {
	lines := strings.SplitAfter(strings.TrimSpace(private), "\n")
	for i := 1; i < len(lines)-1; i++ {
		lines[i] = strings.Repeat("x", len(lines[i])-1) + "\n"
	}
	return strings.Join(lines, "")
}

// TestRequestsAreLeftUntilSetupUsesThem: the first boot's wipe comes before the join; one of a later boot takes what a boot that was cut short left.
func TestRequestsAreLeftUntilSetupUsesThem(t *testing.T) {
	b := newBox(t, droplet("4711"))
	b.write(t, "var/lib/swarmd/join/00.json", token)
	if out, ok := b.run(t, wipeScript); !ok || b.read("var/lib/swarmd/join/00.json") != token {
		t.Errorf("the request is gone before the join: %s", out)
	}
	b.write(t, "var/lib/swarmd/begun", "")
	if out, ok := b.run(t, wipeScript); !ok || b.read("var/lib/swarmd/join/00.json") != "-" {
		t.Errorf("the request is left: %s", out)
	}
}

// A machine made of an image of a joined one has the image's mark, and must join all the same.
func TestAnImageOfAJoinedMachineJoins(t *testing.T) {
	b := newBox(t, droplet("4711"))
	b.write(t, "var/lib/swarmd/droplet", "12\n")
	b.write(t, "var/lib/swarmd/begun", "")
	if out, ok := b.run(t, bootScript, "10.114.0.0/20", "any", "swarmd.template=3"); !ok {
		t.Fatal(out)
	}
	b.write(t, "var/lib/swarmd/join/00.json", token) // as write_files does next
	if out, ok := b.run(t, wipeScript); !ok || b.read("var/lib/swarmd/join/00.json") != token {
		t.Errorf("the request is gone before the join: %s", out)
	}
}

//go:embed testdata/metadata.sh
var metadataGround string

// TestNoContainerReachesTheMetadataService: the rule as the engine's unit has it, in network namespaces with a bridge as Docker's. It needs the
// right to make them, which root has, and elsewhere whoever may make user namespaces.
func TestNoContainerReachesTheMetadataService(t *testing.T) {
	for _, tool := range []string{"unshare", "ip", "iptables", "curl", "python3"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	rule := preStart(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "unshare", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", metadataGround, "sh", rule)
	out, err := cmd.CombinedOutput()
	if strings.Contains(string(out), "no ground") || err != nil && !strings.Contains(string(out), "ground is laid") {
		t.Skipf("network namespaces cannot be made here: %v: %s", err, out)
	}
	const want = "without: container yes, host yes\nwith: container no, host yes\nrules: 1\n"
	if err != nil || !strings.HasSuffix(string(out), want) {
		t.Errorf("%v: %s\nwant %s", err, out, want)
	}
}

// preStart is the command that the engine's unit runs before it starts. Its failure must be the unit's.
func preStart(t *testing.T) string {
	t.Helper()
	found := regexp.MustCompile(`(?m)^\t\tExecStartPre=/bin/sh -c '(.+)'$`).FindStringSubmatch(bootScript)
	if found == nil {
		t.Fatal("the engine's unit runs nothing before it starts")
	}
	return found[1]
}

// TestWithoutTheRuleTheEngineDoesNotStart: what cannot be put in fails the unit's start.
func TestWithoutTheRuleTheEngineDoesNotStart(t *testing.T) {
	b := newBox(t, droplet("4711"))
	b.write(t, "bin/iptables", "#!/bin/sh\nexit 1\n")
	if out, ok := b.run(t, preStart(t)); ok {
		t.Errorf("it starts: %s", out)
	}
	b.write(t, "bin/iptables", "#!/bin/sh\necho \"$*\" >>"+b.path("calls")+"\ncase $* in *-C*) exit 1 ;; esac\n")
	if out, ok := b.run(t, preStart(t)); !ok || len(b.calls()) != 2 {
		t.Errorf("it does not start, or puts in nothing: %s", out)
	}
}
