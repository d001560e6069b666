package lab

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestParseEngine(t *testing.T) {
	for text, want := range map[string]Engine{"": Engine26, "20.10": Engine20, "26.1": Engine26, "28.5": Engine28} {
		if got, err := ParseEngine(text); err != nil || got != want {
			t.Errorf("%q is engine %q, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"26", "26.1.5", "latest", " 26.1"} {
		if got, err := ParseEngine(text); err == nil || !strings.Contains(err.Error(), "choose 20.10, 26.1 or 28.5") {
			t.Errorf("%q is engine %q, %v, want an error that names the choice", text, got, err)
		}
	}
}

// TestEngineVersionText goes through the file in an image and the lab's status.
func TestEngineVersionText(t *testing.T) {
	v := EngineVersion{Engine: Engine28, Release: "28.5.2+dfsg4", API: "1.51", Debian: "unstable", Built: time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC), Seconds: 97}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var back EngineVersion
	if err := json.Unmarshal(text, &back); err != nil || back != v {
		t.Errorf("%s became %+v, %v", text, back, err)
	}
	if got := v.String(); got != "engine 28.5: Docker 28.5.2+dfsg4 (API 1.51) of Debian unstable, its image built on 2026-02-03 in 97 s" {
		t.Errorf("told as %q", got)
	}
}
