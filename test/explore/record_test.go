package explore

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRecordIsReadAsItWasWritten holds the two forms together, at the borders of lines and of what a digest can be.
func TestRecordIsReadAsItWasWritten(t *testing.T) {
	r := Record{Sources: "abc", Seed: 7}
	for i, n := range []int{1, lineWidth / digits, lineWidth/digits + 1, 1000} {
		s := Shelf{Name: string(rune('a' + i))}
		for j := range n {
			s.Digests = append(s.Digests, short(uint64(i)<<17^uint64(j)*0x9e3779b97f4a7c15))
		}
		s.Digests[0] = 1<<shortBits - 1
		r.Shelves = append(r.Shelves, s)
	}
	var b bytes.Buffer
	if _, err := r.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	got, err := ReadRecord(bytes.NewReader(b.Bytes()))
	if diff := cmp.Diff(r, got); err != nil || diff != "" {
		t.Errorf("%v (-written +read):\n%s", err, diff)
	}
	for name, text := range map[string]string{"cut": b.String()[:b.Len()-digits-1], "a line more": b.String() + "AAA\n", "no number": "seed x\n"} {
		if _, err := ReadRecord(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), "record: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWrongDigestsAreDrawn: of a record in which somebody changed fifty digests by hand, a tenth that is drawn by chance has one of them in at least
// 99 of 100 draws.
func TestWrongDigestsAreDrawn(t *testing.T) {
	const plans, wrong, draws = 35_000, 50, 2_000
	all := make([]bool, plans) // which are wrong
	for _, i := range rand.New(rand.NewPCG(1, 2)).Perm(plans)[:wrong] {
		all[i] = true
	}
	caught := 0
	for seed := range uint64(draws) {
		for _, isWrong := range draw(all, seed, oneIn) {
			if isWrong {
				caught++
				break
			}
		}
	}
	if caught < draws*99/100 {
		t.Errorf("caught in %d of %d draws", caught, draws)
	}
}

// TestRecordOfOtherPlansDoesNotMatch: digests are told apart by their place only, so a record with a plan more or less, or of another workflow, is refused.
func TestRecordOfOtherPlansDoesNotMatch(t *testing.T) {
	singles := []Plan{{Workflow: "a", Seed: 1}, {Workflow: "a", Seed: 2}, {Workflow: "b", Seed: 1}}
	stages := []stage{{"singles", singles}, {"seeds", []Plan{{Workflow: "c"}}}}
	c := NewCampaign(1)
	for i, p := range append(singles, Plan{Workflow: "c"}) {
		c.saw[p.String()] = uint32(i + 1)
	}
	r, err := c.record("x", stages)
	if err != nil {
		t.Fatal(err)
	}
	all, err := r.match(stages)
	if err != nil || len(all) != 4 || all[3].digest != 4 || all[3].plan.Workflow != "c" {
		t.Errorf("%v, %v", all, err)
	}
	for name, other := range map[string][]stage{
		"a plan more":  {{"singles", append(singles, Plan{Workflow: "b", Seed: 3})}, stages[1]},
		"a stage less": stages[:1],
		"another name": {stages[0], {"mixes", stages[1].plans}},
	} {
		if _, err := r.match(other); err == nil {
			t.Errorf("%s: it matches", name)
		}
	}
	delete(c.saw, "b/1/-")
	if _, err := c.record("x", stages); err == nil {
		t.Error("a plan that was not played is recorded")
	}
}

// TestSourcesAreTheSyntax: comments and white space change nothing, a word and a directive do, in this package and below it.
func TestSourcesAreTheSyntax(t *testing.T) {
	const first, below = "package explore\n\nimport _ \"" + module + "/pkg/low\"\n\nvar a = 1\n", "package low\n\nimport _ \"embed\"\n\n//go:embed text\nvar B string\n"
	mark := func(top, low, text string) string {
		t.Helper()
		root := t.TempDir()
		for name, content := range map[string]string{"go.mod": "module x\n", "go.sum": "", "test/explore/a.go": top, "pkg/low/b.go": low, "pkg/low/text": text} {
			path := filepath.Join(root, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		sources, err := Sources(root)
		if err != nil {
			t.Fatal(err)
		}
		return sources
	}
	was := mark(first, below, "t")
	for name, now := range map[string]string{
		"a comment":   mark("// Package explore.\n"+first, below, "t"),
		"a semicolon": mark(strings.Replace(first, "var a = 1\n", "var a = 1; /* one */\n\n", 1), below, "t"),
	} {
		if now != was {
			t.Errorf("%s changes the mark", name)
		}
	}
	for name, now := range map[string]string{
		"a number":              mark(strings.Replace(first, "1", "2", 1), below, "t"),
		"a word below":          mark(first, strings.Replace(below, "B", "C", 1), "t"),
		"what is embedded":      mark(first, below, "u"),
		"a directive that goes": mark(first, strings.Replace(below, "//go:embed text\n", "", 1), "t"),
	} {
		if now == was {
			t.Errorf("%s changes nothing", name)
		}
	}
}

// TestAnotherTraceIsAnotherEachTime: what leaves the same new trace again and again does something else than was recorded. What leaves its new trace once
// only is not the same each time, and of that it is too much to demand what is recorded.
func TestAnotherTraceIsAnotherEachTime(t *testing.T) {
	c := NewCampaign(1)
	p := parsed(t, "add-worker/1/refuse-429@7")
	now := short(c.Explorer.Run(t, p).Digest)
	if !c.isAnother(t, recorded{p, now}) || len(c.rep.Unsteady) != 0 {
		t.Errorf("a steady plan that is not as recorded is not told from one that is never the same: %q", c.rep.Unsteady)
	}
	if c.isAnother(t, recorded{p, now ^ 1}) || len(c.rep.Unsteady) != 1 {
		t.Errorf("a trace that was there once only passes for a change: %q", c.rep.Unsteady)
	}
}
