package file

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// healthcheck takes a container's health check.
func healthcheck(w *walker, n *node) any {
	check := keys(map[string]rule{
		"test":           doc("the command that tells whether the container is well", healthTest),
		"disable":        byDefault("false", doc("switch the image's own check off", trueFalse)),
		"interval":       byDefault("30s", doc("time from one check to the next", span(time.Millisecond, longest))),
		"timeout":        byDefault("30s", doc("time after which a check has failed", span(time.Millisecond, longest))),
		"start_period":   byDefault("0s", doc("time at the start in which failures do not count", span(0, longest))),
		"start_interval": byDefault("5s", doc("time between checks in the start period; needs engines of API 1.44", span(time.Millisecond, longest))),
		"retries":        byDefault("3", doc("failures in a row that make a container unhealthy", whole(0, maxReplicas))),
	})
	if n == nil {
		return check(nil, nil)
	}
	values, ok := check(w, n).(map[string]any)
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
	if n == nil {
		return eitherShape("a command for the shell, or a list that begins with CMD, CMD-SHELL or NONE", textShape("text"), listShape())
	}
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
