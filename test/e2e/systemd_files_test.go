//go:build linux

package e2e

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
)

func (u *units) brokenEdit() {
	before, passes := u.versions(), u.report(u.first).Pass
	u.save(u.first, strings.Replace(u.text(), "labels:", "lables:", 1))
	u.until("the broken edit shows in the metric", 30*time.Second, func() (bool, string) {
		v := u.metric(u.first, "swarmd_spec_last_load_successful")
		return v == "0", v
	})
	u.until("three more passes", time.Minute, func() (bool, string) {
		now := u.report(u.first).Pass
		return now > passes+3, fmt.Sprint(now)
	})
	u.oneClearError()
	noted := u.versions() // every manager's status tells of the broken file: that is noted in the ledger, once
	if passes = u.report(u.first).Pass; noted["config swarmd.shop"] == before["config swarmd.shop"] {
		u.Errorf("the ledger has no note of the broken file")
	}
	before["config swarmd.shop"] = noted["config swarmd.shop"]
	u.until("three more passes", time.Minute, func() (bool, string) {
		now := u.report(u.first).Pass
		return now > passes+3, fmt.Sprint(now)
	})
	if ready := u.ask(u.first, "/readyz"); !strings.Contains(ready, "the file has faults") {
		u.Errorf("/readyz says %q", ready)
	}
	u.sameButTheLease(before)
	u.want.workers = 0
	u.save(u.first, u.text())
	u.until("the pool's last machine waits for a word", time.Minute, func() (bool, string) {
		r := u.report(u.first)
		return r.Revision == 3 && slices.ContainsFunc(r.Holds, func(h plan.Hold) bool { return h.Guard == plan.GuardPrune && h.Object == "pool/workers" }), fmt.Sprint(r.Revision, r.Holds)
	})
	u.must(u.host, "confirm", "3")
	u.until("the next good edit goes on: the worker left", 2*time.Minute, func() (bool, string) {
		r := u.report(u.first)
		return r.Converged && r.Revision == 3 && len(u.nodes(u.docker)) == 3, fmt.Sprintf("revision %d, %s %s", r.Revision, r.Result, r.Error)
	})
	if v := u.metric(u.first, "swarmd_spec_last_load_successful"); v != "1" {
		u.Errorf("swarmd_spec_last_load_successful is %s after a good edit", v)
	}
	u.wholeAndQuiet(3, 0)
}

// oneClearError wants one line in the journal that tells the place and the key that was meant.
func (u *units) oneClearError() {
	u.Helper()
	var told []string
	for line := range strings.Lines(u.journal(u.first)) {
		if strings.Contains(line, "file has faults") {
			told = append(told, strings.TrimSpace(line))
		}
	}
	u.Logf("in the journal: %s", strings.Join(told, "\n"))
	fault := regexp.MustCompile(`"error":"` + regexp.QuoteMeta(hostFile) + `:[0-9]+:[0-9]+: nodes\.workers\.lables: [^\n]*labels[^\n]*"}$`)
	if len(told) != 1 || !fault.MatchString(told[0]) || strings.Count(told[0], hostFile+":") != 1 {
		u.Errorf("%d lines in the journal, want one with one fault, its place and the key that was meant: %s", len(told), fault)
	}
}

// sameButTheLease compares all objects of the swarm with an earlier look.
func (u *units) sameButTheLease(before map[string]uint64) {
	u.Helper()
	after := u.versions()
	delete(before, "config swarmd.shop.lease")
	delete(after, "config swarmd.shop.lease")
	if !maps.Equal(before, after) {
		u.Errorf("something was written:\n%v\n%v", before, after)
	}
}

// staleFile: bootstrap left revision 2 on the other managers, and revision 3 is accepted. A unit that starts with the older file changes
// nothing: it would bring a worker back.
func (u *units) staleFile() {
	u.on(u.other, "mkdir", "-p", "/run/systemd/system/swarmd.service.d")
	dropIn := "[Service]\nWatchdogSec=4\n" // what the watchdog's own test waits for, so that it is seconds
	if err := u.lab.WriteFile(u.other.ID, "/run/systemd/system/swarmd.service.d/lab.conf", []byte(dropIn), 0o644); err != nil {
		u.Fatal(err)
	}
	u.on(u.other, "systemctl", "daemon-reload")
	u.on(u.other, "systemctl", "restart", "swarmd")
	says := "is revision 2 and changes nothing"
	u.until("status says stale", time.Minute, func() (bool, string) {
		out, _ := u.swarmd(u.host, "status")
		return strings.Contains(out, says), out
	})
	passes := u.report(u.first).Pass
	u.until("two more passes", time.Minute, func() (bool, string) { now := u.report(u.first).Pass; return now > passes+2, fmt.Sprint(now) })
	if v := u.metric(u.first, "swarmd_stale_sources"); v != "1" {
		u.Errorf("swarmd_stale_sources is %s, want 1", v)
	}
	if !strings.Contains(u.journal(u.other), "file is an older revision and changes nothing") {
		u.Errorf("the unit with the stale file does not say so")
	}
	u.wholeAndQuiet(3, 0)
	if r := u.report(u.first); r.Revision != 3 || !r.Converged {
		u.Errorf("revision %d, %s: a stale file changed something", r.Revision, r.Result)
	}
	u.save(u.other, u.text())
	u.until("the accepted file there is stale no more", time.Minute, func() (bool, string) {
		out := u.must(u.host, "status")
		return !strings.Contains(out, "stale"), out
	})
}
