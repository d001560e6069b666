package brake

import (
	"context"
	"encoding/json"
	"testing"
)

func (e fakeEngine) RotateWorkerToken(_ context.Context, version uint64, spec json.RawMessage) error {
	return e.g.did("rotate at %d with %s", version, spec)
}

// TestARotationLeavesTheSwarmAsItIs: what goes with it is the whole specification as it was seen, at the version at which it was seen.
func TestARotationLeavesTheSwarmAsItIs(t *testing.T) {
	const whole = `{"Name":"default","Seen":7}`
	for name, tc := range map[string]struct {
		version uint64
		spec    string
		sent    bool
	}{
		"as it was seen":          {7, whole, true},
		"nothing":                 {7, ``, false},
		"an empty one":            {7, `{}`, false},
		"null":                    {7, `null`, false},
		"a part":                  {7, `{"Name":"default"}`, false},
		"that of another version": {8, whole, false},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGround()
			_, members, held := g.brakes(nil)
			if _, err := members.Cluster(t.Context()); err != nil {
				t.Fatal(err)
			}
			err := members.RotateWorkerToken(t.Context(), tc.version, json.RawMessage(tc.spec))
			if !tc.sent {
				wantBraked(t, g, held, Lethal, err)
			} else if err != nil || len(g.sent) != 1 {
				t.Errorf("sent %q: %v", g.sent, err)
			}
		})
	}
}

func TestNoRotationBeforeALook(t *testing.T) {
	g := newGround()
	_, members, held := g.brakes(nil)
	wantBraked(t, g, held, Lethal, members.RotateWorkerToken(t.Context(), 0, json.RawMessage(`{}`)))
}
