package lab

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/swarmd/swarmd/pkg/sim/docean"
)

// network is the data centre's wiring: one namespace with a bridge for the public and one for the private side. Nothing forwards
// between them, the private side has no address in the data centre, and there is no way out of it.
type network struct {
	tag    string
	public netip.Prefix
}

func (n network) dataCentre() string    { return n.tag + "-dc" }
func (n network) machine(id int) string { return n.tag + "-" + strconv.Itoa(id) }
func (n network) gateway() netip.Addr   { return n.public.Masked().Addr().Next() }
func (n network) at(port string) string { return n.gateway().String() + ":" + port }
func cable(id int, side string) string  { return "d" + strconv.FormatInt(int64(id), 36) + side }
func ip(ctx context.Context, netns string, lines ...string) error {
	_, err := run(ctx, strings.Join(lines, "\n"), "ip", "-n", netns, "-batch", "-")
	return err
}

// up makes the data centre. icmp_ratelimit=0, forwarding and no default route let whatever leaves the lab be refused at once, by an
// ICMP message for each packet, instead of after a timeout.
func (n network) up(ctx context.Context) error {
	dc := n.dataCentre()
	if _, err := run(ctx, "", "ip", "netns", "add", dc); err != nil {
		return fmt.Errorf("make data centre: %w", err)
	}
	err := ip(ctx, dc,
		"link set lo up",
		"link add public type bridge", "link add private type bridge",
		fmt.Sprintf("addr add %s/%d dev public", n.gateway(), n.public.Bits()),
		fmt.Sprintf("addr add %s/32 dev public", metadataIP),
		"link set public up", "link set private up",
		"route add unreachable default metric 9999",
	)
	if err != nil {
		return fmt.Errorf("wire data centre: %w", err)
	}
	_, err = run(ctx, "", "nsenter", "--net="+netnsPath(dc), "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.icmp_ratelimit=0")
	if err != nil {
		return fmt.Errorf("set up data centre: %w", err)
	}
	return nil
}

// plug makes a machine's network as the machine finds it at power-on: eth0 public, eth1 private, a default route over the public side.
// Whatever an earlier boot left there (addresses, firewall rules) is gone.
func (n network) plug(ctx context.Context, m docean.Machine) error {
	dc, ns := n.dataCentre(), n.machine(m.ID)
	if err := n.unplug(ctx, m.ID); err != nil {
		return err
	}
	if _, err := run(ctx, "", "ip", "netns", "add", ns); err != nil {
		return fmt.Errorf("make namespace of droplet %d: %w", m.ID, err)
	}
	err := ip(ctx, dc,
		fmt.Sprintf("link add %s type veth peer name eth0 netns %s", cable(m.ID, "a"), ns),
		fmt.Sprintf("link add %s type veth peer name eth1 netns %s", cable(m.ID, "b"), ns),
		fmt.Sprintf("link set %s master public up", cable(m.ID, "a")),
		fmt.Sprintf("link set %s master private up", cable(m.ID, "b")),
	)
	if err != nil {
		return fmt.Errorf("plug in droplet %d: %w", m.ID, err)
	}
	err = ip(ctx, ns,
		"link set lo up",
		"addr add "+m.PublicIPv4+" dev eth0", "addr add "+m.PrivateIPv4+" dev eth1",
		"link set eth0 up", "link set eth1 up",
		"route add default via "+n.gateway().String(),
		"route add "+metadataIP+" dev eth0",
	)
	if err != nil {
		return fmt.Errorf("wire droplet %d: %w", m.ID, err)
	}
	return nil
}

// unplug takes a machine's namespace away, and with it its ends of the cables and so the cables. That the kernel does behind our back
// and late, so the data centre's ends are removed first.
func (n network) unplug(ctx context.Context, id int) error {
	if !exists(netnsPath(n.machine(id))) {
		return nil
	}
	_, _ = run(ctx, fmt.Sprintf("link del %s\nlink del %s\n", cable(id, "a"), cable(id, "b")),
		"ip", "-n", n.dataCentre(), "-force", "-batch", "-") // a cable may be gone already
	if _, err := run(ctx, "", "ip", "netns", "del", n.machine(id)); err != nil {
		return fmt.Errorf("remove namespace of droplet %d: %w", id, err)
	}
	return nil
}

// link cuts or mends both cables of a machine.
func (n network) link(ctx context.Context, id int, state string) error {
	err := ip(ctx, n.dataCentre(), "link set "+cable(id, "a")+" "+state, "link set "+cable(id, "b")+" "+state)
	if err != nil {
		return fmt.Errorf("set cables of droplet %d %s: %w", id, state, err)
	}
	return nil
}
