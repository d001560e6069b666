package drill

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/swarmd/swarmd/internal/clock"
)

// Figures are when what was seen first, since the drill began.
type Figures struct {
	began time.Time
	marks []mark
	say   func(after time.Duration, text string)
}

type mark struct {
	name  string
	after time.Duration
}

// once tells what is true for the first time.
func (f *Figures) once(name string, is bool, text string) {
	if !is || f.has(name) {
		return
	}
	f.marks = append(f.marks, mark{name, time.Since(f.began)})
	f.say(f.marks[len(f.marks)-1].after, text)
}

func (f *Figures) has(name string) bool {
	return slices.ContainsFunc(f.marks, func(m mark) bool { return m.name == name })
}

// String are all figures in one line.
func (f Figures) String() string {
	var words []string
	for _, m := range f.marks {
		words = append(words, fmt.Sprintf("%s after %s", m.name, m.after.Round(100*time.Millisecond)))
	}
	return strings.Join(words, ", ")
}

func pause(ctx context.Context, d time.Duration) error { return clock.Sleep(ctx, d) }
