package dockerd_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	apievents "github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
	api "github.com/docker/docker/api/types/swarm"
)

// collect reads an engine's events until the stream ends, and returns what it got by then.
func (l *lab) collect(ctx context.Context, o apievents.ListOptions) func() ([]apievents.Message, error) {
	messages, failed := l.docker.Events(ctx, o)
	var got []apievents.Message
	var end error
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case m := <-messages:
				got = append(got, m)
			case end = <-failed:
				return
			}
		}
	}()
	synctest.Wait()
	return func() ([]apievents.Message, error) { <-done; return got, end }
}

func TestEventsTellOfObjectsButNotOfTasks(t *testing.T) {
	bubble(t, 1, 1, func(l *lab) {
		ctx, cancel := context.WithCancel(l.ctx)
		end := l.collect(ctx, apievents.ListOptions{})
		l.create(web("web", 2))
		l.pass(3 * time.Second)
		l.world.KillTask("web", 0)
		l.update("web", replicas(3))
		l.must(l.setNode(1, availability(api.NodeAvailabilityDrain)))
		l.pass(10 * time.Second)
		l.must(l.docker.ServiceRemove(l.ctx, "web"))
		synctest.Wait()
		cancel()
		got, _ := end()
		want := map[string]string{"replicas.new": "3", "replicas.old": "2", "name": "web"}
		if !slices.ContainsFunc(got, func(m apievents.Message) bool { return diff(m.Actor.Attributes, want) == "" }) {
			l.Errorf("no event of the scaling among %v", got)
		}
		for _, m := range got {
			if m.Scope != "swarm" || (m.Type != "service" && m.Type != "node") {
				l.Errorf("an event that a swarm does not send: %+v", m)
			}
		}
		if last := got[len(got)-1]; last.Action != "remove" || last.Type != "service" {
			l.Errorf("the last event is %+v", last)
		}
	})
}

func TestEventsAreFilteredAndHaveABacklog(t *testing.T) {
	bubble(t, 1, 1, func(l *lab) {
		l.create(web("web", 1))
		l.create(web("api", 1))
		messages, failed := l.docker.Events(l.ctx, apievents.ListOptions{
			Since: "1", Until: fmt.Sprint(time.Now().Unix() + 1), Filters: filters.NewArgs(
				filters.Arg("type", "service"), filters.Arg("event", "create"), filters.Arg("service", "api"),
			),
		})
		if m := <-messages; m.Actor.Attributes["name"] != "api" {
			l.Errorf("got %+v", m)
		}
		if err := <-failed; err == nil {
			l.Error("the stream goes on after its end")
		}
	})
}

func TestAStreamEndsWithItsEngine(t *testing.T) {
	bubble(t, 1, 0, func(l *lab) {
		end := l.collect(l.ctx, apievents.ListOptions{})
		l.engines[0].Stop()
		if _, err := end(); err == nil {
			l.Error("the stream ended without an error")
		}
		if _, err := l.docker.Info(l.ctx); err == nil {
			l.Error("an engine without power answered")
		}
	})
}
