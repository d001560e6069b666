package explore

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/swarmd/swarmd/pkg/sim/dockerd"
)

// Plan is one run. Its text form replays it.
type Plan struct {
	Engine   dockerd.Release // "" is the default one
	Workflow string
	Seed     uint64
	Faults   []Fault // by growing At
	Mutant   string  // "" is swarmd as it is
	Hunt     bool    // end when something is noticed
	Watch    bool    // keep the trace, and the world's state at every call for Outcome.Signs
}

// Fault happens to one call.
type Fault struct {
	At   int // number of the call, from 1, since the workflow was armed
	Kind Kind
}

// String is [ENGINE:]WORKFLOW/SEED[/KIND@N,…[/MUTANT]], with "-" for no faults.
func (p Plan) String() string {
	var faults []string
	for _, f := range p.Faults {
		faults = append(faults, fmt.Sprintf("%s@%d", f.Kind, f.At))
	}
	s := fmt.Sprintf("%s/%d/%s", p.Workflow, p.Seed, strings.Join(faults, ","))
	if len(faults) == 0 {
		s += "-"
	}
	if p.Mutant != "" {
		s += "/" + p.Mutant
	}
	if p.Engine != "" {
		s = string(p.Engine) + ":" + s
	}
	return s
}

// ParsePlan reads what String writes.
func ParsePlan(s string) (Plan, error) {
	parts := strings.Split(s, "/")
	if len(parts) < 2 || len(parts) > 4 {
		return Plan{}, fmt.Errorf("plan %q is not [ENGINE:]WORKFLOW/SEED[/KIND@N,…[/MUTANT]]", s)
	}
	p, err := Plan{Workflow: parts[0]}, error(nil)
	if engine, workflow, named := strings.Cut(parts[0], ":"); named {
		p.Workflow = workflow
		if p.Engine, err = dockerd.ParseRelease(engine); err != nil {
			return Plan{}, fmt.Errorf("plan %q: %w", s, err)
		}
		if p.Engine == dockerd.DefaultRelease {
			p.Engine = "" // so that a plan has one text
		}
	}
	if p.Seed, err = strconv.ParseUint(parts[1], 10, 64); err != nil {
		return Plan{}, fmt.Errorf("plan %q: seed: %w", s, err)
	}
	if len(parts) > 2 && parts[2] != "-" {
		for _, f := range strings.Split(parts[2], ",") {
			kind, at, ok := strings.Cut(f, "@")
			n, err := strconv.Atoi(at)
			if !ok || err != nil || n < 1 {
				return Plan{}, fmt.Errorf("plan %q: fault %q is not KIND@N", s, f)
			}
			p.Faults = append(p.Faults, Fault{At: n, Kind: Kind(kind)})
		}
	}
	if len(parts) > 3 {
		p.Mutant = parts[3]
	}
	return p, nil
}
