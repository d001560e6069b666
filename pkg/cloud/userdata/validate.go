package userdata

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
)

// swarmPort is where managers listen.
const swarmPort = "2377"

// maxManagers bounds the list of a join: a swarm has seven at most, and an eighth while one is replaced.
const maxManagers = 16

var (
	nameForm  = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	tokenForm = regexp.MustCompile(`^SWMTKN-[0-9A-Za-z-]{1,200}$`)
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
	for _, from := range p.SSHFrom {
		if n, err := netip.ParsePrefix(from); err != nil || n != n.Masked() {
			return fmt.Errorf("%q is no network to reach port 22 from", from)
		}
	}
	if p.Join == nil {
		return nil
	}
	return p.Join.validate()
}

// checkPrivate wants an IPv4 network, at most a /8 (RFC 1918's largest): a wider one would open the swarm's ports to the world.
func checkPrivate(cidr string) error {
	n, err := netip.ParsePrefix(cidr)
	if err != nil || !n.Addr().Is4() || n.Bits() < 8 || n != n.Masked() {
		return fmt.Errorf("%q is no private IPv4 network", cidr)
	}
	return nil
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
