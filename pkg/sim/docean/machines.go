// Package docean serves DigitalOcean's API v2 over a model of droplets. What the droplets run on is a Machines: simulated
// (pkg/sim) or real (pkg/lab).
package docean

// State of a machine.
type State string

// The states of a machine.
const (
	Booting State = "new"
	Running State = "active"
	Off     State = "off"
)

// Machine is what a droplet is made of.
type Machine struct {
	ID          int
	Name        string
	Region      string
	Image       string
	VCPUs       int
	MemoryMB    int
	PublicIPv4  string // with prefix length: "203.0.113.7/24"
	PrivateIPv4 string // with prefix length
	UserData    string
	SSHKeys     []string // authorized_keys lines
}

// Machines runs machines. Every method returns quickly; the effect shows in State. An unknown id is an error, except for Destroy.
type Machines interface {
	Create(m Machine) error // begins to boot it with its user-data
	Shutdown(id int) error  // asks the guest, which may ignore it
	PowerOff(id int) error  // cuts the power
	PowerOn(id int) error
	Resize(id, vcpus, memoryMB int) error // of one that is off: what it has when it boots next
	Destroy(id int) error
	State(id int) State
}
