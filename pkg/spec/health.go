package spec

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// healthcheck takes a container's health check.
func healthcheck(w *walker, n *node) any {
	values, ok := keys(map[string]rule{
		"test":           healthTest,
		"disable":        trueFalse,
		"interval":       span(time.Millisecond, longest),
		"timeout":        span(time.Millisecond, longest),
		"start_period":   span(0, longest),
		"start_interval": span(time.Millisecond, longest),
		"retries":        whole(0, maxReplicas),
	})(w, n).(map[string]any)
	if !ok {
		return nil
	}
	if values["disable"] == true && values["test"] != nil {
		w.fault(n.get("test"), "a disabled health check has no test")
	}
	return values
}

// healthTest takes a command for the shell, or a list that says first how to run it.
func healthTest(w *walker, n *node) any {
	if n.kind != kindList {
		return anyText(w, n)
	}
	kinds := []string{"CMD", "CMD-SHELL", "NONE"}
	if len(n.items) == 0 || !slices.Contains(kinds, n.items[0].text) {
		w.fault(n, "the list must begin with %s", either(kinds))
		return nil
	}
	return listOf(anyText)(w, n)
}

func isAddress(s string) bool {
	s = strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")
	_, err := netip.ParseAddr(s)
	return err == nil
}
