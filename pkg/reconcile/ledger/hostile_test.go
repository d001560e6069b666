package ledger

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/internal/cost"
	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// TestHostileLabelsAreOneShortError: whatever a person or a broken engine puts into the labels, reading them costs little and ends with an error
// of kind Invalid that fits on a line. It is never an empty ledger or a free lease.
func TestHostileLabelsAreOneShortError(t *testing.T) {
	long := strings.Repeat("9", 1<<20)
	many := map[string]string{}
	for i := range 20_000 {
		many[fmt.Sprintf("%s%020d", prefixOp, i)] = `{"k":"delete","d":1}`
	}
	good := func(extra ...string) map[string]string {
		labels := map[string]string{keyFormat: format, keyTerm: "1", keyRenewed: "1", keyHolder: "n/x"}
		for i := 0; i < len(extra); i += 2 {
			labels[extra[i]] = extra[i+1]
		}
		return labels
	}
	maps.Copy(many, good())
	ledger := func(labels map[string]string) error { _, _, err := Decode(labels); return err }
	lease := func(labels map[string]string) error {
		_, err := decodeLease(swarm.Config{Name: "swarmd.web.lease", Labels: labels})
		return err
	}
	for name, err := range map[string]func() error{
		"a long number":    func() error { return ledger(good(keyRevision, long)) },
		"a number":         func() error { return ledger(good(keyRevision, long[:40_000])) },
		"a long label":     func() error { return ledger(good("somebody's", long)) },
		"a long key":       func() error { return ledger(good(prefixStale+long[:60_000], "x")) },
		"many operations":  func() error { return ledger(many) },
		"a long format":    func() error { return ledger(map[string]string{keyFormat: long[:60_000]}) },
		"a long operation": func() error { return ledger(good(prefixOp+"a", `{"d":"`+long[:50_000]+`"}`)) },
		"many times":       func() error { return ledger(good(keyFreeDeletes, strings.Repeat(",", 50_000))) },
		"a lease's epoch":  func() error { return lease(good(keyTerm, long[:50_000])) },
		"a lease's time":   func() error { return lease(good(keyRenewed, "x"+long[:50_000])) },
		"a lease's holder": func() error { return lease(good(keyHolder, long[:50_000])) },
		"a long lease":     func() error { return lease(good("somebody's", long)) },
	} {
		var got error
		spent, within := cost.Within(32<<20, 5*time.Second, func() { got = err() })
		if apierr.KindOf(got) != apierr.Invalid || len(got.Error()) > 600 {
			t.Errorf("%s: %.700v", name, got)
		}
		if !within {
			t.Errorf("%s costs %s", name, spent)
		}
		if strings.Contains(name, "lease") && !strings.Contains(fmt.Sprint(got), "swarmd.web.lease") {
			t.Errorf("%s: it does not name the config: %v", name, got)
		}
	}
	if err := ledger(good()); err != nil {
		t.Error(err)
	}
	if err := lease(good()); err != nil {
		t.Error(err)
	}
}
