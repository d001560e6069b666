package swarm_test

import (
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/swarm"
)

func TestHandsOffIsReadAsItIsWritten(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]swarm.HandsOff{
		"2026-03-01T12:00:00Z 2026-03-01T16:00:00Z ana@laptop kernel upgrade": {Since: at, Until: at.Add(4 * time.Hour), By: "ana@laptop", Why: "kernel upgrade"},
		"2026-03-01T12:00:00Z - ana@laptop":                                   {Since: at, By: "ana@laptop"},
		"- - ana why not":                                                     {By: "ana", Why: "why not"},
		"true":                                                                {By: "true"},
		"":                                                                    {},
		"do not touch this":                                                   {By: "do not touch this"}, // by hand
	} {
		if got := swarm.ParseHandsOff(value); got != want {
			t.Errorf("%q is read as %+v, want %+v", value, got, want)
		}
		if got := want.String(); got != value {
			t.Errorf("%+v is written as %q, want %q", want, got, value)
		}
	}
	if got := (swarm.HandsOff{Since: at, By: "ana maria"}).String(); swarm.ParseHandsOff(got).By != "ana_maria" {
		t.Errorf("a name with a space is written as %q", got)
	}
}

func TestHandsOffEnds(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	if h := (swarm.HandsOff{Until: at}); !h.Active(at.Add(-time.Second)) || h.Active(at) {
		t.Error("it does not end at its end")
	}
	if !(swarm.HandsOff{Since: at}).Active(at.AddDate(10, 0, 0)) {
		t.Error("one without an end ends")
	}
	if _, ok := (swarm.NodeSpec{}).Paused(); ok {
		t.Error("a node without the label is paused")
	}
	s := swarm.NodeSpec{Labels: map[string]string{swarm.LabelProtected: "true"}}
	if h, ok := s.Protected(); !ok || !h.Active(at) {
		t.Error("a label that a person wrote does not protect")
	}
}
