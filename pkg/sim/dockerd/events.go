package dockerd

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	apievents "github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
	api "github.com/docker/docker/api/types/swarm"
)

// eventBacklog is how many past events a subscriber with "since" can get.
const eventBacklog = 256

// event is one message, and the cluster whose managers send it.
type event struct {
	cluster *cluster
	message apievents.Message
}

// watcher is one open stream of events.
type watcher struct {
	engine  *Engine
	filters filters.Args
	queue   []apievents.Message
	wake    chan struct{} // holds a token while queue is not empty or closed is set
	closed  bool          // the engine went down
}

func (w *watcher) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// watch opens a stream on an engine. With one of since and until, if not zero, the backlog's part comes first.
func (s *Swarm) watch(e *Engine, args filters.Args, since, until time.Time) *watcher {
	w := &watcher{engine: e, filters: args, wake: make(chan struct{}, 1)}
	s.watchers[w] = struct{}{}
	for _, ev := range s.history {
		at := time.Unix(0, ev.message.TimeNano)
		if asked := !since.IsZero() || !until.IsZero(); asked && !at.Before(since) && (until.IsZero() || !at.After(until)) {
			w.offer(ev)
		}
	}
	return w
}

// offer queues an event if the engine is a manager of its cluster and the filters let it through.
func (w *watcher) offer(ev event) {
	e := w.engine
	if e.cluster != ev.cluster || ev.cluster.member(e.nodeID) == nil || !w.passes(ev.message) {
		return
	}
	w.queue = append(w.queue, ev.message)
	w.signal()
}

func (w *watcher) passes(m apievents.Message) bool {
	f := w.filters
	ref := func(key string) bool {
		named := f.ExactMatch(key, m.Actor.ID) || f.ExactMatch(key, m.Actor.Attributes["name"])
		return !f.Contains(key) || (string(m.Type) == key && named)
	}
	for _, key := range []string{"container", "image", "volume", "plugin", "daemon"} {
		if f.Contains(key) {
			return false
		}
	}
	return f.ExactMatch("event", string(m.Action)) && f.ExactMatch("type", string(m.Type)) && f.ExactMatch("scope", m.Scope) &&
		ref("service") && ref("node") && ref("network") && ref("secret") && ref("config") &&
		(!f.Contains("label") || f.MatchKVList("label", m.Actor.Attributes))
}

func (c *cluster) publish(m apievents.Message) {
	ev := event{c, m}
	s := c.world
	s.history = append(s.history, ev)
	if over := len(s.history) - eventBacklog; over > 0 {
		s.history = slices.Clone(s.history[over:])
	}
	for w := range s.watchers {
		w.offer(ev)
	}
}

func (e *Engine) closeStreams() {
	for w := range e.world.watchers {
		if w.engine == e {
			w.closed = true
			w.signal()
		}
	}
}

func message(action, kind, id string, at time.Time, attributes map[string]string) apievents.Message {
	return apievents.Message{
		Type: apievents.Type(kind), Action: apievents.Action(action), Scope: "swarm",
		Actor: apievents.Actor{ID: id, Attributes: attributes}, Time: at.Unix(), TimeNano: at.UnixNano(),
	}
}

func nodeEvent(action string, n, old *node, at time.Time) apievents.Message {
	name := n.Spec.Name
	if name == "" {
		name = n.Description.Hostname
	}
	a := map[string]string{"name": name}
	if old != nil {
		changed(a, "availability", string(old.Spec.Availability), string(n.Spec.Availability))
		changed(a, "role", string(old.role), string(n.role))
		changed(a, "state", string(old.Status.State), string(n.Status.State))
	}
	return message(action, "node", n.ID, at, a)
}

func serviceEvent(action string, s *service, old *api.Service, at time.Time) apievents.Message {
	a := map[string]string{"name": s.Spec.Name}
	if old != nil {
		changed(a, "image", imageOf(old.Spec), imageOf(s.Spec))
		changed(a, "replicas", replicasOf(old.Spec), replicasOf(s.Spec))
		state, was := updateState(s), updateState(&service{Service: *old})
		if state != "" && was == "" {
			a["updatestate.new"] = string(state)
		} else if state != "" {
			changed(a, "updatestate", string(was), string(state))
		}
	}
	return message(action, "service", s.ID, at, a)
}

// changed adds KEY.old and KEY.new if they differ.
func changed(attributes map[string]string, key, old, now string) {
	if old != now {
		attributes[key+".old"], attributes[key+".new"] = old, now
	}
}

func imageOf(s api.ServiceSpec) string {
	if s.TaskTemplate.ContainerSpec == nil {
		return ""
	}
	return s.TaskTemplate.ContainerSpec.Image
}

func replicasOf(s api.ServiceSpec) string {
	if s.Mode.Replicated == nil || s.Mode.Replicated.Replicas == nil {
		return ""
	}
	return strconv.FormatUint(*s.Mode.Replicated.Replicas, 10)
}

// deepCopy copies a value of the API through its JSON.
func deepCopy[T any](in T) T {
	var out T
	data, err := json.Marshal(in)
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	if err != nil {
		panic("dockerd: an API type does not survive JSON: " + err.Error())
	}
	return out
}
