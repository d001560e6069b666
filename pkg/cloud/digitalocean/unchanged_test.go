package digitalocean

import (
	"fmt"
	"slices"
	"strings"
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

// TestADropletThatAnotherClientDecoded is the same to this one; another text is another droplet, and the answer for another id is an error still.
func TestADropletThatAnotherClientDecoded(t *testing.T) {
	var common Common
	single := func(text string) answer { return answer{status: 200, body: `{"droplet":` + text + `}`} }
	off := strings.Replace(dropletJSON(7), "active", "off", 1)
	w := &wire{answers: []answer{dropletPage(1, false, 7), single(dropletJSON(7)), single(off), single(off), single(dropletJSON(8)), single(dropletJSON(7))}}
	clients := make([]*Client, 2)
	for i := range clients {
		var err error
		if clients[i], err = New(Options{Token: canary, Transport: w, Common: &common}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := clients[0].Droplets(t.Context(), "swarmd:web"); err != nil {
		t.Fatal(err)
	}
	if _, known := common.droplets.Get(dropletJSON(7)); !known {
		t.Error("what a list said is not shared")
	}
	for i, want := range []string{"active", "off", "off"} {
		d, err := clients[(i+1)%2].Droplet(t.Context(), 7)
		if err != nil || d.ID != 7 || string(d.Status) != want || d.Name != "web-workers-abcde" || d.Tags[0] != "swarmd:web" && d.Tags[0] != "swarmd-op:abcdefghijklmnop" {
			t.Errorf("answer %d: %+v, %v, want %s", i, d, err, want)
		}
		d.Tags[0] = "spoilt"
	}
	if _, known := common.droplets.Get(off); !known {
		t.Error("what one answer said is not shared")
	}
	d, err := clients[0].Droplet(t.Context(), 7) // the first attempt gets the answer for 8
	if err != nil || d.ID != 7 || w.requests() != len(w.answers) {
		t.Errorf("%+v, %v after %d requests", d, err, w.requests())
	}
}
