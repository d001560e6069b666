package swarm

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestDiffNamesEachDifferenceOnce(t *testing.T) {
	want := Form{"a": "1", "b": "", "c": "same", "d": "new"}
	live := Form{"a": "2", "c": "same", "d": "", "e": "gone"}
	got := Diff(want, live)
	expect := []string{`a: 2 → 1`, `b: ∅ → ""`, `d: "" → new`, `e: gone → ∅`}
	if d := cmp.Diff(expect, got); d != "" {
		t.Fatal(d)
	}
}

func TestDiffOfEqualFormsIsNil(t *testing.T) {
	if got := Diff(Form{"a": "1"}, Form{"a": "1"}); got != nil {
		t.Fatalf("got %v", got)
	}
	if got := Diff(nil, Form{}); got != nil {
		t.Fatalf("got %v", got)
	}
}

func TestHashAndDiffAgree(t *testing.T) {
	forms := rapid.MapOf(rapid.StringMatching(`[ab=\n"]{0,2}`), rapid.StringMatching(`[xy=\n"]{0,2}`))
	rapid.Check(t, func(t *rapid.T) {
		a, b := Form(forms.Draw(t, "a")), Form(forms.Draw(t, "b"))
		if a == nil {
			a = Form{}
		}
		if b == nil {
			b = Form{}
		}
		if same := Diff(a, b) == nil; same != (a.Hash() == b.Hash()) {
			t.Fatalf("diff says same=%v, hashes %s %s", same, a.Hash(), b.Hash())
		}
	})
}

// TestHashIsOfTheJSON: a form is written as encoding/json does it, whatever is in its texts.
func TestHashIsOfTheJSON(t *testing.T) {
	texts := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-zA-Z0-9./\[\]\\"<>&~ \x00-\x1f\x7f\x{2028}]*`), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.OneOf(rapid.Just(Form(nil)), rapid.Map(rapid.MapOf(texts, texts), func(m map[string]string) Form { return m })).Draw(t, "form")
		want, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.json(); string(got) != string(want) {
			t.Fatalf("%s, encoding/json writes %s", got, want)
		}
	})
}

func TestHashIsFixed(t *testing.T) {
	// A change of this value makes every deployed service differ from its file once.
	if got := (Form{"Name": "web", "Mode": "global"}).Hash(); got != "7ca4cdbaafc85dc3" {
		t.Fatalf("got %s", got)
	}
}
