package explore

import (
	"bufio"
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
)

// Record is what a whole campaign saw: a short digest of each plan's trace. It stands for the campaign wherever the sources are those that it was
// played on: then a part of the plans, drawn by chance, is played again and compared.
type Record struct {
	Sources string // see the function Sources
	Seed    uint64 // of the campaign
	Shelves []Shelf
}

// Shelf has the digests of plans that belong together, in the order of the campaign.
type Shelf struct {
	Name    string // STAGE or STAGE/WORKFLOW
	Digests []uint32
}

// A short digest is three digits of base64 in a record: of two traces that differ, one in 262,144 pairs has the same.
const (
	digits    = 3
	shortBits = 6 * digits
	lineWidth = 40 * digits
)

// short is the digest of a trace as a record keeps it.
func short(digest uint64) uint32 { return uint32(digest>>32^digest) & (1<<shortBits - 1) }

// shelves are the plans of the stages, as a record has them: single faults by workflow, so that a change of one workflow changes its lines alone.
func shelves(stages []stage) []stage {
	var all []stage
	for _, s := range stages {
		if s.name != "singles" {
			all = append(all, s)
			continue
		}
		for _, p := range s.plans {
			name := s.name + "/" + p.Workflow
			if n := len(all); n == 0 || all[n-1].name != name {
				all = append(all, stage{name: name})
			}
			last := &all[len(all)-1]
			last.plans = append(last.plans, p)
		}
	}
	return all
}

// record is what the campaign saw of the stages. All their plans must have been played.
func (c *Campaign) record(sources string, stages []stage) (Record, error) {
	r := Record{Sources: sources, Seed: c.Seed}
	for _, s := range shelves(stages) {
		shelf := Shelf{Name: s.name}
		for _, p := range s.plans {
			digest, ok := c.saw[p.String()]
			if !ok {
				return Record{}, fmt.Errorf("record: %s was not played", p)
			}
			shelf.Digests = append(shelf.Digests, digest)
		}
		r.Shelves = append(r.Shelves, shelf)
	}
	return r, nil
}

// recorded is a plan with the digest that it had.
type recorded struct {
	plan   Plan
	digest uint32
}

// match gives each plan of the stages its digest. It fails where the record is of other plans.
func (r Record) match(stages []stage) ([]recorded, error) {
	var all []recorded
	of := shelves(stages)
	if len(of) != len(r.Shelves) {
		return nil, fmt.Errorf("the record has %d shelves, the campaign %d", len(r.Shelves), len(of))
	}
	for i, s := range of {
		shelf := r.Shelves[i]
		if shelf.Name != s.name || len(shelf.Digests) != len(s.plans) {
			return nil, fmt.Errorf("the record has %d plans of %s where the campaign has %d of %s", len(shelf.Digests), shelf.Name, len(s.plans), s.name)
		}
		for j, p := range s.plans {
			all = append(all, recorded{p, shelf.Digests[j]})
		}
	}
	return all, nil
}

// draw takes one plan in so many, by chance.
func draw[T any](all []T, seed uint64, one int) []T {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	drawn := slices.Clone(all)
	rand.New(rand.NewChaCha8(key)).Shuffle(len(drawn), func(i, j int) { drawn[i], drawn[j] = drawn[j], drawn[i] })
	return drawn[:(len(drawn)+one-1)/one]
}

// WriteTo writes the record: lines of a word and what it is for, and under each shelf its digests.
func (r Record) WriteTo(w io.Writer) (int64, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "sources %s\nseed %d\n", r.Sources, r.Seed)
	for _, s := range r.Shelves {
		fmt.Fprintf(&b, "shelf %s %d\n", s.Name, len(s.Digests))
		var text strings.Builder
		for _, d := range s.Digests {
			text.WriteString(base64.RawURLEncoding.EncodeToString([]byte{byte(d >> 10), byte(d >> 2), byte(d << 6)})[:digits])
		}
		for line := range slices.Chunk([]byte(text.String()), lineWidth) {
			fmt.Fprintf(&b, "%s\n", line)
		}
	}
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}

// ReadRecord reads what WriteTo wrote.
func ReadRecord(in io.Reader) (r Record, err error) {
	lines := bufio.NewScanner(in)
	want := 0 // digests of the shelf at hand that are yet to come
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if want > 0 {
			digests, err := decode(line)
			if err != nil || len(digests) > want {
				return r, fmt.Errorf("record: line %d: no line of digests: %w", n, cmp.Or(err, fmt.Errorf("%d are too many", len(digests))))
			}
			last := &r.Shelves[len(r.Shelves)-1]
			last.Digests = append(last.Digests, digests...)
			want -= len(digests)
			continue
		}
		if err := r.head(line, &want); err != nil {
			return r, fmt.Errorf("record: line %d: %w", n, err)
		}
	}
	if want > 0 {
		return r, fmt.Errorf("record: it ends %d digests early", want)
	}
	return r, lines.Err()
}

// head reads a line that holds no digests.
func (r *Record) head(line string, want *int) error {
	word, rest, _ := strings.Cut(line, " ")
	var err error
	switch word {
	case "sources":
		r.Sources = rest
	case "seed":
		_, err = fmt.Sscanf(rest, "%d", &r.Seed)
	case "shelf":
		var s Shelf
		_, err = fmt.Sscanf(rest, "%s %d", &s.Name, want)
		r.Shelves = append(r.Shelves, s)
	default:
		err = fmt.Errorf("%q is no line of a record", line)
	}
	return err
}

func decode(line string) ([]uint32, error) {
	if len(line)%digits != 0 {
		return nil, fmt.Errorf("%d characters are no whole number of digests", len(line))
	}
	var all []uint32
	for i := 0; i < len(line); i += digits {
		b, err := base64.RawURLEncoding.DecodeString(line[i:i+digits] + "A")
		if err != nil {
			return nil, err
		}
		all = append(all, uint32(b[0])<<10|uint32(b[1])<<2|uint32(b[2])>>6)
	}
	return all, nil
}
