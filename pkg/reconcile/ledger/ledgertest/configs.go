// Package ledgertest has the configs of a swarm in memory, for tests of what stands on the store. It behaves as an engine does: a stale
// version and a taken name are conflicts, an unknown id is not found, and an answer can be lost after the effect.
package ledgertest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// Objects are the configs of one swarm.
type Objects struct {
	mu      sync.Mutex
	objects map[string]swarm.Config // by id
	index   uint64
	calls   []string
	skew    time.Duration

	before, after func(call string) error
}

// New returns an empty swarm.
func New() *Objects { return &Objects{objects: map[string]swarm.Config{}} }

// Before sets what is asked before each call takes effect: an error is what the caller gets, and there is no effect. It may be nil.
func (c *Objects) Before(ask func(call string) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.before = ask
}

// After sets what is asked once a call has taken effect: an error is what the caller gets all the same. It may be nil.
func (c *Objects) After(ask func(call string) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.after = ask
}

// Skew sets the clock by which the swarm says when a config was written, against ours.
func (c *Objects) Skew(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.skew = by
}

// ErrLost is the error of a call whose answer was lost.
func ErrLost() error {
	return &apierr.Error{Kind: apierr.Unknown, Side: "swarm", Op: "call", Err: errors.New("connection cut")}
}

// Calls returns the calls so far, as "list", "create NAME", "update NAME", "remove NAME".
func (c *Objects) Calls() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.calls)
}

// Writes returns the calls so far that were no reads.
func (c *Objects) Writes() []string {
	return slices.DeleteFunc(c.Calls(), func(s string) bool { return s == "list" })
}

// Get returns the config of the name.
func (c *Objects) Get(name string) (swarm.Config, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.named(name)
}

// Put sets a config's labels as a person would, past every version.
func (c *Objects) Put(name string, labels map[string]string, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	obj, ok := c.named(name)
	if !ok {
		obj = swarm.Config{ID: fmt.Sprintf("cfg%d", c.index+1), Name: name, Data: data, Created: time.Now()}
	}
	c.index++
	obj.Version, obj.Labels, obj.Updated = c.index, maps.Clone(labels), time.Now().Add(c.skew)
	c.objects[obj.ID] = obj
}

// Drop removes a config as a person would.
func (c *Objects) Drop(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	obj, _ := c.named(name)
	delete(c.objects, obj.ID)
}

// Configs lists by the beginning of the name, as the engine's filter does.
func (c *Objects) Configs(_ context.Context, prefix string) ([]swarm.Config, error) {
	var out []swarm.Config
	err := c.call("list", func() error {
		for _, obj := range c.objects {
			if strings.HasPrefix(obj.Name, prefix) {
				obj.Labels = maps.Clone(obj.Labels)
				out = append(out, obj)
			}
		}
		slices.SortFunc(out, func(a, b swarm.Config) int { return strings.Compare(a.Name, b.Name) })
		return nil
	})
	return out, err
}

// CreateConfig creates a config.
func (c *Objects) CreateConfig(_ context.Context, name string, labels map[string]string, data []byte) (id string, err error) {
	err = c.call("create "+name, func() error {
		if _, taken := c.named(name); taken {
			return refused(apierr.Conflict, "create config")
		}
		if len(data) == 0 {
			return refused(apierr.Invalid, "create config")
		}
		c.index++
		id = fmt.Sprintf("cfg%d", c.index)
		c.objects[id] = swarm.Config{ID: id, Version: c.index, Name: name, Labels: maps.Clone(labels), Data: slices.Clone(data), Created: time.Now(), Updated: time.Now().Add(c.skew)}
		return nil
	})
	return id, err
}

// UpdateConfig replaces a config's labels by compare-and-swap.
func (c *Objects) UpdateConfig(_ context.Context, id string, version uint64, labels map[string]string) error {
	return c.call("update "+c.name(id), func() error {
		obj, ok := c.objects[id]
		if !ok {
			return refused(apierr.NotFound, "update config")
		}
		if obj.Version != version {
			return refused(apierr.Conflict, "update config")
		}
		c.index++
		obj.Version, obj.Labels, obj.Updated = c.index, maps.Clone(labels), time.Now().Add(c.skew)
		c.objects[id] = obj
		return nil
	})
}

// RemoveConfig removes a config.
func (c *Objects) RemoveConfig(_ context.Context, id string) error {
	return c.call("remove "+c.name(id), func() error {
		if _, ok := c.objects[id]; !ok {
			return refused(apierr.NotFound, "remove config")
		}
		delete(c.objects, id)
		return nil
	})
}

func (c *Objects) call(what string, effect func() error) error {
	c.mu.Lock()
	c.calls = append(c.calls, what)
	before, after := c.before, c.after
	c.mu.Unlock()
	if before != nil {
		if err := before(what); err != nil {
			return err
		}
	}
	c.mu.Lock()
	err := effect()
	c.mu.Unlock()
	if err == nil && after != nil {
		err = after(what)
	}
	return err
}

func (c *Objects) name(id string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.objects[id].Name
}

func (c *Objects) named(name string) (swarm.Config, bool) {
	for _, obj := range c.objects {
		if obj.Name == name {
			return obj, true
		}
	}
	return swarm.Config{}, false
}

func refused(kind apierr.Kind, op string) error {
	return &apierr.Error{Kind: kind, Side: "swarm", Op: op, Err: errors.New(string(kind))}
}
