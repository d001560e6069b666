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

// checkPorts finds published ports that cannot all be had. The routing mesh takes a port on every node, so nothing else may have it,
// in host mode neither. Two services may share a port in host mode only if their placement keeps them apart: otherwise chance
// decides which of them a node gets, and the other waits.
func (w *walker) checkPorts() {
	var taken []publication
	for i := range w.services {
		s := &w.services[i]
		all := s.publications()
		if len(all) > maxPublished {
			w.lacks(s.node.get("ports"), "%d published ports: at most %d", len(all), maxPublished)
			continue
		}
		for _, p := range all {
			if use := ownUse(p); use != "" {
				w.fault(p.node, "%s is used by every machine itself: %s", p, use)
			}
			if other := clash(taken, p); other != nil {
				w.fault(p.node, "%s is published by %s already", p, other.service.name)
			}
		}
		taken = append(taken, all...)
		w.checkEndpoint(s, all)
	}
}

// ownUse names what a port is for on every machine of a swarm, or "".
func ownUse(p publication) string {
	switch p.String() {
	case "22/tcp":
		return "ssh"
	case "2377/tcp":
		return "Swarm's managers"
	case "7946/tcp", "7946/udp":
		return "Swarm's gossip"
	case "4789/udp":
		return "overlay networks"
	}
	return ""
}

// clash returns the earlier publication that p cannot stand beside, or nil.
func clash(taken []publication, p publication) *publication {
	for i, t := range taken {
		if t.published != p.published || t.protocol != p.protocol {
			continue
		}
		if t.mode == "ingress" || p.mode == "ingress" || !apart(t.service, p.service) {
			return &taken[i]
		}
	}
	return nil
}

// apart reports whether no node can satisfy the placement of both services.
func apart(a, b *serviceFacts) bool {
	for _, x := range a.constraints() {
		for _, y := range b.constraints() {
			if x.key == y.key && x.key != "node.ip" && x.excludes(y) {
				return true
			}
		}
	}
	return false
}

// excludes reports whether no value can satisfy both comparisons. Swarm ignores case.
func (c compare) excludes(other compare) bool {
	same := strings.EqualFold(c.value, other.value)
	return c.equal && other.equal && !same || c.equal != other.equal && same
}

// checkEndpoint reports ports of the routing mesh on a service that has no virtual address for it.
func (w *walker) checkEndpoint(s *serviceFacts, all []publication) {
	if str(section(s.values, "deploy"), "endpoint_mode") != "dnsrr" {
		return
	}
	for _, p := range all {
		if p.mode == "ingress" {
			w.fault(p.node, "endpoint_mode dnsrr has no routing mesh: publish %s with mode: host", fmt.Sprint(p))
		}
	}
}
