package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/spec"
)

func TestMeaningOfAnEdit(t *testing.T) {
	moved := pool("workers", "worker", 3)
	moved.Region = "nyc3"
	was := []spec.Pool{pool("managers", "manager", 3), pool("workers", "worker", 3), pool("batch", "worker", 1)}
	for name, tc := range map[string]struct {
		is   []spec.Pool
		want []string
	}{
		"nothing":     {was, nil},
		"counts":      {[]spec.Pool{pool("managers", "manager", 1), pool("workers", "worker", 5), pool("batch", "worker", 1)}, nil},
		"a pool more": {append([]spec.Pool{pool("gpu", "worker", 1)}, was...), nil},
		"a role": {[]spec.Pool{pool("managers", "worker", 3), pool("masters", "manager", 3), pool("workers", "worker", 3), pool("batch", "worker", 1)},
			[]string{"pool managers is to have workers: 3 machines would be demoted, one at a time, each when another manager has taken its place"}},
		"two roles": {[]spec.Pool{pool("managers", "worker", 3), pool("workers", "manager", 3), pool("batch", "worker", 1)},
			[]string{"pool managers is to have workers: 3 machines would be demoted, one at a time, each when another manager has taken its place",
				"pool workers is to have managers: 3 machines would be promoted, one at a time"}},
		"a name": {[]spec.Pool{pool("managers", "manager", 3), pool("apps", "worker", 3), pool("batch", "worker", 1)},
			[]string{"pool workers renamed to apps? 3 machines would be made and 3 held: machines keep their pool; to remove the old ones leave workers in the file with count 0"}},
		"a pool less": {[]spec.Pool{pool("managers", "manager", 3), pool("workers", "worker", 3)},
			[]string{"pool batch is gone from the file: its 1 machine would be held; to remove them leave it there with count 0"}},
		"a swap": {[]spec.Pool{pool("managers", "manager", 3), pool("workers", "worker", 1), pool("batch", "worker", 3)},
			[]string{"pools batch and workers swapped? Machines do not move between pools: 2 machines would be deleted and as many made"}},
		"a region": {[]spec.Pool{pool("managers", "manager", 3), moved, pool("batch", "worker", 1)},
			[]string{"pool workers is to be in nyc3, not fra1: machines there have another private network, from which they cannot join the swarm"}},
	} {
		if diff := cmp.Diff(tc.want, plan.Meaning(newSpec(was...), newSpec(tc.is...))); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
	if got := plan.Meaning(nil, newSpec(was...)); got != nil {
		t.Errorf("of a first file: %v", got)
	}
}
