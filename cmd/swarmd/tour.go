package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/report"
)

// station is one step of the tour: something is done, then something must be seen.
type station struct {
	title string
	do    func() error
	see   []sight
}

// sight is what must be seen, one after the other.
type sight struct {
	what string
	seen func(report.Report) bool
}

// tourPatience is how long a sight may take to come.
const tourPatience = 90 * time.Second

func (d *demonstration) stations() []station {
	return []station{
		{"The cluster comes up: 3 managers, 2 workers, 2 services", nil, []sight{
			{"everything is as the file wants it", func(r report.Report) bool { return r.Converged && nodesReady(r) == 5 && running(r, "demo_web") == 3 }},
		}},
		{"An edit: web goes from 3 to 5 replicas and to version 1.1", func() error { return d.edit("replicas: 3", "replicas: 5", "example/web:1.0", "example/web:1.1") }, []sight{
			{"the edit is revision 2", func(r report.Report) bool { return r.Revision == 2 }},
			{"5 tasks of web run and the roll-out is over", func(r report.Report) bool { return r.Converged && running(r, "demo_web") == 5 }},
		}},
		{"A task of web dies", func() error { return d.world.KillTask("demo_web", 0) }, []sight{
			{"one task is missing", func(r report.Report) bool { return running(r, "demo_web") == 4 }},
			{"it came back", func(r report.Report) bool { return r.Converged && running(r, "demo_web") == 5 }},
		}},
		{"Somebody scales queue to 6 by hand", func() error { return d.world.Scale("demo_queue", 6) }, []sight{
			{"it is put back to 2", func(r report.Report) bool { return updated(r, "service/demo_queue") }},
			{"everything is as the file wants it again", func(r report.Report) bool { return r.Converged && running(r, "demo_queue") == 2 }},
		}},
		{"A broken edit", func() error { return d.edit("replicas: 5", "replicsa: 5") }, []sight{
			{"one clear error, and nothing changes", func(r report.Report) bool { return r.FileFault != "" && r.Revision == 2 && r.Converged }},
		}},
		{"A good edit again: one worker more", func() error {
			return d.edit("replicsa: 5", "replicas: 5", "role: worker, count: 2", "role: worker, count: 3")
		}, []sight{
			{"a third worker is ready", func(r report.Report) bool { return r.Converged && nodesReady(r) == 6 && r.Revision == 3 }},
		}},
	}
}

// tour plays the stations. It fails at the first sight that does not come.
func (d *demonstration) tour(ctx context.Context) error {
	began := time.Now()
	reports := d.loop.Follow(ctx)
	for i, s := range d.stations() {
		printf(d.app.out, "\n%d. %s\n", i+1, s.title)
		if s.do != nil {
			if err := s.do(); err != nil {
				return err
			}
		}
		for _, want := range s.see {
			r, err := await(ctx, reports, want)
			if err != nil {
				return err
			}
			printf(d.app.out, "  seen after %4.1fs: %s\n", time.Since(began).Seconds(), want.what)
			if r.FileFault != "" {
				printf(d.app.out, "    %s\n", r.FileFault)
			}
		}
	}
	fmt.Fprintln(d.app.out)
	d.app.printReport(d.loop.Last())
	return nil
}

func await(ctx context.Context, reports <-chan report.Report, want sight) (report.Report, error) {
	timeout := time.NewTimer(tourPatience)
	defer timeout.Stop()
	var last report.Report
	for {
		select {
		case last = <-reports:
			if want.seen(last) {
				return last, nil
			}
		case <-timeout.C:
			return last, fmt.Errorf("not seen within %s: %s (last result: %s %s)", tourPatience, want.what, last.Result, last.Error)
		case <-ctx.Done():
			return last, ctx.Err()
		}
	}
}

// edit replaces texts in the file, as an editor would: a new file, renamed over the old one.
func (d *demonstration) edit(pairs ...string) error {
	data, err := os.ReadFile(d.file)
	if err != nil {
		return err
	}
	for i := 0; i < len(pairs); i += 2 {
		if !bytes.Contains(data, []byte(pairs[i])) {
			return fmt.Errorf("the file has no %q", pairs[i])
		}
		data = bytes.Replace(data, []byte(pairs[i]), []byte(pairs[i+1]), 1)
		d.say("%s → %s", pairs[i], pairs[i+1])
	}
	if err := os.WriteFile(d.file+".new", data, 0o644); err != nil {
		return err
	}
	return os.Rename(d.file+".new", d.file)
}

func nodesReady(r report.Report) int {
	n := 0
	for _, p := range r.Pools {
		n += p.Ready
	}
	return n
}

func running(r report.Report, service string) int {
	for _, s := range r.Services {
		if s.Service == service {
			return s.Running
		}
	}
	return -1
}

// updated reports whether the pass wrote to the object.
func updated(r report.Report, object string) bool {
	for _, s := range r.Steps {
		if s.Object == object && s.Outcome == "done" {
			return true
		}
	}
	return false
}
