package ledger

import (
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
)

// TestPhasesOfAResize: each is begun once and in its order, and what the cloud refused decides where it goes on.
func TestPhasesOfAResize(t *testing.T) {
	open := OpenResize{OpID: "r", Pool: "workers", Name: "web-workers-aaaaa", NodeID: "n7", From: "small", To: "large", DropletID: 7}
	first := []Change{open, AskShutdown{7}, BeginResize{"r"}}
	for name, c := range map[string]struct {
		changes []Change
		refused apierr.Kind // of the last one; "": it is made
		answer  apierr.Kind // that is written down
		phase   Phase
		failed  string
	}{
		"begun":                           {changes: first[:1], phase: Draining},
		"asked to shut down":              {changes: first[:2], phase: Stopping},
		"its power is cut":                {changes: []Change{open, CutPower{7}}, phase: Stopping},
		"asked for":                       {changes: first, phase: Resizing},
		"asked for before it was stopped": {changes: []Change{open, BeginResize{"r"}}, refused: apierr.Conflict, phase: Draining},
		"asked for twice":                 {changes: append(first[:3:3], BeginResize{"r"}), refused: apierr.Conflict, phase: Resizing},
		"no room":                         {changes: append(first[:3:3], NotResized{"r"}), answer: apierr.Capacity, phase: Returning, failed: "capacity"},
		"came too early":                  {changes: append(first[:3:3], NotResized{"r"}), answer: apierr.Busy, phase: Stopping},
		"was not sent":                    {changes: append(first[:3:3], NotResized{"r"}), answer: apierr.Braked, phase: Stopping},
		"came too early, and again":       {changes: append(first[:3:3], NotResized{"r"}, BeginResize{"r"}), answer: apierr.Busy, phase: Resizing},
		"refused after it was powered on": {changes: append(first[:3:3], BeginReturn{"r"}, NotResized{"r"}), answer: apierr.Capacity, phase: Returning},
		"powered on":                      {changes: append(first[:3:3], BeginReturn{"r"}), phase: Returning},
		"of no operation":                 {changes: []Change{BeginReturn{"r"}}, refused: apierr.Conflict},
		"its power, of no operation":      {changes: []Change{CutPower{7}}, refused: apierr.Braked},
		"a second one of the pool":        {changes: []Change{open, OpenResize{OpID: "s", Pool: "workers", DropletID: 8, From: "small", To: "large"}}, refused: apierr.Conflict, phase: Draining},
		"of another pool":                 {changes: []Change{open, OpenResize{OpID: "s", Pool: "managers", DropletID: 8, From: "small", To: "large"}}, phase: Draining},
		"one that leaves":                 {changes: []Change{OpenDelete{OpID: "d", DropletID: 7}, open}, refused: apierr.Conflict},
		"that is to leave":                {changes: []Change{open, OpenDelete{OpID: "d", DropletID: 7}}, refused: apierr.Conflict, phase: Draining},
	} {
		l, now := Ledger{}, time.Unix(1_800_000_000, 0).UTC()
		for i, change := range c.changes {
			err := l.Apply(Moment{Now: now.Add(time.Duration(i) * time.Minute), Epoch: 3, Refused: c.answer}, change)
			if last := i == len(c.changes)-1; last && apierr.KindOf(err) != c.refused || !last && err != nil {
				t.Errorf("%s: %T: %v", name, change, err)
			}
		}
		op := l.ByID("r")
		if op == nil {
			op = &Op{}
		}
		if op.Phase != c.phase || op.Failed != c.failed || op.Phase == Returning && op.Returned.IsZero() {
			t.Errorf("%s: %+v", name, op)
		}
		labels, err := Encode(l, nil)
		if err != nil {
			t.Fatal(err)
		}
		back, others, err := Decode(labels)
		if err != nil || len(others) > 0 || op.ID != "" && *back.ByID("r") != *op {
			t.Errorf("%s: read back as %+v, %v, %v", name, back.Ops, others, err)
		}
	}
}

// TestAPhaseOfANewerSwarmd is kept, and nobody acts on it.
func TestAPhaseOfANewerSwarmd(t *testing.T) {
	l, others, err := Decode(map[string]string{keyFormat: format, prefixOp + "r": `{"k":"resize","d":7,"h":"snapshot"}`})
	if err != nil || len(l.Ops) > 0 || len(l.Newer) != 1 || len(others) != 1 {
		t.Errorf("%+v, %v, %v", l, others, err)
	}
}
