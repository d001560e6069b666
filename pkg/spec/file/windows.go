package file

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // the image has no files

	"github.com/robfig/cron/v3"

	"github.com/swarmd/swarmd/pkg/spec"
)

// The bounds of a window.
const (
	maxWindows     = 20
	shortestWindow = time.Minute
	longestWindow  = 7 * 24 * time.Hour
)

// disruptionKeys are those of the policies and of a pool.
func disruptionKeys() rule {
	return keys(map[string]rule{
		"windows": byDefault("at any time", doc("when machines may be taken from their work without need: a pool shrinks, or its size, image or region is changed; repairs and new services do not wait; [] is at any time",
			atMost(maxWindows, "windows", listOf(window)))),
		"max_surge":       byDefault("1", doc("so many machines of a pool are replaced at once for another size, image, region or VPC; managers are one by one", whole(1, maxPoolCount))),
		"max_unavailable": byDefault("no limit of its own", doc("a machine is not taken from its work for another size, image or region while so many of its pool do not work", whole(1, maxPoolCount))),
	})
}

// window takes one window, and returns a spec.Window.
func window(w *walker, n *node) any {
	shape := object{known: map[string]rule{
		"schedule":  doc("when it opens, as cron's five fields: minute, hour, day of the month, month, day of the week", textIs("cron's five fields, such as 0 2 * * *")),
		"duration":  doc("for how long", span(shortestWindow, longestWindow)),
		"time_zone": byDefault("UTC", doc("by whose clock, such as Europe/Berlin", textIs("a name of the time zone database, such as Europe/Berlin"))),
	}, required: []string{"schedule", "duration"}}
	if n == nil {
		return shape.rule(nil, nil)
	}
	values, ok := shape.rule(w, n).(map[string]any)
	if !ok {
		return nil
	}
	out := spec.Window{Zone: time.UTC}
	out.Duration, _ = time.ParseDuration(str(values, "duration")) // one with a fault has said so
	if name := str(values, "time_zone"); name != "" {
		zone, err := time.LoadLocation(name)
		if err != nil || name == "Local" {
			w.fault(n.child("time_zone"), "there is no time zone %s: a name of the time zone database is wanted, such as UTC or Europe/Berlin", shown(n.child("time_zone"), name))
			return nil
		}
		out.Zone = zone
	}
	if out.Schedule = str(values, "schedule"); out.Schedule == "" {
		return nil
	}
	if why := schedule(&out); why != "" {
		w.fault(n.child("schedule"), "%s", why)
		return nil
	}
	return out
}

// textIs takes a text that another check reads.
func textIs(what string) rule {
	return func(w *walker, n *node) any {
		if n == nil {
			return textShape(what)
		}
		return lineText(w, n)
	}
}

// schedule reads cron's five fields into the window, and says what is wrong with them.
func schedule(w *spec.Window) string {
	const wanted = "must be cron's five fields (minute, hour, day of the month, month, day of the week), such as 0 2 * * *"
	if fields := strings.Fields(w.Schedule); len(fields) != 5 || strings.ContainsAny(w.Schedule, "@=") {
		return wanted
	}
	parsed, err := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow).Parse(w.Schedule)
	if err != nil {
		return wanted + ": " + clip(err.Error())
	}
	s, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return wanted
	}
	const star = 1 << 63 // of the library: the field is * or ?
	w.Minutes, w.Hours, w.Days, w.Months, w.Weekdays = s.Minute, s.Hour, s.Dom, s.Month, s.Dow
	w.EitherDay = s.Dom&star == 0 && s.Dow&star == 0
	if _, opens := w.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)); !opens {
		return fmt.Sprintf("%s never comes", w.Schedule)
	}
	return ""
}

// disruption is what decoded values say of windows and of how many machines may be missing; what they do not say is as in the default.
func disruption(values map[string]any, from spec.Disruption) spec.Disruption {
	given := section(values, "disruption")
	if _, ok := given["windows"]; ok {
		from.Windows = typed[spec.Window](given["windows"])
	}
	if n, ok := given["max_surge"].(int); ok {
		from.MaxSurge = n
	}
	if n, ok := given["max_unavailable"].(int); ok {
		from.MaxUnavailable = n
	}
	return from
}
