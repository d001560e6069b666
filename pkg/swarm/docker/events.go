package docker

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"

	"github.com/swarmd/swarmd/internal/clock"
)

// Events sends a hint that something in the swarm changed: look. It never says what, hints that come close together are one, and none may be
// relied on: the engine keeps no history for a stream that broke, and the deaths of tasks are in no stream at all. It reconnects by itself,
// more slowly each time; the channel is closed when the context ends.
//
// Changes of a config's labels give no hint: the store's own lease would be one every ten seconds.
func (c *Client) Events(ctx context.Context) <-chan struct{} {
	hints := make(chan struct{}, 1)
	go func() {
		defer close(hints)
		pause := backoff.NewExponentialBackOff()
		pause.InitialInterval, pause.MaxInterval, pause.RandomizationFactor = 500*time.Millisecond, 30*time.Second, 0
		for ctx.Err() == nil {
			if c.follow(ctx, hints) && ctx.Err() == nil {
				pause.Reset()
				hint(hints) // what was missed in between
			}
			_ = clock.Sleep(ctx, time.Duration(float64(pause.NextBackOff())*(0.5+c.jitter()))) // the loop looks at ctx itself
		}
	}()
	return hints
}

// hint leaves a hint, unless one is waiting already.
func hint(hints chan<- struct{}) {
	select {
	case hints <- struct{}{}:
	default:
	}
}

// follow reads one stream to its end and reports whether anything came of it.
func (c *Client) follow(ctx context.Context, hints chan<- struct{}) (heard bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the client's goroutine, which otherwise waits for a reader
	if c.ready(ctx, "follow events") != nil {
		return false
	}
	messages, errs := c.api.Events(ctx, events.ListOptions{Filters: watched()})
	for {
		select {
		case m := <-messages:
			heard = true
			if m.Type != events.ConfigEventType || m.Action != events.ActionUpdate {
				hint(hints)
			}
		case <-errs:
			return heard
		}
	}
}

func watched() filters.Args {
	f := filters.NewArgs(filters.Arg("scope", "swarm"))
	for _, t := range []events.Type{events.NodeEventType, events.ServiceEventType, events.NetworkEventType, events.ConfigEventType} {
		f.Add("type", string(t))
	}
	return f
}
