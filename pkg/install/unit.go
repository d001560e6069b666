package install

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/swarmd/swarmd/deploy"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/cloud/digitalocean"
	"github.com/swarmd/swarmd/pkg/swarm"
	"github.com/swarmd/swarmd/pkg/swarm/docker/ssh"
)

// Unit puts the binary and the unit onto each manager's host.
type Unit struct {
	Options
	File      []byte // that swarmd watches there
	Binary    string // file; "": this program
	FirstHost string // address of the first manager
	Swarm     interface {
		Nodes(ctx context.Context) ([]swarm.Node, error)
	}
	Cloud interface {
		Droplets(ctx context.Context, tag string) ([]cloud.Droplet, error)
	}
	read string // the token for reading /status, once it is known
}

// First installs swarmd on the first manager.
func (in *Unit) First(ctx context.Context) error { return in.install(ctx, in.FirstHost, "") }

// Rest installs swarmd on every other manager that has a droplet.
func (in *Unit) Rest(ctx context.Context) error {
	nodes, err := in.Swarm.Nodes(ctx)
	if err != nil {
		return err
	}
	droplets, err := in.Cloud.Droplets(ctx, cloud.ClusterTag(in.Spec.Cluster))
	if err != nil {
		return err
	}
	machines := map[string]cloud.Droplet{} // by id: another swarm's machine of the name may have the same private address in another network
	for _, d := range droplets {
		machines[strconv.Itoa(d.ID)] = d
	}
	var failed []error
	for _, n := range nodes {
		machine := machines[n.Spec.Labels[swarm.LabelDroplet]]
		switch host := machine.PublicIPv4; {
		case n.Manager == nil || host == in.FirstHost:
		case host == "":
			in.Warn("warning: no swarmd on manager %s: it is no droplet of the cluster; put the unit there by hand\n", n.Hostname)
		default:
			failed = append(failed, in.install(ctx, host, machine.PrivateIPv4))
		}
	}
	return errors.Join(failed...)
}

// oldestSystemd knows LoadCredential. An older one would ignore it, and swarmd would start without a token.
const oldestSystemd = 247

// suits refuses a host whose systemd cannot do what the unit relies on. said is what `systemctl --version` says there.
func suits(said string) error {
	var have int
	if _, err := fmt.Sscanf(said, "systemd %d", &have); err != nil {
		return fmt.Errorf("which systemd is there? systemctl --version says %.40q", said)
	}
	if have < oldestSystemd {
		return fmt.Errorf("systemd %d is too old to hand over credentials: it takes %d (Debian 11, Ubuntu 22.04), "+
			"or swarmd as a service (swarmd.image, without --systemd)", have, oldestSystemd)
	}
	return nil
}

// hostFile is a file that a host gets.
type hostFile struct {
	path    string
	mode    os.FileMode
	data    []byte
	restart bool // the unit reads it only when it starts
}

// install is safe to repeat: it writes what differs, and restarts the unit only for what it does not notice by itself.
func (in *Unit) install(ctx context.Context, host, private string) error {
	conn, err := in.connect(ctx, host, private)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // what counts was waited for
	said, err := conn.Run(ctx, "systemctl --version", nil)
	if err == nil {
		err = suits(string(said))
	}
	if err != nil {
		return fmt.Errorf("install on %s: %w", host, err)
	}
	read, err := in.readToken(ctx, conn, host)
	if err != nil {
		return fmt.Errorf("install on %s: %w", host, err)
	}
	unit, err := conn.Run(ctx, "cat "+unitPath+" 2>/dev/null || true", nil)
	if err != nil {
		return fmt.Errorf("install on %s: %w", host, err)
	}
	in.denies = in.Deny(in.denies || unitDenies(string(unit))) // a manager that is new is started as the first one
	files, err := in.files(read)
	if err != nil {
		return err
	}
	restart, err := upload(ctx, conn, files)
	if err != nil {
		return fmt.Errorf("install on %s: %w", host, err)
	}
	verb := "start" // of what runs already, it is nothing
	if restart {
		verb = "restart"
	}
	command := "systemctl daemon-reload && systemctl enable --quiet swarmd.service && systemctl " + verb + " swarmd.service && rm -f " + restartDue
	if _, err := conn.Run(ctx, command, nil); err != nil {
		return fmt.Errorf("start swarmd on %s (journalctl -u swarmd tells more): %w", host, err)
	}
	return nil
}

// files are what a host gets, read the token for reading among them. The token is root's alone; systemd hands it to the unit as a credential.
func (in *Unit) files(read string) ([]hostFile, error) {
	program, err := in.program()
	if err != nil {
		return nil, err
	}
	token, err := digitalocean.TokenFromEnv(in.Access.Getenv, os.ReadFile)
	if err != nil {
		return nil, err
	}
	environment := ""
	if url := in.Access.Getenv("DIGITALOCEAN_API_URL"); url != "" {
		environment = "DIGITALOCEAN_API_URL=" + url + "\n"
	}
	return []hostFile{
		{"/usr/local/bin/swarmd", 0o755, program, true},
		{"/etc/swarmd/token", 0o600, []byte(token + "\n"), true},
		{readTokenPath, 0o600, []byte(read + "\n"), true},
		{"/etc/swarmd/environment", 0o644, []byte(environment), true},
		{"/etc/swarmd/cluster.yaml", 0o644, in.File, false},
		{unitPath, 0o644, []byte(deploy.Unit(in.Spec.Swarmd.Memory, in.denies)), true},
	}, nil
}

const unitPath = "/etc/systemd/system/swarmd.service"

// restartDue is there from before the first upload that takes a restart until that restart: a run that was cut off in between leaves it to
// the next one. A reboot, which forgets it, is a restart too.
const restartDue = "/run/swarmd.restart-due"

// upload writes the files that the host has not got, with other content or with another mode, and reports whether the unit has to be
// restarted for one of them.
func upload(ctx context.Context, conn *ssh.Conn, files []hostFile) (restart bool, err error) {
	look := "install -d -m 0755 /etc/swarmd && for f in " + restartDue
	for _, f := range files {
		look += " " + f.path
	}
	look += `; do [ ! -e "$f" ] || echo "$(stat -c %a "$f") $(sha256sum "$f")"; done`
	has, err := conn.Run(ctx, look, nil)
	if err != nil {
		return false, err
	}
	restart = strings.Contains(string(has), " "+restartDue+"\n")
	for _, f := range files {
		if strings.Contains(string(has), fmt.Sprintf("%o %x  %s\n", f.mode, sha256.Sum256(f.data), f.path)) {
			continue
		}
		if f.restart && !restart {
			if _, err := conn.Run(ctx, "touch "+restartDue, nil); err != nil {
				return false, err
			}
			restart = true
		}
		if err := conn.Upload(ctx, f.path, f.mode, bytes.NewReader(f.data)); err != nil {
			return false, err
		}
	}
	return restart, nil
}

// program is the Linux binary to install.
func (in *Unit) program() ([]byte, error) {
	path := in.Binary
	if path == "" {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		path = self
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if _, err := elf.NewFile(bytes.NewReader(data)); err != nil {
		return nil, fmt.Errorf("%s is not a Linux binary: give one with --binary (make build with GOOS=linux)", path)
	}
	return data, nil
}
