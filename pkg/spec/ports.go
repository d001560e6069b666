package spec

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/docker/go-connections/nat"
)

// port takes a published port: a number, the short form "8080:80/tcp", or a map.
func port(w *walker, n *node) any {
	if n.kind == kindMap {
		return object{known: map[string]rule{
			"target":    whole(1, 65535),
			"published": whole(0, 65535),
			"protocol":  choice("tcp", "udp", "sctp"),
			"mode":      choice("ingress", "host"),
		}, required: []string{"target"}}.rule(w, n)
	}
	s, ok := w.scalar(n)
	if !ok {
		return nil
	}
	parts, err := nat.ParsePortSpec(s)
	if err != nil || !(charset{rest: letters + digits + ":./-[]", max: 128}).holds(s) {
		w.fault(n, "must be a port such as 80, 8080:80 or 8080:80/udp, not %s", quote(s))
		return nil
	}
	return w.shortPort(n, s, parts)
}

// shortPort checks what the short form says beyond its grammar.
func (w *walker) shortPort(n *node, s string, parts []nat.PortMapping) any {
	if ip, err := netip.ParseAddr(parts[0].Binding.HostIP); err == nil && !ip.IsUnspecified() {
		w.fault(n, "Swarm publishes on all addresses of a node: this would be open on more than %s; leave the address out", ip)
		return nil
	}
	for _, part := range parts {
		if part.Port.Int() == 0 || part.Binding.HostPort == "0" {
			w.fault(n, "a port must be a number from 1 to 65535, not %s", quote(s))
			return nil
		}
	}
	return s
}

// publication is one published port of a service.
type publication struct {
	service   *serviceFacts
	node      *node
	published int
	protocol  string
	mode      string
}

func (p publication) String() string { return fmt.Sprintf("%d/%s", p.published, p.protocol) }

// publications lists the fixed ports that the service publishes. A port that Swarm picks itself cannot clash.
func (s *serviceFacts) publications() []publication {
	ports, _ := s.values["ports"].([]any)
	var all []publication
	for i, value := range ports {
		at := s.node.get("ports").items[i]
		switch value := value.(type) {
		case map[string]any:
			p := publication{service: s, node: at, protocol: "tcp", mode: "ingress"}
			p.published, _ = value["published"].(int)
			if protocol := str(value, "protocol"); protocol != "" {
				p.protocol = protocol
			}
			if mode := str(value, "mode"); mode != "" {
				p.mode = mode
			}
			all = append(all, p)
		case string:
			all = append(all, s.short(at, value)...)
		}
	}
	return fixed(all)
}

func fixed(all []publication) []publication {
	var kept []publication
	for _, p := range all {
		if p.published != 0 {
			kept = append(kept, p)
		}
	}
	return kept
}

// short expands the short form, ranges and all.
func (s *serviceFacts) short(at *node, value string) []publication {
	parts, err := nat.ParsePortSpec(value)
	if err != nil {
		return nil
	}
	var all []publication
	for _, part := range parts {
		first, last, err := nat.ParsePortRange(part.Binding.HostPort)
		if err != nil {
			continue
		}
		for p := first; p <= last; p++ {
			all = append(all, publication{s, at, int(p), strings.ToLower(part.Port.Proto()), "ingress"})
		}
	}
	return all
}
