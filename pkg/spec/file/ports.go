package file

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/docker/go-connections/nat"
)

// ports takes what a service publishes. A range is counted before it is written out, and is not written out if that would be too much.
func ports(w *walker, n *node) any {
	if n == nil {
		return listOf(port)(nil, nil)
	}
	count := 0
	values := listOf(func(w *walker, item *node) any {
		has := breadth(item.text)
		if count+has > maxPublished || w.ports+count+has > maxPorts {
			count += has
			return nil
		}
		value := port(w, item)
		if value != nil {
			count += has
		}
		return value
	})(w, n)
	before := w.ports
	w.ports += count
	switch {
	case count > maxPublished:
		w.lacks(n, "%d published ports: at most %d", count, maxPublished)
	case w.ports > maxPorts && before <= maxPorts:
		w.lacks(n, "with these the file publishes %d ports: at most %d", w.ports, maxPorts)
	}
	return values
}

// breadth is the number of ports that an entry in the short form stands for; 1 for one that is not understood, and for one in the long form.
func breadth(s string) int {
	s, _, _ = strings.Cut(s, "/")
	host, inside := "", s
	if i := strings.LastIndexByte(s, ':'); i >= 0 {
		host, inside = s[:i], s[i+1:]
		host = host[strings.LastIndexByte(host, ':')+1:]
	}
	return max(extentOfRange(host), extentOfRange(inside))
}

// extentOfRange is the number of ports in "first-last"; 1 for anything else.
func extentOfRange(s string) int {
	first, last, _ := strings.Cut(s, "-")
	a, err1 := strconv.ParseUint(first, 10, 16)
	b, err2 := strconv.ParseUint(last, 10, 16)
	if err1 != nil || err2 != nil || b < a {
		return 1
	}
	return int(b-a) + 1
}

func longPort() object {
	return object{known: map[string]rule{
		"target":    doc("the port in the container", whole(1, 65535)),
		"published": doc("the port on the machines; without one Swarm chooses", whole(0, 65535)),
		"protocol":  byDefault("tcp", doc("the protocol", choice("tcp", "udp", "sctp"))),
		"mode":      byDefault("ingress", doc("ingress: on every machine, through the routing mesh; host: only where a task runs", choice("ingress", "host"))),
	}, required: []string{"target"}}
}

// port takes a published port: a number, the short form "8080:80/tcp", or a map.
func port(w *walker, n *node) any {
	if n == nil {
		return eitherShape("a port such as 80, 8080:80 or 8080:80/udp, or a map", textShape("text"), longPort().shape())
	}
	if n.kind == kindMap {
		return longPort().rule(w, n)
	}
	s, ok := w.scalar(n)
	if !ok {
		return nil
	}
	var parts []nat.PortMapping
	valid := (charset{rest: letters + digits + ":./-[]", max: 128}).holds(s)
	if valid {
		var err error
		parts, err = nat.ParsePortSpec(s)
		valid = err == nil
	}
	if !valid {
		w.fault(n, "must be a port such as 80, 8080:80 or 8080:80/udp, not %s", shown(n, s))
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
			w.fault(n, "a port must be a number from 1 to 65535, not %s", shown(n, s))
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
func (s *serviceFacts) publications() []publication { return fixed(s.published()) }

// published lists all ports that the service publishes; one that Swarm picks itself is 0.
func (s *serviceFacts) published() []publication {
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
	return all
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
			first, last = 0, 0 // none is named
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
func checkPorts(stacks []*walker) {
	taken := map[string][]publication{} // by port
	for _, w := range stacks {
		w.checkPorts(taken)
	}
}

func (w *walker) checkPorts(taken map[string][]publication) {
	for i := range w.services {
		s := &w.services[i]
		all := s.publications()
		for _, p := range all {
			if who, use := ownUse(p); use != "" {
				w.fault(p.node, "%s is used by every %s itself: %s", p, who, use)
			}
			if other := clash(taken[p.String()], p); other != nil {
				w.fault(p.node, "%s is published by the service %s already", p, w.called(other.service))
			}
		}
		w.checkRepeated(all)
		for _, p := range all {
			taken[p.String()] = append(taken[p.String()], p)
		}
		w.checkEndpoint(s)
	}
}

// called names a service of whichever stack to somebody who reads this one's file.
func (w *walker) called(f *serviceFacts) string {
	if f.stack != w.namespace {
		return f.stack + "_" + f.name
	}
	return f.name
}

// checkRepeated finds ports that one service publishes twice, in whatever mode (swarmkit, controlapi: validateEndpointSpec).
func (w *walker) checkRepeated(all []publication) {
	first := map[string]bool{}
	for _, p := range all {
		if first[p.String()] {
			w.fault(p.node, "%s is published by the same service already: give one of the two another published port", p)
		}
		first[p.String()] = true
	}
}

// ownUse names what a port is for on every machine of a swarm, or on its managers; "" if it is free.
func ownUse(p publication) (who, use string) {
	switch p.String() {
	case "22/tcp":
		return "machine", "ssh"
	case "2377/tcp":
		return "machine", "Swarm's managers"
	case "7946/tcp", "7946/udp":
		return "machine", "Swarm's gossip"
	case "4789/udp":
		return "machine", "overlay networks"
	case ownPort:
		if p.mode == "ingress" || !separate(p.service.placed(), managersOnly()) {
			return "manager", "swarmd's metrics and status"
		}
	}
	return "", ""
}

// ownPort is where each swarmd serves its metrics and its status.
const ownPort = "9810/tcp"

// managersOnly is the placement on managers.
func managersOnly() *placement {
	return &placement{only: map[string]map[string]bool{"node.role": {"manager": true}}}
}

// clash returns the earlier publication of the same port that p cannot stand beside, or nil.
func clash(taken []publication, p publication) *publication {
	for i, t := range taken {
		if t.mode == "ingress" || p.mode == "ingress" || !apart(t.service, p.service) {
			return &taken[i]
		}
	}
	return nil
}

// apart reports whether no node can satisfy the placement of both services. Swarm ignores case.
func apart(a, b *serviceFacts) bool {
	return separate(a.placed(), b.placed())
}

func separate(x, y *placement) bool { return x.excludes(y) || y.excludes(x) }

// placement is what a service's constraints ask for, in lower case: for each key the values that a node's must equal, and those that it must not.
type placement struct{ only, never map[string]map[string]bool }

// placed sorts the constraints once: with a thousand services on one port each is compared with each.
func (f *serviceFacts) placed() *placement {
	if f.placement != nil {
		return f.placement
	}
	f.placement = &placement{only: map[string]map[string]bool{}, never: map[string]map[string]bool{}}
	for _, c := range f.constraints() {
		of := f.placement.never
		if c.equal {
			of = f.placement.only
		}
		if of[c.key] == nil {
			of[c.key] = map[string]bool{}
		}
		of[c.key][strings.ToLower(c.value)] = true
	}
	return f.placement
}

// excludes reports whether a value that p must have is one that the other must not have, or not the one that it must have.
func (p *placement) excludes(other *placement) bool {
	for key, values := range p.only {
		if key == "node.ip" {
			continue
		}
		for value := range values {
			if only := other.only[key]; only != nil && (len(only) > 1 || !only[value]) || other.never[key][value] {
				return true
			}
		}
	}
	return false
}

// checkEndpoint reports ports of the routing mesh on a service that has no virtual address for it.
func (w *walker) checkEndpoint(s *serviceFacts) {
	if str(section(s.values, "deploy"), "endpoint_mode") != "dnsrr" {
		return
	}
	for _, p := range s.published() {
		switch {
		case p.mode != "ingress":
		case p.published == 0:
			w.fault(p.node, "endpoint_mode dnsrr has no routing mesh: publish this port with mode: host")
		default:
			w.fault(p.node, "endpoint_mode dnsrr has no routing mesh: publish %s with mode: host", p)
		}
	}
}
