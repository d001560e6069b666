package swarm

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMaintenanceIsReadAsItWasWritten(t *testing.T) {
	want := Maintenance{Since: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Pool: Active, By: "ana maria@laptop"}
	got, ok := NodeSpec{Labels: map[string]string{LabelMaintenance: want.String()}}.Maintained()
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Errorf("-want +got\n%s", diff)
	}
	if got, ok := (NodeSpec{Labels: map[string]string{LabelMaintenance: "disk broken"}}).Maintained(); !ok || got.By != "disk broken" || got.Pool != "" {
		t.Errorf("what a person wrote is read as %+v, %v", got, ok)
	}
	if _, ok := (NodeSpec{}).Maintained(); ok {
		t.Error("a node without the label is maintained")
	}
}
