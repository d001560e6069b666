package main

import (
	"fmt"
	"io"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/swarmd/swarmd/pkg/reconcile"
)

// progress shows how a revision becomes true: lines for what is done and held, and on a terminal a bar for each pool and service.
type progress struct {
	app   *app
	began time.Time
	out   io.Writer
	bars  *mpb.Progress // nil when it is no terminal
	known map[string]*mpb.Bar
	said  map[string]string // topic → what was said last

	stepped map[string]bool // what the last report's steps were
}

func (a *app) newProgress() *progress {
	p := &progress{app: a, began: time.Now(), out: a.out, known: map[string]*mpb.Bar{}, said: map[string]string{}}
	if isTerminal(a.out) && a.getenv("TERM") != "dumb" {
		p.bars = mpb.New(mpb.WithOutput(a.out), mpb.WithWidth(40), mpb.WithRefreshRate(150*time.Millisecond))
		p.out = p.bars
	}
	return p
}

// slowLook is how long a look may take without a word about it.
const slowLook = 5 * time.Second

// close leaves the bars as they are and gives the terminal back.
func (p *progress) close() {
	if p.bars == nil {
		return
	}
	for _, b := range p.known {
		b.Abort(false)
	}
	p.bars.Wait()
	p.bars, p.out = nil, p.app.out
}

func (p *progress) say(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	printf(p.out, "%6.1fs  %s\n", time.Since(p.began).Seconds(), p.app.redact(line))
}

// once says something about a topic unless it was the last thing said about it.
func (p *progress) once(topic, line string) {
	if p.said[topic] != line {
		p.said[topic] = line
		p.say("%s", line)
	}
}

// tell takes in a report.
func (p *progress) tell(r reconcile.Report) {
	p.steps(r.Steps)
	for _, h := range r.Holds {
		p.once("hold "+h.Guard+h.Object, fmt.Sprintf("%s %s: %s (%s)", holdWord(h), h.Object, h.Text, h.Guard))
	}
	for _, g := range r.Gaps {
		p.once("gap "+g.What, fmt.Sprintf("could not read %s: %s", g.What, g.Err))
	}
	if r.Error != "" {
		p.once("error", r.Error)
	}
	if r.Took > slowLook {
		p.say("a look took %s", r.Took.Round(100*time.Millisecond))
	}
	for _, c := range r.Pools {
		p.count("pool "+c.Pool, c.Ready, c.Desired, "ready")
	}
	for _, c := range r.Services {
		p.count("service "+c.Service, c.Running, c.Desired, "running")
		if c.Error != "" {
			p.once("task error "+c.Service, c.Service+": "+c.Error)
		}
	}
}

// steps says what was not said of the report before: who follows plans anew each time, with other operation ids for the same wish.
func (p *progress) steps(steps []reconcile.StepReport) {
	now := map[string]bool{}
	for _, s := range steps {
		line := fmt.Sprintf("%s %s: %s", s.Action, s.Object, s.Text)
		if s.Outcome != "" && s.Outcome != "done" {
			line += fmt.Sprintf(" (%s: %s)", s.Outcome, s.Error)
		}
		if s.Warning != "" {
			line += " (warning: " + s.Warning + ")"
		}
		if !p.stepped[line] && !now[line] {
			p.say("%s", line)
		}
		now[line] = true
	}
	p.stepped = now
}

func (p *progress) count(what string, have, want int, word string) {
	if p.bars == nil {
		p.once(what, fmt.Sprintf("%s: %d of %d %s", what, have, want, word))
		return
	}
	b, ok := p.known[what]
	if !ok {
		b = p.bars.AddBar(0, mpb.PrependDecorators(decor.Name(plain(what), decor.WCSyncSpaceR), decor.CountersNoUnit("%d/%d", decor.WCSyncSpace)))
		p.known[what] = b
	}
	b.SetTotal(int64(max(want, 1))+1, false) // one more than there can be: a full bar must not complete, it may go down again
	b.SetCurrent(int64(have))
}
