package file

import "strings"

// extraHosts takes "name:address" or "name=address" in a list, or a map.
func extraHosts(w *walker, n *node) any {
	if n == nil {
		return eitherShape("a list of name:address, or a map", shapeOf(entries(domain(), hostAddress)), listShape())
	}
	if n.kind != kindList {
		return entries(domain(), hostAddress)(w, n)
	}
	values := make([]any, 0, len(n.items))
	for _, item := range n.items {
		s, ok := w.scalar(item)
		if !ok {
			continue
		}
		i := strings.IndexAny(s, ":=")
		if i < 1 || !domain().holds(s[:i]) || !isHostAddress(s[i+1:]) {
			w.fault(item, "must be name:address or name:%s, not %s", hostGateway, shown(item, s))
			continue
		}
		values = append(values, s)
	}
	return values
}

// hostGateway stands for the address at which a container reaches its own machine; each engine fills in its own.
const hostGateway = "host-gateway"

func isHostAddress(s string) bool { return s == hostGateway || isAddress(s) }

// hostAddress takes an IP address, or what stands for the machine's own.
func hostAddress(w *walker, n *node) any {
	if n == nil {
		return textShape("an IP address or " + hostGateway)
	}
	if n.text == hostGateway {
		return n.text
	}
	return address(w, n)
}

// address takes an IP address.
func address(w *walker, n *node) any {
	if n == nil {
		return textShape("an IP address")
	}
	s, ok := w.scalar(n)
	if !ok {
		return nil
	}
	if !isAddress(s) {
		w.fault(n, "must be an IP address, not %s", shown(n, s))
		return nil
	}
	return s
}
