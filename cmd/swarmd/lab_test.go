package main

import (
	"testing"

	"github.com/swarmd/swarmd/pkg/lab"
)

// TestOtherEngine: a lab that runs is told apart from the one that was asked for, and only if an engine was asked for.
func TestOtherEngine(t *testing.T) {
	running := lab.Status{Engine: lab.EngineVersion{Engine: lab.Engine20}}
	for _, c := range []struct{ asked, refusal string }{
		{"", ""}, {"20.10", ""}, {"28.5", "the lab runs already, with engine 20.10: end it first (swarmd lab down) to have 28.5"},
	} {
		dir := t.TempDir()
		cmd := labUp(&cli{}, &dir)
		if c.asked != "" {
			if err := cmd.Flags().Set("engine", c.asked); err != nil {
				t.Fatal(err)
			}
		}
		err := otherEngine(cmd, running, lab.Engine(cmd.Flag("engine").Value.String()))
		if got := errorText(err); got != c.refusal {
			t.Errorf("asked for %q: %q, want %q", c.asked, got, c.refusal)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
