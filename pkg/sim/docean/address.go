package docean

import (
	"fmt"
	"math/bits"
	"net/netip"
)

// addressPool gives out the lowest free address of a range, so that a deleted droplet's address is soon another's, as it is
// on DigitalOcean.
type addressPool struct {
	prefix netip.Prefix
	first  int // number of the first host given out
	used   map[netip.Addr]bool
}

func newPool(prefix netip.Prefix, first int) *addressPool {
	return &addressPool{prefix: prefix.Masked(), first: first, used: map[netip.Addr]bool{}}
}

func (p *addressPool) take() (netip.Addr, error) {
	last := lastAddr(p.prefix)
	for a := nthAddr(p.prefix, p.first); p.prefix.Contains(a) && a != last; a = a.Next() {
		if !p.used[a] {
			p.used[a] = true
			return a, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("no free address in %s", p.prefix)
}

func (p *addressPool) free(a netip.Addr) { delete(p.used, a) }

// gateway is the first host of the range.
func (p *addressPool) gateway() netip.Addr { return p.prefix.Addr().Next() }

func nthAddr(p netip.Prefix, n int) netip.Addr {
	return fromUint(toUint(p.Masked().Addr()) + uint32(n))
}

func lastAddr(p netip.Prefix) netip.Addr {
	return fromUint(toUint(p.Masked().Addr()) | ^netmaskBits(p))
}

func netmaskBits(p netip.Prefix) uint32 { return ^uint32(0) << (32 - p.Bits()) }

// netmask is the dotted form of the prefix length.
func netmask(p netip.Prefix) string { return fromUint(netmaskBits(p)).String() }

func toUint(a netip.Addr) uint32 {
	b := a.As4()
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

func fromUint(u uint32) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(u >> 24), byte(u >> 16), byte(u >> 8), byte(u)})
}

// divide cuts the prefix into n equal ranges; one part is the whole.
func divide(p netip.Prefix, n int) []netip.Prefix {
	extra := bits.Len(uint(n - 1))
	size := p.Bits() + extra
	parts := make([]netip.Prefix, n)
	for i := range parts {
		base := toUint(p.Masked().Addr()) + uint32(i)<<(32-size)
		parts[i] = netip.PrefixFrom(fromUint(base), size)
	}
	return parts
}
