package sim_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	apievents "github.com/docker/docker/api/types/events"

	"github.com/swarmd/swarmd/pkg/cloud/userdata"
	"github.com/swarmd/swarmd/pkg/sim"
)

func TestEventsComeAtTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{Seed: 1, BootTime: 20 * time.Second, JoinTime: 3 * time.Second})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		messages, errs := c.docker.Events(ctx, apievents.ListOptions{})
		began := time.Now()
		create(t, c.godo, "w1", renderUserData(t, &userdata.Join{Token: c.token, Managers: []string{c.addr}}))
		// Nobody asks for anything from here on: the open stream alone keeps the world going.
		select {
		case m := <-messages:
			if took := time.Since(began); m.Type != "node" || m.Action != "create" || took < 23*time.Second || took > 24*time.Second {
				t.Fatalf("%s %s after %v", m.Type, m.Action, took)
			}
		case err := <-errs:
			t.Fatal(err)
		case <-time.After(time.Hour):
			t.Fatal("no event in an hour")
		}
		cancel()
		if err := <-errs; !errors.Is(err, context.Canceled) {
			t.Fatalf("after cancel: %v", err)
		}
	})
}

func TestStreamEndsWithItsEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{Seed: 1})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		_, errs := c.docker.Events(ctx, apievents.ListOptions{})
		synctest.Wait()
		must(t, c.CrashEngine("m1"))
		select {
		case err := <-errs:
			if err == nil {
				t.Fatal("the stream ended without an error")
			}
		case <-time.After(time.Minute):
			t.Fatal("the stream outlives its engine")
		}
	})
}

func TestStreamsAreFaultyToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{Seed: 1})
		c.SetFault(func(call sim.Call) sim.Verdict {
			if call.Path == "/events" {
				return sim.LoseAnswer(502)
			}
			return sim.Pass()
		})
		_, errs := c.docker.Events(t.Context(), apievents.ListOptions{})
		if err := <-errs; err == nil {
			t.Fatal("no error")
		}
	})
}

// TestClosingTheBodyEndsTheStream relies on the bubble: it fails when a goroutine is left.
func TestClosingTheBodyEndsTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{Seed: 1})
		r, err := http.NewRequest(http.MethodGet, "http://m1:2375/v1.41/events", nil)
		must(t, err)
		resp, err := c.Transport().RoundTrip(r)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%v %v", resp, err)
		}
		must(t, resp.Body.Close())
	})
}
