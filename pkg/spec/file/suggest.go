package file

import (
	"iter"
	"slices"
	"strings"
)

// nearest returns the candidate with the fewest typing errors between it and the word, and "" if none is near. Of two that are
// equally near the first in the alphabet wins.
func nearest(word string, candidates []string) string {
	best, fewest := "", min(len(word)/3, 3)+1
	if len(word) > 64 {
		return ""
	}
	for _, c := range candidates {
		if apart := len(c) - len(word); apart >= fewest || -apart >= fewest {
			continue
		}
		if d := typos(word, c); d < fewest {
			best, fewest = c, d
		}
	}
	return best
}

// nearest is the function nearest as far as somebody reads it: it looks among few names, and not for faults that are not told.
func (w *walker) nearest(word string, candidates iter.Seq[string]) string {
	if w.faults.found > maxFaults {
		return ""
	}
	var few []string
	for c := range candidates {
		if few = append(few, c); len(few) > maxNear {
			return ""
		}
	}
	slices.Sort(few)
	return nearest(word, few)
}

// suggestion completes a message about the word with the nearest candidate, or adds nothing.
func (w *walker) suggestion(word string, candidates iter.Seq[string]) string {
	return didYouMean(w.nearest(word, candidates))
}

// completed is the only candidate that begins with the word, "" if there is none or another one. Of fewer than three letters nothing is concluded.
func completed(word string, candidates iter.Seq[string]) string {
	found := ""
	for c := range candidates {
		switch {
		case len(word) < 3 || !strings.HasPrefix(c, word):
		case found != "":
			return ""
		default:
			found = c
		}
	}
	return found
}

func didYouMean(near string) string {
	if near == "" {
		return ""
	}
	return "; did you mean " + quote(near) + "?"
}

// either names the options in words.
func either(options []string) string {
	last := len(options) - 1
	if last < 1 {
		return strings.Join(options, "")
	}
	return strings.Join(options[:last], ", ") + " or " + options[last]
}

// typos counts the letters to insert, drop, change or swap with their neighbour to get from a to b (optimal string alignment).
func typos(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			rows[i][j] = fewestTypos(rows, a, b, i, j)
		}
	}
	return rows[len(a)][len(b)]
}

func fewestTypos(rows [][]int, a, b string, i, j int) int {
	change := 1
	if a[i-1] == b[j-1] {
		change = 0
	}
	d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
	if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
		d = min(d, rows[i-2][j-2]+1)
	}
	return d
}
