package spec

import "time"

// Window is when a machine may be taken from its work without need: it opens at each time that the schedule names, and stays open for the duration.
type Window struct {
	Schedule string // as it is written: cron's five fields
	Duration time.Duration
	Zone     *time.Location // whose clock the schedule is read by; nil: UTC

	// What the schedule's fields permit: bit n is set if n does. EitherDay is cron's: where both fields of the day are restricted, either is enough.
	Minutes, Hours, Days, Months, Weekdays uint64
	EitherDay                              bool
}

// Equal reports whether both are the same window.
func (w Window) Equal(o Window) bool {
	return w.Schedule == o.Schedule && w.Duration == o.Duration && w.zone().String() == o.zone().String()
}

func (w Window) zone() *time.Location {
	if w.Zone == nil {
		return time.UTC
	}
	return w.Zone
}

// Open reports whether the window is open.
func (w Window) Open(now time.Time) bool {
	first := w.day(now.Add(-w.Duration)).AddDate(0, 0, -1)
	for d := w.day(now); !d.Before(first); d = d.AddDate(0, 0, -1) {
		starts := w.starts(d)
		for i := len(starts) - 1; i >= 0; i-- {
			if !starts[i].After(now) {
				return now.Before(starts[i].Add(w.Duration))
			}
		}
	}
	return false
}

// furthest is how far ahead the next opening is looked for, days: the 29th of February can be eight years away.
const furthest = 8*366 + 1

// Next returns when the window opens next, in its own zone. It never opens if ok is false.
func (w Window) Next(now time.Time) (at time.Time, ok bool) {
	d := w.day(now)
	for range furthest {
		for _, start := range w.starts(d) {
			if start.After(now) {
				return start, true
			}
		}
		d = d.AddDate(0, 0, 1)
	}
	return time.Time{}, false
}

// day is the day of the zone's calendar on which the time is, at midnight UTC: a day has no hours here.
func (w Window) day(t time.Time) time.Time {
	year, month, day := t.In(w.zone()).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// starts are the times of a day at which the window opens, in the order of the clock on the wall.
func (w Window) starts(d time.Time) []time.Time {
	if !w.on(d) {
		return nil
	}
	var out []time.Time
	for hour := range 24 {
		for minute := range 60 {
			if permits(w.Hours, hour) && permits(w.Minutes, minute) {
				out = append(out, w.at(d, hour, minute))
			}
		}
	}
	return out
}

// on reports whether the schedule names the day.
func (w Window) on(d time.Time) bool {
	if !permits(w.Months, int(d.Month())) {
		return false
	}
	ofMonth, ofWeek := permits(w.Days, d.Day()), permits(w.Weekdays, int(d.Weekday()))
	if w.EitherDay {
		return ofMonth || ofWeek
	}
	return ofMonth && ofWeek
}

func permits(field uint64, n int) bool { return field&(1<<n) != 0 }

// at is when the zone's clock shows that time on the day: the first time where it shows it twice, and where it skips it, as if it had not been put on.
func (w Window) at(d time.Time, hour, minute int) time.Time {
	wall := d.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
	_, before := wall.Add(-24 * time.Hour).In(w.zone()).Zone()
	_, after := wall.Add(24 * time.Hour).In(w.zone()).Zone()
	first := wall.Add(-time.Duration(before) * time.Second).In(w.zone())
	second := wall.Add(-time.Duration(after) * time.Second).In(w.zone())
	if shows(second, wall) && (!shows(first, wall) || second.Before(first)) {
		return second
	}
	return first
}

func shows(t, wall time.Time) bool { return t.Hour() == wall.Hour() && t.Minute() == wall.Minute() }

// NextOf returns when the first of the windows opens next, and which one that is.
func NextOf(windows []Window, now time.Time) (which Window, at time.Time, ok bool) {
	for _, w := range windows {
		if next, opens := w.Next(now); opens && (!ok || next.Before(at)) {
			which, at, ok = w, next, true
		}
	}
	return which, at, ok
}
