package health

import (
	stdlog "log"
	"net"
	"net/netip"
	"sync"
)

// The bounds of the connections that clients can make the server keep. One costs 19 kB, and a host has 28,000 ports to open one from. This machine's
// own processes may have as many again, so that nobody else's connections keep them out.
const (
	maxConnections = 64
	maxOfOne       = 16 // from one address, or one /64 of IPv6
)

// gate closes connections that are too many as soon as they are accepted.
type gate struct {
	net.Listener
	log *stdlog.Logger

	mu    sync.Mutex // protects what follows
	of    map[netip.Prefix]int
	total int // without this machine's own
}

func newGate(l net.Listener, log *stdlog.Logger) *gate {
	return &gate{Listener: l, log: log, of: map[netip.Prefix]int{}}
}

// Accept returns the next connection that is not too many.
func (g *gate) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := origin(conn.RemoteAddr())
		if g.acquire(from) {
			return &admitted{Conn: conn, release: sync.OnceFunc(func() { g.release(from) })}, nil
		}
		_ = conn.Close() // whoever it is has no claim on an answer
		g.log.Printf("closed a connection from %s: %d from there or %d in all are open", from, maxOfOne, maxConnections)
	}
}

// loopback is the origin of this machine's own connections.
var loopback = netip.MustParsePrefix("127.0.0.0/8")

// origin is what counts as one client. Addresses of no known form are one.
func origin(addr net.Addr) netip.Prefix {
	at, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return netip.Prefix{}
	}
	from := at.Addr().Unmap().WithZone("")
	switch {
	case from.IsLoopback():
		return loopback
	case from.Is4():
		return netip.PrefixFrom(from, 32)
	}
	return netip.PrefixFrom(from, 64).Masked()
}

func (g *gate) acquire(from netip.Prefix) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if from == loopback {
		if g.of[from] >= maxConnections {
			return false
		}
	} else if g.total >= maxConnections || g.of[from] >= maxOfOne {
		return false
	} else {
		g.total++
	}
	g.of[from]++
	return true
}

func (g *gate) release(from netip.Prefix) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if from != loopback {
		g.total--
	}
	if g.of[from]--; g.of[from] == 0 {
		delete(g.of, from)
	}
}

// admitted is a connection that leaves its place when it is closed.
type admitted struct {
	net.Conn
	release func()
}

// Close may be called more than once.
func (a *admitted) Close() error {
	defer a.release()
	return a.Conn.Close()
}
