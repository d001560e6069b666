package respcache

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// TestElementsAreWhatADecoderFinds: and what it would not take, or is no array, is not split.
func TestElementsAreWhatADecoderFinds(t *testing.T) {
	for _, text := range []string{`[]`, ` [ ] `, `[1]`, `[1,2 , 3]`, `[{"a":[1,{"b":"]"}]},"x",null,[[]]]`, `["\"","\\","\\\"," , "a\\"]`, "[{\"a\" :\n1}\n,\t{}]\n"} {
		var want []json.RawMessage
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		got, ok := Elements(text)
		if same := slices.EqualFunc(got, want, func(g string, w json.RawMessage) bool { return g == string(w) }); !ok || !same {
			t.Errorf("%s: %q, %v", text, got, ok)
		}
	}
	for _, text := range []string{``, ` `, `null`, `{}`, `[`, `[1`, `[1,`, `[1,]`, `[,1]`, `[1 2]`, `[{}{}]`, `[{]}`, `[}]`, `["]`, `["\"]`, `[1]x`, `[1],[2]`, `<html>`,
		strings.Repeat("[", 100) + strings.Repeat("]", 100)} {
		if got, ok := Elements(text); ok {
			t.Errorf("%s: %q", text, got)
		}
	}
}

func TestMembers(t *testing.T) {
	var got []string
	tell := func(name, value string) { got = append(got, name, value) }
	ok := Members(` {"a": 1 , "b":{"c":[2]} ,"d":"}","":null} `, tell)
	if want := []string{"a", "1", "b", `{"c":[2]}`, "d", `"}"`, "", "null"}; !ok || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, ok)
	}
	if !Members(" {\n} ", tell) {
		t.Error("an empty object is none")
	}
	for _, text := range []string{`{`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{a:1}`, `{1:1}`, `{"a" 1}`, `{"a":1 2}`, `[]`, `{"a":1}}`, `{"a":[}`, `{"a`} {
		if Members(text, tell) {
			t.Errorf("%s is taken for an object", text)
		}
	}
}

// FuzzSplit: what is split is what a decoder finds, and a whole text that a decoder takes is split, unless it is nested absurdly deep.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{`[1,{"a":"\\\""}]`, `{"a":[1,"]"]}`, `[{]`, `["a]`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var list []json.RawMessage
		if json.Unmarshal([]byte(text), &list) != nil || strings.TrimSpace(text) == "null" || strings.Count(text, "[")+strings.Count(text, "{") > maxDepth {
			Elements(text)
			Members(text, func(string, string) {})
			return
		}
		got, ok := Elements(text)
		if !ok || !slices.EqualFunc(got, list, func(g string, w json.RawMessage) bool { return g == string(w) }) {
			t.Errorf("%q: %q, %v, a decoder finds %q", text, got, ok, list)
		}
	})
}

// TestListDecodesWhatIsNew and nothing else, keeps the order, and forgets what is gone.
func TestListDecodesWhatIsNew(t *testing.T) {
	known := map[string]int{}
	for _, step := range []struct{ array, fresh string }{
		{`[1,2,3]`, `[1,2,3]`}, {`[1,2,3]`, `[]`}, {`[2,4,3]`, `[4]`}, {`[1,2]`, `[1]`}, {`[5,5,2]`, `[5,5]`}, {`[]`, `[]`}, {`[2]`, `[2]`}, {`null`, ``},
	} {
		l := List[int]{Known: known}
		fresh, ok := l.Fresh(step.array)
		if ok != (step.fresh != "") || fresh != step.fresh {
			t.Fatalf("%s: fresh %s, %v", step.array, fresh, ok)
		}
		if !ok {
			fresh = step.array
		}
		var decoded, want []int
		if json.Unmarshal([]byte(fresh), &decoded) != nil || json.Unmarshal([]byte(step.array), &want) != nil {
			t.Fatal(fresh)
		}
		all, now, err := l.Whole(decoded)
		if err != nil || !slices.Equal(all, want) {
			t.Errorf("%s: %v, %v", step.array, all, err)
		}
		known = now
	}
	for array, decoded := range map[string][]int{`[1,2]`: {1}, `[1]`: {1, 2}} {
		l := List[int]{}
		l.Fresh(array)
		if all, _, err := l.Whole(decoded); err == nil {
			t.Errorf("%s decoded as %v: %v", array, decoded, all)
		}
	}
}

// TestCommonIsDecodedOnce, whoever reads it; a list that differs is another one to each.
func TestCommonIsDecodedOnce(t *testing.T) {
	var common Common[int]
	for _, step := range []struct{ array, fresh string }{{`[1,2]`, `[1,2]`}, {`[2,1]`, `[]`}, {`[3,2]`, `[3]`}, {`[1,2,3]`, `[]`}} {
		l := List[int]{Common: &common}
		fresh, ok := l.Fresh(step.array)
		if !ok || fresh != step.fresh {
			t.Errorf("%s: fresh %s, %v", step.array, fresh, ok)
		}
		var decoded, want []int
		if json.Unmarshal([]byte(fresh), &decoded) != nil || json.Unmarshal([]byte(step.array), &want) != nil {
			t.Fatal(fresh)
		}
		if all, _, err := l.Whole(decoded); err != nil || !slices.Equal(all, want) {
			t.Errorf("%s: %v, %v", step.array, all, err)
		}
	}
}

func TestMarksCountEverywhere(t *testing.T) {
	for text, want := range map[string]int{"": 0, "null": 0, `[{},{"a":[1,2]}]`: 6, `["a,b{c["]`: 4} {
		if got := Marks([]byte(text)); got != want {
			t.Errorf("%s: %d marks, want %d", text, got, want)
		}
	}
}
