package userdata

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"time"
)

// swarmPort is where managers listen.
const swarmPort = "2377"

// maxManagers bounds the list of a join: a swarm has seven at most, and an eighth while one is replaced.
const maxManagers = 16

var (
	nameForm    = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	publicForm  = regexp.MustCompile(`^ssh-ed25519 [0-9A-Za-z+/]{68}$`)
	privateForm = regexp.MustCompile(`^-----BEGIN OPENSSH PRIVATE KEY-----\n([0-9A-Za-z+/=]{1,76}\n){1,10}-----END OPENSSH PRIVATE KEY-----\n$`)
	tokenForm   = regexp.MustCompile(`^SWMTKN-[0-9A-Za-z-]{1,200}$`)
)

// validate keeps everything out of the machine that is not exactly of the form expected, so that no value can mean anything to a
// shell, to ufw or to the engine.
func (p Params) validate() error {
	if !nameForm.MatchString(p.Cluster) || !nameForm.MatchString(p.Pool) {
		return fmt.Errorf("%q/%q is no cluster and pool", p.Cluster, p.Pool)
	}
	if err := checkPrivate(p.PrivateCIDR); err != nil {
		return err
	}
	if p.Patience < 0 || p.Patience > 24*time.Hour {
		return fmt.Errorf("%s is no time to wait for a join", p.Patience)
	}
	for _, from := range p.SSHFrom {
		if n, err := netip.ParsePrefix(from); err != nil || n != n.Masked() {
			return fmt.Errorf("%q is no network to reach port 22 from", from)
		}
	}
	if k := p.HostKey; k != nil && (!publicForm.MatchString(k.Public) || !privateForm.MatchString(k.Private)) {
		return errors.New("the host key has not the form of an ed25519 key pair")
	}
	if p.Join == nil {
		return nil
	}
	return p.Join.validate()
}

// checkPrivate wants a network within one of RFC 1918's, as DigitalOcean's VPCs are: any other would open the swarm's ports to strangers.
func checkPrivate(cidr string) error {
	n, err := netip.ParsePrefix(cidr)
	if err == nil && n == n.Masked() {
		for _, private := range []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"} {
			if p := netip.MustParsePrefix(private); n.Bits() >= p.Bits() && p.Contains(n.Addr()) {
				return nil
			}
		}
	}
	return fmt.Errorf("%q is no network within 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16: the swarm's ports would be open to strangers; use another VPC", cidr)
}

func (j *Join) validate() error {
	if !tokenForm.MatchString(j.Token) {
		return errors.New("the join token has not the form of one")
	}
	if len(j.Managers) == 0 || len(j.Managers) > maxManagers {
		return fmt.Errorf("%d managers to join by", len(j.Managers))
	}
	for _, m := range j.Managers {
		if a, err := netip.ParseAddr(m); err != nil || !a.Is4() {
			return fmt.Errorf("manager %q is no IPv4 address", m)
		}
	}
	return nil
}
