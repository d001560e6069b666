package swarmd_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// mostWords bounds the glossary of README's architecture section: what nobody can keep in mind is no common language.
const mostWords = 40

// TestTheGlossaryIsOfWordsInUse: a word that the code's own texts no longer have, as after a rename, is of no use to a reader.
func TestTheGlossaryIsOfWordsInUse(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n| word | meaning |\n|---|---|\n")
	table, _, _ := strings.Cut(rest, "\n\n")
	var words []string
	for line := range strings.Lines(table) {
		words = append(words, strings.TrimSpace(strings.Split(line, "|")[1]))
	}
	if len(words) == 0 || len(words) > mostWords || !slices.IsSorted(words) || len(slices.Compact(slices.Clone(words))) != len(words) {
		t.Errorf("%d words, %d at most, each once and sorted: %v", len(words), mostWords, words)
	}
	said := comments(t)
	for _, w := range words {
		if !said[w] && !said[w+"s"] {
			t.Errorf("no comment in the code has the word %q", w)
		}
	}
}

// comments are the words of all comments in the rooms, in small letters.
func comments(t *testing.T) map[string]bool {
	t.Helper()
	word, said := regexp.MustCompile(`[a-z]+(-[a-z]+)*`), map[string]bool{}
	read := func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := os.ReadFile(name)
		for line := range strings.Lines(string(text)) {
			if _, comment, ok := strings.Cut(line, "// "); ok {
				for _, w := range word.FindAllString(strings.ToLower(comment), -1) {
					said[w] = true
				}
			}
		}
		return err
	}
	for _, room := range []string{"cmd", "internal", "pkg", "test"} {
		if err := filepath.WalkDir(room, read); err != nil {
			t.Fatal(err)
		}
	}
	return said
}
