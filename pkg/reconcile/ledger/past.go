package ledger

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
)

// keyPast is the label of a revision that has the fingerprints of those before it, "NUMBER:FINGERPRINT" with commas between. The
// content of old revisions is removed; without their fingerprints a file that was forgotten on some manager would look like a new one
// after Keep edits, and undo them all at that manager's next start.
const keyPast = "swarmd.revision.past"

// memory is how many revisions are remembered so, about 5 kB of labels.
const memory = 400

// Past is what is remembered of a revision whose content may be gone.
type Past struct {
	Number int
	Print  string // fingerprint of its content
}

// fingerprint is 48 bits of the content's SHA-256, in eight characters.
func fingerprint(data []byte) string {
	sum := sha256.Sum256(data)
	return base64.RawURLEncoding.EncodeToString(sum[:6])
}

// pastOf returns what the next revision remembers: the memory of the accepted one, and the accepted revisions that are still
// there. Of equal contents the latest counts.
func pastOf(st State) []Past {
	latest := map[string]int{}
	remember := func(p Past) { latest[p.Print] = max(latest[p.Print], p.Number) }
	for _, r := range st.Revisions {
		if r.Number > st.Ledger.Revision {
			continue // an orphan was never accepted
		}
		remember(Past{r.Number, fingerprint(r.Data)})
		for _, p := range r.Past {
			remember(p)
		}
	}
	out := make([]Past, 0, len(latest))
	for print, n := range latest {
		out = append(out, Past{n, print})
	}
	slices.SortFunc(out, func(a, b Past) int { return cmp.Or(cmp.Compare(a.Number, b.Number), strings.Compare(a.Print, b.Print)) })
	return out[max(0, len(out)-memory):]
}

func encodePast(past []Past) string {
	parts := make([]string, 0, len(past))
	for _, p := range past {
		parts = append(parts, strconv.Itoa(p.Number)+":"+p.Print)
	}
	return strings.Join(parts, ",")
}

// decodePast leaves out what it cannot read: it is a memory, and a gap in it is no reason not to follow the revision.
func decodePast(label string) []Past {
	var out []Past
	for part := range strings.SplitSeq(label, ",") {
		number, print, _ := strings.Cut(part, ":")
		if n, err := natural(number); err == nil && n > 0 && print != "" {
			out = append(out, Past{n, print})
		}
	}
	return out
}

// forgotten returns the number of the latest accepted revision before the accepted one that had this content and is remembered only;
// 0 if there was none.
func forgotten(data []byte, accepted int, revisions []Revision) int {
	print, found := fingerprint(data), 0
	for _, r := range revisions {
		if r.Number > accepted {
			continue
		}
		for _, p := range r.Past {
			if p.Print == print && p.Number < accepted {
				found = max(found, p.Number)
			}
		}
	}
	return found
}
