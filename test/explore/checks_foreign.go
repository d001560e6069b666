package explore

import (
	"encoding/json"
	"net/url"
	"strconv"
	"time"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// rotation: only the worker token, only what is in the ledger as begun, never while a machine is made, and the swarm stays as it is.
func (c *checks) rotation(s *state, t *ticket) {
	q, err := url.ParseQuery(t.query)
	if err != nil || q.Get("rotateWorkerToken") != "true" || q.Get("rotateManagerToken") == "true" || q.Get("rotateManagerUnlockKey") == "true" {
		c.run.violate("engine", "%s updates the swarm: %s", t.proc.name, t.query)
	}
	if version, err := strconv.ParseUint(q.Get("version"), 10, 64); err != nil || version != s.swarm.Version {
		return // the engine refuses it
	}
	if s.ledger.Rotate != s.swarm.Version || s.ledger.Token != ledger.Fingerprint(s.swarm.Tokens.Worker) {
		c.run.violate("write-ahead", "%s replaces the worker token, and the ledger has %d and not %d", t.proc.name, s.ledger.Rotate, s.swarm.Version)
	}
	var sent api.Spec
	if err := json.Unmarshal(t.body, &sent); err != nil || asJSON(sent) != asJSON(s.swarm.Spec) {
		c.run.violate("wiped", "%s writes %s over the swarm's specification", t.proc.name, t.body)
	}
}

func asJSON(s api.Spec) string {
	text, _ := json.Marshal(s) // a specification that came as JSON
	return string(text)
}

// tokens: the worker token is not replaced, whenever the call arrives, while a machine is made that is to join with it.
func (c *checks) tokens(s *state) {
	if c.token != "" && c.token != s.swarm.Tokens.Worker && s.ledger.Creates() && !c.byHand {
		c.run.violate("token-in-use", "the worker token is another one while a create is open")
	}
	if c.token != s.swarm.Tokens.Worker {
		c.token, c.byHand = s.swarm.Tokens.Worker, false
	}
}

// quarantines: who is drained as nobody's is on no machine of the cluster.
func (c *checks) quarantines(s *state, t *ticket, id string, labels map[string]string) {
	for _, n := range s.swarm.Nodes {
		if n.ID != id || labels[swarm.LabelDrained] == "" || n.Spec.Labels[swarm.LabelDrained] != "" {
			continue
		}
		for _, d := range s.droplets {
			if poolOf(c.run.cluster, d) != "" && d.Private.Addr().String() == n.Status.Addr {
				c.run.violate("quarantine", "%s drains the node of %s as nobody's", t.proc.name, d.Name)
			}
		}
		if age := s.at.Sub(n.CreatedAt); age < 2*time.Minute {
			c.run.violate("quarantine", "%s drains node %s %s after it joined", t.proc.name, id, age)
		}
	}
}
