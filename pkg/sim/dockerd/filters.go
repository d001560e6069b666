package dockerd

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"github.com/docker/docker/api/types/filters"
)

// hasPrefixOf reports whether value begins with one of the filter's values; a filter without values passes everything. The engine
// matches names and ids so.
func hasPrefixOf(args filters.Args, key, value string) bool {
	wanted := args.Get(key)
	return len(wanted) == 0 || slices.ContainsFunc(wanted, func(p string) bool { return strings.HasPrefix(value, p) })
}

// oneOf reports whether value is one of the filter's values, without regard to case; a filter without values passes everything.
func oneOf(args filters.Args, key string, values ...string) bool {
	wanted := args.Get(key)
	return len(wanted) == 0 || slices.ContainsFunc(wanted, func(w string) bool {
		return slices.ContainsFunc(values, func(v string) bool { return strings.EqualFold(v, w) })
	})
}

// hasLabels reports whether the labels have every "key" or "key=value" of the filter.
func hasLabels(args filters.Args, key string, labels map[string]string) bool {
	for _, want := range args.Get(key) {
		k, v, _ := strings.Cut(want, "=")
		have, found := labels[k]
		if !found || (v != "" && v != have) {
			return false
		}
	}
	return true
}

// parsed are filters that were read before and were in order, which is the same for all releases: clients ask with the same ones all the time.
var parsed = struct {
	sync.Mutex
	byText map[string]filters.Args
}{byText: map[string]filters.Args{}}

// maxParsed bounds them.
const maxParsed = 1000

// filters reads ?filters=.
func (d *dialect) filters(raw string) (filters.Args, error) {
	if raw == "" {
		return filters.NewArgs(), nil
	}
	parsed.Lock()
	defer parsed.Unlock()
	args, known := parsed.byText[raw]
	if !known {
		var err error
		if args, err = d.readFilters(raw); err != nil {
			return args, err
		}
		if len(parsed.byText) >= maxParsed {
			clear(parsed.byText)
		}
		parsed.byText[raw] = args
	}
	return args.Clone(), nil
}

// readFilters reads filters. Where the release has no word of its own for faulty ones, it says the decoder's, which the library hides.
func (d *dialect) readFilters(raw string) (filters.Args, error) {
	args, err := filters.FromJSON(raw)
	if err != nil && d.badFilters != nil {
		return args, d.badFilters
	}
	if err != nil {
		var any map[string]map[string]bool
		if fault := json.Unmarshal([]byte(raw), &any); fault != nil {
			return args, fault
		}
	}
	return args, err
}
