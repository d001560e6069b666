package digitalocean

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/internal/cost"
	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
)

// FuzzAnswers gives any answer to any call: it is an error with a kind, or what it says is whole. A droplet without an id or a name is neither, and
// a write that may have happened is never told as one that surely did not. None costs more than a pass may.
func FuzzAnswers(f *testing.F) {
	for _, body := range []string{
		"", "{}", "null", "[]", "<html>504</html>", `{"droplets":null,"links":{},"meta":{"total":0}}`, `{"droplet":{}}`, `{"action":{"id":0}}`,
		`{"droplet":` + dropletJSON(7) + `}`, dropletPage(1, false, 7).body, dropletPage(2, false, 7, 7).body, dropletPage(3, true, 7).body,
		`{"droplets":[null]}`, `{"droplet":{"id":-3,"name":"x"}}`, `{"droplet":{"id":1e30}}`, `{"account":{"droplet_limit":-1,"status":"odd"}}`,
		`{"sizes":[{"slug":"","price_monthly":-1}]}`, `{"vpcs":[{"ip_range":"nonsense"}]}`, `{"id":"not_found","message":"` + canary + `"}`,
		`{"action":{"id":9,"status":"completed","type":"shutdown"}}`, strings.Repeat("[", 2000),
	} {
		for _, status := range []int{200, 201, 202, 204, 301, 404, 422, 429, 500, 504} {
			f.Add(uint8(0), status, body)
		}
		for call := range uint8(9) {
			f.Add(call, 200, body)
		}
	}
	f.Fuzz(func(t *testing.T, call uint8, status int, body string) {
		if status < 200 || status > 599 {
			return
		}
		spent, within := cost.Within(mostHeap, mostTime, func() {
			synctest.Test(t, func(t *testing.T) {
				c, _ := client(t, answer{status: status, body: body})
				judge(t, call, status, body, ask(t, c, call))
			})
		})
		if !within {
			t.Errorf("%d bytes cost %s", len(body), spent)
		}
	})
}

// ask makes one of the calls and checks what it returns without an error.
func ask(t *testing.T, c *Client, call uint8) error {
	ctx := t.Context()
	switch call % 9 {
	case 0:
		all, err := c.Droplets(ctx, "swarmd:web")
		if err != nil && len(all) > 0 {
			t.Errorf("%d droplets and an error", len(all))
		}
		seen := map[int]bool{}
		for _, d := range all {
			requireID(t, d)
			if seen[d.ID] {
				t.Errorf("droplet %d is listed twice", d.ID)
			}
			seen[d.ID] = true
		}
		return err
	case 1:
		d, err := c.Droplet(ctx, 7)
		if err == nil && d.ID != 7 {
			t.Errorf("asked for 7, got %d", d.ID)
		}
		return err
	case 2:
		d, err := c.CreateDroplet(ctx, cloud.CreateDroplet{Name: "web-workers-abcde", Region: "fra1", Size: "s", Image: "i", Tags: []string{"swarmd:web"}})
		if err == nil {
			requireID(t, d)
		}
		return err
	case 3:
		return c.DeleteDroplet(ctx, 7)
	case 4:
		_, err := c.Shutdown(ctx, 7)
		return err
	case 5:
		_, err := c.Action(ctx, 7, 9)
		return err
	case 6:
		_, err := c.Sizes(ctx)
		return err
	case 7:
		_, err := c.Account(ctx)
		return err
	}
	_, err := c.VPCs(ctx)
	return err
}

func requireID(t *testing.T, d cloud.Droplet) {
	t.Helper()
	if d.ID <= 0 {
		t.Errorf("a droplet with id %d: %+v", d.ID, d)
	}
}

// judge checks the error of a call.
func judge(t *testing.T, call uint8, status int, body string, err error) {
	t.Helper()
	if err == nil {
		if status >= 300 && !(call%9 == 3 && status == 404) { // a droplet that is not there is deleted
			t.Errorf("call %d: status %d is no error: %q", call%9, status, body)
		}
		return
	}
	var e *apierr.Error
	if !errors.As(err, &e) || e.Kind == "" {
		t.Errorf("call %d: an error without a kind: %v", call%9, err)
		return
	}
	if strings.Contains(err.Error(), canary) {
		t.Errorf("the token is in %q", err)
	}
	if write := call%9 >= 2 && call%9 <= 4; write && status >= 500 && e.Kind != apierr.Unknown {
		t.Errorf("call %d, status %d: it may have happened, and the kind is %s", call%9, status, e.Kind)
	}
	if e.RetryAfter < 0 || e.RetryAfter > time.Hour {
		t.Errorf("try again after %s", e.RetryAfter)
	}
}
