package digitalocean

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
)

// TestWhatTheAPISaysAgainIsNotReadAgain: the same pages give the same droplets, others give others, what is no listing is an error each time it
// comes, and what a caller does with its list is its own affair.
func TestWhatTheAPISaysAgainIsNotReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := dropletPage(3, true, 10, 11), dropletPage(3, false, 12)
		nothing := answer{status: 200, body: `{}`}
		script := []answer{first, second, first, second, dropletPage(1, false, 12)}
		script = append(append(script, slices.Repeat([]answer{nothing}, maxAttempts)...), first, second)
		c, w := client(t, script...)
		for i, want := range []string{"10 11 12", "10 11 12", "12", "error", "10 11 12"} {
			before := w.requests()
			all, err := c.Droplets(t.Context(), "swarmd:web")
			got := ""
			for i, d := range all {
				got += fmt.Sprint(" ", d.ID)
				if d.Tags[0] != "swarmd-op:abcdefghijklmnop" {
					t.Errorf("tags %q", d.Tags)
				}
				all[i].ID, all[i].Tags[0] = 1, "spoilt"
			}
			if err != nil {
				got = " error"
			}
			if got != " "+want {
				t.Errorf("listing %d: got%s, want %s", i, got, want)
			}
			if w.requests() == before {
				t.Errorf("listing %d: nothing was asked", i)
			}
		}
	})
}
