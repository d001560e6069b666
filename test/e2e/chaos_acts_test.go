//go:build linux

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/client"
	"golang.org/x/sys/unix"

	"github.com/swarmd/swarmd/pkg/lab"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
)

// act does one thing, and undoes it when its time is over. An error says that it could not be done at that moment.
func (c *chaos) act(ctx context.Context, d disturbance) error {
	switch d.kind {
	case killSwarmd:
		return c.onActing(ctx, func(id int) error { return c.lab.KillProcess(id, "swarmd") })
	case stopSwarmd:
		return c.onActing(ctx, func(id int) error { return c.stopped(ctx, id, d.lasts) })
	case edit:
		return c.handIn(ctx, d.want)
	case scale:
		return c.scaled(ctx, d.index)
	case relabel:
		return c.relabelled(ctx, d.index)
	}
	v, err := c.victim(d)
	if err != nil {
		return err
	}
	defer c.healed(v.ID)
	c.Logf("%s %s for %v", d.kind, v.Name, d.lasts)
	return c.harm(ctx, d, v)
}

func (c *chaos) harm(ctx context.Context, d disturbance, v lab.Droplet) error {
	switch d.kind {
	case killEngine:
		return c.lab.KillEngine(v.ID)
	case cutPower:
		return c.powerCut(ctx, v, d.lasts)
	case cutLink:
		return c.during(ctx, d.lasts, func() error { return c.lab.CutLink(ctx, v.ID) },
			func(ctx context.Context) error { return c.lab.RestoreLink(ctx, v.ID) })
	case freeze:
		return c.during(ctx, d.lasts, func() error { return c.lab.Pause(v.ID) }, func(context.Context) error { return c.lab.Resume(v.ID) })
	}
	return fmt.Errorf("unknown kind %s", d.kind)
}

// during does and, whatever happens meanwhile, undoes. A machine that is gone by then needs no undoing.
func (c *chaos) during(ctx context.Context, lasts time.Duration, do func() error, undo func(context.Context) error) error {
	if err := do(); err != nil {
		return err
	}
	pause(ctx, lasts)
	if err := undo(context.WithoutCancel(ctx)); err != nil {
		c.Logf("to undo: %v", err)
	}
	return nil
}

// victim picks the machine to harm and notes that it is. While a manager is harmed no other one is.
func (c *chaos) victim(d disturbance) (lab.Droplet, error) {
	pool := map[bool]string{true: "managers", false: "workers"}[d.manager]
	all := c.own(pool)
	c.hurt.Lock()
	defer c.hurt.Unlock()
	if len(all) == 0 {
		return lab.Droplet{}, fmt.Errorf("no machine in pool %s", pool)
	}
	v := all[d.index%len(all)]
	for _, o := range all {
		if d.manager && c.harmed[o.ID] > 0 {
			v = o
		}
	}
	c.harmed[v.ID]++
	return v, nil
}

func (c *chaos) healed(id int) {
	c.hurt.Lock()
	defer c.hurt.Unlock()
	c.harmed[id]--
}

func (c *chaos) isHarmed(id int) bool {
	c.hurt.Lock()
	defer c.hurt.Unlock()
	return c.harmed[id] > 0
}

// onActing does something to the droplet whose swarmd acts, waiting for one to act.
func (c *chaos) onActing(ctx context.Context, do func(id int) error) error {
	for range 60 {
		if d, ok := c.acting(ctx); ok {
			if err := do(d.ID); err == nil {
				return nil
			}
		}
		if !pause(ctx, 300*time.Millisecond) {
			break
		}
	}
	return errors.New("nobody acted")
}

// acting is the droplet whose swarmd holds the lease.
func (c *chaos) acting(ctx context.Context) (lab.Droplet, bool) {
	s, err := c.see(ctx)
	if err != nil {
		return lab.Droplet{}, false
	}
	holder := ""
	for _, v := range s.configs {
		if v.Spec.Name == "swarmd.shop.lease" {
			holder, _, _ = strings.Cut(v.Spec.Labels["swarmd.lease.holder"], "/")
		}
	}
	for _, n := range s.nodes {
		if n.ID == holder {
			for _, d := range c.droplets(n.Description.Hostname) {
				return d, !c.isHarmed(d.ID)
			}
		}
	}
	return lab.Droplet{}, false
}

// stopped stops swarmd for longer than its lease lasts. When it goes on another one has acted, and what it was at is stale.
func (c *chaos) stopped(ctx context.Context, id int, lasts time.Duration) error {
	return c.during(ctx, lasts, func() error {
		err := c.lab.Signal(id, "swarmd", unix.SIGSTOP)
		c.Logf("stop swarmd on droplet %d for %v: %v", id, lasts, err)
		return err
	}, func(context.Context) error { return c.lab.Signal(id, "swarmd", unix.SIGCONT) })
}

// powerCut goes the way of the cloud's web interface. By then the machine may have left.
func (c *chaos) powerCut(ctx context.Context, d lab.Droplet, lasts time.Duration) error {
	return c.during(ctx, lasts, func() error { return c.dropletAction(ctx, d.ID, "power_off") }, func(ctx context.Context) error {
		for range 100 {
			err := c.dropletAction(ctx, d.ID, "power_on")
			if err == nil || !c.there(d.ID) || c.runs(d.ID) {
				return nil
			}
			pause(ctx, 300*time.Millisecond) // its power-off may still be in progress
		}
		return fmt.Errorf("%s could not be switched on", d.Name)
	})
}

// runs reports whether the machine is on, and nothing is under way that could change that: swarmd was quicker to power it on.
func (c *chaos) runs(id int) bool {
	var got struct{ Droplet struct{ Status string } }
	return !c.lab.Cloud.Acting(id) && c.cloud(http.MethodGet, fmt.Sprintf("/v2/droplets/%d", id), nil, &got) == http.StatusOK && got.Droplet.Status == "active"
}

func (c *chaos) there(id int) bool { d, ok := c.lab.Cloud.Droplet(id); return ok && d.Deleted.IsZero() }

func (c *chaos) dropletAction(ctx context.Context, id int, action string) error {
	url := fmt.Sprintf("%s/v2/droplets/%d/actions", strings.TrimSuffix(c.state.APIURL, "/"), id)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(fmt.Sprintf(`{"type":%q}`, action)))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.state.Token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		return fmt.Errorf("%s of droplet %d: %s", action, id, resp.Status)
	}
	return nil
}

// handIn edits the file and hands it in, from a laptop that follows only for seconds, until the swarm has accepted it.
func (c *chaos) handIn(ctx context.Context, w want) error {
	c.editing.Lock()
	defer c.editing.Unlock()
	c.witness.edited(w)
	c.want = w
	path, text := filepath.Join(c.dir, "shop.yaml"), []byte(w.yaml(c.state.SSHKeyID))
	if err := os.WriteFile(path, text, 0o644); err != nil {
		return err
	}
	last, began, follows := "", time.Now(), 5*time.Second
	for time.Since(began) < 90*time.Second {
		last = c.applied(ctx, path, follows)
		if s, err := c.see(ctx); err == nil && bytes.Equal(accepted(s.configs), text) {
			return nil
		}
		c.Logf("not accepted %.0f s after it was handed in first: %s", time.Since(began).Seconds(), last)
		follows = min(2*follows, 40*time.Second) // a busy machine may take longer than that for the answer alone
		pause(ctx, time.Second)
	}
	c.find(lostEdit, "%+v: %s", w, last)
	return errors.New("not accepted")
}

// applied runs apply on a manager that is well and returns what it said.
func (c *chaos) applied(ctx context.Context, path string, follows time.Duration) string {
	for _, d := range c.own("managers") {
		if c.isHarmed(d.ID) {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, follows+30*time.Second)
		defer cancel()
		cmd, err := c.command(ctx, "ssh://root@"+d.Public, "apply", "-f", path, "--timeout", follows.String())
		if err != nil {
			return err.Error()
		}
		out, _ := cmd.CombinedOutput() // 1 is the answer when it is not true within those seconds
		if bytes.Contains(out, []byte(c.state.Token)) {
			c.find(lostSecret, "the API token is in what apply says")
		}
		return string(out)
	}
	return "no manager is well"
}

// accepted is the file that counts, as the swarm's own store has it; nil if that cannot be read.
func accepted(configs []swarm.Config) []byte {
	l, err := ledgerOf(configs)
	if err != nil {
		return nil
	}
	return configNamed(configs, fmt.Sprintf("swarmd.shop.spec.%d", l.Revision)).Data
}

// ledgerOf reads the ledger as the swarm's own store has it.
func ledgerOf(configs []swarm.Config) (ledger.Ledger, error) {
	l, _, err := ledger.Decode(configNamed(configs, "swarmd.shop").Labels)
	return l, err
}

// configNamed returns the zero value if there is none.
func configNamed(configs []swarm.Config, name string) swarm.ConfigSpec {
	for _, v := range configs {
		if v.Spec.Name == name {
			return v.Spec
		}
	}
	return swarm.ConfigSpec{}
}

// scaled scales web by hand, as `docker service scale` does.
func (c *chaos) scaled(ctx context.Context, index int) error {
	return c.byHand(ctx, func(engine *client.Client, s scene) error {
		for _, v := range s.services {
			if v.Spec.Name == "shop_web" {
				n := uint64(index % 4)
				v.Spec.Mode.Replicated.Replicas = &n
				_, err := engine.ServiceUpdate(ctx, v.ID, v.Version, v.Spec, swarm.ServiceUpdateOptions{})
				return err
			}
		}
		return errors.New("there is no shop_web")
	})
}

// relabelled changes what the file says about a node, and the node's availability.
func (c *chaos) relabelled(ctx context.Context, index int) error {
	return c.byHand(ctx, func(engine *client.Client, s scene) error {
		n := s.nodes[index%len(s.nodes)]
		if n.Spec.Labels == nil {
			n.Spec.Labels = map[string]string{}
		}
		n.Spec.Labels["zone"] = "elsewhere" // with a manager's node it is a person's own, and stays
		if index%2 == 0 {
			n.Spec.Availability = swarm.NodeAvailabilityDrain
		}
		return engine.NodeUpdate(ctx, n.ID, n.Version, n.Spec)
	})
}

// byHand does a person's write, again if somebody else's was faster.
func (c *chaos) byHand(ctx context.Context, write func(*client.Client, scene) error) error {
	last := errors.New("no engine answers")
	for range 20 {
		engine, s, err := c.seeWith(ctx)
		if err == nil {
			if last = write(engine, s); last == nil {
				return nil
			}
		}
		pause(ctx, 500*time.Millisecond)
	}
	return last
}
