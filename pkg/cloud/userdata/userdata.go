package userdata

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// Template is the version of what makes a machine: the scripts, and what they are told. It grows when machines that were made by the one before should
// be replaced some day; TestTheTemplateHasAVersion holds it to the scripts. Machines carry it as a label of their engine. Another version replaces
// nothing: people are told of it.
const Template = 1

func templateLabel() string { return swarm.LabelTemplate + "=" + strconv.Itoa(Template) }

// defaultPatience is that of a machine of which nobody says when it is given up.
const defaultPatience = 15 * time.Minute

// maxSize is the API's limit on user-data, in bytes.
const maxSize = 64 << 10

// The paths on the droplet. The scripts name them too.
const (
	libDir  = "/usr/local/lib/swarmd"
	perBoot = "/var/lib/cloud/scripts/per-boot/swarmd-wipe"
	joinDir = "/var/lib/swarmd/join"
)

// privateMark stands for the droplet's private address in a join request: it is known only on the droplet.
const privateMark = "@PRIVATE@"

//go:embed scripts/boot.sh
var bootScript string

//go:embed scripts/setup.sh
var setupScript string

//go:embed scripts/join.sh
var joinScript string

//go:embed scripts/wipe.sh
var wipeScript string

// wipeEachBoot is what cloud-init runs at the end of each boot.
const wipeEachBoot = "#!/bin/sh\nexec sh " + libDir + "/wipe.sh\n"

// Params are what a droplet's first boot depends on.
type Params struct {
	Cluster     string
	Pool        string
	PrivateCIDR string        // the network from which the swarm's ports are open, the VPC's range
	SSHFrom     []string      // networks that may reach port 22; none: any
	Patience    time.Duration // how long the machine waits for apt's locks, and for a manager that takes it; 0: 15 min
	Join        *Join         // nil: the engine stays outside any swarm, as the first manager's does until it is initialised
	HostKey     *HostKey      // nil: the droplet makes ssh host keys of its own, which nobody knows beforehand
}

// HostKey is the ssh host key that a droplet is to have, so that who makes it knows it before the first connection.
type HostKey struct {
	Private string // a secret: a file of OpenSSH's own form, without passphrase
	Public  string // a line "ssh-ed25519 BASE64" without its end
}

// Join says how to become a worker.
type Join struct {
	Token    string   // the worker's; a secret
	Managers []string // private addresses, tried in this order
}

// config is the part of #cloud-config that is used. bootcmd runs at every boot before the engine, and before write_files; runcmd
// once, at the end of the first.
type config struct {
	SSHKeys    *sshKeys   `yaml:"ssh_keys,omitempty"`
	SSHDelete  bool       `yaml:"ssh_deletekeys,omitempty"`
	BootCmd    [][]string `yaml:"bootcmd"`
	WriteFiles []file     `yaml:"write_files"`
	RunCmd     [][]string `yaml:"runcmd"`
}

// sshKeys are host keys. Where there are some, cloud-init makes none of other kinds, whatever ssh_genkeytypes says; those of the image go with
// ssh_deletekeys, which is the default, and said since another key must not be the one that is shown. sshd comes after them.
type sshKeys struct {
	Private string `yaml:"ed25519_private"` // lines, as they are to be in the file: the writer makes a literal block of them
	Public  string `yaml:"ed25519_public"`
}

type file struct {
	Path        string `yaml:"path"`
	Permissions string `yaml:"permissions"`
	Content     string `yaml:"content"`
}

// joinRequest is the engine's own: POST /swarm/join.
type joinRequest struct {
	ListenAddr    string
	AdvertiseAddr string
	DataPathAddr  string
	RemoteAddrs   []string
	JoinToken     string
	Availability  string
}

// placeBoot writes boot.sh, its first argument, and runs it: bootcmd comes before write_files.
const placeBoot = `mkdir -p ` + libDir + ` && printf '%s' "$1" >` + libDir + `/boot.sh && exec sh ` + libDir + `/boot.sh "$2" "$3" "$4"`

// Render returns the droplet's user-data. Same parameters, same bytes. The error shows neither the token nor the private host key.
func Render(p Params) (string, error) {
	if err := p.validate(); err != nil {
		return "", fmt.Errorf("user-data: %w", err)
	}
	files, err := p.files()
	if err != nil {
		return "", fmt.Errorf("user-data: %w", err)
	}
	c := config{
		BootCmd:    [][]string{{"sh", "-c", placeBoot, "swarmd-boot", bootScript, p.PrivateCIDR, p.sshFrom(), templateLabel()}},
		WriteFiles: files,
		RunCmd:     [][]string{{"sh", libDir + "/setup.sh", p.PrivateCIDR, p.sshFrom(), p.patience(), templateLabel()}},
	}
	if k := p.HostKey; k != nil {
		c.SSHKeys, c.SSHDelete = &sshKeys{Private: k.Private, Public: k.Public}, true
	}
	body, err := yaml.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("user-data: %w", err)
	}
	text := "#cloud-config\n" + string(body)
	if len(text) > maxSize {
		return "", fmt.Errorf("user-data: %d bytes are over %d", len(text), maxSize)
	}
	return text, nil
}

func (p Params) sshFrom() string {
	if len(p.SSHFrom) == 0 {
		return "any"
	}
	return strings.Join(p.SSHFrom, " ")
}

// patience in whole seconds.
func (p Params) patience() string {
	return strconv.Itoa(int(cmp.Or(p.Patience, defaultPatience) / time.Second))
}

func (p Params) files() ([]file, error) {
	files := []file{
		{Path: libDir + "/setup.sh", Permissions: "0755", Content: setupScript},
		{Path: libDir + "/join.sh", Permissions: "0755", Content: joinScript},
		{Path: libDir + "/wipe.sh", Permissions: "0755", Content: wipeScript},
		{Path: perBoot, Permissions: "0755", Content: wipeEachBoot},
	}
	machine, err := json.Marshal(map[string]string{"cluster": p.Cluster, "pool": p.Pool})
	if err != nil {
		return nil, err
	}
	files = append(files, file{Path: "/etc/swarmd/machine.json", Permissions: "0644", Content: string(machine) + "\n"})
	if p.Join == nil {
		return files, nil
	}
	for i, m := range p.Join.Managers {
		body, err := json.Marshal(newJoinRequest(m, p.Join.Token))
		if err != nil {
			return nil, err
		}
		files = append(files, file{Path: fmt.Sprintf("%s/%02d.json", joinDir, i), Permissions: "0600", Content: string(body) + "\n"})
	}
	return files, nil
}

// newJoinRequest names one manager: an engine looks at the first of its remote addresses only.
func newJoinRequest(manager, token string) joinRequest {
	return joinRequest{
		ListenAddr: privateMark + ":" + swarmPort, AdvertiseAddr: privateMark, DataPathAddr: privateMark,
		RemoteAddrs: []string{manager + ":" + swarmPort}, JoinToken: token, Availability: "drain",
	}
}

// ParseJoin returns how the droplet of this user-data joins, or nil if it does not. It is for those who play the droplet.
func ParseJoin(userData string) (*Join, error) {
	var c config
	if err := yaml.Unmarshal([]byte(userData), &c); err != nil {
		return nil, fmt.Errorf("user-data: %w", err)
	}
	var j *Join
	for _, f := range c.WriteFiles {
		if !strings.HasPrefix(f.Path, joinDir+"/") {
			continue
		}
		var r joinRequest
		if err := json.Unmarshal([]byte(f.Content), &r); err != nil || len(r.RemoteAddrs) != 1 {
			return nil, fmt.Errorf("user-data: %s is no join request", f.Path)
		}
		if j == nil {
			j = &Join{Token: r.JoinToken}
		}
		j.Managers = append(j.Managers, strings.TrimSuffix(r.RemoteAddrs[0], ":"+swarmPort))
	}
	return j, nil
}
