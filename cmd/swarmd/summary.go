package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/spec"
)

// priceList is what sizes cost, US dollars a month. A size that is not in it has no known price, which is not the same as none.
type priceList map[string]float64

// dollars is a sum for people. One of which nothing is known is not 0.
func dollars(sign string, sum float64, unknown bool) string {
	if unknown && sum == 0 {
		return "unknown"
	}
	return fmt.Sprintf("%s%.2f", sign, sum)
}

// each is what a machine of the size costs, for people.
func (l priceList) each(size string) string {
	if dollars, known := l[size]; known {
		return fmt.Sprintf("$%.2f/month each", dollars)
	}
	return "price unknown"
}

// unknown names the sizes of the file's pools without a known price, each once.
func (l priceList) unknown(s *spec.Spec) []string {
	sizes := []string{}
	for _, p := range s.Pools {
		if _, known := l[p.Size]; !known && p.Count > 0 && !slices.Contains(sizes, p.Size) {
			sizes = append(sizes, p.Size)
		}
	}
	return sizes
}

// uncounted says what a sum leaves out.
func (l priceList) uncounted(s *spec.Spec) string {
	if sizes := l.unknown(s); len(sizes) > 0 {
		return ", without " + strings.Join(sizes, ", ") + ": price unknown"
	}
	return ""
}

// poolChanges says what becomes of the pools that have more or fewer machines than the file wants, after all passes: a plan has the steps of the
// next one alone.
func poolChanges(w io.Writer, o outlook) {
	for _, c := range o.Pools {
		if c.Have == c.Desired {
			continue
		}
		size := ""
		for _, p := range o.file.Pools {
			if p.Name == c.Pool {
				size = fmt.Sprintf(" of %s in %s (%s)", p.Size, p.Region, o.prices.each(p.Size))
			}
		}
		printf(w, "pool %s: %d → %s%s\n", c.Pool, c.Have, plural(c.Desired, "droplet"), size)
	}
}

// stepLines are the steps for people: the droplets that are made alike are one line, where the first of them is.
func stepLines(steps []plan.Step, prices priceList) []string {
	alike := map[string]int{}
	for _, s := range steps {
		if c, ok := s.Action.(plan.CreateDroplet); ok {
			alike[kindOfDroplet(c)]++
		}
	}
	lines := make([]string, len(steps)) // "" for what an earlier line says
	for i, s := range steps {
		what, why := s.Action.About().Object.String(), s.Reason.Text
		if c, ok := s.Action.(plan.CreateDroplet); ok {
			n := alike[kindOfDroplet(c)]
			if n == 0 {
				continue
			}
			alike[kindOfDroplet(c)] = 0
			why = fmt.Sprintf("%s (%s in %s, %s): %s", plural(n, "droplet"), c.Size, c.Region, prices.each(c.Size), why)
		}
		lines[i] = fmt.Sprintf("%s %s: %s", sign(s.Action), what, why)
	}
	return lines
}

func kindOfDroplet(c plan.CreateDroplet) string {
	return strings.Join([]string{c.Pool, c.Size, c.Region, c.Image}, " ")
}
