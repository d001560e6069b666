package explore

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// rightMutants delete what they have no right to, or ask again and again for what is refused.
func rightMutants() []Mutant {
	return []Mutant{
		downForMinutes(),
		wires("refused-is-asked-again", "C13: a create that is refused is sent again without a pause", func(next http.RoundTripper, r *http.Request) (*http.Response, error) {
			body, err := slurp(r)
			if err != nil {
				return nil, err
			}
			for again := 0; ; again++ {
				r.Body = io.NopCloser(bytes.NewReader(body))
				resp, err := next.RoundTrip(r)
				if err != nil || resp.StatusCode != http.StatusForbidden || again == 250 {
					return resp, err
				}
				resp.Body.Close()
			}
		}),
	}
}

// downForMinutes has a machine leave whose node has not been ready for a minute and a half.
func downForMinutes() Mutant {
	since := map[string]time.Time{}
	return planned("down-is-dead", "P2: a machine that is cut off for minutes is taken for dead", func(in plan.Input, p *plan.Plan) {
		for i, m := range in.World.Machines {
			n := m.Node
			if n == nil || !m.Owned || m.Op != nil || n.Manages() {
				continue
			}
			if n.State == swarm.NodeReady {
				delete(since, n.ID)
			} else if since[n.ID].IsZero() {
				since[n.ID] = in.Now
			} else if in.Now.Sub(since[n.ID]) > 90*time.Second {
				p.Steps = addStep(p.Steps, fmt.Sprint("leave/", m.Droplet.ID),
					plan.OpenDelete{OpID: in.OpIDs[len(in.OpIDs)-1-i%4], Pool: m.Pool, Name: m.Droplet.Name, NodeID: n.ID, DropletID: m.Droplet.ID})
			}
		}
	})
}
