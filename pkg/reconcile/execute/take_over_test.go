package execute_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// vault has one secret, whose value it compares.
type vault struct {
	execute.Objects
	value string
	err   error // of the comparison
	sent  []string
}

func (v *vault) SecretIs(_ context.Context, id, name string, labels map[string]string, value []byte) (bool, error) {
	v.sent = append(v.sent, fmt.Sprintf("compare %s %s %v", id, name, labels))
	return string(value) == v.value, v.err
}

func (v *vault) RelabelSecret(_ context.Context, id string, version uint64, name string, labels map[string]string) error {
	v.sent = append(v.sent, fmt.Sprintf("relabel %s %s at %d: %v", id, name, version, labels))
	return nil
}

// TestASecretIsTakenOver: its labels say whether it has the value of the file, and where that is not known nothing is written.
func TestASecretIsTakenOver(t *testing.T) {
	const compared = "compare s web_token map[a:1]"
	for name, c := range map[string]struct {
		value, hashed string
		err           error
		sent          []string
		outcome       execute.Outcome
	}{
		"the same value":    {value: "v", hashed: "web_token-1", sent: []string{compared, "relabel s web_token at 5: map[swarmd.cluster:web swarmd.stands-for:web_token-1]"}, outcome: execute.Done},
		"another value":     {value: "w", hashed: "web_token-1", sent: []string{compared, "relabel s web_token at 5: map[swarmd.cluster:web]"}, outcome: execute.Done},
		"no answer":         {value: "v", hashed: "web_token-1", err: fault(apierr.Unknown), sent: []string{compared}, outcome: execute.Unknown},
		"the file moved on": {value: "v", hashed: "web_token-0", outcome: execute.Refused},
	} {
		t.Run(name, func(t *testing.T) {
			b, v := newBench(t), &vault{value: c.value, err: c.err}
			b.config.Objects = v
			b.config.Seal = func(s swarm.SecretSpec) (string, []byte, error) {
				if s.File != "/run/token" {
					return "", nil, errors.New("no such file")
				}
				return "web_token-1", []byte("v"), nil
			}
			b.exec = execute.New(b.config)
			rs := b.run(t.Context(), step("take", plan.TakeSecret{ID: "s", Name: "web_token", Version: 5, Was: map[string]string{"a": "1"},
				Labels: map[string]string{swarm.LabelCluster: "web"}, Spec: swarm.SecretSpec{Of: "web_token", File: "/run/token"}, Hashed: c.hashed}))
			if diff := cmp.Diff(c.sent, v.sent); diff != "" || rs[0].Outcome != c.outcome {
				t.Errorf("%s: %v %s", rs[0].Outcome, rs[0].Err, diff)
			}
		})
	}
}

// TestAServiceIsTakenOverByItsLabels: that is the one call.
func TestAServiceIsTakenOverByItsLabels(t *testing.T) {
	b := newBench(t)
	rs := b.run(t.Context(), step("take", plan.TakeService{ID: "s", Name: "web_app", Version: 7, Labels: map[string]string{swarm.LabelCluster: "web"}}))
	if want := []string{"relabel service s at 7: map[swarmd.cluster:web]"}; !slices.Equal(b.calls, want) || rs[0].Outcome != execute.Done {
		t.Errorf("%v %v", b.calls, rs[0])
	}
}
