package docean

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"
)

// snapshot is what a restarted server must know. Rate limits begin anew, and so does the random source.
type snapshot struct {
	NextID   int
	Account  [2]string // uuid, team
	VPCs     []vpc
	Keys     []SSHKey
	Images   []Image // that the account has taken
	Tags     map[string]time.Time
	Droplets []savedDroplet
	Actions  []action
}

type savedDroplet struct {
	Droplet
	Shows shows
}

// Snapshot returns the model as JSON, for Restore after a restart. It has the droplets' user-data in it and is to be kept as
// safe as that.
func (c *Cloud) Snapshot() ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := snapshot{
		NextID: c.nextID, Account: [2]string{c.account.uuid, c.account.team}, VPCs: c.vpcs, Keys: c.keys, Images: c.snapshots, Tags: c.tags,
	}
	for _, d := range c.droplets {
		s.Droplets = append(s.Droplets, savedDroplet{Droplet: d.truth(), Shows: d.shows})
	}
	for _, a := range c.actions {
		s.Actions = append(s.Actions, *a)
	}
	return json.Marshal(s)
}

// Restore puts a Snapshot into a Cloud made with the same Options. Machines is not told: its machines are where they were.
func (c *Cloud) Restore(data []byte) error {
	var s snapshot
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("read snapshot: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(s.VPCs) != len(c.vpcs) {
		return fmt.Errorf("read snapshot: it has %d regions, not %d", len(s.VPCs), len(c.vpcs))
	}
	c.nextID, c.keys, c.snapshots = s.NextID, s.Keys, s.Images
	c.account.uuid, c.account.team = s.Account[0], s.Account[1]
	maps.Copy(c.tags, s.Tags)
	for i, v := range s.VPCs {
		v.pool = c.vpcs[i].pool
		c.vpcs[i] = v
	}
	for _, d := range s.Droplets {
		if err := c.restoreDroplet(d); err != nil {
			return err
		}
	}
	c.restoreActions(s.Actions)
	return nil
}

func (c *Cloud) restoreDroplet(s savedDroplet) error {
	v := c.vpcByID(s.VPC)
	if v == nil {
		return fmt.Errorf("read snapshot: droplet %d is in an unknown VPC", s.ID)
	}
	d := &droplet{Droplet: s.Droplet, shows: s.Shows, private: v.pool}
	if d.Deleted.IsZero() {
		c.public.used[d.Public.Addr()] = true
		v.pool.used[d.Private.Addr()] = true
	}
	c.droplets = append(c.droplets, d)
	c.byID[d.ID] = d
	return nil
}

func (c *Cloud) restoreActions(saved []action) {
	for i := range saved {
		a := &saved[i]
		c.actions = append(c.actions, a)
		if a.Status == "in-progress" {
			c.inFlight = append(c.inFlight, a)
		}
	}
}
