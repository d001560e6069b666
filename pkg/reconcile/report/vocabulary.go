package report

import (
	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
)

// Vocabulary is every value of the words that are bounded by the program.
type Vocabulary struct {
	Version  string   // of swarmd
	Results  []string // of a pass
	Actions  []string // of a step
	Outcomes []string // of a step
	Guards   []string // of a hold
	OpKinds  []string // of an open operation
	Classes  []string // of a machine
	RollOuts []string // states of a service's roll-out

	RepairReasons, RepairOutcomes []string
}

// NewVocabulary returns the words of the swarmd of this version.
func NewVocabulary(version string) Vocabulary {
	v := Vocabulary{Version: version, Results: Results(), Actions: plan.ActionNames(), Guards: plan.Guards(), Classes: plan.Classes(), RollOuts: plan.RollOutStates(),
		OpKinds: []string{string(ledger.Create), string(ledger.Delete), string(ledger.Replace), string(ledger.Resize)}, RepairReasons: plan.RepairReasons(), RepairOutcomes: RepairOutcomes()}
	for _, o := range execute.Outcomes() {
		v.Outcomes = append(v.Outcomes, string(o))
	}
	return v
}
