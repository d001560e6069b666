package file

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/spec"
)

// windowOf is a window of the file.
func windowOf(t *testing.T, cron, zone string, duration time.Duration) spec.Window {
	t.Helper()
	location, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	w := spec.Window{Schedule: cron, Duration: duration, Zone: location}
	if why := schedule(&w); why != "" {
		t.Fatal(why)
	}
	return w
}

// TestWindowsOpen: at the times that the schedule names, by the clock of the zone, also when that is put on or back.
func TestWindowsOpen(t *testing.T) {
	for name, c := range map[string]struct {
		cron, zone string
		duration   time.Duration
		now, next  string // RFC 3339, in UTC
		open       bool
	}{
		"before":                      {"0 2 * * *", "UTC", 3 * time.Hour, "2026-03-02T01:59:59Z", "2026-03-02T02:00:00Z", false},
		"at its beginning":            {"0 2 * * *", "UTC", 3 * time.Hour, "2026-03-02T02:00:00Z", "2026-03-03T02:00:00Z", true},
		"before its end":              {"0 2 * * *", "UTC", 3 * time.Hour, "2026-03-02T04:59:59Z", "2026-03-03T02:00:00Z", true},
		"at its end":                  {"0 2 * * *", "UTC", 3 * time.Hour, "2026-03-02T05:00:00Z", "2026-03-03T02:00:00Z", false},
		"over midnight":               {"30 23 * * *", "UTC", 2 * time.Hour, "2026-03-02T01:00:00Z", "2026-03-02T23:30:00Z", true},
		"for days":                    {"0 0 * * sat", "UTC", 48 * time.Hour, "2026-03-08T23:00:00Z", "2026-03-14T00:00:00Z", true},
		"after them":                  {"0 0 * * sat", "UTC", 48 * time.Hour, "2026-03-09T00:00:00Z", "2026-03-14T00:00:00Z", false},
		"by the zone's clock":         {"0 2 * * *", "Europe/Berlin", time.Hour, "2026-03-02T01:30:00Z", "2026-03-03T01:00:00Z", true},
		"and in summer":               {"0 2 * * *", "Europe/Berlin", time.Hour, "2026-07-02T00:30:00Z", "2026-07-03T00:00:00Z", true},
		"the clock skips it":          {"30 2 * * *", "Europe/Berlin", time.Hour, "2026-03-29T00:00:00Z", "2026-03-29T01:30:00Z", false},
		"as if it had not":            {"30 2 * * *", "Europe/Berlin", time.Hour, "2026-03-29T02:00:00Z", "2026-03-30T00:30:00Z", true},
		"the day after":               {"0 2 * * *", "Europe/Berlin", time.Hour, "2026-03-29T02:30:00Z", "2026-03-30T00:00:00Z", false},
		"the clock shows it twice":    {"30 2 * * *", "Europe/Berlin", 10 * time.Minute, "2026-10-25T00:35:00Z", "2026-10-26T01:30:00Z", true},
		"but it opens once":           {"30 2 * * *", "Europe/Berlin", 10 * time.Minute, "2026-10-25T01:35:00Z", "2026-10-26T01:30:00Z", false},
		"a duration is no wall time":  {"0 1 * * *", "Europe/Berlin", 2 * time.Hour, "2026-10-25T01:00:00Z", "2026-10-26T00:00:00Z", false},
		"west, over the day's change": {"0 22 * * *", "America/New_York", time.Hour, "2026-03-03T03:30:00Z", "2026-03-04T03:00:00Z", true},
		"the month's last hour":       {"0 23 31 * *", "UTC", time.Hour, "2026-04-01T00:00:00Z", "2026-05-31T23:00:00Z", false},
		"either day":                  {"0 0 13 * fri", "UTC", time.Hour, "2026-03-13T12:00:00Z", "2026-03-20T00:00:00Z", false},
		"every second day":            {"0 0 */2 * *", "UTC", time.Hour, "2026-03-02T12:00:00Z", "2026-03-03T00:00:00Z", false},
		"a leap day":                  {"0 0 29 2 *", "UTC", time.Hour, "2097-03-01T00:00:00Z", "2104-02-29T00:00:00Z", false},
		"each minute":                 {"* * * * *", "UTC", time.Minute, "2026-03-02T01:59:59Z", "2026-03-02T02:00:00Z", true},
		"working hours":               {"0,30 9-16 * * mon-fri", "UTC", 30 * time.Minute, "2026-03-06T16:59:00Z", "2026-03-09T09:00:00Z", true},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		w := windowOf(t, c.cron, c.zone, c.duration)
		if got := w.Open(now); got != c.open {
			t.Errorf("%s: open %t", name, got)
		}
		if next, ok := w.Next(now); !ok || next.UTC().Format(time.RFC3339) != c.next {
			t.Errorf("%s: opens at %s, want %s", name, next.UTC().Format(time.RFC3339), c.next)
		}
	}
}

// TestAWindowIsOpenFromItsOpening: at each time that is said to be the next, and not before.
func TestAWindowIsOpenFromItsOpening(t *testing.T) {
	for _, zone := range []string{"Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"} {
		w := windowOf(t, "15 2 * * *", zone, time.Hour)
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		for range 400 {
			next, ok := w.Next(at)
			if !ok || !next.After(at) || !w.Open(next) || w.Open(next.Add(-time.Second)) || next.Sub(at) > 26*time.Hour {
				t.Fatalf("%s: after %s it opens at %s", zone, at, next)
			}
			at = next
		}
		if got := at.Sub(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)); got < 399*24*time.Hour || got > 401*24*time.Hour {
			t.Errorf("%s: it opens 400 times in %s", zone, got)
		}
	}
}

// TestPoolsInheritDisruption: what a pool does not say is as the policies have it.
func TestPoolsInheritDisruption(t *testing.T) {
	d, _, err := Parse("web.yaml", []byte(`version: 1
cluster: web
cloud: { digitalocean: { region: fra1, image: docker-20-04 } }
nodes:
  all: { role: worker, count: 1, size: s-1vcpu-1gb }
  any: { role: worker, count: 1, size: s-1vcpu-1gb, disruption: { windows: [] } }
  few: { role: worker, count: 1, size: s-1vcpu-1gb, disruption: { max_unavailable: 3 } }
  managers: { role: manager, count: 1, size: s-1vcpu-1gb, disruption: { windows: [{ schedule: "0 4 * * sun", duration: 1h }] } }
policies: { disruption: { windows: [{ schedule: "0 2 * * *", duration: 3h, time_zone: Europe/Berlin }], max_unavailable: 2 } }
`))
	if err != nil {
		t.Fatal(err)
	}
	nightly := windowOf(t, "0 2 * * *", "Europe/Berlin", 3*time.Hour)
	for i, want := range []spec.Disruption{{Windows: []spec.Window{nightly}, MaxUnavailable: 2}, {MaxUnavailable: 2}, {Windows: []spec.Window{nightly}, MaxUnavailable: 3},
		{Windows: []spec.Window{windowOf(t, "0 4 * * sun", "UTC", time.Hour)}, MaxUnavailable: 2}} {
		if diff := cmp.Diff(want, d.Pools[i].Disruption); diff != "" {
			t.Errorf("pool %s: %s", d.Pools[i].Name, diff)
		}
	}
}
