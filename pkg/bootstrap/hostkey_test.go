package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/cloud"
)

// witnessed is a cloud that looks, when it gets a create, at what the record says by then. The first create has no effect and no answer.
type witnessed struct {
	*fakeCloud
	intent Records
	saw    [][]string
}

func (w *witnessed) CreateDroplet(ctx context.Context, req cloud.CreateDroplet) (cloud.Droplet, error) {
	r, err := w.intent.Open("demo")
	if err != nil {
		return cloud.Droplet{}, err
	}
	if w.saw = append(w.saw, r.HostKeys); len(w.saw) == 1 {
		return cloud.Droplet{}, errors.New("cut")
	}
	return w.fakeCloud.CreateDroplet(ctx, req)
}

// TestTheHostKeyIsWrittenDownBeforeTheCreate: of each create, since one whose answer was lost may show its droplet later than it is looked for.
func TestTheHostKeyIsWrittenDownBeforeTheCreate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &fakeEngine{state: "inactive"}
		o := options(t, nil, e)
		w := &witnessed{fakeCloud: &fakeCloud{}, intent: o.Intent}
		o.Cloud = w
		made := 0
		o.UserData = func(context.Context) (string, string, error) {
			made++
			return "#cloud-config\n", fmt.Sprintf("key %d", made), nil
		}
		var asked []string
		o.Dial = func(_ context.Context, _ string, keys []string) (Engine, error) {
			asked = keys
			return e, nil
		}
		if _, err := FirstManager(t.Context(), o); err == nil {
			t.Fatal("the create had no effect, and that was not said")
		}
		if _, err := FirstManager(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		both := []string{"key 1", "key 2"}
		if len(w.saw) != 2 || !slices.Equal(w.saw[0], both[:1]) || !slices.Equal(w.saw[1], both) || !slices.Equal(asked, both) {
			t.Errorf("when the creates were sent the record had the keys %v; the machine was asked for one of %v", w.saw, asked)
		}
	})
}

// TestTheRecordIsAboutItsOwnDroplet: another laptop's machine has a key that this one cannot know.
func TestTheRecordIsAboutItsOwnDroplet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options(t, &fakeCloud{droplets: []cloud.Droplet{made(1, time.Hour)}}, nil)
		if _, err := o.Intent.Send("demo", "key of mine"); err != nil {
			t.Fatal(err)
		}
		o.Dial = func(_ context.Context, _ string, keys []string) (Engine, error) {
			if len(keys) != 0 {
				t.Errorf("another's droplet must show %v", keys)
			}
			return &fakeEngine{state: "inactive"}, nil
		}
		if first, err := FirstManager(t.Context(), o); err != nil || first.Created {
			t.Errorf("%+v, %v", first, err)
		}
	})
}
