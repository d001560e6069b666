//go:build linux

package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/client"

	"github.com/swarmd/swarmd/pkg/lab"
	"github.com/swarmd/swarmd/pkg/sim/docean"
)

// chaos is a cluster on real machines that a schedule disturbs while a witness looks on.
type chaos struct {
	*stage
	*witness
	seed     uint64
	schedule *schedule

	hurt    sync.Mutex                // guards the next two
	harmed  map[int]int               // droplet id → how many disturbances it is under
	engines map[string]*client.Client // by socket

	wellSince time.Time // no manager was harmed since, and none has answered

	editing sync.Mutex // one edit at a time: each is accepted before the next is handed in

	tally  sync.Mutex // guards what follows
	done   map[kind]int
	missed map[kind]int // nobody to do it to, at that moment
	rests  []time.Duration
}

// shortRounds are CI's: every kind once at least, most of them at the same time as others.
var shortRounds = [][]kind{
	{stopSwarmd, edit, cutPower, edit},
	{cutLink, killSwarmd, scale, edit},
	{killEngine, freeze, relabel, edit},
}

// TestChaos disturbs a cluster of real machines, one round after the other, and asserts that nothing is lost and that the file comes true
// as soon as the machines are let alone. SWARMD_CHAOS_MINUTES makes it long, with rounds drawn at random; SWARMD_CHAOS_SEED draws the
// same ones again.
func TestChaos(t *testing.T) {
	minutes, _ := strconv.Atoi(os.Getenv("SWARMD_CHAOS_MINUTES"))
	c := newChaos(t, chaosSeed(t, minutes > 0))
	began := time.Now()
	defer func() {
		t.Log(c.summary(time.Since(began)))
		if n := c.lost(); n > 0 {
			t.Errorf("%d losses", n)
		}
	}()
	c.fromNothing()
	defer c.watch()()
	c.rest()
	if minutes > 0 {
		c.long(began.Add(time.Duration(minutes) * time.Minute))
	} else {
		c.short()
	}
	c.rest()
	c.calm(12 * time.Second)
	c.secrets()
}

func chaosSeed(t *testing.T, long bool) uint64 {
	t.Helper()
	if text := os.Getenv("SWARMD_CHAOS_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("SWARMD_CHAOS_SEED: %v", err)
		}
		return seed
	}
	if long {
		return rand.Uint64N(1_000_000)
	}
	return 3
}

func newChaos(t *testing.T, seed uint64) *chaos {
	t.Helper()
	t.Logf("chaos: the schedule is SWARMD_CHAOS_SEED=%d", seed)
	w := newWitness("shop-workers-zzzzz")
	b := newLab(t, labDir+"-chaos", func(o *docean.Options) { o.Hook = w.event })
	b.pushImages()
	// A roll-out whose machine loses its power goes on, for a paused one is a person's to end.
	begin := want{managers: 3, workers: 2, web: "1", webReplicas: 2, queue: "1", onFailure: "continue"}
	return &chaos{stage: &stage{bench: b, want: begin}, witness: w, seed: seed, schedule: newSchedule(seed, begin), harmed: map[int]int{}, engines: map[string]*client.Client{},
		done: map[kind]int{}, missed: map[kind]int{}}
}

// fromNothing makes the cluster, and somebody's own things in it.
func (c *chaos) fromNothing() {
	c.Helper()
	c.foreign = c.order(c.stranger, "swarmd:shop")
	c.edited(c.want)
	c.must("", "bootstrap", "-f", c.file())
	first := c.own("managers")[0]
	c.first, c.docker, c.wellSince = first, c.bench.engine(first.ID), time.Now()
	c.foreignMarks()
	c.mark()
}

// own are the cluster's droplets of a pool, by growing id.
func (c *chaos) own(pool string) []lab.Droplet {
	var out []lab.Droplet
	for _, d := range c.lab.Status().Droplets {
		if c.poolOf(d.Name) == pool {
			out = append(out, d)
		}
	}
	return out
}

// short plays CI's rounds without a rest between them.
func (c *chaos) short() {
	c.schedule.longest = 8 * time.Second
	for i, kinds := range shortRounds {
		c.play(i+1, c.schedule.of(kinds...))
	}
	for _, k := range kinds {
		if c.done[k] == 0 {
			c.Errorf("%s did not happen", k)
		}
	}
}

// long draws rounds until the time is over or something was lost, with a rest after every third.
func (c *chaos) long(end time.Time) {
	c.schedule.managers = true
	for i := 1; time.Now().Before(end) && c.lost() == 0; i++ {
		c.play(i, c.schedule.any())
		if i%3 == 0 {
			c.rest()
			c.secrets()
		}
	}
}

// play does what a round says, all at its time, and waits until the managers are whole again.
func (c *chaos) play(number int, r round) {
	c.Helper()
	began := time.Now()
	c.Logf("round %d: %v", number, r)
	ctx, cancel := context.WithTimeout(c.Context(), 4*time.Minute)
	defer cancel()
	var all sync.WaitGroup
	for _, d := range r {
		all.Go(func() { c.disturb(ctx, d) })
	}
	all.Wait()
	c.until("the managers are whole", 2*time.Minute, c.managersWhole)
	c.Logf("round %d took %v", number, time.Since(began).Round(100*time.Millisecond))
}

// disturb does one thing at its time and counts it.
func (c *chaos) disturb(ctx context.Context, d disturbance) {
	if !pause(ctx, d.after) {
		return
	}
	err := c.act(ctx, d)
	c.tally.Lock()
	defer c.tally.Unlock()
	if err != nil {
		c.missed[d.kind]++
		c.Logf("%s: missed: %v", d.kind, err)
		return
	}
	c.done[d.kind]++
}

// pause waits; false if the test ended meanwhile.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// summary is the end's report.
func (c *chaos) summary(took time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "chaos over in %v, SWARMD_CHAOS_SEED=%d\ndisturbed:", took.Round(time.Second), c.seed)
	c.tally.Lock()
	defer c.tally.Unlock()
	for _, k := range kinds {
		fmt.Fprintf(&b, " %s %d", k, c.done[k])
		if n := c.missed[k]; n > 0 {
			fmt.Fprintf(&b, " (and %d missed)", n)
		}
	}
	fmt.Fprintf(&b, "\nconverged after %v\n%s", c.rests, c.verdict())
	return b.String()
}
