package docean

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// The kinds of actions, as the API names them.
const (
	actionCreate     = "create"
	actionShutdown   = "shutdown"
	actionPowerOff   = "power_off"
	actionPowerOn    = "power_on"
	actionPowerCycle = "power_cycle"
	actionReboot     = "reboot"
)

// How long an action may take before it is "errored" and the droplet is free again.
const (
	createPatience = 10 * time.Minute
	actionPatience = 2 * time.Minute
)

// action is an event on a droplet. It ends when the machine has followed and ActionTime is over.
type action struct {
	ID      int
	Type    string
	Droplet int
	Region  string
	Status  string // "in-progress", "completed", "errored"
	Started time.Time
	Ended   time.Time
	Earliest,
	Deadline time.Time
	Failed  bool // Machines refused
	Change  change
	Fate    Fate // of a resize
	Stopped bool // of a reboot or power cycle: the machine was off and has been told to start
}

func (c *Cloud) begin(d *droplet, kind string, now time.Time) *action {
	patience := actionPatience
	if kind == actionCreate {
		patience = createPatience
	}
	a := &action{
		ID: c.newID(), Type: kind, Droplet: d.ID, Region: d.Region, Status: "in-progress",
		Started: now, Earliest: now.Add(c.opts.ActionTime), Deadline: now.Add(max(patience, c.opts.ActionTime)),
	}
	c.actions = append(c.actions, a)
	c.inFlight = append(c.inFlight, a)
	return a
}

func (c *Cloud) locked(id int) bool {
	return slices.ContainsFunc(c.inFlight, func(a *action) bool { return a.Droplet == id })
}

// endActions ends the actions that are over by now.
func (c *Cloud) endActions(now time.Time) {
	for _, a := range slices.Clone(c.inFlight) {
		if now.Before(a.Earliest) {
			continue
		}
		switch {
		case a.Failed:
			c.end(a, "errored", now)
			if d := c.byID[a.Droplet]; a.Type == actionCreate && c.alive(d) {
				c.destroy(d, now)
			}
		case c.followed(a):
			c.end(a, c.ends(a), now)
		case !now.Before(a.Deadline):
			c.end(a, "errored", now)
		}
	}
}

// followed reports whether the machine has done what the action asked.
func (c *Cloud) followed(a *action) bool {
	state := c.opts.Machines.State(a.Droplet)
	switch a.Type {
	case actionCreate:
		return state != Booting
	case actionShutdown, actionPowerOff:
		return state == Off
	case actionPowerOn, actionRebuild:
		return state == Running
	case actionResize, actionRename, actionSnapshot, actionEnableIPv6, actionEnableBackups, actionDisableBackups:
		return true
	}
	if !a.Stopped && state == Off {
		a.Stopped = true
		c.report(c.opts.Machines.PowerOn(a.Droplet))
		return false
	}
	return a.Stopped && state == Running
}

func (c *Cloud) end(a *action, status string, now time.Time) {
	a.Status, a.Ended = status, now
	if status == "completed" {
		c.apply(a)
	}
	c.inFlight = slices.DeleteFunc(c.inFlight, func(b *action) bool { return a == b })
}

// dropActions ends what is in flight on a droplet that is no more.
func (c *Cloud) dropActions(id int, now time.Time) {
	for _, a := range slices.Clone(c.inFlight) {
		if a.Droplet == id {
			c.end(a, "completed", now)
		}
	}
}

func (c *Cloud) postAction(r *request) reply {
	d := c.named(r)
	if d == nil {
		return notFound()
	}
	var req actionRequest
	if rep, ok := r.decode(&req); !ok {
		return rep
	}
	power, changes := c.effect(req.Type), c.changes()[req.Type]
	switch {
	case power == nil && changes == nil:
		return unprocessable("%q is not a valid action type.", req.Type)
	case c.locked(d.ID):
		return pendingEvent()
	case power == nil:
		return c.postChange(r, d, req)
	}
	if text := refusal(req.Type, c.status(d)); text != "" {
		return unprocessable("%s", text)
	}
	return c.started(c.begin(d, req.Type, r.now), power(d.ID))
}

func (c *Cloud) postChange(r *request, d *droplet, req actionRequest) reply {
	to, text := c.changes()[req.Type](d, req)
	if text != "" {
		return unprocessable("%s", text)
	}
	a := c.begin(d, req.Type, r.now)
	if a.Change = to; a.Type == actionResize {
		a.Fate = c.fate
	}
	return c.started(a, c.startChange(d, a))
}

// started is the answer to an action that was begun, with what the machine said to it.
func (c *Cloud) started(a *action, err error) reply {
	if err != nil {
		a.Failed = true
		c.report(fmt.Errorf("%s droplet %d: %w", a.Type, a.Droplet, err))
	}
	return reply{http.StatusCreated, map[string]any{"action": c.renderAction(a)}}
}

// effect is what the action does to the machine at once.
func (c *Cloud) effect(kind string) func(id int) error {
	m := c.opts.Machines
	return map[string]func(int) error{
		actionShutdown: m.Shutdown, actionPowerOff: m.PowerOff, actionPowerOn: m.PowerOn,
		actionReboot: m.Shutdown, actionPowerCycle: m.PowerOff,
	}[kind]
}

func refusal(kind string, s State) string {
	switch {
	case kind == actionPowerOn && s == Running:
		return "Droplet is already powered on."
	case kind != actionPowerOn && s == Off:
		return "Droplet is already powered off."
	}
	return ""
}

func (c *Cloud) listActions(r *request) reply {
	d := c.named(r)
	if d == nil {
		return notFound()
	}
	var found []*action
	for _, a := range slices.Backward(c.actions) {
		if a.Droplet == d.ID {
			found = append(found, a)
		}
	}
	return page(c, r, "actions", found, c.renderAction)
}

func (c *Cloud) getAction(r *request) reply {
	no, err := strconv.Atoi(r.PathValue("no"))
	i := slices.IndexFunc(c.actions, func(a *action) bool { return a.ID == no })
	if err != nil || i < 0 {
		return notFound()
	}
	a := c.actions[i]
	if id := r.PathValue("id"); id != "" && id != strconv.Itoa(a.Droplet) {
		return notFound()
	}
	return reply{http.StatusOK, map[string]any{"action": c.renderAction(a)}}
}

func (c *Cloud) renderAction(a *action) map[string]any {
	var ended any
	if !a.Ended.IsZero() {
		ended = stamp(a.Ended)
	}
	return map[string]any{
		"id": a.ID, "status": a.Status, "type": a.Type, "started_at": stamp(a.Started), "completed_at": ended,
		"resource_id": a.Droplet, "resource_type": "droplet", "region": c.renderRegion(a.Region), "region_slug": a.Region,
	}
}

func (r *request) actionURL(id int) string {
	u := url.URL{Scheme: "http", Host: r.Host, Path: "/v2/actions/" + strconv.Itoa(id)}
	if r.TLS != nil || r.URL.Scheme == "https" {
		u.Scheme = "https"
	}
	return u.String()
}
