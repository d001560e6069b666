package digitalocean

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/internal/cost"
	"github.com/swarmd/swarmd/pkg/apierr"
)

// What a listing may cost, whatever is in it.
const (
	mostHeap = 256 << 20
	mostTime = time.Minute
)

// TestAnswersAreBounded: whatever the API, or who stands for it, says: the call ends with an error and has cost no more than a pass may.
func TestAnswersAreBounded(t *testing.T) {
	page := func(droplets string) answer {
		return answer{status: 200, body: `{"droplets":[` + droplets + `],"links":{"pages":{"next":"https://api.example/v2/droplets?page=2","last":"https://api.example/v2/droplets?page=40"}},"meta":{"total":8000}}`}
	}
	var long, dense []answer
	for n := range 10 {
		var all []string
		for i := range 200 {
			all = append(all, fmt.Sprintf(`{"id":%d,"name":"%s"}`, n*200+i+1, strings.Repeat("x", 30_000)))
		}
		long = append(long, page(strings.Join(all, ",")))
	}
	dense = append(dense, page(strings.TrimSuffix(strings.Repeat("null,", 1_600_000), ",")))
	for name, tc := range map[string]struct {
		answers []answer
		says    string
	}{
		"pages of 6 MB":   {long, "longer"},
		"a page too long": {[]answer{page(strings.Repeat(" ", maxBody))}, "longer"},
		"tiny droplets":   {dense, "values"},
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			held := cost.Of(func() {}) // what the script itself holds
			spent, within := cost.Within(mostHeap+held.Heap, mostTime, func() {
				c, _ := client(t, tc.answers...)
				_, err = c.Droplets(t.Context(), "swarmd:web")
			})
			t.Logf("%s, %s of it the script: %v", spent, held, err)
			if !within {
				t.Errorf("%s, at most %d MB and %s", spent, mostHeap>>20, mostTime)
			}
			if apierr.KindOf(err) != apierr.Unavailable || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("it should say %q: %v", tc.says, err)
			}
		})
	}
}
