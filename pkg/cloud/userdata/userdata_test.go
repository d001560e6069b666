package userdata

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/swarmd/swarmd/pkg/swarm/docker/ssh"
)

const token = "SWMTKN-1-0123456789abcdefghijklmnopqrstuvwxyz0123456789abcd-0123456789abcdefghijklmno"

func params() Params {
	return Params{
		Cluster: "minitwit", Pool: "workers", PrivateCIDR: "10.114.0.0/20",
		Join: &Join{Token: token, Managers: []string{"10.114.0.2", "10.114.0.3"}},
	}
}

// hostKey is a real key pair, as bootstrap makes it.
func hostKey(t *testing.T) *HostKey {
	t.Helper()
	private, public, err := ssh.NewHostKey()
	if err != nil {
		t.Fatal(err)
	}
	return &HostKey{Private: private, Public: public}
}

// manager is the first manager's, with a host key.
func manager(t *testing.T, k *HostKey) Params {
	t.Helper()
	p := params()
	p.Pool, p.Join, p.HostKey = "managers", nil, k
	return p
}

func render(t *testing.T, p Params) string {
	t.Helper()
	text, err := Render(p)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestRender(t *testing.T) {
	text := render(t, params())
	if text != render(t, params()) {
		t.Error("same parameters, other bytes")
	}
	if i := strings.IndexFunc(text, func(r rune) bool { return r > 127 }); i >= 0 {
		t.Errorf("not ASCII at %q: cloud-init keeps such a text in base64, where no token is found", text[i:min(i+20, len(text))])
	}
	if !strings.HasPrefix(text, "#cloud-config\n") || len(text) > maxSize {
		t.Errorf("%d bytes that begin with %q", len(text), text[:20])
	}
	var c config
	if err := yaml.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]string{{"sh", "-c", placeBoot, "swarmd-boot", bootScript, "10.114.0.0/20", "any", "swarmd.template=1"}}, c.BootCmd); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([][]string{{"sh", "/usr/local/lib/swarmd/setup.sh", "10.114.0.0/20", "any", "900", "swarmd.template=1"}}, c.RunCmd); diff != "" {
		t.Error(diff)
	}
	want := []file{
		{Path: "/usr/local/lib/swarmd/setup.sh", Permissions: "0755", Content: setupScript},
		{Path: "/usr/local/lib/swarmd/join.sh", Permissions: "0755", Content: joinScript},
		{Path: "/usr/local/lib/swarmd/wipe.sh", Permissions: "0755", Content: wipeScript},
		{Path: "/var/lib/cloud/scripts/per-boot/swarmd-wipe", Permissions: "0755", Content: "#!/bin/sh\nexec sh /usr/local/lib/swarmd/wipe.sh\n"},
		{Path: "/etc/swarmd/machine.json", Permissions: "0644", Content: `{"cluster":"minitwit","pool":"workers"}` + "\n"},
		{Path: "/var/lib/swarmd/join/00.json", Permissions: "0600", Content: `{"ListenAddr":"@PRIVATE@:2377","AdvertiseAddr":"@PRIVATE@","DataPathAddr":"@PRIVATE@","RemoteAddrs":["10.114.0.2:2377"],"JoinToken":"` + token + `","Availability":"drain"}` + "\n"},
		{Path: "/var/lib/swarmd/join/01.json", Permissions: "0600", Content: `{"ListenAddr":"@PRIVATE@:2377","AdvertiseAddr":"@PRIVATE@","DataPathAddr":"@PRIVATE@","RemoteAddrs":["10.114.0.3:2377"],"JoinToken":"` + token + `","Availability":"drain"}` + "\n"},
	}
	if diff := cmp.Diff(want, c.WriteFiles); diff != "" {
		t.Error(diff)
	}
}

// TestHostKey: cloud-init writes both halves as they are into /etc/ssh, so they must come out of the YAML to the byte.
func TestHostKey(t *testing.T) {
	k := hostKey(t)
	text := render(t, manager(t, k))
	var got struct {
		Keys   map[string]string `yaml:"ssh_keys"`
		Delete bool              `yaml:"ssh_deletekeys"`
	}
	if err := yaml.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"ed25519_private": k.Private, "ed25519_public": k.Public}, got.Keys); diff != "" || !got.Delete {
		t.Errorf("the image's keys go: %v; keys %s", got.Delete, diff)
	}
	if !strings.Contains(text, "    ed25519_private: |\n        -----BEGIN OPENSSH PRIVATE KEY-----\n") {
		t.Error("the private key is no literal block")
	}
	if text := render(t, params()); strings.Contains(text, "ssh_keys") || strings.Contains(text, "ssh_deletekeys") {
		t.Error("a droplet without a host key is told of one")
	}
}

func TestHostKeysOfAnotherFormAreRefused(t *testing.T) {
	good := hostKey(t)
	for name, k := range map[string]HostKey{
		"no private key": {Public: good.Public}, "no public key": {Private: good.Private}, "the wrong way round": {good.Public, good.Private},
		"a line more": {good.Private, good.Public + "\nroot"}, "a comment": {good.Private, good.Public + " root@host"},
		"two private keys": {good.Private + good.Private, good.Public}, "no last line end": {strings.TrimSpace(good.Private), good.Public},
	} {
		text, err := Render(manager(t, &k))
		if err == nil || text != "" {
			t.Errorf("%s: rendered", name)
		} else if strings.Contains(err.Error(), "PRIVATE KEY") || strings.Contains(err.Error(), "AAAA") {
			t.Errorf("%s: a key is in %v", name, err)
		}
	}
}

// TestTheTemplateHasAVersion: another template has another version, so that people can be told which machines were made by the one before.
func TestTheTemplateHasAVersion(t *testing.T) {
	sum := sha256.Sum256([]byte(strings.Join([]string{bootScript, setupScript, joinScript, wipeScript, wipeEachBoot, placeBoot}, "\x00")))
	if got := hex.EncodeToString(sum[:6]); Template != 1 || got != "eaf9dcc805e5" {
		t.Errorf("the scripts of template %d have the hash %s: if machines that were made before should be replaced some day, count Template up; write the new hash here", Template, got)
	}
}

func TestParseJoin(t *testing.T) {
	p := params()
	got, err := ParseJoin(render(t, p))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p.Join, got); diff != "" {
		t.Error(diff)
	}
	p.Join = nil
	first := render(t, p)
	if got, err := ParseJoin(first); got != nil || err != nil {
		t.Errorf("the first manager joins by %v, %v", got, err)
	}
	if strings.Contains(first, "SWMTKN-1") {
		t.Error("a token without a join")
	}
	for _, bad := range []string{"{", "write_files:\n- path: /var/lib/swarmd/join/00.json\n  content: '{}'\n"} {
		if got, err := ParseJoin(bad); err == nil {
			t.Errorf("%q is %v", bad, got)
		}
	}
}

func TestPrivateNetworks(t *testing.T) {
	for _, cidr := range []string{"10.0.0.0/8", "10.114.0.0/20", "172.16.0.0/12", "172.31.240.0/20", "192.168.0.0/16", "192.168.7.0/28"} {
		if err := checkPrivate(cidr); err != nil {
			t.Error(err)
		}
	}
}

func TestRefusals(t *testing.T) {
	for name, change := range map[string]func(*Params){
		"no cluster":            func(p *Params) { p.Cluster = "" },
		"a cluster for a shell": func(p *Params) { p.Cluster = "$(reboot)" },
		"a pool with a line":    func(p *Params) { p.Pool = "a\nb" },
		"no network":            func(p *Params) { p.PrivateCIDR = "" },
		"the whole world":       func(p *Params) { p.PrivateCIDR = "0.0.0.0/0" },
		"a host in a network":   func(p *Params) { p.PrivateCIDR = "10.0.0.1/8" },
		"IPv6":                  func(p *Params) { p.PrivateCIDR = "fd00::/8" },
		"somebody's network":    func(p *Params) { p.PrivateCIDR = "8.0.0.0/8" },
		"after a private one":   func(p *Params) { p.PrivateCIDR = "172.32.0.0/16" },
		"around a private one":  func(p *Params) { p.PrivateCIDR = "192.168.0.0/15" },
		"ssh from a name":       func(p *Params) { p.SSHFrom = []string{"any; reboot"} },
		"no token":              func(p *Params) { p.Join.Token = "" },
		"a token for a shell":   func(p *Params) { p.Join.Token = "SWMTKN-1-$(reboot)" },
		"a token for sed":       func(p *Params) { p.Join.Token = "SWMTKN-1-a/b" },
		"no manager":            func(p *Params) { p.Join.Managers = nil },
		"a manager's name":      func(p *Params) { p.Join.Managers = []string{"manager.example"} },
		"a port":                func(p *Params) { p.Join.Managers = []string{"10.0.0.1:2377"} },
		"too many":              func(p *Params) { p.Join.Managers = make([]string, maxManagers+1) },
	} {
		t.Run(name, func(t *testing.T) {
			p := params()
			change(&p)
			text, err := Render(p)
			if err == nil || text != "" {
				t.Fatalf("rendered %d bytes, %v", len(text), err)
			}
			if strings.Contains(err.Error(), "SWMTKN-") {
				t.Errorf("the token is in %v", err)
			}
		})
	}
}

// Whatever is put in: an error, or YAML in which each value stands exactly where it may.
func FuzzRender(f *testing.F) {
	f.Add("minitwit", "workers", "10.114.0.0/20", "192.0.2.0/24", token, "10.114.0.2")
	f.Add("a", "b'\"\n", "10.0.0.0/8", "", "SWMTKN-x", "::1")
	f.Fuzz(func(t *testing.T, cluster, pool, cidr, ssh, tok, manager string) {
		p := Params{Cluster: cluster, Pool: pool, PrivateCIDR: cidr, SSHFrom: []string{ssh}, Join: &Join{Token: tok, Managers: []string{manager}}}
		text, err := Render(p)
		if err != nil {
			return
		}
		var c config
		if err := yaml.Unmarshal([]byte(text), &c); err != nil {
			t.Fatal(err)
		}
		if len(c.BootCmd) != 1 || c.BootCmd[0][2] != placeBoot || c.BootCmd[0][4] != bootScript || c.RunCmd[0][1] != libDir+"/setup.sh" || len(c.WriteFiles) != 6 {
			t.Errorf("a value became a part of a script:\n%s", text)
		}
		for _, arg := range c.BootCmd[0][5:] {
			if strings.ContainsAny(arg, "\n'\"$`;|&<>()\\-") {
				t.Errorf("argument %q", arg)
			}
		}
		if j, err := ParseJoin(text); err != nil || !cmp.Equal(j, p.Join) {
			t.Errorf("joins by %v, %v", j, err)
		}
	})
}

// The schema of the real cloud-init, where it is installed.
func TestCloudInitSchema(t *testing.T) {
	tool, err := exec.LookPath("cloud-init")
	if err != nil {
		t.Skip("cloud-init is not installed: the lab boots with it")
	}
	for who, p := range map[string]Params{"a worker's": params(), "the first manager's": manager(t, hostKey(t))} {
		name := filepath.Join(t.TempDir(), "user-data")
		if err := os.WriteFile(name, []byte(render(t, p)), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), tool, "schema", "-c", name).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", who, err, out)
		}
	}
}

func TestShellcheck(t *testing.T) {
	tool, err := exec.LookPath("shellcheck")
	if err != nil {
		t.Skip("shellcheck is not installed")
	}
	for name, script := range map[string]string{"boot": bootScript, "setup": setupScript, "join": joinScript, "wipe": wipeScript, "each-boot": wipeEachBoot, "place": "#!/bin/sh\n" + placeBoot + "\n"} {
		cmd := exec.CommandContext(t.Context(), tool, "-s", "sh", "-")
		cmd.Stdin = strings.NewReader(script)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %s", name, out)
		}
	}
}
