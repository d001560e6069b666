package lab

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/netip"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"github.com/swarmd/swarmd/pkg/sim/docean"
)

// ErrUnsupported is returned by everything here on systems other than Linux.
var ErrUnsupported = errors.New("the lab needs Linux: it is made of network namespaces and systemd-nspawn")

// ErrNotRunning says that no lab is served from the directory.
var ErrNotRunning = errors.New("no lab is running")

// DefaultDir is where a lab keeps its image and its machines.
const DefaultDir = "/var/lib/swarmd-lab"

// Names and addresses inside the lab.
const (
	RegistryAddr = "registry.lab:5000"                  // as droplets know the registry; it speaks plain HTTP
	metadataURL  = "http://169.254.169.254/metadata/v1" // as on DigitalOcean
	metadataIP   = "169.254.169.254"
	registryPort = "5000"
)

// Options of a lab. The zero value works.
type Options struct {
	// Dir holds everything the lab writes; default DefaultDir. It has to lie on a file system that overlayfs accepts as upper layer.
	Dir string
	// ImageDir holds the built images, one beside the other; default Dir/image. Labs may share one.
	ImageDir string
	// Engine is what the droplets run; default DefaultEngine.
	Engine Engine
	// Listen is the address of the API on the host, default 127.0.0.1:0. In the data centre the API has the same port.
	Listen string
	// Token is the API's bearer token; default a random one.
	Token string
	// Public and Private are the ranges of the droplets' two networks; default 203.0.113.0/24 and 10.77.0.0/16.
	Public, Private netip.Prefix
	// Cloud changes how the API behaves (lags, limits, hooks), after everything else is set and before it is made; may be nil.
	Cloud func(*docean.Options)
	// Log receives what is done and what goes wrong; nil is nobody.
	Log *zap.Logger
}

func (o Options) withDefaults() Options {
	setDefault(&o.Dir, DefaultDir)
	if abs, err := filepath.Abs(o.Dir); err == nil {
		o.Dir = abs
	}
	setDefault(&o.ImageDir, filepath.Join(o.Dir, "image"))
	setDefault(&o.Engine, DefaultEngine)
	setDefault(&o.Listen, "127.0.0.1:0")
	setDefault(&o.Public, netip.MustParsePrefix("203.0.113.0/24"))
	setDefault(&o.Private, netip.MustParsePrefix("10.77.0.0/16"))
	setDefault(&o.Log, zap.NewNop())
	return o
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// tagOf names everything a lab makes outside of its directory: namespaces, control groups, machines.
func tagOf(dir string) string {
	sum := sha256.Sum256([]byte(dir))
	return "swarmd-lab-" + hex.EncodeToString(sum[:2])
}

// Status is what a running lab tells about itself. It holds the API token of the lab.
type Status struct {
	PID        int           `json:"pid"`
	StartTime  uint64        `json:"start_time"` // of the process, in clock ticks since the host's boot: tells a reused PID
	Dir        string        `json:"dir"`
	Tag        string        `json:"tag"`
	APIURL     string        `json:"api_url"`      // on the host, and as it happens in the data centre too
	DropletURL string        `json:"droplet_url"`  // the API as droplets reach it
	Token      string        `json:"token"`        //
	SSHKeyFile string        `json:"ssh_key_file"` // private key whose public half is registered with the API
	SSHKeyID   string        `json:"ssh_key_id"`   // its fingerprint, for ssh_keys
	Registry   string        `json:"registry"`     // empty when Debian's docker-registry is not installed
	DataCentre string        `json:"data_centre"`  // name of the network namespace
	Started    time.Time     `json:"started"`
	Engine     EngineVersion `json:"engine"` // of the droplets
	Droplets   []Droplet     `json:"droplets"`
}

// Droplet is one machine of the lab.
type Droplet struct {
	ID      int          `json:"id"`
	Name    string       `json:"name"`
	State   docean.State `json:"state"`
	Public  string       `json:"public"`
	Private string       `json:"private"`
	Nspawn  int          `json:"nspawn"` // PID of the machine's systemd-nspawn, 0 while it is off
	Init    int          `json:"init"`   // PID of the machine's init on the host, 0 while it is off; new after a reboot from inside
	Since   time.Time    `json:"since"`  // of the last power-on
	Error   string       `json:"error,omitempty"`
}

// Environ is the environment in which any DigitalOcean client works with the lab, from the host or through Command.
func (s Status) Environ() []string {
	return []string{"DIGITALOCEAN_API_URL=" + s.APIURL, "DIGITALOCEAN_TOKEN=" + s.Token}
}

// Capability is something of this host that makes the lab's droplets faithful.
type Capability struct {
	Name   string
	OK     bool
	Needed bool   // without it there is no lab at all
	Effect string // what does not work while it is missing
}
