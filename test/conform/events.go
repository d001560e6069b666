package conform

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	apievents "github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/network"
	api "github.com/docker/docker/api/types/swarm"
)

func eventCases() []Case {
	return []Case{
		{"events: a service is made, changed and removed", Together, serviceEvents},
		{"events: an endpoint is allocated", Together, endpointEvents},
		{"events: a roll-out tells its states", Together, rolloutEvents},
		{"events: a roll-out that is rolled back tells its states", Together, rolledBackEvents},
		{"events: a node is promoted and demoted", Fresh, roleEvents},
		{"events: tasks tell none", Together, taskEvents},
		{"events: a config and a secret", Together, entryEvents},
		{"events: a network", Together, networkEvents},
		{"events: a node is changed", Alone, nodeEvents},
		{"events: a node comes and goes", Fresh, nodeLifeEvents},
		{"events: what is refused tells none", Together, refusedEvents},
		{"events: a write that changes nothing tells one", Together, idleEvents},
		{"events: filters", Together, filteredEvents},
		{"events: since and until", Together, windowedEvents},
		{"events: times that are none", Together, badEventTimes},
		{"events: a worker hears nothing of the swarm", Together, workerEvents},
		{"events: a stream tells what happens while it is open", Together, liveEvents},
	}
}

// now is a time between what was and what will be.
func (t *T) now() time.Time {
	time.Sleep(20 * time.Millisecond)
	now := time.Now()
	time.Sleep(20 * time.Millisecond)
	return now
}

// stamp is a time as the API takes it.
func stamp(at time.Time) string { return fmt.Sprintf("%d.%09d", at.Unix(), at.Nanosecond()) }

// heard are machine i's events of the swarm since then, as far as the case's own objects are concerned.
func (t *T) heard(i int, since time.Time, pairs ...string) []apievents.Message {
	t.Helper()
	query := filter(append([]string{"scope", "swarm"}, pairs...)...)
	query.Set("since", stamp(since))
	query.Set("until", stamp(time.Now()))
	return t.own(t.done("events", t.ask(i, "GET", "/events", query, nil)))
}

func (t *T) own(a answer) []apievents.Message {
	t.Helper()
	out := []apievents.Message{}
	for dec := json.NewDecoder(bytes.NewReader(a.body)); ; {
		var m apievents.Message
		if err := dec.Decode(&m); errors.Is(err, io.EOF) {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		if m.Type == apievents.NodeEventType && !t.together || strings.HasPrefix(m.Actor.Attributes["name"], t.prefix+"-") {
			out = append(out, m)
		}
	}
}

// facts writes events so that they can be compared: type, action and attributes.
func (t *T) facts(events []apievents.Message) []string {
	out := []string{}
	for _, m := range events {
		line := string(m.Type) + " " + string(m.Action)
		for _, key := range slices.Sorted(maps.Keys(m.Actor.Attributes)) {
			value := strings.TrimPrefix(m.Actor.Attributes[key], Images+":")
			line += " " + key + "=" + strings.TrimPrefix(value, t.prefix+"-")
		}
		out = append(out, line)
	}
	return out
}

// hears waits until the first machine has told exactly these events since then.
func (t *T) hears(since time.Time, want ...string) {
	t.Helper()
	t.hearsOf(nil, since, want...)
}

// hearsOf is hears with filters.
func (t *T) hearsOf(pairs []string, since time.Time, want ...string) {
	t.Helper()
	want = append([]string{}, want...)
	t.until("events are "+text(want), func() (bool, any) {
		got := t.facts(t.heard(0, since, pairs...))
		return slices.Equal(got, want), strings.Join(got, "\n  ")
	})
	time.Sleep(200 * time.Millisecond) // one too many would come a moment later
	t.same("events", want, t.facts(t.heard(0, since, pairs...)))
}

func serviceEvents(t *T) {
	since := t.now()
	id := t.create(t.spec("web", Good, 0))
	t.hears(since, "service create name=web")
	since = t.now()
	t.update(id, replicas(1))
	t.hears(since, "service update name=web replicas.new=1 replicas.old=0")
	t.untilRunning(id, 1)
	since = t.now()
	t.update(id, label("a", "1"))
	t.hears(since, "service update name=web")
	since = t.now()
	t.done("remove", t.ask(0, "DELETE", "/services/"+id, nil, nil))
	t.hears(since, "service remove name=web")
}

func rolloutEvents(t *T) {
	id := t.web(1, api.UpdateConfig{Parallelism: 1, Monitor: monitored})
	since := t.now()
	t.update(id, image(Better))
	t.untilStatus(id, completed)
	t.hears(since, "service update image.new=better image.old=good name=web", "service update name=web updatestate.new=updating",
		"service update name=web updatestate.new=completed updatestate.old=updating")
	since = t.now()
	t.done("roll back", t.rollback(id))
	t.untilStatus(id, backCompleted)
	t.hears(since, "service update image.new=good image.old=better name=web updatestate.new=rollback_started updatestate.old=completed",
		"service update name=web updatestate.new=rollback_completed updatestate.old=rollback_started")
}

func rolledBackEvents(t *T) {
	id := t.web(1, api.UpdateConfig{Parallelism: 1, Monitor: monitored, FailureAction: "rollback"})
	since := t.now()
	t.update(id, image(Missing))
	t.untilStatus(id, backCompleted)
	t.hears(since, "service update image.new=missing image.old=good name=web", "service update name=web updatestate.new=updating",
		"service update image.new=good image.old=missing name=web updatestate.new=rollback_started updatestate.old=updating",
		"service update name=web updatestate.new=rollback_completed updatestate.old=rollback_started")
}

// roleEvents: how often the managers write to a node on its way is their own affair; which of the writes changes the role is not.
func roleEvents(t *T) {
	t.workers(1)
	name := t.info(1).Name
	hears := func(since time.Time, want ...string) {
		t.until("events, each once, are "+text(want), func() (bool, any) {
			got := slices.Compact(t.facts(t.heard(0, since)))
			return slices.Equal(got, want), got
		})
	}
	since := t.now()
	t.done("promote", t.setNode(1, setRole("manager")))
	t.untilRole(1, "manager")
	hears(since, "node update name="+name, "node update name="+name+" role.new=manager role.old=worker", "node update name="+name)
	since = t.now()
	t.done("demote", t.setNode(1, setRole("worker")))
	t.untilRole(1, "worker")
	hears(since, "node update name="+name, "node update name="+name+" role.new=worker role.old=manager")
}

func taskEvents(t *T) {
	since := t.now()
	id := t.create(t.spec("job", Crash, 1, restarting("any", 100*time.Millisecond, 0)))
	t.until("some have died", func() (bool, any) { return t.past(id) > 1, t.told(id) })
	t.hears(since, "service create name=job")
}

func entryEvents(t *T) {
	for _, kind := range []string{"config", "secret"} {
		since := t.now()
		id := t.createEntry(kind, "x", nil, "data")
		t.setLabels(kind, id, map[string]string{"a": "1"})
		t.done("remove", t.ask(0, "DELETE", "/"+kind+"s/"+id, nil, nil))
		t.hears(since, kind+" create name=x", kind+" update name=x", kind+" remove name=x")
	}
}

func networkEvents(t *T) {
	since := t.now()
	id := t.createNetwork("net", network.CreateOptions{Driver: "overlay"})
	t.hears(since, "network create name=net", "network update name=net")
	since = t.now()
	t.done("remove", t.ask(0, "DELETE", "/networks/"+id, nil, nil))
	t.hears(since, "network remove name=net")
}

func nodeEvents(t *T) {
	name := t.info(1).Name
	since := t.now()
	t.done("drain", t.setNode(1, setAvailability("drain")))
	t.done("label", t.setNode(1, setLabel("a", "1")))
	t.done("activate", t.setNode(1, setAvailability("active")))
	t.hears(since, "node update availability.new=drain availability.old=active name="+name, "node update name="+name,
		"node update availability.new=active availability.old=drain name="+name)
}

func nodeLifeEvents(t *T) {
	t.quick()
	since, name := t.now(), t.info(1).Name
	t.join(1, "worker")
	id := t.node(1).ID
	events := t.heard(0, since)
	t.same("the first one", "node create name=", strings.TrimSuffix(t.facts(events)[0], name))
	t.until("it is told to be ready", func() (bool, any) {
		got := t.facts(t.heard(0, since))
		return slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, "state.new=ready") }), got
	})
	since = t.now()
	t.leaveSwarm(1)
	t.untilDown(id)
	t.hears(since, "node update name="+name+" state.new=down state.old=ready")
	since = t.now()
	t.done("remove", t.ask(0, "DELETE", "/nodes/"+id, nil, nil))
	t.hears(since, "node remove name="+name)
}

func refusedEvents(t *T) {
	id := t.create(t.spec("web", Good, 0))
	entry := t.createEntry("config", "x", nil, "data")
	time.Sleep(200 * time.Millisecond) // what these tell has been told by then
	since := t.now()
	t.refused(t.ask(0, "POST", "/services/"+id+"/update", at(1), t.service(id).Spec), 500, outOfSequence)
	t.refused(t.ask(0, "POST", "/configs/create", nil, t.entry("x", nil, "data")), 409,
		"rpc error: code = AlreadyExists desc = config "+t.name("x")+" already exists")
	t.hears(since)
	t.done("remove", t.ask(0, "DELETE", "/configs/"+entry, nil, nil))
}

func idleEvents(t *T) {
	id := t.create(t.spec("web", Good, 0))
	time.Sleep(200 * time.Millisecond)
	since := t.now()
	t.update(id)
	t.hears(since, "service update name=web")
}

func filteredEvents(t *T) {
	since := t.now()
	web, other := t.create(t.spec("web", Good, 0)), t.create(t.spec("other", Good, 0))
	entry := t.createEntry("config", "x", nil, "data")
	t.done("remove", t.ask(0, "DELETE", "/services/"+other, nil, nil))
	t.done("remove", t.ask(0, "DELETE", "/configs/"+entry, nil, nil))
	t.hearsOf([]string{"type", "config"}, since, "config create name=x", "config remove name=x")
	t.hearsOf([]string{"type", "service", "event", "create"}, since, "service create name=web", "service create name=other")
	t.hearsOf([]string{"service", t.name("web")}, since, "service create name=web")
	t.hearsOf([]string{"service", web}, since, "service create name=web")
	t.hearsOf([]string{"event", "remove"}, since, "service remove name=other", "config remove name=x")
	t.hearsOf([]string{"type", "node"}, since)
}

func windowedEvents(t *T) {
	since := t.now()
	t.create(t.spec("one", Good, 0))
	t.hears(since, "service create name=one")
	middle := t.now()
	t.create(t.spec("two", Good, 0))
	t.hears(middle, "service create name=two")
	query := filter("scope", "swarm")
	query.Set("since", stamp(since))
	query.Set("until", stamp(middle))
	t.same("until the middle", []string{"service create name=one"}, t.facts(t.own(t.ask(0, "GET", "/events", query, nil))))
	query.Del("since")
	past := t.facts(t.own(t.ask(0, "GET", "/events", query, nil)))
	t.same("until the middle, since ever", "service create name=one", past[max(0, len(past)-1)])
	events := t.heard(0, since)
	t.same("scope", "swarm", events[0].Scope)
	t.same("time", true, events[0].Time == events[0].TimeNano/1e9 && events[0].TimeNano >= since.UnixNano())
}

func badEventTimes(t *T) {
	t.refused(t.ask(0, "GET", "/events", url.Values{"since": {"yesterday"}, "until": {"1"}}, nil), 500,
		`strconv.ParseInt: parsing "yesterday": invalid syntax`)
	t.refused(t.ask(0, "GET", "/events", url.Values{"since": {"20"}, "until": {"10"}}, nil), 400,
		"`since` time (20) cannot be after `until` time (10)")
}

// endpointEvents: the allocator writes to a service for which it has something to allocate.
func endpointEvents(t *T) {
	since := t.now()
	id := t.create(t.spec("web", Good, 0, published(25001, "ingress")))
	t.hears(since, "service create name=web", "service update name=web")
	since = t.now()
	t.update(id, label("a", "1"))
	t.hears(since, "service update name=web")
	since = t.now()
	t.update(id, published(25002, "ingress"))
	t.hears(since, "service update name=web", "service update name=web")
	since = t.now()
	t.create(t.spec("bare", Good, 0, func(s *api.ServiceSpec) { s.EndpointSpec = &api.EndpointSpec{Mode: "vip"} }))
	t.hears(since, "service create name=bare")
	t.createNetwork("net", overlay)
	since = t.now()
	t.create(t.spec("round", Good, 0, t.in("net"), dnsrr))
	t.hears(since, "service create name=round")
	since = t.now()
	t.create(t.spec("net", Good, 0, t.in("net")))
	t.hears(since, "service create name=net", "service update name=net")
	since = t.now()
	t.create(t.spec("host", Good, 0, published(25003, "host")))
	t.hears(since, "service create name=host", "service update name=host")
}

func workerEvents(t *T) {
	since := t.now()
	t.create(t.spec("web", Good, 0))
	t.hears(since, "service create name=web")
	t.same("by the worker", []string{}, t.facts(t.heard(1, since)))
}

func liveEvents(t *T) {
	query := filter("scope", "swarm", "type", "config")
	query.Set("since", stamp(t.now()))
	query.Set("until", stamp(time.Now().Add(2*time.Second)))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	told := make(chan answer, 1)
	go func() {
		a, err := t.testbed.Machines[0].ask(ctx, "GET", "/events", query, nil)
		if err != nil {
			t.Error(err)
		}
		told <- a
	}()
	time.Sleep(500 * time.Millisecond) // the stream is open by then
	id := t.createEntry("config", "x", nil, "data")
	t.done("remove", t.ask(0, "DELETE", "/configs/"+id, nil, nil))
	t.same("events", []string{"config create name=x", "config remove name=x"}, t.facts(t.own(<-told)))
}
