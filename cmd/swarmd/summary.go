package main

import (
	"fmt"
	"slices"
	"strings"

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
