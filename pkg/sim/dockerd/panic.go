package dockerd

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"time"
)

// Engines since 26.1 look into a service's placement without asking whether there is one, where placement alone differs from what a task has: the
// leader's engine dies of it. The specification is in the store, so the next leader dies too, and the one after that, until somebody writes a
// placement. That each lives for a moment before it does is what made that possible; how long was not measured.
const (
	panicAfter   = time.Second     // a new leader's moment
	restartAfter = 2 * time.Second // a dead engine is started again, as Debian's unit says
)

// errDied is no answer: the engine died over the call.
var errDied = errors.New("the engine has died")

// trips reports whether to ask if this task is dirty kills who asks.
func (c *cluster) trips(s *service, t *task) bool {
	if !c.world.dialect.diesOfPlacement || s.Spec.TaskTemplate.Placement != nil || t.Spec.Placement == nil || c.nodes[t.NodeID] == nil {
		return false
	}
	have := t.Spec
	have.Placement = nil
	return reflect.DeepEqual(taskTemplate(s.Spec), have)
}

// panics has the leader's engine die if its orchestrator tripped, and reports whether it did. A leader that is new lives for its moment first.
func (c *cluster) panics() bool {
	if !c.tripped {
		return false
	}
	c.tripped = false
	if due := c.ledSince.Add(panicAfter); due.After(c.world.now) {
		c.world.queue.set("panic/"+c.info.ID, due, func() {}) // to look again is enough
		return false
	}
	e := c.engineOf(c.leader)
	e.up, e.dead = false, true
	e.closeStreams()
	c.world.after(restartAfter, "restart/"+e.config.Name, e.revive)
	c.deaths++
	c.watchLeader()
	return true
}

// revive is a machine's supervisor.
func (e *Engine) revive() {
	if e.dead && !e.gone {
		e.boot()
	}
}

// bereaved is what comes of a call over which the leader has died: nothing at all from itself, and from another manager, which had passed the
// call on, that it is gone. Either way it may have had its effect.
func (e *Engine) bereaved(leader *Engine) error {
	if e == leader {
		return errDied
	}
	return unavailable(fmt.Sprintf("rpc error: code = Unavailable desc = error reading from server: read tcp %s:40000->%s:%s: read: "+
		"connection reset by peer", e.config.Addr, leader.config.Addr, raftPort))
}

// abort cuts the connection of a call over which the engine has died.
func abort(err error) {
	if errors.Is(err, errDied) {
		panic(http.ErrAbortHandler)
	}
}
