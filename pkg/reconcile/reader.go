package reconcile

import (
	"crypto/sha256"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// reader remembers the good file that was read last, and the pools of the files before it. An edit is read when it is judged, when it is accepted and
// when it is loaded, each time beside up to ten older revisions. Without the reader, parsing is most of the time from a saved file to the first
// write. Nobody changes what it gives out.
type reader struct {
	sum   [sha256.Size]byte
	spec  *spec.Spec // nil: none yet
	stack swarm.Stack
	odd   []file.Fault                     // its warnings
	pools map[[sha256.Size]byte]*spec.Spec // by content; only their pools
}

// read parses and converts a file; its faults are told with the name.
func (l *Loop) read(name string, data []byte) (*spec.Spec, swarm.Stack, error) {
	sum := sha256.Sum256(data)
	if l.reader.spec != nil && l.reader.sum == sum && !unopened(l.reader.stack) {
		return l.reader.spec, l.reader.stack, nil
	}
	d, warnings, err := l.parse(name, data)
	if err != nil {
		return nil, swarm.Stack{}, err
	}
	stack, err := l.convert(d)
	if err != nil {
		return &d.Spec, stack, err
	}
	l.reader.sum, l.reader.spec, l.reader.stack, l.reader.odd = sum, &d.Spec, stack, warnings
	return l.reader.spec, stack, nil
}

func (l *Loop) parse(name string, data []byte) (*file.Document, []file.Fault, error) {
	d, warnings, err := l.cfg.Parse(name, data)
	if err != nil {
		return nil, nil, err
	}
	if d.Cluster != l.cfg.Cluster {
		return nil, nil, errOtherCluster(name, d.Cluster, l.cfg.Cluster)
	}
	l.reader.remember(sha256.Sum256(data), d.Pools)
	return d, warnings, nil
}

func (r *reader) remember(sum [sha256.Size]byte, pools []spec.Pool) {
	if r.pools == nil {
		r.pools = map[[sha256.Size]byte]*spec.Spec{}
	}
	r.pools[sum] = &spec.Spec{Pools: pools}
}

// budget returns what the edit makes of the delete budget. An accepted file that cannot be read any more adds nothing.
func (l *Loop) budget(history [][]byte, edited *spec.Spec) ledger.Budget {
	return ledger.BudgetOf(l.poolsOf(history), edited)
}

// meaning is what the edit of the accepted file means, see plan.Meaning.
func (l *Loop) meaning(history [][]byte, edited *spec.Spec) []string {
	if len(history) == 0 {
		return nil
	}
	return plan.Meaning(l.poolsOf(history)[0], edited)
}

// poolsOf returns for each accepted revision a spec with its pools, nil for one that cannot be read any more. What is neither among them nor
// the file that was read last is forgotten.
func (l *Loop) poolsOf(history [][]byte) []*spec.Spec {
	known := map[[sha256.Size]byte]*spec.Spec{l.reader.sum: l.reader.pools[l.reader.sum]}
	out := make([]*spec.Spec, 0, len(history))
	for _, data := range history {
		sum := sha256.Sum256(data)
		s := l.reader.pools[sum]
		if s == nil {
			_, _, _ = l.parse("an accepted revision", data) // one that cannot be read stays nil
			s = l.reader.pools[sum]
		}
		known[sum] = s
		out = append(out, s)
	}
	l.reader.pools = known
	return out
}
